"""Text of one line, in one or two languages, to the symbols the network reads.

A line is cut by script: Han characters are Mandarin, Latin letters English; digits and punctuation
follow what stands before them. Scripts that the voice cannot speak are refused before anything is
synthesized.
"""

from __future__ import annotations

import importlib.resources
import json
import re
import unicodedata

import attrs

from spatialdrama.errors import ValidationError

from . import mandarin
from .english.tokens import reader

LANGUAGES = ("en", "zh")
REMEDY = "the voice kokoro speaks English (en) and Mandarin (zh): translate the line"
# Language codes and the accent or language they mean here.
CODES = {
    **{"en": "en", "en-us": "en", "en-gb": "en", "en-au": "en", "eng": "en", "english": "en"},
    **{"zh": "zh", "zh-cn": "zh", "zh-tw": "zh", "zh-hans": "zh", "zh-hant": "zh", "zh-sg": "zh"},
    **{"cmn": "zh", "chinese": "zh", "mandarin": "zh", "zho": "zh"},
}
# The network's table of symbols and numbers (config.json of Kokoro-82M).
SYMBOLS: dict[str, int] = json.loads(
    (importlib.resources.files("spatialdrama_speech") / "data" / "symbols.json").read_text("utf-8")
)
PUNCTUATION = frozenset(';:,.!?—…"()“” ')
BEFORE, AFTER = "ˈˌ", "ːʰʲ\u0303↓→↗↘ᵝ"  # marks that belong to the next or the previous symbol


@attrs.frozen(kw_only=True)
class Phonemes:
    """A line as the network reads it.

    Parameters
    ----------
    symbols
        One character per token, every one in :data:`SYMBOLS`.
    languages
        Languages spoken, in order of first use, like ``("en", "zh")``.
    guessed
        English words read letter by letter.
    dropped
        Characters of the text that have no sound, in order.
    """

    symbols: str
    languages: tuple[str, ...]
    guessed: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def tokens(self) -> tuple[int, ...]:
        return tuple(SYMBOLS[c] for c in self.symbols)


def main_language(language: str | None) -> str | None:
    """The voice's name for a language code; None stays None (by script).

    Raises
    ------
    ValidationError
        If the voice does not speak it.

    Example
    -------
    >>> main_language("en-GB"), main_language("zh_CN"), main_language(None)
    ('en', 'zh', None)
    """
    if language is None or not str(language).strip():
        return None
    code = str(language).strip().lower().replace("_", "-")
    if code not in CODES:
        raise ValidationError(f"the language {language!r} is not one this voice has; {REMEDY}")
    return CODES[code]


def to_phonemes(text: str, *, language: str | None = None, british: bool = False) -> Phonemes:
    """Turn a line into symbols.

    Parameters
    ----------
    text
        English, Mandarin or both.
    language
        "en", "zh", a regional code of either, or None. It decides how leading digits are read;
        letters are read by their script whatever it says.
    british
        British pronunciation of English.

    Raises
    ------
    ValidationError
        If the text is empty, has nothing to speak, or has letters of another script.

    Example
    -------
    >>> to_phonemes("Hamlet说：你好。").languages
    ('en', 'zh')
    """
    main = main_language(language)
    if not isinstance(text, str) or not text.strip():
        raise ValidationError(f"a line must have words to speak; got {text!r}; write some text")
    text = unicodedata.normalize("NFC", text)
    refuse_other_scripts(text)
    if not any(c.isalnum() for c in text):
        raise ValidationError(
            f"the line {text.strip()!r} is punctuation only; write words, or leave the line out"
        )
    parts, guessed, dropped = [], [], []
    languages = []
    for spoken, stretch in split_by_script(text, main):
        if spoken == "zh":
            reading = mandarin.read(stretch)
        else:
            reading = reader(british=british).read(stretch)
            guessed.extend(reading.guessed)
        parts.append(reading.phonemes)
        dropped.extend(reading.dropped)
        if spoken not in languages and any(c.isalnum() for c in stretch):
            languages.append(spoken)
    symbols = re.sub(r" ([;:,.!?…])", r"\1", " ".join(part for part in parts if part))
    dropped.extend(c for c in symbols if c not in SYMBOLS)
    symbols = "".join(c for c in symbols if c in SYMBOLS)
    if all(c in PUNCTUATION for c in symbols):
        raise ValidationError(f"nothing of the line {text.strip()!r} can be spoken; write words")
    return Phonemes(
        symbols=symbols,
        languages=tuple(languages),
        guessed=tuple(guessed),
        dropped=tuple(dropped),
    )


