"""Which dramas are for training and which are held back: whole dramas, and always the same."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

from spatialdrama.errors import ValidationError

#: Share of the dramas in each split, in the order in which they share the line from 0 to 1.
SHARES: Mapping[str, float] = {"train": 0.9, "validation": 0.05, "test": 0.05}


def split_of(drama: str, shares: Mapping[str, float] | None = None) -> str:
    """Return the split that a drama belongs to.

    The drama's name is hashed (SHA-256, first 8 bytes) to a place between 0 and 1, so that its
    split stays what it is when other dramas are added. Segments of one drama share speakers and
    scenes: a split by segment would test on what was trained on. With few dramas a small share
    may get none.

    Parameters
    ----------
    drama : str
    shares : mapping of split to share, optional
        Default :data:`SHARES`; must sum to 1.

    Raises
    ------
    ValidationError
        For shares that do not sum to 1, or a name that is no split.

    Examples
    --------
    >>> from spatialdrama_corpora.splits import split_of
    >>> split_of("Hamlet"), split_of("Hamlet", {"train": 0.0, "test": 1.0})
    ('train', 'test')
    """
    shares = SHARES if shares is None else shares
    check_shares(shares)
    place = int.from_bytes(hashlib.sha256(drama.encode("utf-8")).digest()[:8], "big") / 2**64
    edge = 0.0
    for name, share in shares.items():
        edge += share
        if share > 0 and place < edge:
            return name
    return [name for name, share in shares.items() if share > 0][-1]


def check_shares(shares: Mapping[str, float]) -> None:
    """Raise unless `shares` are those of train, validation and test, and sum to 1."""
    odd = sorted(set(shares) - {"train", "validation", "test"})
    if odd:
        raise ValidationError(
            f"splits are train, validation and test; got {', '.join(map(repr, odd))}."
        )
    values = list(shares.values())
    if min(values, default=-1) < 0 or not math.isclose(sum(values), 1.0, abs_tol=1e-9):
        raise ValidationError(
            f"the shares of the splits must be 0 or more and sum to 1; got {dict(shares)}."
        )
