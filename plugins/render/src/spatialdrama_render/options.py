"""The options of the renderer ``physical``, checked before any work."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama_render.head_preparation import EQUALISATIONS, PHASES
from spatialdrama_render.hrtf import INTERPOLATIONS, ITD_MODELS
from spatialdrama_render.images import ABSORPTION_LAWS
from spatialdrama_render.near_field import NEAR_MODELS

#: Options that are one of a few words.
WORDS = {
    "interpolation": INTERPOLATIONS,
    "equalisation": EQUALISATIONS,
    "itd": ITD_MODELS,
    "phase": PHASES,
    "near": ("auto", *NEAR_MODELS, "none"),
    "absorption_law": ABSORPTION_LAWS,
    "mono": ("dry", "recorded"),
}
#: Seeds end where numpy's 64-bit ones do.
_LARGEST_SEED = 2**63 - 1


def check_options(renderer: Any) -> None:
    """Raise for options of a renderer that mean nothing, and make plain numbers of the others.

    Raises
    ------
    ValidationError
        Names the option, what it takes and what was given. Truth and falsehood are no numbers
        here, and words are no truth: ``tail="no"`` would count as true.
    """
    for name, known in WORDS.items():
        value = getattr(renderer, name)
        if not isinstance(value, str) or value not in known:
            raise ValidationError(f"{name} must be one of {', '.join(known)}; got {value!r}.")
    renderer.order = check_whole(renderer.order, "order", 0, 6)
    renderer.tail_seed = check_whole(renderer.tail_seed, "tail_seed", 0, _LARGEST_SEED)
    renderer.basis = check_whole(renderer.basis, "basis", 1, 4096, "filters")
    if not isinstance(renderer.tail, (bool, np.bool_)):
        raise ValidationError(f"tail must be True or False; got {renderer.tail!r}.")
    renderer.tail = bool(renderer.tail)
    if not _is_whole(renderer.threads) or renderer.threads not in (1, 2):
        raise ValidationError(f"threads must be 1 or 2; got {renderer.threads!r}.")
    renderer.threads = int(renderer.threads)
    limit = renderer.near_limit
    if isinstance(limit, bool) or not isinstance(limit, Real) or not 0 < limit < np.inf:
        raise ValidationError(f"near_limit must be more than 0 m, and finite; got {limit!r}.")
    renderer.near_limit = float(limit)


def check_whole(value: Any, what: str, low: int, high: int, unit: str = "") -> int:
    """Return a whole number within bounds as an int; numpy's whole numbers are fine.

    Examples
    --------
    >>> from spatialdrama_render.options import check_whole
    >>> check_whole(2, "order", 0, 6)
    2
    """
    if not _is_whole(value) or not low <= value <= high:
        kind = "0 or more" if low == 0 and high == _LARGEST_SEED else f"from {low} to {high}"
        raise ValidationError(
            f"{what} must be a whole number {kind}{unit and ' ' + unit}; got {value!r}."
        )
    return int(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