def words(
    text: str, *, language: str | None = None, british: bool = False
) -> tuple[tuple[str, str], ...]:
    """Return a line in pieces as they are read, each with its symbols.

    A piece of English is what stands between spaces, with its punctuation and with numbers written
    out; a piece of Mandarin is a stretch of it, numbers written out too. Arguments and errors are
    those of :func:`to_phonemes`.

    Example
    -------
    >>> words("Hamlet说：“3个”")
    (('Hamlet', 'hˈæmlət'), ('说：三个', 'ʂwo→: sa→nkɤ↘'))
    """
    to_phonemes(text, language=language, british=british)  # the same refusals
    found: list[tuple[str, str]] = []
    normal = unicodedata.normalize("NFC", text)
    for spoken, stretch in split_by_script(normal, main_language(language)):
        if spoken == "zh":
            found.append((mandarin.numbers(stretch).strip(), mandarin.read(stretch).phonemes))
        else:
            found.extend(reader(british=british).words(stretch))
    return tuple((written, symbols) for written, symbols in found if symbols)


def split_by_script(text: str, main: str | None = None) -> list[tuple[str, str]]:
    """Cut a text into stretches of one language.

    Digits and signs belong to the letters before them, those at the start to ``main``, else to the
    first letters.

    Example
    -------
    >>> split_by_script("He said 你好, 3次. Right?")
    [('en', 'He said '), ('zh', '你好, 3次. '), ('en', 'Right?')]
    """
    kinds = ["zh" if mandarin.HAN.match(c) else "en" if c.isalpha() else "" for c in text]
    current = main or next((kind for kind in kinds if kind), "en")
    stretches: list[tuple[str, str]] = []
    for char, kind in zip(text, kinds, strict=True):
        current = kind or current
        if stretches and stretches[-1][0] == current:
            stretches[-1] = (current, stretches[-1][1] + char)
        else:
            stretches.append((current, char))
    return stretches


def refuse_other_scripts(text: str) -> None:
    """Raise :class:`ValidationError` for letters that are neither Latin nor Han."""
    for char in text:
        if not unicodedata.category(char).startswith("L"):
            continue
        name = unicodedata.name(char, "UNKNOWN")
        if name.startswith(("LATIN", "FULLWIDTH LATIN", "CJK ")) or char in "ªº〇":
            continue
        script = name.split()[0].title()
        raise ValidationError(
            f"the line {shorten(text)!r} has {script} letters ({char!r}); {REMEDY}"
        )


def shorten(text: str, length: int = 40) -> str:
    text = text.strip()
    return text if len(text) <= length else text[: length - 1] + "…"


def split_long(symbols: str, limit: int) -> list[str]:
    """Cut a string of symbols at clauses into pieces no longer than ``limit``.

    A piece ends after the last sentence mark that fits, else the last comma, else the last space.

    Example
    -------
    >>> split_long("aaa. bb, cc", 6)
    ['aaa.', 'bb, cc']
    """
    pieces = []
    while len(symbols) > limit:
        window = symbols[: limit + 1]
        for marks in (".!?…", ";:—", ",", " "):
            at = max(window[:limit].rfind(mark) for mark in marks)
            if at > limit // 4:
                break
        else:
            at = limit - 1
        pieces.append(symbols[: at + 1].strip())
        symbols = symbols[at + 1 :].strip()
    return [*pieces, symbols] if symbols else pieces
