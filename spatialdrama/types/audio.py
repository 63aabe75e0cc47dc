"""Two-ear sound with its rate, never rescaled behind the user's back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import xarray as xr

from spatialdrama.conventions import EARS
from spatialdrama.errors import ValidationError
from spatialdrama.types import reprs
from spatialdrama.types.validate import FrozenMapping, check_finite, finite, readonly

RATES = (8_000, 192_000)


def _checked(samples: Any) -> np.ndarray:
    array = np.asarray(samples)
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

    samples: np.ndarray = attrs.field(converter=_checked, eq=attrs.cmp_using(eq=np.array_equal))
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
        return _rebuilt, (self.samples, self.rate, dict(self.provenance))

    @property
    def data(self) -> xr.DataArray:
        """(ear, time) float32 with labelled ears and lazy times in s."""
        index = xr.indexes.RangeIndex.arange(
            0.0, self.samples.shape[1] / self.rate, 1.0 / self.rate, dim="time"
        )
        # arange may round one sample up or down; linspace states the count.
        if index.size != self.samples.shape[1]:
            index = xr.indexes.RangeIndex.linspace(
                0.0,
                (self.samples.shape[1] - 1) / self.rate,
                num=self.samples.shape[1],
                dim="time",
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
        return self.samples.shape[1] / self.rate

    @property
    def peak(self) -> float:
        """Largest absolute sample of either ear."""
        return float(np.abs(self.samples).max())

    def cut(self, start: float, end: float) -> BinauralAudio:
        """Return the part from `start` to `end` (s), cut to what there is.

        Raises
        ------
        ValidationError
            When nothing of the audio lies in between.
        """
        first = max(round(finite(start, "start") * self.rate), 0)
        last = min(round(finite(end, "end") * self.rate), self.samples.shape[1])
        if last <= first:
            raise ValidationError(
                f"nothing to cut between {start:.3f} and {end:.3f} s; the audio ends at "
                f"{self.duration:.3f} s."
            )
        return BinauralAudio(self.samples[:, first:last], self.rate, provenance=self.provenance)

    def save(self, path: Any, *, subtype: str | None = None) -> Any:
        """Write WAV or FLAC by the suffix; see :func:`spatialdrama.io.audio.write_binaural`."""
        from spatialdrama.io import audio

        return audio.write_binaural(self, path, subtype=subtype)

    @classmethod
    def load(cls, path: Any, *, rate: int | None = None) -> BinauralAudio:
        """Read a two-channel file; `rate` refuses files at another one."""
        from spatialdrama.io import audio

        return audio.read_binaural(path, rate=rate)

    def __repr__(self) -> str:
        peak = 20 * np.log10(max(self.peak, 1e-9))
        return f"BinauralAudio({self.duration:.2f} s at {self.rate} Hz, peak {peak:.1f} dBFS)"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from spatialdrama.io import audio

        return reprs.bundle(self, body=audio.player_html(self))


def _rebuilt(samples: np.ndarray, rate: int, provenance: dict[str, Any]) -> BinauralAudio:
    return BinauralAudio(samples, rate, provenance=provenance)
