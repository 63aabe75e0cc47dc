"""Text to phones, word by word: Mandarin by pypinyin, English by the voice's own front end.

Plugins do not import each other, so the voice ``kokoro`` is asked by its name in the registry; its
method ``phonemes`` needs no network. Another front end may be given in its place.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

import attrs

from spatialdrama.errors import SpatialDramaError, ValidationError
from spatialdrama_corpora.annotate.symbols import (
    FINALS,
    FROM_MISAKI,
    INITIALS,
    MARKS,
    PAUSE,
    PAUSES,
    language_of,
)

VOICE = "kokoro"
#: Text and its language to (written, symbols) piece by piece, symbols in misaki's alphabet.
FrontEnd = Callable[..., tuple[tuple[str, str], ...]]

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff〇]")
_HAN_RUN = re.compile(rf"{_HAN.pattern}+|.", re.DOTALL)
_MARKS = re.compile("[" + re.escape("".join(PAUSES)) + "]+")
_QUOTES = "\"'“”‘’() "
#: Interjections whose readings are no syllables; MRSDrama's makers read them as these characters.
_READ_AS = str.maketrans("嗯呣唔哟唷", "蒽蒽蒽优优")
#: What pypinyin gives beyond the finals of MRSDrama.
_RARE = {"ueng": ("u", "eng"), "ê": ("ei",), "": ("en",)}


@attrs.frozen
class Reading:
    """A text as phones.

    Attributes
    ----------
    words : tuple of str
        Han characters and English words as written; ``<SP>`` for a pause.
    phones : tuple of str
        Symbols of ``symbols.py``.
    ph2word : tuple of int
        The word of each phone, never decreasing.
    """

    words: tuple[str, ...] = attrs.field(converter=tuple)
    phones: tuple[str, ...] = attrs.field(converter=tuple)
    ph2word: tuple[int, ...] = attrs.field(converter=tuple, repr=False)

    def __len__(self) -> int:
        return len(self.phones)

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages spoken, in order of first use."""
        return tuple(dict.fromkeys(filter(None, map(language_of, self.phones))))

    def word_phones(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each word with its phones."""
        for i, word in enumerate(self.words):
            yield word, tuple(p for p, w in zip(self.phones, self.ph2word, strict=True) if w == i)


def phones_of(
    text: str, language: str | None = None, *, front_end: FrontEnd | None = None
) -> Reading:
    """Return the phones of a line in Mandarin, English or both.

    Parameters
    ----------
    text : str
        Punctuation becomes pauses, one where several marks follow each other.
    language : str, optional
        "zh" or "en"; decides how digits at the start are read. Letters are read by their script.
    front_end : callable, optional
        Reader of English words and of digits, as the voice ``kokoro`` has it.

    Raises
    ------
    ValidationError
        When nothing can be spoken, a character has no reading, or English and digits need a front
        end that is not installed.

    Examples
    --------
    >>> reading = phones_of("我有女儿。")
    >>> " ".join(reading.phones), reading.words
    ('uo iou n v er <SP>', ('我', '有', '女', '儿', '<SP>'))
    """
    if not isinstance(text, str) or not any(c.isalnum() for c in text):
        raise ValidationError(f"a line has words to speak; got {text!r}; write some.")
    words: list[str] = []
    phones: list[str] = []
    ph2word: list[int] = []

    def add(word: str, symbols: tuple[str, ...]) -> None:
        if symbols == (PAUSE,) and (not words or words[-1] == PAUSE):
            return  # a pause beside a pause is one, and a line begins with its first sound
        ph2word.extend([len(words)] * len(symbols))
        words.append(word)
        phones.extend(symbols)

    for spoken, stretch in split_by_script(unicodedata.normalize("NFC", text), language):
        read = _mandarin if spoken == "zh" else _english
        for word, symbols in read(stretch, front_end):
            add(word, symbols)
    if not any(map(language_of, phones)):
        raise ValidationError(f"nothing of {text[:40]!r} can be spoken; write words.")
    return Reading(words, phones, ph2word)


def split_by_script(text: str, main: str | None = None) -> list[tuple[str, str]]:
    """Return stretches of one language; digits and marks go with the letters before them.

    Examples
    --------
    >>> split_by_script("He said 你好, 3次. Right?")
    [('en', 'He said '), ('zh', '你好, 3次. '), ('en', 'Right?')]
    """
    kinds = ["zh" if _HAN.match(c) else "en" if c.isalpha() else "" for c in text]
    code = (main or "").lower().replace("_", "-").split("-")[0]
    current = {"cmn": "zh", "zho": "zh", "eng": "en"}.get(code, code)
    if current not in ("zh", "en"):
        current = next(filter(None, kinds), "en")
    stretches: list[tuple[str, str]] = []
    for char, kind in zip(text, kinds, strict=True):
        current = kind or current
        if stretches and stretches[-1][0] == current:
            stretches[-1] = (current, stretches[-1][1] + char)
        else:
            stretches.append((current, char))
    return stretches


def voice_front_end() -> FrontEnd:
    """Return ``phonemes`` of the voice ``kokoro``, without loading its network.

    Raises
    ------
    ValidationError
        If the voice is not installed, or does not tell phonemes.
    """
    from spatialdrama.registry import entry
    from spatialdrama.registry.loading import import_target

    try:
        voice = entry("voice", VOICE)
        found = import_target(voice) if voice.obj is None else voice.obj
    except SpatialDramaError as error:
        raise ValidationError(
            f"English words and digits are read by the front end of the voice {VOICE}, which is "
            f"not there ({error}); install it: pip install spatialdrama-speech."
        ) from error
    if not callable(getattr(found, "phonemes", None)):
        raise ValidationError(
            f"the voice {VOICE} tells no phonemes; update it: pip install -U spatialdrama-speech."
        )
    return found.phonemes


def _mandarin(text: str, front_end: FrontEnd | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    if any(c.isdigit() for c in text):
        reader = front_end or voice_front_end()
        text = "".join(written for written, _ in reader(text, language="zh"))
    for part in _HAN_RUN.findall(text):
        if _HAN.match(part):
            yield from zip(part, map(_syllable, _pinyin(part)), strict=True)
        elif part in PAUSES:
            yield PAUSE, (PAUSE,)


def _pinyin(text: str) -> list[str]:
    from pypinyin import Style, pinyin

    def unknown(characters: str) -> str:
        raise ValidationError(
            f"no Mandarin reading is known for {characters!r}; write it another way."
        )

    readings = pinyin(text.translate(_READ_AS), style=Style.NORMAL, errors=unknown)
    return [reading[0] for reading in readings]


def _syllable(pinyin: str) -> tuple[str, ...]:
    from pypinyin.contrib.tone_convert import to_finals, to_initials

    initial, final = to_initials(pinyin, strict=True), to_finals(pinyin, strict=True)
    final = "iou" if pinyin == "yo" else final.replace("ü", "v")
    finals = (final,) if final in FINALS else _RARE.get(final)
    if final == "":  # a syllabic nasal: m, n, ng, hm, hng
        initial = initial if initial == "h" else ""
    if finals is None or (initial and initial not in INITIALS):
        raise ValidationError(f"the pinyin {pinyin!r} is no syllable of MRSDrama's phones.")
    return (initial, *finals) if initial else finals


def _english(text: str, front_end: FrontEnd | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    if not any(c.isalnum() for c in text):
        if PAUSES & set(text):
            yield PAUSE, (PAUSE,)
        return
    reader = front_end or voice_front_end()
    for written, symbols in reader(text, language="en"):
        parts = [part for part in _MARKS.split(written) if any(c.isalnum() for c in part)]
        heard = [part for part in _MARKS.split(symbols) if part.strip(_QUOTES)]
        if len(parts) != len(heard):  # marks and sounds that do not match: all of it is one word
            parts = [written, *[""] * (len(heard) - 1)]
        for k, (part, sounds) in enumerate(zip(parts, heard, strict=True)):
            if k:
                yield PAUSE, (PAUSE,)
            yield part.strip(_QUOTES), _arpabet(sounds)
        if symbols and symbols.rstrip(_QUOTES)[-1:] in PAUSES:
            yield PAUSE, (PAUSE,)


def _arpabet(symbols: str) -> tuple[str, ...]:
    sounds = tuple(FROM_MISAKI[c] for c in symbols if c in FROM_MISAKI)
    strange = [c for c in symbols if c not in FROM_MISAKI and c not in MARKS and c not in _QUOTES]
    if strange or not sounds:
        raise ValidationError(
            f"{symbols!r} is no English word in misaki's alphabet; another front end must write "
            "that."
        )
    return sounds
