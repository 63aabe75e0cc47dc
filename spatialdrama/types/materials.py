"""How much sound walls swallow: octave bands, names of walls, well-known materials.

The coefficients are random-incidence absorption as tabulated in the annex of M. Vorländer (2008),
"Auralization", Springer, which collects national standards and laboratory measurements. Rows that
end at 4 kHz there are held for 8 kHz.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types.validate import FrozenMapping, unknown_name

#: Hz; centres of the octave bands in which rooms are described.
BANDS: Final = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
#: The six walls, in the order of every (6, ...) array: high x, low x, high y, low y, low z, high z.
WALLS: Final = ("front", "back", "left", "right", "floor", "ceiling")
#: Shorthand in a mapping of walls: the four that stand upright.
UPRIGHT: Final = "walls"

#: name -> absorption in each of `BANDS`.
MATERIALS: Final[Mapping[str, tuple[float, ...]]] = FrozenMapping({
    "acoustic-ceiling": (0.49, 0.53, 0.53, 0.75, 0.92, 0.99, 0.99),  # fissured tiles
    "acoustic-plaster": (0.17, 0.36, 0.66, 0.65, 0.62, 0.68, 0.68),  # 25 mm
    "audience": (0.24, 0.40, 0.78, 0.98, 0.96, 0.87, 0.87),  # on wooden chairs, 2 per m2
    "brick": (0.01, 0.01, 0.02, 0.02, 0.02, 0.02, 0.02),  # smooth, flush pointing, painted
    "carpet": (0.08, 0.08, 0.30, 0.60, 0.75, 0.80, 0.80),  # 9 mm tufted pile on felt
    "carpet-thin": (0.02, 0.04, 0.08, 0.20, 0.35, 0.40, 0.40),  # cemented to concrete
    "concrete": (0.01, 0.01, 0.02, 0.02, 0.02, 0.05, 0.05),  # smooth, unpainted
    "curtains": (0.30, 0.45, 0.65, 0.56, 0.59, 0.71, 0.71),  # cotton, 0.5 kg/m2, draped to 3/4
    "curtains-velvet": (0.05, 0.12, 0.35, 0.45, 0.38, 0.36, 0.36),  # tight
    "glass": (0.10, 0.05, 0.04, 0.03, 0.03, 0.03, 0.03),  # window, 0.68 kg/m2
    "linoleum": (0.02, 0.03, 0.03, 0.03, 0.03, 0.02, 0.02),  # or cork, on concrete
    "marble": (0.01, 0.01, 0.01, 0.02, 0.02, 0.02, 0.02),
    "mineral-wool": (0.22, 0.60, 0.92, 0.90, 0.88, 0.88, 0.88),  # rockwool, 50 mm, 80 kg/m3
    "open": (1.0,) * 7,  # no wall there: nothing comes back
    "plaster": (0.02, 0.02, 0.03, 0.03, 0.04, 0.05, 0.05),  # hard walls on average
    "plasterboard": (0.15, 0.10, 0.06, 0.04, 0.04, 0.05, 0.05),  # on a frame, wool behind
    "seats": (0.44, 0.60, 0.77, 0.89, 0.82, 0.70, 0.70),  # upholstered with cloth, empty
    "stage-floor": (0.10, 0.07, 0.06, 0.06, 0.06, 0.06, 0.06),  # 27 mm wood over air
    "tiles": (0.01, 0.01, 0.01, 0.02, 0.02, 0.02, 0.02),  # ceramic
    "wood-lining": (0.27, 0.23, 0.22, 0.15, 0.10, 0.07, 0.06),  # 12 mm on a frame
    "wooden-door": (0.14, 0.10, 0.06, 0.08, 0.10, 0.10, 0.10),
})  # fmt: skip

#: What one wall may be: a number, one number a band, or the name of a material.
Absorption = float | tuple[float, ...] | str


class Walls(FrozenMapping):
    """All six walls by name, in the order of `WALLS`; equal by content and usable as a key."""

    __slots__ = ()

    def __hash__(self) -> int:
        return hash(tuple(self.items()))


def check_absorption(value: Any) -> Absorption | Walls:
    """Return what a room keeps of its ``absorption``, or raise.

    Parameters
    ----------
    value : number, seven numbers, str or mapping
        A mapping names all six walls; ``"walls"`` stands for the four upright ones that it does
        not name.

    Raises
    ------
    ValidationError
        For shares of energy outside 0 to 1, unknown materials or walls, walls left out, and walls
        that absorb nothing at all in some band, where sound would never decay.

    Examples
    --------
    >>> from spatialdrama.types.materials import check_absorption
    >>> check_absorption({"walls": 0.1, "floor": "carpet", "ceiling": 0.6, "left": "open"})
    {'front': 0.1, 'back': 0.1, 'left': 'open', 'right': 0.1, 'floor': 'carpet', 'ceiling': 0.6}
    """
    kept = _walls(value) if isinstance(value, Mapping) else _one_wall(value, "absorption")
    silent = absorption_table(kept).max(axis=0) <= 0
    if silent.any():
        raise ValidationError(
            f"absorption is 0 on every wall at {BANDS[int(np.argmax(silent))]:g} Hz; sound would "
            "never decay, so give it more than zero."
        )
    return kept


def absorption_table(absorption: Absorption | Walls) -> np.ndarray:
    """Return (6, 7) shares of energy that each of `WALLS` takes in each of `BANDS`.

    Examples
    --------
    >>> from spatialdrama.types.materials import absorption_table
    >>> absorption_table("carpet")[0].tolist()
    [0.08, 0.08, 0.3, 0.6, 0.75, 0.8, 0.8]
    """
    each = absorption if isinstance(absorption, Mapping) else dict.fromkeys(WALLS, absorption)
    rows = [MATERIALS[v] if isinstance(v, str) else v for v in (each[w] for w in WALLS)]
    return np.array([np.broadcast_to(row, len(BANDS)) for row in rows], dtype=float)


def check_bands(value: Any, what: str, unit: str) -> tuple[float, ...]:
    """Return one finite float for each of `BANDS`, or raise naming them."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.shape != (len(BANDS),):
        bands = ", ".join(f"{b:g}" for b in BANDS)
        raise ValidationError(
            f"{what} must be one number or seven, {unit} at {bands} Hz; got {value!r}."
        )
    if not np.isfinite(array).all():
        raise ValidationError(f"{what} must be seven finite numbers; got {value!r}.")
    return tuple(map(float, array))


