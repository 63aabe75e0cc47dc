"""Text in Mandarin, English or both to phones with word boundaries (paper 4.2, appendix B)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from spatialdrama.errors import ValidationError

from . import english, inventory, mandarin
from .numbers import spell_out
from .reading import Builder, Reading, shorten

#: Language codes of a line and the language of the model they mean.
CODES = {
    **dict.fromkeys(("en", "en-us", "en-gb", "en-au", "eng", "english"), "en"),
    **dict.fromkeys(("zh", "zh-cn", "zh-tw", "zh-sg", "zh-hans", "zh-hant", "cmn", "zho"), "zh"),
    **dict.fromkeys(("chinese", "mandarin"), "zh"),
}
#: Marks of Mandarin text that are heard as a pause.
_PAUSES = frozenset("，。！？；：、．…—～~,.!?;:\n")
_PARTS = re.compile(rf"{mandarin.HAN.pattern}+|.", re.DOTALL)


def read(
    text: str,
    *,
    language: str | None = None,
    edges: bool = True,
    front_end: english.FrontEnd | None = None,
) -> Reading:
    """Read a line: Han characters by pypinyin, Latin letters by an English front end.

    Parameters
    ----------
    text
        Mandarin, English or both; punctuation becomes pauses.
    language
        "zh", "en", a regional code, or None. It decides how leading digits are read; letters are
        read by their script whatever it says.
    edges
        Whether the line begins and ends with a pause, as segments that are cut in the middle of
        the silence between two turns do (facts E12).
    front_end
        Reader of English words; that of the voice ``kokoro`` by default, asked for only if there
        are some.

    Raises
    ------
    ValidationError
        If there is nothing to speak, letters of another script, or a language the model has not.

    Example
    -------
    >>> reading = read("我有女儿。")
    >>> " ".join(reading.symbols)
    '<SP> uo iou n v er <SP>'
    >>> reading.words[reading.ph2word[3]], reading.text[2]
    ((2, 3), '女')
    """
    main = main_language(language)
    if not isinstance(text, str) or not any(c.isalnum() for c in text):
        raise ValidationError(f"a line has words to speak; got {text!r}; write some")
    text = unicodedata.normalize("NFC", text).strip()
    _refuse_other_scripts(text)
    stretches = list(split_by_script(text, main))
    builder = Builder()
    if edges:
        builder.pause("", stretches[0][0])
    for spoken, stretch in stretches:
        if spoken == "zh":
            _read_mandarin(stretch, builder)
        else:
            front_end = front_end or english.kokoro_front_end()
            _read_english(stretch, front_end, builder)
    if edges:
        builder.pause("", stretches[-1][0])
    return builder.finish()


def main_language(language: str | None) -> str | None:
    """Return "zh" or "en" for a language code; None stays None.

    Raises
    ------
    ValidationError
        If the model has no phones for it.

    Example
    -------
    >>> main_language("zh_CN"), main_language("en-GB")
    ('zh', 'en')
    """
    if language is None or not str(language).strip():
        return None
    code = str(language).strip().lower().replace("_", "-")
    if code not in CODES:
        raise ValidationError(
            f"the language {language!r} is not one of this model; it has Mandarin (zh) and "
            "English (en)"
        )
    return CODES[code]


def split_by_script(text: str, main: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield stretches of one language; digits and marks go with the letters before them.

    Example
    -------
    >>> list(split_by_script("He said 你好, 3次. Right?"))
    [('en', 'He said '), ('zh', '你好, 3次. '), ('en', 'Right?')]
    """
    kinds = ["zh" if mandarin.HAN.match(c) else "en" if c.isalpha() else "" for c in text]
    current = main or next(filter(None, kinds), "en")
    start = 0
    for i, kind in enumerate(kinds):
        if kind and kind != current:
            if i > start:
                yield current, text[start:i]
            current, start = kind, i
    yield current, text[start:]


def _read_mandarin(text: str, builder: Builder) -> None:
    for part in _PARTS.findall(spell_out(text)):
        if mandarin.HAN.match(part):
            for character, phones in zip(part, mandarin.syllables(part), strict=True):
                builder.word(character, phones, "zh")
        elif part in _PAUSES:
            builder.pause(part, "zh")
        else:
            builder.text += part


def _read_english(text: str, front_end: english.FrontEnd, builder: Builder) -> None:
    if not any(c.isalnum() for c in text):
        # A front end has words to read; a stretch of marks alone has none.
        marks = [c for c in text if c in _PAUSES]
        if marks:
            builder.pause(text, "en")
        else:
            builder.text += text
        return
    for written, phones in english.pieces(text, front_end):
        if phones == [(inventory.SILENCE, 0)]:
            builder.pause(written, "en")
        elif phones:
            builder.word(written, phones, "en")
        else:
            builder.text += written


def _refuse_other_scripts(text: str) -> None:
    for char in text:
        if not unicodedata.category(char).startswith("L") or mandarin.HAN.match(char):
            continue
        name = unicodedata.name(char, "UNKNOWN")
        if name.startswith(("LATIN", "FULLWIDTH LATIN")) or char in "ªº":
            continue
        raise ValidationError(
            f"the line {shorten(text)!r} has {name.split()[0].title()} letters ({char!r}); this "
            "model has Mandarin and English"
        )
