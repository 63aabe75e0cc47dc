"""How far the mouth is open while somebody speaks: by how loud it is, and by which sound."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import Speech
from spatialdrama.types.script import Phone
from spatialdrama.types.validate import check_positive

#: dB; between the loudest frames and those in which the mouth is shut.
RANGE_DB = 34.0
#: s; over which the level is taken, and over which lips move.
WINDOW = 0.050

#: How far sounds open the mouth, 0 to 1, by the letters that IPA, ARPAbet and pinyin share.
#: Single capitals are Kokoro's diphthongs.
_OPEN_VOWELS, _MIDDLE_VOWELS, _CLOSE_VOWELS = "aɑæʌɐɒIW", "eɛəɚɜoɔɤøœᵊAOQY", "iɪuʊyvüɨᵻɯ"
_VOWELS = {
    **dict.fromkeys(_OPEN_VOWELS, 1.0),
    **dict.fromkeys(_MIDDLE_VOWELS, 0.7),
    **dict.fromkeys(_CLOSE_VOWELS, 0.42),
}
_SHUT, _TEETH_ON_LIP, _CONSONANT = 0.0, 0.10, 0.30
_SILENT = {"", "sp", "ap", "sil", "spn", "pau", "eps", "h#"}
_MARKS = "ˈˌːʰʲ̃↓→↗↘0123456789"


def aperture(symbol: str) -> float:
    """Return how far a sound opens the mouth, 0 to 1: lips meet at 0.

    Parameters
    ----------
    symbol : str
        IPA, ARPAbet (capitals) or pinyin; silence and punctuation are 0.

    Examples
    --------
    >>> [aperture(s) for s in ("ɑː", "AE1", "iao", "m", "B", "f", "s", "<SP>", ",")]
    [1.0, 1.0, 1.0, 0.0, 0.0, 0.1, 0.3, 0.0, 0.0]
    """
    bare = symbol.strip().strip("<>").strip(_MARKS)
    if bare.lower() in _SILENT or not any(c.isalpha() for c in bare):
        return 0.0
    if len(bare) == 2 and bare.isascii() and bare.isupper():
        table = {"AA": 1.0, "AE": 1.0, "AH": 0.8, "AY": 1.0, "AW": 1.0, "IH": 0.42, "IY": 0.42,
                 "UH": 0.42, "UW": 0.42}  # fmt: skip
        return table.get(bare, 0.7 if bare[0] in "AEO" else _CONSONANT)
    if bare in ("v", "V"):
        return _TEETH_ON_LIP  # pinyin's v is ü, but it hardly ever stands alone
    vowels = [_VOWELS[c] for c in bare if c in _VOWELS]
    if vowels:
        return max(vowels)
    first = bare[0].lower()
    if first in "pbm":
        return _SHUT
    return _TEETH_ON_LIP if first == "f" else _CONSONANT


def mouth_opening(
    speech: Speech, rate: float = 24.0, frames: int | None = None, *, start: float = 0.0
) -> np.ndarray:
    """Return how far the mouth is open in each frame of a video.

    The level within 34 dB of the line's loudest opens it; where the phones are known, each opens
    it as far as it can, and lips meet in p, b and m.

    Parameters
    ----------
    speech : Speech
    rate : float, frames per second
        Frame i is taken at i / rate.
    frames : int, optional
        By default as many as cover the speech.
    start : float, s
        When the speech begins, from the first frame; before and after it the mouth is shut.

    Returns
    -------
    (frames,) float
        0 is shut, 1 wide open.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import Speech
    >>> said = Speech(np.r_[np.zeros(9600), np.ones(9600), np.zeros(9600)] / 10, 48_000)
    >>> mouth_opening(said, 10.0).round(1).tolist()
    [0.0, 0.0, 0.9, 1.0, 0.9, 0.0]
    """
    check_positive(rate, "rate", unit="frames per second")
    if frames is None:
        frames = max(math.ceil((start + speech.duration) * rate - 1e-9), 1)
    elif frames < 1:
        raise ValidationError(f"a video needs one frame or more; got frames={frames}.")
    times = np.arange(int(frames)) / rate - start
    opening = _loudness(speech, times)
    if speech.phones:
        opening = np.sqrt(opening) * _reach(speech.phones, times)
    return opening


def _loudness(speech: Speech, times: np.ndarray) -> np.ndarray:
    """Return 0 to 1 at `times`: the level of the window there, in dB below the loudest ones."""
    power = np.concatenate([[0.0], np.cumsum(np.square(speech.samples, dtype=np.float64))])

    def levels(at: np.ndarray) -> np.ndarray:
        edges = np.rint(np.add.outer([-WINDOW / 2, WINDOW / 2], at) * speech.rate).astype(int)
        low, high = np.clip(edges, 0, len(power) - 1)
        mean = (power[high] - power[low]) / (WINDOW * speech.rate)
        return 10 * np.log10(np.maximum(mean, 1e-20))

    loudest = np.percentile(levels(np.arange(0, speech.duration, WINDOW / 2) + WINDOW / 4), 95)
    if loudest < -100:  # digital silence
        return np.zeros(len(times))
    return np.clip(1 + (levels(times) - loudest) / RANGE_DB, 0, 1) ** 1.5


def _reach(phones: Sequence[Phone], times: np.ndarray) -> np.ndarray:
    """Return 0 to 1 at `times`: the mean aperture of the phones in the window there."""
    bounds = np.array([(p.start, p.end) for p in phones])
    wide = np.array([aperture(p.symbol) for p in phones])
    low = np.maximum(bounds[:, 0], times[:, None] - WINDOW / 2)
    high = np.minimum(bounds[:, 1], times[:, None] + WINDOW / 2)
    share = np.maximum(high - low, 0.0)
    known = share.sum(axis=1)
    mean = (share @ wide) / np.maximum(known, 1e-9)
    # Lips that meet are seen to meet, however short the sound.
    held = ((bounds[:, 0] <= times[:, None]) & (times[:, None] < bounds[:, 1])) & (wide == 0)
    return np.where((known <= 0) | held.any(axis=1), 0.0, mean)
