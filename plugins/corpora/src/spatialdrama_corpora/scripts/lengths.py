"""How long a line will be when it is spoken, told from its letters."""

from __future__ import annotations

import re

#: Letters (English, spaces included) and Han characters a second, without pauses, and s of pause
#: at a comma and at the end of a sentence: least squares over 24 lines that the voice
#: ``kokoro`` spoke at its own speed, silent ends cut off.
LETTERS, HAN = 19.1, 5.8
COMMA, STOP = 0.145, 0.224

_HAN = re.compile(r"[\u3400-\u9fff]")
_COMMA = re.compile(r"[,;:，；：、—]")
_STOP = re.compile(r"[.!?…。！？]+(?=.)")


def spoken_seconds(text: str) -> float:
    """Return about how long `text` takes at the speed of ordinary reading.

    Parameters
    ----------
    text : str
        English, Mandarin or both.

    Returns
    -------
    float, s

    Examples
    --------
    >>> round(spoken_seconds("Nay, answer me: stand, and unfold yourself."), 1)
    2.5
    """
    han = len(_HAN.findall(text))
    letters = sum(c.isalpha() or c in " '" for c in text) - han
    pauses = COMMA * len(_COMMA.findall(text)) + STOP * len(_STOP.findall(text.strip()))
    return han / HAN + letters / LETTERS + pauses
