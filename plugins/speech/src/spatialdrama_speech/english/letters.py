"""Letters to sounds: a pronunciation for a word that no dictionary has.

A small recurrent network (encoder and decoder of one GRU layer each, 128 wide) trained on the CMU
pronouncing dictionary. The weights are those of g2p_en 2.1.0 by Kyubyong Park and Jongseok Kim
(Apache-2.0), stored as float16; this module runs them with numpy, so that neither NLTK nor its
downloads are needed. Source: https://github.com/Kyubyong/g2p (the network), K. Cho et al. 2014
(the GRU), both re-implemented here.
"""

from __future__ import annotations

import functools
import importlib.resources

import numpy as np

from ..wordlist import words

GRAPHEMES = {letter: i for i, letter in enumerate(["", "?", "/", *"abcdefghijklmnopqrstuvwxyz"])}
START, END, LONGEST = 2, 3, 24
VOWELS = words("AA AE AH AO AW AY EH ER EY IH IY OW OY UH")
# Order of the decoder's outputs; "UW" without a digit is a quirk of its training data.
PHONES = (
    ["", "?", "<s>", "</s>"]
    + [v + s for v in VOWELS[:6] for s in "012"]
    + ["B", "CH", "D", "DH"]
    + [v + s for v in ("EH", "ER", "EY") for s in "012"]
    + ["F", "G", "HH"]
    + [v + s for v in ("IH", "IY") for s in "012"]
    + ["JH", "K", "L", "M", "N", "NG"]
    + [v + s for v in ("OW", "OY") for s in "012"]
    + list(words("P R S SH T TH UH0 UH1 UH2 UW UW0 UW1 UW2"))
    + ["V", "W", "Y", "Z", "ZH"]
)

# ARPAbet to Kokoro's symbols. American, then what British English changes.
AMERICAN = {
    **{"AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "W", "AY": "I", "B": "b", "CH": "ʧ"},
    **{"D": "d", "DH": "ð", "EH": "ɛ", "ER": "ɜɹ", "EY": "A", "F": "f", "G": "ɡ", "HH": "h"},
    **{"IH": "ɪ", "IY": "i", "JH": "ʤ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ"},
    **{"OW": "O", "OY": "Y", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ"},
    **{"UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ"},
}
BRITISH = {"AA": "ɑː", "AE": "a", "AO": "ɔː", "ER": "ɜː", "IY": "iː", "OW": "Q", "UW": "uː"}


@functools.cache
def _weights() -> dict[str, np.ndarray]:
    path = importlib.resources.files("spatialdrama_speech") / "data" / "letters.npz"
    with path.open("rb") as file, np.load(file) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}


def arpabet(word: str) -> list[str]:
    """Return ARPAbet phones of a lower-case word of the letters a to z.

    Example
    -------
    >>> arpabet("bernardo")
    ['B', 'ER0', 'N', 'AA1', 'R', 'D', 'OW0']
    """
    w = _weights()
    state = np.zeros(w["enc_w_hh"].shape[1], np.float32)
    for letter in [*word, "/"]:
        state = _gru(w["enc_emb"][GRAPHEMES.get(letter, 1)], state, w, "enc")
    phones, previous = [], START
    for _ in range(max(LONGEST, 2 * len(word))):
        state = _gru(w["dec_emb"][previous], state, w, "dec")
        previous = int(np.argmax(w["fc_w"] @ state + w["fc_b"]))
        if previous == END:
            break
        if previous > END:
            phones.append(PHONES[previous])
    return phones


def _gru(x: np.ndarray, state: np.ndarray, w: dict[str, np.ndarray], side: str) -> np.ndarray:
    """One step of a gated recurrent unit; gates in the order reset, update, candidate."""
    of_input = w[f"{side}_w_ih"] @ x + w[f"{side}_b_ih"]
    of_state = w[f"{side}_w_hh"] @ state + w[f"{side}_b_hh"]
    n = len(state)
    reset, update = 1 / (1 + np.exp(-(of_input + of_state)[: 2 * n])).reshape(2, n)
    candidate = np.tanh(of_input[2 * n :] + reset * of_state[2 * n :])
    return (1 - update) * candidate + update * state


def pronounce(word: str, *, british: bool = False) -> str:
    """Return Kokoro symbols for a word that no dictionary has.

    Parameters
    ----------
    word
        Letters a to z, lower case; anything else is passed over.
    british
        Whether r is dropped before consonants and vowels are British.

    Example
    -------
    >>> pronounce("bernardo")
    'bəɹnˈɑɹdO'
    """
    spelling = "".join(c for c in word.lower() if "a" <= c <= "z").replace("ph", "f")
    phones = arpabet(spelling)  # the network is unsure of "ph" in names
    out = []
    for i, phone in enumerate(phones):
        name, stress = phone.rstrip("012"), phone[-1]
        following = phones[i + 1].rstrip("012") if i + 1 < len(phones) else ""
        mark = {"1": "ˈ", "2": "ˌ"}.get(stress, "")
        out.append(mark + _symbol(name, stress, following, british))
        if british and name == "R" and following not in _VOWEL_NAMES:
            out.pop()
    return "".join(out)


_VOWEL_NAMES = {*VOWELS, "UW"}


def _symbol(name: str, stress: str, following: str, british: bool) -> str:
    if name == "AH" and stress == "0":
        return "ə"
    if name == "ER" and stress == "0":
        return "əɹ" if not british or following in _VOWEL_NAMES else "ə"
    if not british:
        return AMERICAN[name]
    if name == "AA" and following != "R":
        return "ɒ"
    linking = "ɹ" if name == "ER" and following in _VOWEL_NAMES else ""
    return BRITISH.get(name, AMERICAN[name]) + linking
