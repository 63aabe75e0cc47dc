"""Two-ear sound with its rate, in memory or in a file, never rescaled behind the user's back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import numpy as np
import xarray as xr

from spatialdrama.conventions import EARS
from spatialdrama.errors import ValidationError
from spatialdrama.types import reprs
from spatialdrama.types.validate import (
    FrozenMapping,
    check_finite,
    finite,
    is_stored,
    readonly,
    same_samples,
)

RATES = (8_000, 192_000)
#: Samples of each ear that :meth:`BinauralAudio.blocks` gives at a time.
BLOCK = 1 << 18


def _checked(samples: Any) -> Any:
    # What lies in a file stays there; its samples are checked as they are read.
    array = samples if is_stored(samples) else np.asarray(samples)
    if array.ndim != 2 or array.shape[0] != 2:
        hint = ""
        if array.ndim == 2 and array.shape[1] == 2:
            hint = " It looks transposed: use samples.T."
        elif array.ndim == 1:
            hint = " It has one channel: render it first, with sd.load_renderer('physical')."
        raise ValidationError(
            f"BinauralAudio needs shape (2, n), left then right; got {array.shape}.{hint}"
        )
    if array.shape[1] == 0:
        raise ValidationError("BinauralAudio has no samples.")
    if is_stored(array):
        return array
    array = readonly(array, np.float32)
    check_finite(array, "sample", "the sound is broken; look where it was made.")
    return array


@attrs.frozen(repr=False, hash=False)
class BinauralAudio:
    """Sound at two ears.

    Parameters
    ----------
    samples : (2, n) float32
        Left, then right. Both ears share one gain; values beyond 1 are kept and shown, and
        clip only where a file format cannot hold them, which :meth:`save` refuses to do.
        Long sound may lie in a file (:meth:`open`, :meth:`from_blocks`): ``samples`` then reads
        all of it, each time, and :meth:`cut` and :meth:`blocks` only what is looked at.
    rate : int, Hz
        8 000 to 192 000.
    provenance : mapping
        What made it.

    Raises
    ------
    ValidationError
        For one channel, NaN or a rate outside the range.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio
    >>> audio = BinauralAudio(np.zeros((2, 480)), 48_000)
    >>> audio.duration
    0.01
    """

    _samples: Any = attrs.field(
        converter=_checked, eq=attrs.cmp_using(eq=same_samples, require_same_type=False)
    )
    rate: int = attrs.field()
    provenance: Mapping[str, Any] = attrs.field(
        factory=dict, converter=FrozenMapping, kw_only=True, eq=False
    )

    @rate.validator
    def _check_rate(self, _: Any, value: int) -> None:
        if not finite(value, "rate").is_integer() or not RATES[0] <= value <= RATES[1]:
            raise ValidationError(
                f"rate must be a whole number of Hz from {RATES[0]} to {RATES[1]}; got {value}."
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, so that a copy's buffer is read-only too.
        return _rebuilt, (self._samples, self.rate, dict(self.provenance))

    @property
    def samples(self) -> np.ndarray:
        """(2, n) float32; of stored sound all of it, read anew."""
        return np.asarray(self._samples)

    @property
    def is_stored(self) -> bool:
        """Whether the samples lie in a file and not in memory."""
        return is_stored(self._samples)

    @property
    def stored(self) -> Any:
        """The :class:`spatialdrama.io.stored.Stored` samples, or None for those in memory."""
        return self._samples if self.is_stored else None

    @property
    def length(self) -> int:
        """Samples of each ear."""
        return self._samples.shape[1]

    @property
    def data(self) -> xr.DataArray:
        """(ear, time) float32 with labelled ears and lazy times in s."""
        index = xr.indexes.RangeIndex.arange(0.0, self.duration, 1.0 / self.rate, dim="time")
        # arange may round one sample up or down; linspace states the count.
        if index.size != self.length:
            index = xr.indexes.RangeIndex.linspace(
                0.0, (self.length - 1) / self.rate, num=self.length, dim="time"
            )
        return xr.DataArray(
            self.samples,
            dims=("ear", "time"),
            coords=xr.Coordinates.from_xindex(index),
            attrs={"sampling_rate": self.rate},
        ).assign_coords(ear=list(EARS))

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.length / self.rate

    @property
    def peak(self) -> float:
        """Largest absolute sample of either ear."""
        if self.is_stored:
            return self._samples.peak
        return float(np.abs(self._samples).max())

    def blocks(self, size: int = BLOCK) -> Iterator[np.ndarray]:
        """Yield (2, m) float32 pieces of `size` samples, the last one shorter."""
        for low in range(0, self.length, size):
            yield self.span(low, low + size)

    def span(self, low: int, high: int) -> np.ndarray:
        """Return (2, high - low) float32 samples from number `low` on, cut to what there is."""
        low, high = max(low, 0), min(high, self.length)
        if self.is_stored:
            return self._samples.read_slice(low, high)
        return self._samples[:, low:high]

    def scaled(self, factor: float) -> BinauralAudio:
        """Return the sound with both ears times one positive factor, in single precision."""
        if self.is_stored:
            samples = self._samples.times(factor)
        else:
            samples = self._samples * np.float32(factor)
        return attrs.evolve(self, samples=samples)

    def cut(self, start: float, end: float) -> BinauralAudio:
        """Return the part from `start` to `end` (s), cut to what there is.

        Of stored sound the part stays where it lies, until its samples are asked for.

        Raises
        ------
        ValidationError
            When nothing of the audio lies in between.
        """
        first = max(round(finite(start, "start") * self.rate), 0)
        last = min(round(finite(end, "end") * self.rate), self.length)
        if last <= first:
            raise ValidationError(
                f"nothing to cut between {start:.3f} and {end:.3f} s; the audio ends at "
                f"{self.duration:.3f} s."
            )
        cut = self._samples.part if self.is_stored else self.span
        return BinauralAudio(cut(first, last), self.rate, provenance=self.provenance)

    def save(self, path: Any, *, subtype: str | None = None) -> Any:
        """Write WAV or FLAC by the suffix; see :func:`spatialdrama.io.audio.write_binaural`."""
        from spatialdrama.io import audio

        return audio.write_binaural(self, path, subtype=subtype)

    @classmethod
    def load(cls, path: Any, *, rate: int | None = None) -> BinauralAudio:
        """Read a two-channel file; `rate` refuses files at another one."""
        from spatialdrama.io import audio

        return audio.read_binaural(path, rate=rate)

    @classmethod
    def open(cls, path: Any, *, rate: int | None = None) -> BinauralAudio:
        """Return a two-channel file as sound that stays in it; it must not change meanwhile.

        Examples
        --------
        >>> hour = BinauralAudio.open("out/demo/drama.wav")              # doctest: +SKIP
        >>> hour.cut(1800, 1805)                                        # doctest: +SKIP
        BinauralAudio(5.00 s at 48000 Hz, peak -12.1 dBFS)
        """
        from spatialdrama.io import audio

        return audio.open_binaural(path, rate=rate)

    @classmethod
    def from_blocks(
        cls,
        blocks: Iterable[np.ndarray],
        rate: int,
        *,
        folder: Any = None,
        provenance: Mapping[str, Any] | None = None,
    ) -> BinauralAudio:
        """Gather (2, m) blocks; beyond a minute they go into a nameless file as they come.

        Parameters
        ----------
        blocks : iterable of (2, m) float32
        rate : int, Hz
        folder : path, optional
            On whose disk; default the system's temporary folder. The file goes when nothing of
            the sound is used any more.
        provenance : mapping, optional

        Raises
        ------
        ValidationError
            Also when the disk is full.

        Examples
        --------
        >>> import numpy as np
        >>> from spatialdrama.types import BinauralAudio
        >>> BinauralAudio.from_blocks((np.ones((2, 480)) for _ in range(10)), 48_000).duration
        0.1
        """
        from spatialdrama.io import stored

        return cls(stored.gathered(blocks, 2, folder=folder), rate, provenance=provenance or {})

    def __repr__(self) -> str:
        peak = 20 * np.log10(max(self.peak, 1e-9))
        return f"BinauralAudio({self.duration:.2f} s at {self.rate} Hz, peak {peak:.1f} dBFS)"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from spatialdrama.io import audio

        return reprs.bundle(self, body=audio.player_html(self))


def _rebuilt(samples: Any, rate: int, provenance: dict[str, Any]) -> BinauralAudio:
    return BinauralAudio(samples, rate, provenance=provenance)
