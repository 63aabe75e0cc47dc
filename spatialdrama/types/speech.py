"""What a voice gives back: one dry mono line with the times of its sounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import reprs
from spatialdrama.types.script import Phone
from spatialdrama.types.validate import (
    FrozenMapping,
    check_finite,
    is_stored,
    readonly,
    same_samples,
)


def _identical(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b)


@attrs.frozen(repr=False, hash=False)
class Speech:
    """One spoken line, mono and dry.

    Parameters
    ----------
    samples : (n,) float32
        May lie in a file, as those of a long drama do: ``samples`` then reads them each time, and
        ``signal`` is what renderers read slice by slice.
    rate : int, Hz
    phones : tuple of Phone
        Times in seconds from the first sample.
    f0 : (t,) float32, Hz, optional
        Fundamental frequency, 0 where unvoiced.
    f0_hop : float, s
        Seconds from one value of `f0` to the next.
    text, language, identity : str
    provenance : mapping
        What made it: model, hash, options.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import Speech
    >>> Speech(np.zeros(24000), 24000, text="(silence)")
    Speech(1.00 s at 24000 Hz, '(silence)')
    """

    _samples: Any = attrs.field(
        converter=lambda s: s if is_stored(s) else readonly(s, np.float32),
        eq=attrs.cmp_using(eq=same_samples, require_same_type=False),
    )
    rate: int = attrs.field(converter=int)
    phones: tuple[Phone, ...] = attrs.field(default=(), converter=tuple, kw_only=True)
    f0: np.ndarray | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(lambda f: readonly(f, np.float32)),
        eq=attrs.cmp_using(eq=_identical, require_same_type=False),
        kw_only=True,
    )
    f0_hop: float = attrs.field(default=0.0, kw_only=True)
    text: str = attrs.field(default="", kw_only=True)
    language: str = attrs.field(default="", kw_only=True)
    identity: str = attrs.field(default="", kw_only=True)
    provenance: Mapping[str, Any] = attrs.field(factory=dict, converter=FrozenMapping, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self._samples.ndim != 1:
            raise ValidationError(
                f"Speech is mono, shape (n,); got {self._samples.shape}. "
                "Take one channel or their mean."
            )
        if len(self._samples) == 0:
            raise ValidationError("Speech has no samples.")
        if not is_stored(self._samples):
            check_finite(self._samples, "Speech sample", "the voice gave a broken signal.")
        if self.rate <= 0:
            raise ValidationError(f"Speech rate must be positive; got {self.rate}.")

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, so that a copy's buffers are read-only too.
        fields = {a.alias: getattr(self, a.name) for a in attrs.fields(Speech)}
        fields["provenance"] = dict(self.provenance)
        return _rebuilt, (fields,)

    @property
    def samples(self) -> np.ndarray:
        """(n,) float32; of a stem that lies in a file all of it, read anew."""
        return np.asarray(self._samples)

    @property
    def signal(self) -> Any:
        """The samples as they are kept: an array, or :class:`spatialdrama.io.stored.Stored`."""
        return self._samples

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self._samples) / self.rate

    def resampled(self, rate: int) -> Speech:
        """Return the same speech at `rate` (soxr, very high quality); times do not change."""
        if rate == self.rate:
            return self
        import soxr

        samples = soxr.resample(self.samples, self.rate, rate, quality="VHQ")
        return attrs.evolve(self, samples=samples, rate=rate)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from spatialdrama.io import audio

        return reprs.bundle(self, body=audio.mono_player_html(self.samples, self.rate))

    def __repr__(self) -> str:
        text = self.text if len(self.text) < 40 else self.text[:37] + "..."
        return f"Speech({self.duration:.2f} s at {self.rate} Hz, {text!r})"


def _rebuilt(fields: dict[str, Any]) -> Speech:
    return Speech(**fields)
