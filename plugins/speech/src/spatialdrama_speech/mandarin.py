"""Mandarin text to phonemes: numbers, words, pinyin, then Kokoro's symbols with tone arrows.

Kokoro's Mandarin voices were trained on misaki's first front end: jieba words, pypinyin readings
without tone sandhi (the network learnt that from the recordings), pinyin in IPA, tones as arrows.
The same steps are taken here with misaki 0.9.4's tables (Apache-2.0; the IPA table by Stefan
Taubert, MIT), pypinyin (MIT) and rjieba (MIT), which holds jieba's dictionary in a wheel of 6 MB,
where jieba itself comes only as source. Numbers are read by misaki's copy of PaddleSpeech's text
normalisation (Apache-2.0).
"""

from __future__ import annotations

import functools
import re

import attrs

from spatialdrama.errors import ValidationError

from .wordlist import words

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff〇]+")
CLAUSE = re.compile(r"[^，。！？；：、,!?;…—\n]+|.", re.DOTALL)
PUNCTUATION = {
    **{"，": ", ", "、": ", ", "。": ". ", "．": ". ", "！": "! ", "？": "? ", "；": "; "},
    **{"：": ": ", "《": " “", "》": "” ", "「": " “", "」": "” ", "『": " “", "』": "” "},
    **{
        "【": " “",
        "】": "” ",
        "（": " (",
        "）": ") ",
        "〈": " “",
        "〉": "” ",
        "‘": " “",
        "’": "” ",
    },
    **{"—": "—", "…": "…", "·": " ", "~": "—", "～": "—", "\u3000": " ", "\n": " "},
}
KEPT = frozenset(';:,.!?—…"“”() ')
TONES = (("˧˩˧", "↓"), ("˧˥", "↗"), ("˥˩", "↘"), ("˥", "→"))
# Readings that pypinyin gives and the IPA table lacks.
RARE = {"yo": "jɔ", "lo": "lwo", "o": "ɔ", "ê": "ɛ", "n": "n", "m": "m", "ng": "ŋ", "hm": "hm"}
ARROWS = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}


@attrs.frozen(kw_only=True)
class Reading:
    """What a stretch of Mandarin became: symbols, pinyin, and characters without a sound."""

    phonemes: str
    pinyin: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def read(text: str) -> Reading:
    """Return the symbols of a Mandarin text (digits allowed, Latin letters not).

    Raises
    ------
    ValidationError
        If a character has no Mandarin reading.

    Example
    -------
    >>> read("你好。").phonemes
    'ni↓xau↓.'
    """
    symbols, pinyin, dropped = [], [], []
    for piece in re.findall(rf"{HAN.pattern}|[^\u3400-\u9fff\uf900-\ufaff〇]", numbers(text)):
        if HAN.match(piece):
            words = [_word(word, pinyin) for word in _segmenter().cut(piece)]
            symbols.append(" ".join(words))
            continue
        mapped = PUNCTUATION.get(piece, piece)
        if all(c in KEPT for c in mapped):
            symbols.append(mapped)
        else:
            dropped.append(piece)
    phonemes = re.sub(r"—+", "—", re.sub(r"…+", "…", "".join(symbols)))
    phonemes = re.sub(r"\s+", " ", phonemes).strip()
    phonemes = re.sub(r" ([;:,.!?…])", r"\1", phonemes)
    return Reading(phonemes=phonemes, pinyin=tuple(pinyin), dropped=tuple(dropped))


def numbers(text: str) -> str:
    """Read digits, dates, times, shares and units as characters, clause by clause.

    Only clauses with digits pass through the normaliser, since it drops dashes and quotes.

    Example
    -------
    >>> numbers("1937年7月7日，占50%。")
    '一九三七年七月七日，占百分之五十。'
    """
    if not re.search(r"\d", text):
        return text
    return "".join(
        "".join(_normaliser().normalize(clause)) if re.search(r"\d", clause) else clause
        for clause in CLAUSE.findall(text)
    )


def _word(word: str, pinyin: list[str]) -> str:
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(
        word, style=Style.TONE3, neutral_tone_with_five=True, errors=lambda _: [""]
    )
    if len(syllables) < len(word) or "" in syllables:
        raise ValidationError(
            f"no Mandarin reading is known for a character of {word!r}; write it another way"
        )
    if len(word) > 1 and word.endswith("儿") and word not in _FULL_ER:
        syllables[-1] = "er5"  # erhua: r-coloured end of the syllable before, without a tone
    pinyin.extend(syllables)
    return "".join(_syllable(s) for s in syllables)


# 儿 is a syllable of its own ("child") in these.
_FULL_ER = frozenset(
    words(
        "女儿 婴儿 孤儿 幼儿 胎儿 男儿 健儿 宠儿 少儿 孩儿 小儿 "
        "幸运儿 混血儿 新生儿 弃儿 孕儿 育儿 患儿 吾儿 我儿 生儿 妻儿"
    )
)


@functools.cache
def _syllable(pinyin: str) -> str:
    from misaki.transcription import pinyin_to_ipa

    base, tone = pinyin.rstrip("12345"), pinyin[-1]
    if base in RARE:
        return RARE[base] + ARROWS.get(tone, "")
    try:
        ipa = "".join(pinyin_to_ipa(pinyin)[0])
    except ValueError as error:
        raise ValidationError(f"pinyin {pinyin!r} has no phonemes: {error}") from error
    for contour, arrow in TONES:
        ipa = ipa.replace(contour, arrow)
    # A syllabic consonant under "zhi" and "zi" is written ɨ; the arch below glides is not used.
    ipa = ipa.replace("ɻ\u0329", "ɨ").replace("ɹ\u0329", "ɨ")
    return ipa.replace("\u032f", "")


@functools.cache
def _segmenter():
    import rjieba

    return rjieba.Jieba()


@functools.cache
def _normaliser():
    from misaki.zh_normalization import TextNormalizer

    return TextNormalizer()
