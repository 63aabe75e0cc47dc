"""The pronouncing dictionary of English, with word endings.

The dictionaries are those Kokoro was trained with: misaki 0.9.4 by hexgrad (Apache-2.0), American
and British, a checked "gold" and a larger "silver" part. The rules for endings and stress are
re-written from ``misaki/en.py``; that module itself needs spaCy, a tagger model of 15 MB and
num2words (LGPL), which cost 230 MB installed, so a light guess at the word class from its
neighbours takes the tagger's place (``tokens.py``; decision record 0003 has the measurements).
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import re

from . import letters

PRIMARY, SECONDARY = "ˈ", "ˌ"
DIPHTHONGS = frozenset("AIOQWYʤʧ")
VOWELS = frozenset("AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻ")
CONSONANTS = frozenset("bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθ")
FLAPPING = frozenset("AIOWYiuæɑəɛɪɹʊʌ")  # after these an American t becomes a tap
DOUBLED = re.compile(r"([bcdgklmnprstvxz])\1(ing|ed)$|ck(ing|ed)$")

# What Shakespeare's contractions stand for, where no dictionary has them.
CONTRACTIONS = {
    "th'": "ðə",
    "i'": "ɪ",
    "ha'": "hæ",
    "on't": "ˈɔnt",
    "is't": "ˈɪzt",
    "was't": "wˈʌzt",
    "for't": "fˈɔɹt",
    "to't": "tˈut",
    "do't": "dˈut",
    "in't": "ˈɪnt",
    "know't": "nˈOt",
    "see't": "sˈit",
    "ta'en": "tˈAn",
    "you'ld": "jˌud",
    "thou'lt": "ðˌWlt",
    "thou'rt": "ðˌWɹt",
    "ay": "ˈI",
    "ild": "ˈild",
    "'t": "t",
    "'s": "z",
}


class Lexicon:
    """Pronunciations of single words.

    Parameters
    ----------
    british
        British pronunciations rather than American ones.

    Example
    -------
    >>> Lexicon(british=False).word("unfolded", "", None)
    'ˌʌnfˈOldᵻd'
    """

    def __init__(self, *, british: bool) -> None:
        self.british = british
        self.gold = _dictionary("gb_gold.json" if british else "us_gold.json")
        self.silver = _dictionary("gb_silver.json" if british else "us_silver.json")
        self.names = _names(british)
        self.guessed: set[str] = set()  # words that only the letters gave

    def knows(self, word: str) -> bool:
        return word in self.names or word in self.gold or word in self.silver

    def lookup(self, word: str, tag: str, before_pause: bool) -> str | None:
        """The dictionary's entry for this word class; None if there is none."""
        entry = self.names.get(word) or self.gold.get(word, self.silver.get(word))
        if isinstance(entry, dict):
            if before_pause and "None" in entry:
                return entry["None"]
            entry = entry.get(tag) or entry["DEFAULT"]
        return entry

    def word(self, word: str, tag: str, future_vowel: bool | None) -> str:
        """Pronounce one word: dictionary, endings, then letters; never nothing.

        Parameters
        ----------
        word
            Letters and apostrophes, at least one letter.
        tag
            "VERB", "NOUN", "ADJ", "VBD", "DT" or "" for no guess.
        future_vowel
            Whether the next sound is a vowel; None before a pause.
        """
        capital = word.upper() == word and sum(c.isalpha() for c in word) > 1
        lower = word.lower()
        phonemes = self._function_word(lower, future_vowel)
        phonemes = phonemes or self._known(word, lower, tag, future_vowel is None)
        if phonemes is None and capital and _spelled(lower):
            phonemes = self._spell(lower)
        if phonemes is None:
            phonemes = self._without_apostrophes(lower, tag, future_vowel is None)
        return stress(phonemes, 2) if capital and len(lower) > 1 else phonemes

    def _function_word(self, word: str, future_vowel: bool | None) -> str | None:
        """Words whose sound depends on the next one."""
        if word == "a":
            return "ˈA" if future_vowel is None else "ɐ"
        if word == "an":
            return "ɐn"
        if word == "i":
            return SECONDARY + "I"
        if word == "the":
            return "ði" if future_vowel else "ðə"
        if word == "to":
            entry = self.lookup("to", "", future_vowel is None)
            return {None: entry, False: "tə", True: "tʊ"}[future_vowel]
        if word == "in":
            return ("ˈ" if future_vowel is None else "") + "ɪn"
        if word == "am" and future_vowel is not None:
            return "ɐm"
        return None

    def _known(self, word: str, lower: str, tag: str, before_pause: bool) -> str | None:
        for form in (lower, word, word.capitalize()):
            if self.knows(form):
                return self.lookup(form, tag, before_pause)
        if lower in CONTRACTIONS:
            return CONTRACTIONS[lower]
        for ending in (self._s, self._ed, self._ing, self._est, self._compound):
            phonemes = ending(lower, tag)
            if phonemes:
                return phonemes
        return None

    def _stem(self, *stems: str, tag: str = "") -> str | None:
        for stem in stems:
            for form in (stem, stem.capitalize()):
                if len(stem) > 1 and self.knows(form):
                    return self.lookup(form, tag, False)
        return None

    def _s(self, word: str, tag: str) -> str | None:
        """Plurals, possessives and third persons. https://en.wiktionary.org/wiki/-s"""
        if len(word) < 3 or not word.rstrip("'").endswith("s"):
            return None
        word = word.rstrip("'")
        stems = [] if word.endswith("ss") else [word[:-1].rstrip("'")]
        if word.endswith("ies"):
            stems.append(word[:-3] + "y")
        elif word.endswith("es"):
            stems.append(word[:-2])
        stem = self._stem(*stems, tag=tag)
        if stem is None and word.endswith("'s"):
            stem = self._letters(word[:-2])
        return add_s(stem, british=self.british) if stem else None

    def _ed(self, word: str, tag: str) -> str | None:
        """Past forms, Shakespeare's 'd among them. https://en.wiktionary.org/wiki/-ed"""
        if len(word) < 4 or not word.endswith("d"):
            return None
        stems = []
        if word.endswith("'d"):
            stems = [word[:-2], word[:-2] + "e", word[:-3] if word[-3] == word[-4] else word[:-2]]
        elif word.endswith("ed") and not word.endswith("eed"):
            stems = [word[:-1], word[:-2]]
            if DOUBLED.search(word):
                stems.append(word[:-3])
        if word.endswith(("i'd", "ied")):
            stems.append(word[:-3] + "y")
        stem = self._stem(*stems, tag=tag or "VERB")
        return add_ed(stem, british=self.british) if stem else None

    def _ing(self, word: str, tag: str) -> str | None:
        if len(word) < 5 or not word.endswith(("ing", "in'")):
            return None
        word = word[:-3] + "ing"
        stems = [word[:-3], word[:-3] + "e"]
        if DOUBLED.search(word):
            stems.append(word[:-4])
        stem = self._stem(*stems, tag="VERB")
        return add_ing(stem, british=self.british) if stem else None

    def _est(self, word: str, tag: str) -> str | None:
        """Old endings: think'st and comest, cometh; and 't for it: shall't."""
        if word.endswith(("'st", "'t")):
            bare, ending = word.split("'")[0], word.rsplit("'", 1)[1]
            stem = self._stem(bare, bare + "e", bare[:-1], tag="VERB")
            return stem + ending if stem else None
        if word.endswith(("est", "eth")) and len(word) > 4:
            stem = self._stem(word[:-3], word[:-2], tag="VERB")
            if stem is None and len(word) > 5 and word[-4] == "i":
                stem = self._stem(word[:-4] + "y", tag="VERB")
            vowel = "ɪ" if self.british else "ᵻ"
            return stem + vowel + ("st" if word.endswith("est") else "θ") if stem else None
        return None

    def _compound(self, word: str, tag: str) -> str | None:
        """Two dictionary words in one, the longest first part first: battlements-man."""
        if len(word) < 7 or not word.isalpha():
            return None
        for cut in range(len(word) - 3, 3, -1):
            first, second = self._gold_only(word[:cut]), self._gold_only(word[cut:])
            if first and second:
                return first + stress(second, -0.5)
        return None

    def _gold_only(self, word: str) -> str | None:
        entry = self.gold.get(word)
        return entry["DEFAULT"] if isinstance(entry, dict) else entry

    def _spell(self, word: str) -> str:
        names = [self.lookup(c.upper(), "", False) for c in word if c.isalpha()]
        *first, last = [stress(name, 0) for name in names]
        return "".join(first) + last.replace(SECONDARY, PRIMARY)

    def _without_apostrophes(self, word: str, tag: str, before_pause: bool) -> str:
        bare = word.replace("'", "")
        if bare != word and self.knows(bare):
            return self.lookup(bare, tag, before_pause)
        return self._letters(bare)

    def _letters(self, word: str) -> str:
        self.guessed.add(word)
        if len(word) == 1:
            return self.lookup(word.upper(), "", False)
        return letters.pronounce(word, british=self.british) or self._spell(word)


