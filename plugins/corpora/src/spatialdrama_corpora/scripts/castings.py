"""Who plays whom: identities and their blends, those held out, and how each of them speaks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.runtime.seeding import rng

#: Identities of the voice ``kokoro`` that are easy to understand in each language (decision
#: record 0003: the other two Mandarin ones are misheard).
KOKORO: Mapping[str, tuple[str, ...]] = {
    "en": (
        "af_alloy", "af_aoede", "af_bella", "af_heart", "af_jessica", "af_kore", "af_nicole",
        "af_nova", "af_river", "af_sarah", "af_sky", "am_adam", "am_echo", "am_eric", "am_fenrir",
        "am_liam", "am_michael", "am_onyx", "am_puck", "bf_alice", "bf_emma", "bf_isabella",
        "bf_lily", "bm_daniel", "bm_fable", "bm_george", "bm_lewis",
    ),
    "zh": ("zf_xiaobei", "zf_xiaoxiao", "zf_xiaoyi", "zm_yunjian", "zm_yunxi", "zm_yunyang"),
}  # fmt: skip

#: What a style does to length, for the plan's estimate, and how often it is asked for.
STYLES: Mapping[str, tuple[float, float]] = {
    "": (1.0, 0.64),
    "softly": (0.95, 0.10),
    "loudly": (1.0, 0.09),
    "quickly": (1.25, 0.05),
    "slowly": (0.8, 0.05),
    "calling": (0.85, 0.02),
    "shouting": (0.95, 0.02),
    "whispering": (0.92, 0.03),
}
_EXCITED = ("loudly", "shouting", "calling")


@attrs.frozen
class Pool:
    """Identities that training may hear, and those that it never does.

    A blend is held out when it is made of held-out voices, and is never made of both kinds.
    """

    train: tuple[str, ...]
    held_out: tuple[str, ...]

    def of(self, split: str) -> tuple[str, ...]:
        """Return the identities of a split; validation and test share the held-out ones."""
        return self.train if split == "train" else self.held_out


def identity_pool(
    native: Sequence[str], *, blends: int = 0, held_out: float = 0.2, seed: int = 0
) -> Pool:
    """Split voices into known and held-out ones, and blend new ones of each kind.

    Parameters
    ----------
    native : sequence of str
        At least two.
    blends : int
        How many blends of two voices of one kind to add, shared out by the kinds' sizes; each
        pair gives three, of equal and of unequal parts.
    held_out : float
        Share of the native ones, 0 to 0.5; some are held out where it is above 0.
    seed : int

    Raises
    ------
    ValidationError

    Examples
    --------
    >>> identity_pool(["a", "b", "c", "d", "e"], held_out=0.4, blends=2, seed=1).held_out[:2]
    ('b', 'e')
    """
    native = tuple(native)
    if len(set(native)) != len(native) or len(native) < 2:
        raise ValidationError(
            f"a cast needs two different identities or more in each language; got {native!r}."
        )
    if not 0 <= held_out <= 0.5 or blends < 0:
        raise ValidationError(
            f"held_out is a share of 0 to 0.5 and blends a count from 0; got {held_out!r} and "
            f"{blends!r}."
        )
    draw = rng(seed, "identities", *native)
    order = [native[i] for i in draw.permutation(len(native))]
    # Two at least, so that even unheard casts have dialogues.
    fewest = 2 if len(native) >= 4 else 1
    count = min(max(round(held_out * len(native)), fewest), len(native) - 1) if held_out else 0
    kinds = {"held_out": order[:count], "train": order[count:]}
    more = {
        kind: _blends(some, round(blends * len(some) / len(native)), draw)
        for kind, some in kinds.items()
    }
    known = tuple(kinds["train"] + more["train"])
    # Without held-out voices validation hears the known ones, in other rooms.
    return Pool(known, tuple(kinds["held_out"] + more["held_out"]) or known)


def _blends(voices: Sequence[str], count: int, draw: np.random.Generator) -> list[str]:
    """Return blends "a:0.6+b:0.4" in which both parts are heard; new pairs come first."""
    pairs = [(a, b) for i, a in enumerate(voices) for b in voices[i + 1 :]]
    made: list[str] = []
    for weight in (0.5, 0.35, 0.65):
        made += [
            f"{pairs[k][0]}:{weight}+{pairs[k][1]}:{round(1 - weight, 2)}"
            for k in draw.permutation(len(pairs))
        ]
    return made[:count]


@attrs.frozen
class Character:
    """How one character of a drama speaks.

    Attributes
    ----------
    identity : str
    rate : float
        Factor of speed of all of the character's lines.
    pitch : float
        Semitones of all of them.
    lively : float, 0 to 1
        How often a line has a style, and how far rate and pitch move from line to line.
    """

    identity: str
    rate: float
    pitch: float
    lively: float


def cast(
    speakers: Iterable[str], identities: Sequence[str], *, rate: tuple[float, float],
    pitch: tuple[float, float], seed: int, drama: str,
) -> dict[str, Character]:  # fmt: skip
    """Give each speaker of a drama a voice; nobody shares one before all are used.

    Parameters
    ----------
    speakers : iterable of str
    identities : sequence of str
    rate, pitch : (low, high)
        Factors of speed, semitones.
    seed : int
    drama : str
        The same seed casts another drama otherwise.
    """
    draw = rng(seed, drama, "cast")
    order = [identities[i] for i in draw.permutation(len(identities))]
    return {
        speaker: Character(
            order[k % len(order)],
            round(float(draw.uniform(*rate)), 3),
            round(float(draw.uniform(*pitch)), 2),
            round(float(draw.uniform(0.2, 1.0)), 2),
        )
        for k, speaker in enumerate(dict.fromkeys(speakers))
    }


def style_of(text: str, character: Character, draw: np.random.Generator) -> str:
    """Draw a line's style; exclamations are louder more often.

    Examples
    --------
    >>> import numpy as np
    >>> calm = Character("a", 1.0, 0.0, 0.0)
    >>> style_of("Good night.", calm, np.random.default_rng(0))
    ''
    """
    names = list(STYLES)
    weights = np.array([STYLES[n][1] for n in names])
    weights[1:] *= 2 * character.lively
    if re.search(r"[!！]", text):
        weights[[names.index(n) for n in _EXCITED]] *= 4 * character.lively
    return names[int(draw.choice(len(names), p=weights / weights.sum()))]
