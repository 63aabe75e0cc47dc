"""Who speaks: the 36 native identities, and new ones blended from them.

Grammar of an identity::

    identity = part { "+" part }        "zf_xiaoxiao:0.6+bm_george:0.4"
    part     = name [ ":" weight ]      "am_michael" alone is that voice as it is

A weight is a positive number; a part without one has weight 1. Weights are divided by their sum, so
"a:3+b:1" is "a:0.75+b:0.25"; only the proportions count. Names start with the accent (a American,
b British, z Mandarin) and f or m. An identity speaks its other language with a strong accent; a
blend of a Mandarin and an English voice is clear in both (decision record 0003), so give one to a
speaker whose lines mix the languages.

The style vectors are Kokoro-82M's (Apache-2.0, hexgrad): for each length of text a row of 256
numbers. A row table is smooth, so 24 components of its singular value decomposition hold it to 2e-5
and 36 voices take 2.6 MB instead of 19.
"""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import math

import attrs
import numpy as np

from spatialdrama.errors import UnknownNameError, ValidationError

LENGTHS = 510  # rows of a table: one for each number of symbols in the text
WIDTH = 256
EXAMPLE = "write it like 'am_michael' or 'zf_xiaoxiao:0.6+bm_george:0.4'"


@attrs.frozen
class Identity:
    """A native voice or a blend: names with weights that sum to 1.

    Example
    -------
    >>> str(Identity.parse("zf_xiaoxiao:3 + bm_george"))
    'zf_xiaoxiao:0.75+bm_george:0.25'
    """

    parts: tuple[tuple[str, float], ...]

    @classmethod
    def parse(cls, text: str) -> Identity:
        """Read an identity.

        Raises
        ------
        ValidationError
            If the text does not follow the grammar, or a weight is not a positive number.
        UnknownNameError
            If a name is none of the native ones; the message gives the nearest.
        """
        if isinstance(text, Identity):
            return text
        if not isinstance(text, str) or not text.strip():
            raise ValidationError(f"an identity must have a name; got {text!r}; {EXAMPLE}")
        parts: dict[str, float] = {}
        for part in text.split("+"):
            name, weight = _part(part, text)
            if name in parts:
                raise ValidationError(
                    f"the identity {text!r} names {name!r} twice; give it one weight"
                )
            parts[name] = weight
        total = sum(parts.values())
        return cls(tuple((name, weight / total) for name, weight in parts.items()))

    def __str__(self) -> str:
        if len(self.parts) == 1:
            return self.parts[0][0]
        return "+".join(f"{name}:{weight:.4g}" for name, weight in self.parts)

    @property
    def british(self) -> bool:
        """Whether British voices outweigh American ones (Mandarin ones have no say)."""
        weight = {"a": 0.0, "b": 0.0, "z": 0.0}
        for name, share in self.parts:
            weight[name[0]] += share
        return weight["b"] > weight["a"]

    def style(self, length: int) -> np.ndarray:
        """Style vector for a text of ``length`` symbols.

        Parameters
        ----------
        length
            Number of symbols, 1 to 510; more counts as 510.

        Returns
        -------
        (256,) float32
            First half for the decoder, second half for durations and pitch.
        """
        row = min(max(length, 1), LENGTHS) - 1
        vector = np.zeros(WIDTH, np.float64)
        for name, weight in self.parts:
            rows, basis = _table(name)
            vector += weight * (rows[row].astype(np.float64) @ basis[1:] + basis[0])
        return vector.astype(np.float32)


def _part(part: str, whole: str) -> tuple[str, float]:
    name, colon, number = (piece.strip() for piece in part.partition(":"))
    if not name:
        raise ValidationError(f"the identity {whole!r} has a part without a name; {EXAMPLE}")
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0.4) or names()[:3]
        raise UnknownNameError(
            f"unknown identity {name!r}; nearest: {', '.join(near)}; "
            "all of them: sd.load_voice('kokoro').identities()"
        )
    try:
        weight = float(number) if colon else 1.0
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise ValidationError(
            f"the weight of {name!r} in {whole!r} must be a positive number; got {number!r}; "
            f"{EXAMPLE}"
        )
    return name, weight


@functools.cache
def names() -> tuple[str, ...]:
    """Native identities: American, British, Mandarin.

    Example
    -------
    >>> len(names()), names()[0]
    (36, 'af_alloy')
    """
    with _open() as stored:
        return tuple(sorted(n.removesuffix(".rows") for n in stored.files if n.endswith(".rows")))


@functools.cache
def _table(name: str) -> tuple[np.ndarray, np.ndarray]:
    with _open() as stored:
        return stored[f"{name}.rows"], stored[f"{name}.basis"]


def _open():
    path = importlib.resources.files("spatialdrama_speech") / "data" / "voices.npz"
    return np.load(path.open("rb"))
