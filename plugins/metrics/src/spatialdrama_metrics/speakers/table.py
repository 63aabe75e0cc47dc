"""Names of speaker embedders, in one table; an object with ``embed`` is one, too."""

from __future__ import annotations

import importlib
from typing import Any

from spatialdrama.errors import UnknownNameError, ValidationError

#: Name to module, class, and what stands after a colon in ``"name:argument"``.
EMBEDDERS = {
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
    if not isinstance(which, str):
        if not hasattr(which, "embed") or isinstance(which, type):
            raise ValidationError(
                f"embedder must be a name or an object with embed(mono, rate=); got {which!r}"
            )
        return which
    name, _, argument = which.partition(":")
    if name not in EMBEDDERS:
        raise UnknownNameError(
            f"no speaker embedder is called {name!r}; use one of {', '.join(EMBEDDERS)}, or give "
            "an object with embed(mono, rate=)"
        )
    module, target, takes = EMBEDDERS[name]
    if argument and not takes:
        raise ValidationError(f"embedder {name!r} takes nothing after a colon, got {argument!r}")
    found = getattr(importlib.import_module(f"{__package__}.{module}"), target)
    return found(argument) if argument else found()
