"""What the interaural errors hear of one sound, kept so that they share it.

Level, phase and coherence come from one transform and delays from a second one. A table asks for
several metrics on the same pair, and scores one reference against several systems and for chance:
each sound is analysed once as long as its analysis is among the latest that fit ``KEPT_BYTES``.
"""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatialdrama.dsp.ear_bands import IPD_BAND, EarBands, ear_bands
from spatialdrama.dsp.interaural import ItdTrack, itd_track
from spatialdrama_metrics.functional.pairs import (
    HOP_S,
    LENGTH_TOLERANCE_S,
    SMOOTH_S,
    checked_pair,
)

#: Bytes of analyses that are kept: some 20 minutes of sound, however many items there are.
KEPT_BYTES = 64 << 20


class Sound(NamedTuple):
    """Two ears, of which the first ``n`` samples count, at ``rate``."""

    samples: NDArray[np.floating]
    n: int
    rate: float

    def bands(
        self,
        *,
        window_s: float,
        band: tuple[float, float] = IPD_BAND,
        smooth_s: float = SMOOTH_S,
    ) -> EarBands:
        """Bands, bins of `band`, coherence: :func:`spatialdrama.dsp.ear_bands.ear_bands`."""
        # Below twice 1.5 kHz there are no such phases, and levels are asked for all the same.
        kept = band if band != IPD_BAND or band[1] <= self.rate / 2 else None
        return _KEPT.get(
            self, ear_bands, window_s=window_s, hop_s=HOP_S, band=kept, smooth_s=smooth_s
        )

    def delays(self, *, window_s: float, band: tuple[float, float]) -> ItdTrack:
        """Delays in `band`; see :func:`spatialdrama.dsp.interaural.itd_track`."""
        return _KEPT.get(self, itd_track, window_s=window_s, hop_s=HOP_S, band=band)

    def centred(self) -> NDArray[np.floating]:
        """The samples that count, without their constant offset."""
        # A constant offset is not sound, but at the clip's ends it is a step, and that is.
        samples = self.samples[:, : self.n]
        return samples - samples.mean(axis=1, keepdims=True)


def sound_pair(
    audio: ArrayLike,
    reference: ArrayLike,
    *,
    rate: float,
    tolerance_s: float = LENGTH_TOLERANCE_S,
) -> tuple[Sound, Sound]:
    """Check a pair as :func:`aligned_pair` does, without computing on it yet.

    Raises
    ------
    ValidationError
        See :func:`aligned_pair`.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = sound_pair(np.zeros((2, 1000)), np.zeros((2, 990)), rate=48000)
    >>> a.n, b.n
    (990, 990)
    """
    first, second = checked_pair(audio, reference, rate=rate, tolerance_s=tolerance_s)
    n = min(first.shape[1], second.shape[1])
    return Sound(first, n, rate), Sound(second, n, rate)


@attrs.define(eq=False)
class _Kept:
    """The latest analyses, found again by what was heard."""

    limit: int
    entries: OrderedDict[Any, tuple[Any, int]] = attrs.field(factory=OrderedDict)
    size: int = 0
    hits: int = 0
    _lock: Any = attrs.field(factory=threading.Lock)

    def get(self, sound: Sound, analyse: Callable[..., Any], **options: Any) -> Any:
        key = (analyse.__name__, digest(sound.samples), sound.n, sound.rate, *options.values())
        with self._lock:
            if key in self.entries:
                self.entries.move_to_end(key)
                self.hits += 1
                return self.entries[key][0]
        result = analyse(sound.centred(), rate=sound.rate, **options)
        for part in result:
            if isinstance(part, np.ndarray):
                part.flags.writeable = False
        size = sum(getattr(part, "nbytes", 0) for part in result)
        with self._lock:
            if key not in self.entries:
                self.entries[key] = result, size
                self.size += size
            while self.size > self.limit:
                self.size -= self.entries.popitem(last=False)[1][1]
        return result

    def clear(self) -> None:
        with self._lock:
            self.entries.clear()
            self.size = self.hits = 0


_KEPT = _Kept(KEPT_BYTES)
#: Digests of arrays that nobody can write to, by their identity for as long as they live.
_DIGESTS: dict[int, tuple[weakref.ref, bytes]] = {}


def forget() -> None:
    """Drop all kept analyses (64 MB at most), as a benchmark does between rounds."""
    _KEPT.clear()
    _DIGESTS.clear()


def digest(samples: NDArray) -> bytes:
    """Fingerprint of samples, type and shape; read once for arrays that cannot change.

    Examples
    --------
    >>> import numpy as np
    >>> digest(np.zeros((2, 5))) == digest(np.zeros((2, 5)))
    True
    """
    fixed = _cannot_change(samples)
    if fixed:
        known = _DIGESTS.get(id(samples))
        if known is not None and known[0]() is samples:
            return known[1]
    mark = f"{samples.dtype.str}{samples.shape}".encode()
    found = hashlib.sha256(np.ascontiguousarray(samples).data)
    found.update(mark)
    if fixed:
        place = id(samples)

        def gone(ref: weakref.ref) -> None:
            if place in _DIGESTS and _DIGESTS[place][0] is ref:
                del _DIGESTS[place]

        _DIGESTS[place] = weakref.ref(samples, gone), found.digest()
    return found.digest()


def _cannot_change(samples: NDArray) -> bool:
    """Whether neither the array nor any that it is a view of can be written to."""
    while isinstance(samples, np.ndarray):
        if samples.flags.writeable:
            return False
        samples = samples.base
    return samples is None or isinstance(samples, bytes)
