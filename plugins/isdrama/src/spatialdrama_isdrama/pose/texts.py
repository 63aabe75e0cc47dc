"""Words of prompts, cut into tokens and the pieces that these are made of."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence

from spatialdrama.errors import ValidationError

#: One token: a Han character, a run of letters, one digit, or a mark. Hyphens part words, so that
#: "front-right" is "front" and "right".
_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+|\d|[.,;:!?]")
#: Letters of the pieces of a word; inflections ("walk", "walks", "walking") share most of them.
_PIECE = 4


def checked_texts(texts: Sequence[str]) -> list[str]:
    """Return the texts as a list, or raise where one says nothing."""
    if isinstance(texts, str):
        raise ValidationError("give a list of texts, one an item; got a single string.")
    texts = list(texts)
    for i, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise ValidationError(f"text {i} has no words: {text!r}; say where the speaker is.")
    if not texts:
        raise ValidationError("give at least one text.")
    return texts


def tokens(text: str) -> list[str]:
    """Return the tokens of a text in English, Mandarin or both, lower-case.

    Examples
    --------
    >>> tokens("[Static] Sits at front-LEFT, 2 m")
    ['static', 'sits', 'at', 'front', 'left', ',', '2', 'm']
    >>> tokens("从左前方走来")
    ['从', '左', '前', '方', '走', '来']
    """
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).lower())


def pieces(words: Sequence[str]) -> list[list[str]]:
    """Return for each token what it is made of: itself, and letters in a row or its neighbour.

    A Han character comes with the two-character word that it may begin, a word with all runs of
    four of its letters and its edges.

    Examples
    --------
    >>> pieces(["walks"])
    [['walks', '<wal', 'walk', 'alks', 'lks>']]
    >>> pieces(["左", "前"])
    [['左', '左前'], ['前']]
    """
    out = []
    for i, word in enumerate(words):
        parts = [word]
        if is_han(word):
            if i + 1 < len(words) and is_han(words[i + 1]):
                parts.append(word + words[i + 1])
        elif len(word) > 2:
            edged = f"<{word}>"
            parts += [edged[k : k + _PIECE] for k in range(len(edged) - _PIECE + 1)]
        out.append(parts)
    return out


def is_han(word: str) -> bool:
    """Whether a token is a Han character."""
    return "\u3400" <= word <= "\u9fff"


def bucket(piece: str, buckets: int) -> int:
    """Return the number of a piece, the same on every machine and in every run.

    Examples
    --------
    >>> bucket("left", 4096)
    1896
    """
    return zlib.crc32(piece.encode()) % buckets
