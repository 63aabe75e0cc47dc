"""``isdrama/ipd_mae`` and ``isdrama/ild_mae``: shells over the published interaural errors."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Score
from spatialdrama_metrics.published import interaural
from spatialdrama_metrics.published.reading import check_pair, check_reading

READINGS = ("code", "paper")


def _reading(instance: Any, attribute: attrs.Attribute, value: Any) -> None:
    check_reading(value, READINGS)


def _switch(instance: Any, attribute: attrs.Attribute, value: Any) -> None:
    if value not in (None, True, False):
        raise ValidationError(f"{attribute.name} must be True, False or None, got {value!r}")


@attrs.frozen(kw_only=True)
class _Published:
    """Compares a candidate with a reference; subclasses say in what, and which quirks there are."""

    quirks: ClassVar[dict[str, dict[str, bool]]]
    reading: str = attrs.field(default="code", validator=_reading)
    mel: bool | None = attrs.field(default=None, validator=_switch)
    per_frame: bool | None = attrs.field(default=None, validator=_switch)

    def score(self, audio: BinauralAudio, *, reference: BinauralAudio) -> Score:
        """Score one clip against the same stretch of the reference.

        Parameters
        ----------
        audio, reference : BinauralAudio
            At one rate; the longer one is cut to the frames of the shorter, whatever the
            difference.

        Returns
        -------
        Score
            ``weight`` is 1: the published figure is the plain mean over files. ``details``:
            ``reading`` and the quirks that were on, ``frames``, and ``mono`` (what one signal in
            both ears would score). Silence is not special: a silent ear pair has phase and level
            difference 0, one silent ear a level difference of 200 dB and more.

        Raises
        ------
        ValidationError
            Rates differ, or a clip is shorter than 513 samples at 32 kHz (16 ms).
        """
        check_pair(audio, reference)
        options = dict(self.quirks[self.reading])
        for name in options:
            if getattr(self, name) is not None:
                options[name] = bool(getattr(self, name))
        error = self.compute(audio.samples, reference.samples, rate=audio.rate, **options)
        details = {"reading": self.reading, **options, "frames": error.frames, "mono": error.mono}
        return Score(error.value, details=details)


@attrs.frozen(kw_only=True)
class PublishedIpdMae(_Published):
    """Error of the interaural phase difference as published (``isdrama/ipd_mae``).

    For comparison with printed tables only: it rewards output without any phase difference, and
    falls with the clip's length. ``ipd_mae`` is the one to improve.

    Parameters
    ----------
    reading : {"code", "paper"}
        What the released code does (not wrapped, on mel bands, divided by the number of frames
        once more), or what the paper's equations say (none of the three).
    wrap, mel, per_frame : bool, optional
        Switch one of the three by itself; None follows ``reading``.

    References
    ----------
    Zhang et al. (2025), "ISDrama", equations 20 to 22, and its released evaluation code.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio
    >>> noise = np.random.default_rng(0).standard_normal((2, 48000)) / 10
    >>> audio = BinauralAudio(noise, 48000)
    >>> mono = BinauralAudio(noise[[0, 0]], 48000)
    >>> score = PublishedIpdMae().score(mono, reference=audio)
    >>> round(score.value, 3), score.details["frames"], score.value == score.details["mono"]
    (0.033, 101, True)
    """

    quirks = {  # noqa: RUF012 (read only)
        "code": {"wrap": False, "mel": True, "per_frame": True},
        "paper": {"wrap": True, "mel": False, "per_frame": False},
    }
    compute = staticmethod(interaural.ipd_mae)
    wrap: bool | None = attrs.field(default=None, validator=_switch)


@attrs.frozen(kw_only=True)
class PublishedIldMae(_Published):
    """Error of the interaural level difference as published (``isdrama/ild_mae``).

    For comparison with printed tables only: it weighs silent bins like loud ones and falls with
    the clip's length. ``ild_mae`` is the one to improve.

    Parameters
    ----------
    reading : {"code", "paper"}
        What the released code does (on mel bands, divided by the number of frames once more), or
        what the paper's equations say (neither of the two).
    mel, per_frame : bool, optional
        Switch one of the two by itself; None follows ``reading``.

    References
    ----------
    Zhang et al. (2025), "ISDrama", equations 20 and 23, and its released evaluation code.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio
    >>> noise = np.random.default_rng(0).standard_normal((2, 48000)) / 10
    >>> audio, louder = BinauralAudio(noise, 48000), BinauralAudio(noise * [[1], [2]], 48000)
    >>> round(PublishedIldMae(reading="paper").score(louder, reference=audio).value)
    602
    """

    quirks = {  # noqa: RUF012 (read only)
        "code": {"mel": True, "per_frame": True},
        "paper": {"mel": False, "per_frame": False},
    }
    compute = staticmethod(interaural.ild_mae)
