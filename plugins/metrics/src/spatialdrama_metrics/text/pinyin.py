"""Mandarin characters to syllables with tones, so that homophones compare as what they sound like.

他, 她 and 它 are one sound; a recogniser can only guess which. The character error rate counts the
guess, the error rate of syllables does not.
"""

from __future__ import annotations

import re
from importlib.util import find_spec

from spatialdrama_metrics.optional import optional
from spatialdrama_metrics.text.normalise import _HAN

_RUNS = re.compile(f"[{_HAN}]+|[^{_HAN}]")


def available() -> bool:
    """Whether pypinyin is installed."""
    return find_spec("pypinyin") is not None


def has_mandarin(text: str) -> bool:
    """Whether any character of `text` has a Mandarin reading.

    Examples
    --------
    >>> has_mandarin("他说 hello"), has_mandarin("hello")
    (True, False)
    """
    return re.search(f"[{_HAN}]", text) is not None


def syllables(text: str, *, tones: bool = True) -> list[str]:
    """Read a normalised text: a syllable for each Mandarin character, the rest letter by letter.

    Characters with several readings are read by the phrase they stand in (pypinyin).

    Parameters
    ----------
    text : str
        Normalised, without spaces.
    tones : bool
        Append 1 to 4, and 5 for the neutral tone.

    Returns
    -------
    list of str

    Raises
    ------
    PluginImportError
        pypinyin is not installed.

    Examples
    --------
    >>> syllables("他们ok"), syllables("银行", tones=False)
    (['ta1', 'men5', 'o', 'k'], ['yin', 'hang'])
    """
    reader = optional(
        "pypinyin", who="the error rate of tones", extra="spatialdrama-metrics[pinyin]"
    )
    style = reader.Style.TONE3 if tones else reader.Style.NORMAL
    out: list[str] = []
    for run in _RUNS.findall(text):
        if has_mandarin(run):
            out += reader.lazy_pinyin(
                run, style=style, neutral_tone_with_five=True, errors=lambda rare: list(rare)
            )
        else:
            out.append(run)
    return out