def add_s(stem: str, *, british: bool) -> str:
    if stem[-1] in "ptkfθ":
        return stem + "s"
    if stem[-1] in "szʃʒʧʤ":
        return stem + ("ɪ" if british else "ᵻ") + "z"
    return stem + "z"


def add_ed(stem: str, *, british: bool) -> str:
    if stem[-1] in "pkfθʃsʧ":
        return stem + "t"
    if stem[-1] == "d":
        return stem + ("ɪ" if british else "ᵻ") + "d"
    if stem[-1] != "t":
        return stem + "d"
    if british or len(stem) < 2:
        return stem + "ɪd"
    return stem[:-1] + "ɾᵻd" if stem[-2] in FLAPPING else stem + "ᵻd"


def add_ing(stem: str, *, british: bool) -> str:
    if not british and len(stem) > 1 and stem[-1] == "t" and stem[-2] in FLAPPING:
        return stem[:-1] + "ɾɪŋ"
    linking = "ɹ" if british and stem[-1] in "əː" and stem[-2:] not in ("iː", "uː") else ""
    return stem + linking + "ɪŋ"


def stress(phonemes: str, amount: float) -> str:
    """Raise or lower the stress marks of a word (misaki's scale, -2 to 2).

    Example
    -------
    >>> stress("ænd", 2), stress("nˈA", -0.5)
    ('ˈænd', 'nˌA')
    """
    marked = PRIMARY in phonemes or SECONDARY in phonemes
    if amount <= -0.5 and PRIMARY in phonemes:
        return phonemes.replace(SECONDARY, "").replace(PRIMARY, SECONDARY)
    if amount >= 1 and PRIMARY not in phonemes and SECONDARY in phonemes:
        return phonemes.replace(SECONDARY, PRIMARY)
    if amount >= 0 and not marked:
        mark = PRIMARY if amount > 1 else SECONDARY
        at = next((i for i, c in enumerate(phonemes) if c in VOWELS), None)
        return phonemes if at is None else phonemes[:at] + mark + phonemes[at:]
    return phonemes


def weight(phonemes: str) -> int:
    return sum(2 if c in DIPHTHONGS else 1 for c in phonemes)


def _spelled(word: str) -> bool:
    """Whether capitals are read letter by letter: short, or without a vowel."""
    return len(word) <= 3 or not any(c in "aeiouy" for c in word)


@functools.cache
def _names(british: bool) -> dict[str, str]:
    """Names of the stage that neither dictionary has (``data/names.tsv``, written by hand)."""
    path = importlib.resources.files("spatialdrama_speech") / "data" / "names.tsv"
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:] if line]
    return {name: uk if british else us for name, us, uk in rows}


@functools.cache
def _dictionary(name: str) -> dict:
    path = importlib.resources.files("misaki") / "data" / name
    return json.loads(path.read_text(encoding="utf-8"))
