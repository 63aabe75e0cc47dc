"""Cuts of long lines against an exhaustive search."""

import itertools

import numpy as np
import pytest
from spatialdrama_isdrama.drama.splitting import pieces

from spatialdrama.errors import ValidationError


def exhaustive(frames, pauses, limit):
    """Every set of cuts behind pauses: the fewest pieces, then the evenest."""
    places = [i + 1 for i in range(len(frames) - 1) if pauses[i]]
    found = []
    for count in range(len(places) + 1):
        for cuts in itertools.combinations(places, count):
            edges = [0, *cuts, len(frames)]
            sizes = [sum(frames[a:b]) for a, b in itertools.pairwise(edges)]
            if max(sizes) <= limit:
                found.append((len(sizes), sum(s * s for s in sizes)))
    return min(found) if found else None


@pytest.mark.parametrize("seed", range(40))
def test_as_few_and_as_even_as_can_be(seed):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 11))
    frames, pauses = rng.integers(1, 9, k).tolist(), (rng.random(k) < 0.5).tolist()
    limit = int(rng.integers(6, 20))
    wanted = exhaustive(frames, pauses, limit)
    if wanted is None:
        with pytest.raises(ValidationError, match="without a pause"):
            pieces(frames, pauses, limit)
        return
    got = pieces(frames, pauses, limit)
    assert [i for s in got for i in range(s.start, s.stop)] == list(range(k))
    assert all(pauses[s.stop - 1] for s in got[:-1])
    sizes = [sum(frames[s]) for s in got]
    assert max(sizes) <= limit
    assert (len(sizes), sum(s * s for s in sizes)) == wanted


def test_a_line_that_fits_is_left_whole():
    assert pieces([3, 1, 3], [False, True, False], 7) == [slice(0, 3)]


def test_a_stretch_without_a_pause_says_how_long_it_is_and_what_to_do():
    with pytest.raises(ValidationError, match=r"line 3 of ANNA.*20\.00 s.*16\.00 s.*comma"):
        pieces([3750], [False], 3000, what="line 3 of ANNA")


def test_one_frame_too_many_is_another_number():
    assert pieces([3000], [False], 3000) == [slice(0, 1)]
    with pytest.raises(ValidationError, match=r"speaks 16\.01 s .* at most 16\.00 s"):
        pieces([3001], [False], 3000)
