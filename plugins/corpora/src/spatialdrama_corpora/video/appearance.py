"""What a speaker looks like: drawn from a seed, so that a speaker looks the same in every video."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError

Colour = tuple[float, float, float]

_SKINS = (
    (244, 208, 178), (232, 190, 158), (222, 172, 136), (198, 146, 108), (158, 108, 76),
    (116, 78, 56),
)  # fmt: skip
_HAIRS = (
    (34, 28, 28), (62, 42, 30), (96, 62, 36), (150, 106, 58), (192, 154, 96), (134, 62, 36),
    (150, 150, 152),
)  # fmt: skip
_EYES = ((92, 60, 36), (60, 40, 28), (74, 104, 140), (82, 112, 82))
_CLOTHES = (
    (46, 78, 130), (150, 56, 52), (62, 110, 76), (206, 196, 172), (92, 66, 110), (206, 148, 62),
    (70, 76, 84), (64, 132, 140),
)  # fmt: skip
_TROUSERS = ((44, 48, 62), (86, 74, 60), (58, 62, 58), (34, 36, 40), (104, 98, 92))
STYLES = ("short", "long", "bun", "bald")
PATTERNS = ("plain", "stripes", "checks", "rings")


@attrs.frozen
class Appearance:
    """Colours and shapes of one figure; colours are red, green, blue from 0 to 255.

    Parameters
    ----------
    skin, hair, eyes, shirt, shirt_second, trousers : three float
    style : str
        Of the hair: one of :data:`STYLES`.
    pattern : str
        Of the shirt: one of :data:`PATTERNS`.
    beard, glasses : bool
    blink_phase : float, s
        When the eyes first close; they do every four seconds or so.

    Examples
    --------
    >>> Appearance.of(3) == Appearance.of(3), Appearance.of(3) == Appearance.of(4)
    (True, False)
    """

    skin: Colour = attrs.field()
    hair: Colour = attrs.field()
    eyes: Colour = attrs.field()
    shirt: Colour = attrs.field()
    shirt_second: Colour = attrs.field()
    trousers: Colour = attrs.field()
    style: str = attrs.field(default="short")
    pattern: str = attrs.field(default="plain")
    beard: bool = attrs.field(default=False)
    glasses: bool = attrs.field(default=False)
    blink_phase: float = attrs.field(default=2.0)

    def __attrs_post_init__(self) -> None:
        for name, known in (("style", STYLES), ("pattern", PATTERNS)):
            if getattr(self, name) not in known:
                raise ValidationError(
                    f"{name} must be one of {', '.join(known)}; got {getattr(self, name)!r}."
                )

    @classmethod
    def of(cls, seed: int) -> Appearance:
        """Return the appearance that belongs to `seed`.

        Parameters
        ----------
        seed : int, 0 or more
        """
        try:
            rng = np.random.default_rng(seed)
        except (TypeError, ValueError):
            raise ValidationError(
                f"an appearance's seed must be a whole number, 0 or more; got {seed!r}."
            ) from None
        skin = _shifted(rng, _SKINS, 6)
        style = STYLES[rng.choice(4, p=(0.4, 0.3, 0.2, 0.1))]
        first, second = rng.choice(len(_CLOTHES), 2, replace=False)
        return cls(
            skin=skin,
            hair=_shifted(rng, _HAIRS, 6),
            eyes=_shifted(rng, _EYES, 4),
            shirt=_CLOTHES[first],
            shirt_second=_CLOTHES[second],
            trousers=_shifted(rng, _TROUSERS, 4),
            style=style,
            pattern=PATTERNS[rng.integers(len(PATTERNS))],
            beard=bool(style in ("short", "bald") and rng.random() < 0.35),
            glasses=bool(rng.random() < 0.25),
            blink_phase=float(rng.uniform(0.5, 4.0)),
        )

    @property
    def lips(self) -> Colour:
        """Redder than the skin, and darker."""
        return tuple(
            float(np.clip(s * k + m, 0, 255))
            for s, k, m in zip(self.skin, (0.80, 0.42, 0.44), (14, 6, 10), strict=True)
        )

    def blink(self, time: float) -> float:
        """Return how far the lids are closed at `time` (s), 0 to 1.

        Examples
        --------
        >>> person = Appearance.of(0)
        >>> person.blink(person.blink_phase), person.blink(person.blink_phase + 1.0)
        (1.0, 0.0)
        """
        period = 3.5 + 0.3 * self.blink_phase
        since = (time - self.blink_phase + period / 2) % period - period / 2
        return float(np.clip(1.6 - abs(since) / 0.07, 0.0, 1.0))


def _shifted(rng: np.random.Generator, colours: Any, spread: float) -> Colour:
    chosen = np.array(colours[rng.integers(len(colours))], float)
    chosen += rng.uniform(-spread, spread) + rng.uniform(-spread, spread, 3) / 2
    return tuple(float(c) for c in np.round(np.clip(chosen, 0, 255), 1))
