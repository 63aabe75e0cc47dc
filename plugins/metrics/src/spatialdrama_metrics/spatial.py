"""The interaural errors as metrics: thin shells over :mod:`spatialdrama_metrics.functional`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Score
from spatialdrama_metrics.functional import (
    SpatialError,
    coherence_error,
    ild_error,
    ipd_error,
    itd_error,
)


def _positive(instance: Any, attribute: attrs.Attribute, value: float | None) -> None:
    if value is not None and not 0 < value < float("inf"):
        raise ValidationError(f"{attribute.name} must be a positive number, got {value!r}")


@attrs.frozen(kw_only=True)
class _Interaural:
    """Compares a candidate with a reference; subclasses name the function and the unit."""

    compute: ClassVar[Callable[..., SpatialError]]
    unit: ClassVar[str]
    gate_db: float | None = attrs.field(default=None, validator=_positive)

    def score(self, audio: BinauralAudio, *, reference: BinauralAudio) -> Score:
        """Score one line (or clip) against the same stretch of the reference.

        Parameters
        ----------
        audio, reference : BinauralAudio
            At one rate; lengths at most .1 s apart, the longer is cut at its end.

        Returns
        -------
        Score
            ``weight`` = seconds of active reference, so that an aggregate is the mean over time.
            ``details``: ``bias`` (signed mean, positive = too far left; of coherence: too
            coherent), ``mono`` (what one signal
            in both ears would score), ``silent`` (share of the time in which the candidate has no
            sound), ``unit``. A silent reference scores NaN with weight 0.

        Raises
        ------
        ValidationError
            Rates differ, lengths differ, or the audio is malformed.
        """
        _check(audio, reference)
        options = {} if self.gate_db is None else {"gate_db": self.gate_db}
        error = type(self).compute(audio.samples, reference.samples, rate=audio.rate, **options)
        details = {"unit": self.unit, **error._asdict()}
        details.pop("value")
        if error.seconds == 0:
            details["note"] = "the reference is silent here"
        return Score(error.value, weight=error.seconds, details=details)

    def score_batch(
        self, audios: Sequence[BinauralAudio], *, reference: Sequence[BinauralAudio]
    ) -> list[Score]:
        """Score many clips, each against its own reference; equal to :meth:`score` one by one.

        What was heard of a clip is kept for the other interaural metrics and for its next
        appearance, here as in :meth:`score`
        (:mod:`spatialdrama_metrics.functional.analysis`; 64 MB at most, whatever the number).

        Parameters
        ----------
        audios, reference : sequence of BinauralAudio
            As many of one as of the other.

        Returns
        -------
        list of Score

        Raises
        ------
        ValidationError
            As :meth:`score`, with the item's number, or when there are more of one than the other.
        """
        audios, reference = list(audios), list(reference)
        if len(audios) != len(reference):
            raise ValidationError(
                f"score_batch got {len(audios)} audios and {len(reference)} references; give one "
                "reference for each"
            )
        scores = []
        for item, (audio, wanted) in enumerate(zip(audios, reference, strict=True)):
            try:
                scores.append(self.score(audio, reference=wanted))
            except ValidationError as error:
                raise ValidationError(f"item {item}: {error}") from None
        return scores


def _check(audio: Any, reference: Any) -> None:
    for role, given in (("audio", audio), ("reference", reference)):
        if not isinstance(given, BinauralAudio):
            raise ValidationError(f"{role} must be a BinauralAudio, got {type(given).__name__}")
    if audio.rate != reference.rate:
        raise ValidationError(
            f"audio is at {audio.rate} Hz and reference at {reference.rate} Hz; resample one "
            "of them first (resampling both ears alike keeps their differences)"
        )


@attrs.frozen(kw_only=True)
class ItdMae(_Interaural):
    """Mean absolute error of the interaural time difference, microseconds (``itd_mae``).

    Parameters
    ----------
    gate_db : float, optional
        Compare frames at most this far below the reference's loudest one; default 20 dB.

    References
    ----------
    C. H. Knapp and G. C. Carter (1976), IEEE Trans. ASSP 24, 320-327.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio
    >>> noise = np.random.default_rng(0).standard_normal(48010) / 10
    >>> reference = BinauralAudio(np.stack([noise[10:], noise[:-10]]), 48000)
    >>> mono = BinauralAudio(np.stack([noise, noise])[:, 10:], 48000)
    >>> round(ItdMae().score(mono, reference=reference).value)
    208
    """

    compute = staticmethod(itd_error)
    unit = "us"


@attrs.frozen(kw_only=True)
class IldMae(_Interaural):
    """Mean absolute error of the interaural level difference in ERB bands, dB (``ild_mae``).

    Parameters
    ----------
    gate_db : float, optional
        Compare band-frames at most this far below the reference's loudest one; default 40 dB.

    References
    ----------
    B. R. Glasberg and B. C. J. Moore (1990), Hearing Research 47, 103-138.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio
    >>> noise = np.random.default_rng(0).standard_normal((2, 24000)) / 10
    >>> audio, reference = BinauralAudio(noise, 48000), BinauralAudio(noise * [[2], [1]], 48000)
    >>> round(IldMae().score(audio, reference=reference).value, 2)
    6.02
    """

    compute = staticmethod(ild_error)
    unit = "dB"


@attrs.frozen(kw_only=True)
class IpdMae(_Interaural):
    """Mean absolute error of the interaural phase difference, wrapped, radians (``ipd_mae``).

    Parameters
    ----------
    gate_db : float, optional
        Compare bins at most this far below the reference's strongest one; default 40 dB.

    References
    ----------
    J. Blauert (1997), "Spatial Hearing", section 2.4, for the band of 100 Hz to 1.5 kHz.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio
    >>> audio = BinauralAudio(np.random.default_rng(0).standard_normal((2, 24000)) / 10, 48000)
    >>> flipped = BinauralAudio(audio.samples * [[1], [-1]], 48000)
    >>> round(IpdMae().score(flipped, reference=audio).value, 4)
    3.1416
    """

    compute = staticmethod(ipd_error)
    unit = "rad"


@attrs.frozen(kw_only=True)
class CoherenceMae(_Interaural):
    """Mean absolute error of the interaural coherence in ERB bands, 0 to 1 (``coherence_mae``).

    Parameters
    ----------
    gate_db : float, optional
        Compare band-frames at most this far below the reference's loudest one; default 40 dB.

    References
    ----------
    J. Blauert and W. Lindemann (1986), J. Acoust. Soc. Am. 79, 806-813.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio
    >>> one, two = np.random.default_rng(0).standard_normal((2, 24000)) / 10
    >>> dry, apart = (BinauralAudio(np.stack([one, x]), 48000) for x in (one, two))
    >>> score = CoherenceMae().score(dry, reference=apart)
    >>> bool(score.value > 0.6), bool(score.details["bias"] > 0)  # too coherent
    (True, True)
    """

    compute = staticmethod(coherence_error)
    unit = ""
