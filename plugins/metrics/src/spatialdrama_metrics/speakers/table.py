"""Names of speaker embedders, in one table; an object with ``embed`` is one, too."""

from __future__ import annotations

from typing import Any

from spatialdrama_metrics.named import Table, chosen

EMBEDDERS: Table = {
    "resemblyzer": ("resemblyzer", "Resemblyzer", ""),
    "wavlm": ("wavlm", "WavLm", "a local folder"),
}


def embedder(which: Any) -> Any:
    """Turn a name into a speaker embedder.

    Parameters
    ----------
    which : str or object
        ``"resemblyzer"``, ``"wavlm:FOLDER"``, or an object with ``embed(mono, rate=)`` that
        returns one vector, which is returned as it is.

    Returns
    -------
    object
        Nothing is loaded before it is used.

    Raises
    ------
    UnknownNameError
        No such name.
    ValidationError
        Neither a name nor an embedder.

    Examples
    --------
    >>> embedder("wavlm:models/wavlm").folder
    'models/wavlm'
    """
    return chosen(
        which, EMBEDDERS, option="embedder", what="speaker embedder", methods=("embed",),
        call="embed(mono, rate=)", package=__package__,
    )  # fmt: skip
