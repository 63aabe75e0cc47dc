"""Where a long line may be cut: at its pauses, into the fewest and evenest pieces (E12)."""

from __future__ import annotations

from collections.abc import Sequence

from spatialdrama.errors import ValidationError

#: s; the longest stretch that the model speaks at once (E12).
LONGEST = 16.0


def pieces(
    frames: Sequence[int],
    pauses: Sequence[bool],
    limit: int,
    *,
    what: str = "the line",
    frames_per_second: float = 187.5,
) -> list[slice]:
    """Return slices of phones, each at most `limit` frames long, cut behind pauses only.

    As few pieces as possible; among those, the ones with the smallest sum of squared lengths, so
    that no scrap is left over.

    Parameters
    ----------
    frames : (k,) int
        How long each phone is.
    pauses : (k,) bool
        Which phones are pauses; a pause stays with what comes before it.
    limit : int, frames
    what : str
        For the message.
    frames_per_second : float
        For the message.

    Raises
    ------
    ValidationError
        A stretch without a pause is longer than the limit.

    Examples
    --------
    >>> pieces([4, 1, 4, 1, 4], [False, True, False, True, False], limit=10)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    ends = [i + 1 for i, pause in enumerate(pauses[:-1]) if pause] + [len(frames)]
    starts = [0, *ends[:-1]]
    lengths = [sum(frames[a:b]) for a, b in zip(starts, ends, strict=True)]
    if max(lengths) > limit:
        raise ValidationError(
            f"{what} speaks {max(lengths) / frames_per_second:.2f} s without a pause, and the "
            f"model speaks at most {limit / frames_per_second:.2f} s at once; add a comma or a "
            "full stop, or make it two lines."
        )
    # best[j]: (pieces, sum of squares, where the last piece starts) of the first j clauses
    best: list[tuple[int, int, int]] = [(0, 0, 0)]
    for j in range(1, len(lengths) + 1):
        options, total = [], 0
        for i in range(j - 1, -1, -1):
            total += lengths[i]
            if total > limit:
                break
            options.append((best[i][0] + 1, best[i][1] + total**2, i))
        best.append(min(options))
    out, j = [], len(lengths)
    while j:
        i = best[j][2]
        out.append(slice(starts[i], ends[j - 1]))
        j = i
    return out[::-1]
