"""F0 frame error and its two parts: does a line have the reference's intonation?"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.dsp.stft import as_samples
from spatialdrama.errors import PluginError, ValidationError
from spatialdrama.types import BinauralAudio, Score
from spatialdrama_metrics.functional.pairs import aligned_pair
from spatialdrama_metrics.named import placed
from spatialdrama_metrics.pitch.align import mel_cepstra, warping_path
from spatialdrama_metrics.pitch.errors import pitch_errors
from spatialdrama_metrics.pitch.table import tracker as named
from spatialdrama_metrics.pitch.track import grid_frames
from spatialdrama_metrics.recognise.downmix import Downmix, downmix

Alignment = Literal["time", "dtw"]

#: Tracks that were computed last: the three metrics of a line need the same ones.
_KEPT: OrderedDict[Any, NDArray] = OrderedDict()
_MOST_KEPT = 64
_LOCK = threading.Lock()


def _positive(instance: Any, attribute: attrs.Attribute, value: float) -> None:
    if not 0 < value < float("inf"):
        raise ValidationError(f"{attribute.name} must be a positive number, got {value!r}")


def _band(instance: Any, attribute: attrs.Attribute, value: float | None) -> None:
    if value is not None and not 0 < value <= 1:
        raise ValidationError(f"band must be a share in (0, 1] or None, got {value!r}")


@attrs.frozen(kw_only=True)
class _Pitch:
    """Compares two pitch tracks; subclasses name the ratio and what it is a share of."""

    which: ClassVar[str]
    tracker: Any = attrs.field(default="swift-f0", converter=named)
    device: str | None = None
    alignment: Alignment = attrs.field(
        default="time", validator=attrs.validators.in_(("time", "dtw"))
    )
    downmix: Downmix = attrs.field(
        default="louder", validator=attrs.validators.in_(("louder", "aligned", "mean"))
    )
    tolerance: float = attrs.field(default=0.2, validator=_positive)
    hop_s: float = attrs.field(default=0.01, validator=_positive)
    low: float = attrs.field(default=60.0, validator=_positive)
    high: float = attrs.field(default=600.0, validator=_positive)
    band: float | None = attrs.field(default=0.2, validator=_band)

    def __attrs_post_init__(self) -> None:
        placed(self, "tracker")
        if not 20 <= self.low < self.high <= 2000:
            raise ValidationError(
                f"the pitch range must satisfy 20 <= low < high <= 2000 Hz, got {self.low} and "
                f"{self.high}"
            )
        if not 0.001 <= self.hop_s <= 0.1:
            raise ValidationError(f"hop_s must lie between .001 and .1 s, got {self.hop_s!r}")

    def score(self, audio: BinauralAudio, *, reference: BinauralAudio) -> Score:
        """Score one line (or clip) against the same stretch of the reference.

        Parameters
        ----------
        audio, reference : BinauralAudio
            At one rate. With ``alignment="time"`` their lengths are at most .1 s apart and the
            longer is cut at its end; with ``"dtw"`` they may be as long as they like.

        Returns
        -------
        Score
            0 is best, 1 worst. ``weight`` = the frames that it is a share of, in seconds, so that
            an aggregate is the share of all frames. ``details``: ``ffe``, ``gpe``, ``vde``, the
            counts of frames, ``tracker`` and ``alignment``. A silent reference scores NaN with
            weight 0, and so does ``gpe`` where no frame is voiced in both.

        Raises
        ------
        ValidationError
            Rates or lengths differ, or the audio is malformed.
        AssetError, PluginImportError
            The tracker's file or package is missing; says what to type.
        """
        candidate, wanted = self._mono_pair(audio, reference)
        tracks = [self._track(mono, audio.rate) for mono in (candidate, wanted)]
        if self.alignment == "dtw":
            features = (
                mel_cepstra(mono, rate=audio.rate, hop_s=self.hop_s) for mono in (candidate, wanted)
            )
            path = warping_path(*features, band=self.band)
            tracks = [track[frames] for track, frames in zip(tracks, path.T, strict=True)]
        errors = pitch_errors(*tracks, tolerance=self.tolerance)
        details = {
            "ffe": errors.ffe,
            "gpe": errors.gpe,
            "vde": errors.vde,
            **errors._asdict(),
            "tracker": type(self.tracker).__name__,
            "alignment": self.alignment,
        }
        if not wanted.any():
            details["note"] = "the reference is silent here"
            return Score(float("nan"), weight=0.0, details=details)
        share_of = errors.both_voiced if self.which == "gpe" else errors.frames
        if not share_of:
            details["note"] = "no frame is voiced in both"
        return Score(details[self.which], weight=share_of * self.hop_s, details=details)

    def _mono_pair(self, audio: BinauralAudio, reference: BinauralAudio) -> list[NDArray]:
        for role, given in (("audio", audio), ("reference", reference)):
            if not isinstance(given, BinauralAudio):
                raise ValidationError(f"{role} must be a BinauralAudio, got {type(given).__name__}")
        if audio.rate != reference.rate:
            raise ValidationError(
                f"audio is at {audio.rate} Hz and reference at {reference.rate} Hz; resample one "
                "of them first"
            )
        if self.alignment == "time":
            pair = aligned_pair(audio.samples, reference.samples, rate=audio.rate)
        else:
            both = (as_samples(given.samples, ears=2) for given in (audio, reference))
            pair = tuple(ears - ears.mean(axis=1, keepdims=True) for ears in both)
        return [downmix(ears, rate=audio.rate, method=self.downmix) for ears in pair]

    def _track(self, mono: NDArray, rate: int) -> NDArray[np.float64]:
        frames = grid_frames(len(mono), rate=rate, hop_s=self.hop_s)
        peak = float(np.abs(mono).max())
        if peak == 0:
            return np.zeros(frames)
        # Trackers have absolute floors of their own; at full scale none of them depends on gain.
        mono = np.asarray(mono / peak, dtype=np.float64)
        options = {"rate": rate, "hop_s": self.hop_s, "low": self.low, "high": self.high}
        # Only trackers that cannot change are remembered; anybody else's may.
        frozen = type(self.tracker).__module__.startswith("spatialdrama_metrics.pitch.")
        key = (frozen and self.tracker, *options.values(), hashlib.blake2b(mono).digest())
        with _LOCK:
            kept = _KEPT.get(key)
        if frozen and kept is not None:
            return kept
        f0 = np.asarray(self.tracker.track(mono, **options), dtype=np.float64)
        if f0.shape != (frames,):
            raise PluginError(
                f"the tracker {type(self.tracker).__name__} returned shape {f0.shape} instead of "
                f"({frames},): a value every {self.hop_s} s from 0 to the end"
            )
        f0.setflags(write=False)
        if frozen:
            with _LOCK:
                _KEPT[key] = f0
                while len(_KEPT) > _MOST_KEPT:
                    _KEPT.popitem(last=False)
        return f0


@attrs.frozen(kw_only=True)
class Ffe(_Pitch):
    """F0 frame error: share of frames with a gross pitch or a voicing error (``ffe``).

    The louder ear of each is tracked, and both tracks are compared frame by frame.

    Parameters
    ----------
    tracker : str or object
        ``"swift-f0"`` (embedded), ``"yin"``, ``"world"``, ``"praat"``, ``"crepe"``, or anything
        with ``track(mono, rate=, hop_s=, low=, high=)``.
    alignment : {"time", "dtw"}
        ``"time"``: frames at the same time. ``"dtw"``: frames that dynamic time warping of mel
        cepstra pairs, for lines spoken at another tempo; shares are then of the path's steps.
    downmix : {"louder", "aligned", "mean"}
        How two ears become one signal.
    device : str, optional
        Where the tracker runs, if it can choose (CREPE): ``"cpu"`` or ``"cuda"``.
    tolerance : float
        Relative error beyond which a pitch is grossly wrong.
    hop_s : float
        s between frames.
    low, high : float
        Hz, range of the pitch.
    band : float, optional
        How far the warping may leave the straight line, as a share of the length.

    References
    ----------
    W. Chu and A. Alwan (2009), "Reducing F0 frame error of F0 tracking algorithms under noisy
    conditions with an unvoiced/voiced classification frontend", ICASSP, 3969-3972.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio
    >>> t = np.arange(24000) / 48000
    >>> def voice(hz):
    ...     one = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 9)) / 5
    ...     return BinauralAudio(np.stack([one, one]), 48000)
    >>> ffe = Ffe(tracker="yin")
    >>> ffe.score(voice(165), reference=voice(150)).value
    0.0
    >>> round(ffe.score(voice(195), reference=voice(150)).value, 1)
    1.0
    """

    which = "ffe"


@attrs.frozen(kw_only=True)
class Gpe(_Pitch):
    """Gross pitch error: share of frames voiced in both whose pitch is 20 % off (``gpe``).

    Parameters and source as for :class:`Ffe`. NaN where no frame is voiced in both.

    Examples
    --------
    >>> Gpe(tracker="praat", alignment="dtw").tolerance
    0.2
    """

    which = "gpe"


@attrs.frozen(kw_only=True)
class Vde(_Pitch):
    """Voicing decision error: share of frames voiced in one of the two alone (``vde``).

    Parameters and source as for :class:`Ffe`.

    Examples
    --------
    >>> Vde(tracker="world", low=75.0).low
    75.0
    """

    which = "vde"