def _walls(value: Mapping[Any, Any]) -> Walls:
    for name in value:
        if name not in (*WALLS, UPRIGHT):
            raise ValidationError(str(unknown_name("wall", name, (*WALLS, UPRIGHT))))
    upright = dict.fromkeys(WALLS[:4], value[UPRIGHT]) if UPRIGHT in value else {}
    every = {**upright, **{k: v for k, v in value.items() if k != UPRIGHT}}
    missing = [w for w in WALLS if w not in every]
    if missing:
        raise ValidationError(
            f"absorption says nothing of {', '.join(missing)}; name all six walls, or use "
            f"'{UPRIGHT}' for the upright ones."
        )
    return Walls({w: _one_wall(every[w], f"absorption of {w}") for w in WALLS})


def _one_wall(value: Any, what: str) -> Absorption:
    if isinstance(value, str):
        if value not in MATERIALS:
            raise ValidationError(str(unknown_name("material", value, MATERIALS)))
        return value
    if not hasattr(value, "__len__") or getattr(value, "shape", None) == ():
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        shares: Any = number
    else:
        shares = check_bands(value, what, "shares of energy")
    if not (np.min(shares) >= 0 and np.max(shares) <= 1):
        raise ValidationError(f"{what} is a share of energy, 0 to 1; got {value!r}.")
    return shares
