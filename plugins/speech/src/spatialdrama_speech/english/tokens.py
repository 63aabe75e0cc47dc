"""From a stretch of English text to Kokoro's symbols.

Words are pronounced from right to left, since "the" and "to" depend on the sound that follows.
The word class that homographs need (to reCORD, the REcord) is guessed from the words beside it.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata

import attrs

from ..wordlist import words
from . import lexicon as lex
from .numbers import spell_out

PAUSES = frozenset(";:,.!?—…")
QUOTES = frozenset('"“”()')
TOKEN = re.compile(r"'?[^\W\d_]+(?:'[^\W\d_]+)*'?|[;:,.!?—…\"“”()]+|\s+|.", re.DOTALL)
LEADING = frozenset(
    words(
        "'tis 'twas 'twere 'twill 'twould 'twixt 'tween 'gainst 'em 'cause 'neath 'pon 't 's "
        "'mongst 'fraid 'd 'll"
    )
)
TRAILING = frozenset(words("o' i' th' ha' po' nor' sou' thro' m'"))
SPOKEN = {
    "&": " and ",
    "%": " percent",
    "+": " plus ",
    "@": " at ",
    "=": " equals ",
    "#": " number ",
}
# Latin letters that do not fall apart into a plain one and an accent.
LETTERS = {
    **{"æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l"},
    **{"Ł": "L", "đ": "d", "Đ": "D", "ð": "th", "Ð": "Th", "þ": "th", "Þ": "Th", "ı": "i"},
}
TITLES = {
    **{"mr.": "mister", "mrs.": "missus", "dr.": "doctor", "st.": "saint", "ms.": "miz"},
    **{"etc.": "et cetera", "vs.": "versus", "i.e.": "that is", "e.g.": "for example"},
}
TITLE = re.compile("|".join(rf"(?<!\w){re.escape(t)}" for t in TITLES), re.IGNORECASE)

BEFORE_VERB = frozenset(
    words(
        "to i we you they he she it thou ye who will shall would should can could may might "
        "must do does did don't doesn't didn't not let's doth dost wilt shalt canst cannot "
        "can't won't i'll we'll you'll they'll he'll she'll it'll let please"
    )
)
BEFORE_NOUN = frozenset(
    words(
        "the a an my your his her our their its thy thine mine this these those some any no "
        "every each of in on at by with from for without one two three"
    )
)
BEFORE_PARTICIPLE = frozenset(
    words("have has had having hath am is are was were be been being 've i've we've you've they've")
)
OBJECTS = frozenset(words("me him her us them it you thee the a an my your this that"))


@attrs.frozen(kw_only=True)
class Reading:
    """What a stretch of text became.

    Parameters
    ----------
    phonemes
        Kokoro's symbols.
    guessed
        Words that were read letter by letter, in no dictionary.
    dropped
        Characters that have no sound.
    """

    phonemes: str
    guessed: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


class English:
    """Reader of English text.

    Example
    -------
    >>> English().read("Who's there?").phonemes
    'hˌuz ðˈɛɹ?'
    """

    def __init__(self, *, british: bool = False) -> None:
        self.lexicon = lex.Lexicon(british=british)

    def read(self, text: str) -> Reading:
        """Return the symbols of a text, with what was guessed and what was dropped.

        Parameters
        ----------
        text
            English, any punctuation.

        Raises
        ------
        ValidationError
            If a number is too long to say.
        """
        _, sounds, dropped = self._sounds(text)
        return Reading(
            phonemes=re.sub(r" +([;:,.!?…])", r"\1", tidy("".join(sounds))),
            guessed=tuple(sorted(self.lexicon.guessed)),
            dropped=tuple(dropped),
        )

    def words(self, text: str) -> tuple[tuple[str, str], ...]:
        """Return what stands between spaces, as it is read, each with its symbols.

        Numbers and signs are written out; punctuation stays at its word, on both sides.

        Example
        -------
        >>> English().words("Who's there?")
        (("Who's", 'hˌuz'), ('there?', 'ðˈɛɹ?'))
        """
        tokens, sounds, _ = self._sounds(text)
        pairs = zip(tokens, sounds, strict=True)
        found = []
        for is_space, group in itertools.groupby(pairs, lambda pair: pair[0].isspace()):
            written, symbols = map("".join, zip(*group, strict=True))
            if not is_space and (symbols := tidy(symbols)):
                found.append((written, symbols))
        return tuple(found)

    def _sounds(self, text: str) -> tuple[list[str], list[str], list[str]]:
        """Tokens of a text, the symbols of each, and the characters without a sound."""
        tokens = TOKEN.findall(normalise(text))
        self.lexicon.guessed.clear()
        out: list[str] = []
        dropped: list[str] = []
        future_vowel: bool | None = None
        for i in range(len(tokens) - 1, -1, -1):
            symbols = self._token(tokens, i, future_vowel, dropped)
            out.append(symbols)
            future_vowel = _future(symbols, future_vowel)
        return tokens, out[::-1], dropped[::-1]

    def _token(self, tokens: list[str], i: int, future: bool | None, dropped: list[str]) -> str:
        token = tokens[i]
        if token.isspace():
            return " "
        if any(c.isalpha() for c in token):
            return self._word(tokens, i, future, dropped)
        if all(c in PAUSES or c in QUOTES for c in token):
            return token
        if token == "-":
            return _hyphen(tokens, i)
        if token not in "'_/\\":
            dropped.append(token)
        return " " if token in "_/\\" else ""

    def _word(self, tokens: list[str], i: int, future: bool | None, dropped: list[str]) -> str:
        word = tokens[i]
        if word.startswith("'") and word.lower() not in LEADING:
            word = word[1:]
        if word.endswith("'") and word.lower() not in TRAILING and not word.lower().endswith("s'"):
            word = word[:-1]
        kept = "".join(c for c in word if "a" <= c.lower() <= "z" or c == "'")
        if len(kept) < len(word):
            dropped.extend(c for c in word if c not in kept)
        if not kept.strip("'"):
            return ""
        return self.lexicon.word(kept, guess_class(tokens, i), future)


@functools.cache
def reader(*, british: bool) -> English:
    """One reader for each pronunciation: the dictionaries take .2 s to load."""
    return English(british=british)


def normalise(text: str) -> str:
    """Plain letters, plain apostrophes, numbers and signs in words.

    Example
    -------
    >>> normalise("Café & 3 o’clock--")
    "Cafe  and  three o'clock—"
    """
    text = text.replace("’", "'").replace("‘", "'").replace("`", "'")
    for sign, dash in (("---", "—"), ("--", "—"), ("–", "—"), ("...", "…"), ("\n", " ")):
        text = text.replace(sign, dash)
    text = unicodedata.normalize("NFKD", text.replace("…", "\u2026_")).replace("..._", "…")
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = "".join(LETTERS.get(c, c) for c in text)
    text = text.translate(str.maketrans("[]{}«»", '()()""'))
    text = TITLE.sub(lambda match: TITLES[match[0].lower()], text)
    text = spell_out(text)
    letters = [c for c in text if c.isalpha()]
    if len(text.split()) > 2 and letters and all(c.isupper() for c in letters):
        text = text.lower()  # a whole line in capitals is a habit of scripts, not an emphasis
    for sign, spoken in SPOKEN.items():
        text = text.replace(sign, spoken)
    return text


def guess_class(tokens: list[str], i: int) -> str:
    """Guess the word class of a token from its neighbours.

    Returns
    -------
    str
        "VERB", "NOUN", "VBN", "DT" or "" for no guess.

    Example
    -------
    >>> guess_class(["to", " ", "record"], 2), guess_class(["the", " ", "record"], 2)
    ('VERB', 'NOUN')
    """
    before, after = _neighbour(tokens, i, -1), _neighbour(tokens, i, 1)
    if tokens[i].lower() == "that":
        return "DT" if after in {"", "is", "was", "will", "would"} or before in {"of", "at"} else ""
    if before in BEFORE_PARTICIPLE:
        return "VBN"
    if before in BEFORE_VERB:
        return "VERB"
    if before in BEFORE_NOUN:
        return "NOUN"
    return "VERB" if before == "" and after in OBJECTS else ""


def _neighbour(tokens: list[str], i: int, step: int) -> str:
    """The next word in a direction, lower case; empty when a pause comes first."""
    i += step
    while 0 <= i < len(tokens):
        if any(c.isalpha() for c in tokens[i]):
            return tokens[i].lower()
        if not tokens[i].isspace():
            return ""
        i += step
    return ""


def _future(symbols: str, current: bool | None) -> bool | None:
    for c in symbols:
        if c in lex.VOWELS:
            return True
        if c in lex.CONSONANTS:
            return False
        if c in PAUSES:
            return None
    return current


def _hyphen(tokens: list[str], i: int) -> str:
    inside = 0 < i < len(tokens) - 1
    if inside and tokens[i - 1][-1:].isalpha() and tokens[i + 1][:1].isalpha():
        return "\0"  # within a word: its parts share one stress
    return "—"


def tidy(phonemes: str) -> str:
    """Join hyphenated words, write Kokoro's own tap and stop, and single spaces."""
    phonemes = join_hyphens(phonemes).replace("ɾ", "T").replace("ʔ", "t")
    return re.sub(r"\s+", " ", phonemes).strip()


def join_hyphens(phonemes: str) -> str:
    """Join the parts of hyphenated words: the lighter half loses its main stress (as misaki)."""

    def join(match: re.Match) -> str:
        parts = match[0].split("\0")
        ranked = sorted(
            range(len(parts)), key=lambda k: (lex.PRIMARY in parts[k], lex.weight(parts[k]))
        )
        for k in ranked[: len(parts) // 2]:
            parts[k] = lex.stress(parts[k], -0.5)
        return "".join(parts)

    return re.sub(r"[^\s\0]+(?:\0[^\s\0]+)+", join, phonemes).replace("\0", "")
