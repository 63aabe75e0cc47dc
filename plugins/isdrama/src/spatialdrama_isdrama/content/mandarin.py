"""Han characters to initials and finals, as MRSDrama's makers did it with pypinyin (facts A2)."""

from __future__ import annotations

import re

from spatialdrama.errors import ValidationError

from .inventory import FINALS, INITIALS, TONES

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff〇]")
#: Interjections whose readings are no syllables: the makers read them as these characters.
_READ_AS = str.maketrans("嗯呣唔哟唷", "蒽蒽蒽优优")
#: What pypinyin gives beyond the finals of the inventory, as phones of the inventory.
_RARE = {"ueng": ("u", "eng"), "ê": ("ei",), "": ("en",)}


def syllables(text: str) -> list[tuple[tuple[str, int], ...]]:
    """Return for each Han character its phones with the numbers of their tones.

    The final bears the tone of the dictionary, no sandhi; readings follow the phrases that
    pypinyin knows.

    Parameters
    ----------
    text
        Han characters only, without pauses: words are looked up across all of it.

    Raises
    ------
    ValidationError
        If pypinyin knows no reading of a character.

    Example
    -------
    >>> syllables("女儿")
    [(('n', 0), ('v', 3)), (('er', 2),)]
    >>> syllables("银行")[1], syllables("行走")[0]
    ((('h', 0), ('ang', 2)), (('x', 0), ('ing', 2)))
    """
    from pypinyin import Style, pinyin

    def unknown(characters: str) -> str:
        raise ValidationError(
            f"no Mandarin reading is known for {characters!r}; write it another way"
        )

    readings = pinyin(
        text.translate(_READ_AS), style=Style.TONE3, errors=unknown, neutral_tone_with_five=True
    )
    return [_syllable(reading[0]) for reading in readings]


def _syllable(pinyin: str) -> tuple[tuple[str, int], ...]:
    from pypinyin.contrib.tone_convert import to_finals, to_initials

    base, tone = (pinyin[:-1], pinyin[-1]) if pinyin[-1].isdigit() else (pinyin, "5")
    initial, final = to_initials(base, strict=True), to_finals(base, strict=True)
    final = "iou" if base == "yo" else final.replace("ü", "v")
    finals = (final,) if final in FINALS else _RARE.get(final)
    if finals is None or (initial and initial not in INITIALS):
        raise ValidationError(f"the pinyin {pinyin!r} is no syllable of this model")
    if final == "":  # a syllabic nasal: m, n, ng, hm, hng
        initial = initial if initial == "h" else ""
    number = TONES.index(tone)
    toned = [(f, number if f == finals[-1] else 0) for f in finals]
    return (*([(initial, 0)] if initial else []), *toned)
