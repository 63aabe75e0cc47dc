"""Names of trackers, in one table; an object with ``track`` is one, too."""

from __future__ import annotations

import importlib
from typing import Any

from spatialdrama.errors import UnknownNameError, ValidationError

#: Name to module and class.
TRACKERS = {
    "swift-f0": ("swift", "SwiftF0"),
    "yin": ("yin", "Yin"),
    "world": ("world", "World"),
    "praat": ("praat", "Praat"),
    "crepe": ("crepe", "Crepe"),
}
#: What may stand after a colon.
_VARIANTS = {"world": ("dio", "harvest"), "crepe": ("full", "tiny")}


def tracker(which: Any) -> Any:
    """Turn a name into a pitch tracker.

    Parameters
    ----------
    which : str or object
        ``"swift-f0"``, ``"yin"``, ``"world"`` (or ``"world:harvest"``), ``"praat"``, ``"crepe"``
        (or ``"crepe:tiny"``), or an object with ``track(mono, rate=, hop_s=, low=, high=)``,
        which is returned as it is.

    Returns
    -------
    object
        Nothing is loaded before it is used.

    Raises
    ------
    UnknownNameError
        No such name.
    ValidationError
        Neither a name nor a tracker.

    Examples
    --------
    >>> tracker("world:harvest")
    World(method='harvest')
    """
    if not isinstance(which, str):
        if not hasattr(which, "track") or isinstance(which, type):
            raise ValidationError(
                "tracker must be a name or an object with track(mono, rate=, hop_s=, low=, high=); "
                f"got {which!r}"
            )
        return which
    name, _, variant = which.partition(":")
    if name not in TRACKERS or (variant and variant not in _VARIANTS.get(name, ())):
        names = [*TRACKERS, *(f"{n}:{v}" for n, vs in _VARIANTS.items() for v in vs)]
        raise UnknownNameError(f"no tracker is called {which!r}; use one of {', '.join(names)}")
    module, target = TRACKERS[name]
    made = getattr(importlib.import_module(f"{__package__}.{module}"), target)
    return made(variant) if variant else made()
