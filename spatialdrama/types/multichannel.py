"""Sound in more channels than two ears: ambisonics and loudspeakers."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import reprs
from spatialdrama.types.audio import RATES
from spatialdrama.types.validate import (
    FrozenMapping,
    check_finite,
    finite,
    readonly,
    unknown_name,
)

#: Channels of each layout in the order of its files. ``foa`` is AmbiX: ACN order, SN3D. ``5.1`` is
#: ITU-R BS.775 in the order that WAV and FLAC name.
LAYOUTS = {"foa": ("W", "Y", "Z", "X"), "5.1": ("L", "R", "C", "LFE", "Ls", "Rs")}

#: dBFS; what the picture of levels shows as an empty bar.
_FLOOR_DB = -72.0


@attrs.frozen(repr=False, hash=False)
class MultichannelAudio:
    """Sound in the channels of a layout.

    Parameters
    ----------
    samples : (c, n) float32
        One row for each channel of the layout, see :data:`LAYOUTS`. All share one gain; values
        beyond 1 are kept, as in :class:`~spatialdrama.types.BinauralAudio`.
    rate : int, Hz
        8 000 to 192 000.
    layout : "foa" or "5.1"
    provenance : mapping
        What made it.

    Raises
    ------
    ValidationError
        For another number of channels, NaN, an unknown layout or a rate outside the range.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import MultichannelAudio
    >>> audio = MultichannelAudio(np.zeros((4, 480)), 48_000, "foa")
    >>> audio.channels, audio.duration
    (('W', 'Y', 'Z', 'X'), 0.01)
    """

    samples: np.ndarray = attrs.field(
        converter=lambda s: readonly(s, np.float32), eq=attrs.cmp_using(eq=np.array_equal)
    )
    rate: int = attrs.field()
    layout: str = attrs.field()
    provenance: Mapping[str, Any] = attrs.field(
        factory=dict, converter=FrozenMapping, kw_only=True, eq=False
    )

    def __attrs_post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise unknown_name("layout", self.layout, LAYOUTS)
        shape = self.samples.shape
        if len(shape) != 2 or shape[0] != len(self.channels):
            hint = (
                " It looks transposed: use samples.T." if shape[1:] == (len(self.channels),) else ""
            )
            raise ValidationError(
                f"layout {self.layout!r} needs shape ({len(self.channels)}, n), channels "
                f"{' '.join(self.channels)}; got {shape}.{hint}"
            )
        if shape[1] == 0:
            raise ValidationError("MultichannelAudio has no samples.")
        check_finite(self.samples, "sample", "the sound is broken; look where it was made.")
        if not finite(self.rate, "rate").is_integer() or not RATES[0] <= self.rate <= RATES[1]:
            raise ValidationError(
                f"rate must be a whole number of Hz from {RATES[0]} to {RATES[1]}; got {self.rate}."
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, so that a copy's buffer is read-only too.
        return _rebuilt, (self.samples, self.rate, self.layout, dict(self.provenance))

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in order."""
        return LAYOUTS[self.layout]

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples.shape[1] / self.rate

    @property
    def peak(self) -> float:
        """Largest absolute sample of any channel."""
        return float(np.abs(self.samples).max())

    @property
    def levels_db(self) -> dict[str, float]:
        """Root mean square of each channel in dBFS; minus infinity for silence."""
        power = np.mean(np.square(self.samples, dtype=np.float64), axis=1)
        with np.errstate(divide="ignore"):
            return dict(zip(self.channels, map(float, 10 * np.log10(power)), strict=True))

    def __getitem__(self, channel: str) -> np.ndarray:
        """Return the (n,) samples of a channel by its name.

        Examples
        --------
        >>> import numpy as np
        >>> from spatialdrama.types import MultichannelAudio
        >>> MultichannelAudio(np.eye(4), 48_000, "foa")["X"].tolist()
        [0.0, 0.0, 0.0, 1.0]
        """
        if channel not in self.channels:
            raise unknown_name("channel", channel, self.channels)
        return self.samples[self.channels.index(channel)]

    def save(self, path: Any, *, subtype: str | None = None) -> Any:
        """Write WAV or FLAC by the suffix; see :func:`spatialdrama.io.audio.write_multichannel`."""
        from spatialdrama.io import audio

        return audio.write_multichannel(self, path, subtype=subtype)

    @classmethod
    def load(cls, path: Any, layout: str, *, rate: int | None = None) -> MultichannelAudio:
        """Read a file of a layout, which files do not name; `rate` refuses files at another one."""
        from spatialdrama.io import audio

        return audio.read_multichannel(path, layout, rate=rate)

    def __repr__(self) -> str:
        peak = 20 * np.log10(max(self.peak, 1e-9))
        return (
            f"MultichannelAudio({self.layout}, {self.duration:.2f} s at {self.rate} Hz, "
            f"peak {peak:.1f} dBFS)"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return reprs.bundle(self, svg=_level_bars(self))


def _level_bars(audio: MultichannelAudio) -> str:
    """Return an SVG with a bar for each channel's level, and its number."""
    row, left, width = 22, 44, 260
    parts = []
    for i, (name, level) in enumerate(audio.levels_db.items()):
        share = float(np.clip(1 - level / _FLOOR_DB, 0.0, 1.0))
        y = i * row
        text = "silent" if level == -np.inf else f"{level:.1f} dBFS"
        parts.append(
            f'<text x="{left - 8}" y="{y + 15}" text-anchor="end" fill="currentColor">'
            f"{escape(name)}</text>"
            f'<rect x="{left}" y="{y + 4}" width="{width}" height="14" fill="currentColor" '
            'fill-opacity=".08"/>'
            f'<rect x="{left}" y="{y + 4}" width="{share * width:.1f}" height="14" '
            f'fill="{reprs.colour(0)}"/>'
            f'<text x="{left + width + 8}" y="{y + 15}" fill="currentColor">{text}</text>'
        )
    height = row * len(audio.channels)
    label = "Level of each channel: " + ", ".join(
        f"{name} {'silent' if level == -np.inf else f'{level:.1f} dBFS'}"
        for name, level in audio.levels_db.items()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 {height}" width="400" '
        f'height="{height}" role="img" aria-label="{escape(label)}" '
        'style="max-width:100%;height:auto;font:12px system-ui,sans-serif">'
        f"{''.join(parts)}</svg>"
    )


def _rebuilt(
    samples: np.ndarray, rate: int, layout: str, provenance: dict[str, Any]
) -> MultichannelAudio:
    return MultichannelAudio(samples, rate, layout, provenance=provenance)
