"""Names of trackers, in one table; an object with ``track`` is one, too."""

from __future__ import annotations

from typing import Any

from spatialdrama_metrics.named import Table, chosen

TRACKERS: Table = {
    "swift-f0": ("swift", "SwiftF0", ()),
    "yin": ("yin", "Yin", ()),
    "world": ("world", "World", ("dio", "harvest")),
    "praat": ("praat", "Praat", ()),
    "crepe": ("crepe", "Crepe", ("full", "tiny")),
}


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
    return chosen(
        which, TRACKERS, option="tracker", what="tracker", methods=("track",),
        call="track(mono, rate=, hop_s=, low=, high=)", package=__package__,
    )  # fmt: skip
