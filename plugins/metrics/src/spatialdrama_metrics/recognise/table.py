"""Names of recognisers, in one table; an object with ``transcribe`` or ``heard`` is one, too."""

from __future__ import annotations

from typing import Any

from spatialdrama.errors import ValidationError
from spatialdrama_metrics.named import Table, chosen

RECOGNISERS: Table = {
    "whisper-base": ("whisper", "Whisper", ""),
    "faster-whisper": ("faster", "FasterWhisper", "a size or a local folder"),
    "paraformer-zh": ("paraformer", "Paraformer", "a local folder"),
    "transcripts": ("transcripts", "Transcripts.load", "a JSON file"),
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
    if which == "transcripts":
        raise ValidationError(
            "recogniser 'transcripts' needs its file, like 'transcripts:heard.json', or give "
            "Transcripts({text: heard})"
        )
    return chosen(
        which, RECOGNISERS, option="recogniser", what="recogniser",
        methods=("transcribe", "heard"), call="transcribe(mono, rate=, languages=)",
        package=__package__,
    )  # fmt: skip
