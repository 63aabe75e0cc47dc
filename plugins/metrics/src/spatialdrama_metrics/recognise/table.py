"""Names of recognisers, in one table; an object with ``transcribe`` or ``heard`` is one, too."""

from __future__ import annotations

import importlib
from typing import Any

from spatialdrama.errors import UnknownNameError, ValidationError

#: Name to module, class, and what stands after a colon in ``"name:argument"``.
RECOGNISERS = {
    "whisper-base": ("whisper", "Whisper", ""),
    "faster-whisper": ("faster", "FasterWhisper", "a size or a local folder"),
    "paraformer-zh": ("paraformer", "Paraformer", "a local folder"),
    "transcripts": ("transcripts", "Transcripts", "a JSON file"),
}


def recogniser(which: Any) -> Any:
    """Turn a name into a recogniser.

    Parameters
    ----------
    which : str or object
        ``"whisper-base"``, ``"faster-whisper:large-v3"``, ``"faster-whisper:FOLDER"``,
        ``"paraformer-zh:FOLDER"``, ``"transcripts:FILE.json"``, or an object with
        ``transcribe(mono, rate=, languages=)`` (or ``heard(line)``), which is returned as it is.

    Returns
    -------
    object
        Nothing is loaded before it is used.

    Raises
    ------
    UnknownNameError
        No such name.
    ValidationError
        Neither a name nor a recogniser.

    Examples
    --------
    >>> recogniser("faster-whisper:small").model
    'small'
    """
    if not isinstance(which, str):
        if not (hasattr(which, "transcribe") or hasattr(which, "heard")) or isinstance(which, type):
            raise ValidationError(
                "recogniser must be a name or an object with transcribe(mono, rate=, languages=); "
                f"got {which!r}"
            )
        return which
    name, _, argument = which.partition(":")
    if name not in RECOGNISERS:
        raise UnknownNameError(
            f"no recogniser is called {name!r}; use one of {', '.join(RECOGNISERS)}, or give an "
            "object with transcribe(mono, rate=, languages=)"
        )
    module, target, takes = RECOGNISERS[name]
    if argument and not takes:
        raise ValidationError(f"recogniser {name!r} takes nothing after a colon, got {argument!r}")
    found = getattr(importlib.import_module(f"{__package__}.{module}"), target)
    if name == "transcripts":
        if not argument:
            raise ValidationError(
                "recogniser 'transcripts' needs its file, like 'transcripts:heard.json', or give "
                "Transcripts({text: heard})"
            )
        return found.load(argument)
    return found(argument) if argument else found()
