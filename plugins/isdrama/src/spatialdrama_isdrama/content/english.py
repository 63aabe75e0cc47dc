"""English words to phones: the symbols of a voice's front end onto ARPAbet.

Grapheme to phoneme rules are not written twice: the voice ``kokoro`` has them, and tells the sounds
of a line without its network (``phonemes``). Plugins do not import each other, so it is asked for
by its name in the registry; another front end may be given in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from spatialdrama.errors import SpatialDramaError, ValidationError

from .inventory import PRIMARY, SECONDARY, SILENCE

VOICE = "kokoro"
#: A front end: English text to (written, symbols) word by word, symbols in misaki's alphabet.
FrontEnd = Callable[[str], tuple[tuple[str, str], ...]]
#: Marks that are heard as a pause.
PAUSES = frozenset(";:,.!?—…")
QUOTES = frozenset('"()“”')
STRESS = {"ˈ": PRIMARY, "ˌ": SECONDARY}
#: Marks that belong to the symbol before them and change no phone of the inventory.
LENGTHS = frozenset("ː\u0303ʲᵝ")
#: misaki's English alphabet. Capitals are diphthongs there; ᵊ is a small schwa.
PHONES = {
    **{"A": "EY", "I": "AY", "O": "OW", "Q": "OW", "W": "AW", "Y": "OY", "ʤ": "JH", "ʧ": "CH"},
    **{"a": "AE", "æ": "AE", "ɑ": "AA", "ɒ": "OH", "ɔ": "AO", "ə": "AX", "ɐ": "AX", "ᵊ": "AX"},
    **{"ɚ": "ER", "ɜ": "ER", "ɛ": "EH", "e": "EH", "ɪ": "IH", "ᵻ": "IX", "i": "IY", "o": "OW"},
    **{"ʊ": "UH", "u": "UW", "ʌ": "AH", "b": "B", "d": "D", "ð": "DH", "T": "DX", "ɾ": "DX"},
    **{"f": "F", "ɡ": "G", "g": "G", "h": "HH", "x": "HH", "j": "Y", "k": "K", "l": "L"},
    **{"m": "M", "n": "N", "ŋ": "NG", "p": "P", "ɹ": "R", "r": "R", "s": "S", "ʃ": "SH"},
    **{"t": "T", "ʔ": "T", "θ": "TH", "v": "V", "w": "W", "z": "Z", "ʒ": "ZH"},
}
_PIECES = re.compile(r"[;:,.!?—…\"()“”]+|[^;:,.!?—…\"()“”]+")


def kokoro_front_end() -> FrontEnd:
    """Return the front end of the voice ``kokoro``.

    Raises
    ------
    ValidationError
        If the voice is not installed, or has no method ``phonemes``.
    """
    from spatialdrama.registry import entry
    from spatialdrama.registry.loading import import_target

    try:
        voice = entry("voice", VOICE)
        found = import_target(voice) if voice.obj is None else voice.obj
    except SpatialDramaError as error:
        raise ValidationError(
            f"English text is read by the front end of the voice {VOICE}, which is not there: "
            f"{error} Or give the line its phones."
        ) from error
    if not callable(getattr(found, "phonemes", None)):
        raise ValidationError(
            f"the voice {VOICE} tells no phonemes; update it: pip install -U spatialdrama-speech"
        )
    return lambda text: found.phonemes(text, language="en")


def phones_of(symbols: str) -> list[tuple[str, int]]:
    """Return the phones of one word, with the numbers of their stresses; spaces are passed over.

    Raises
    ------
    ValidationError
        If a symbol is none of misaki's English ones.

    Example
    -------
    >>> phones_of("hˈæmlət")
    [('HH', 0), ('AE', 6), ('M', 0), ('L', 0), ('AX', 0), ('T', 0)]
    """
    phones: list[tuple[str, int]] = []
    stress = 0
    for symbol in symbols:
        if symbol in STRESS:
            stress = STRESS[symbol]
        elif symbol in PHONES:
            phones.append((PHONES[symbol], stress))
            stress = 0
        elif symbol not in LENGTHS and symbol not in QUOTES and not symbol.isspace():
            raise ValidationError(
                f"{symbol!r} of {symbols!r} is no English sound of this model; the front end must "
                "write misaki's alphabet"
            )
    return phones


def pieces(text: str, front_end: FrontEnd) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Yield what an English stretch is read as, piece by piece, with its phones.

    A piece is a word, or marks that are heard as a pause with <SP>, or marks that are not heard
    without phones. Pieces of one word stay in one piece if its marks do not match their sounds.
    """
    for written, symbols in front_end(text):
        parts, sounds = _PIECES.findall(written), _PIECES.findall(symbols)
        alike = len(parts) == len(sounds) and all(
            _is_marks(a) == _is_marks(b) for a, b in zip(parts, sounds, strict=True)
        )
        for part, sound in zip(parts, sounds, strict=True) if alike else [(written, symbols)]:
            if not _is_marks(sound):
                yield part, phones_of("".join(c for c in sound if c not in PAUSES))
            elif PAUSES & set(sound):
                yield part, [(SILENCE, 0)]
            else:
                yield part, []
        yield " ", []


def _is_marks(piece: str) -> bool:
    return all(c in PAUSES or c in QUOTES for c in piece)
