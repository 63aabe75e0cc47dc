"""Seeds belong to a line: pinned, independent of everything else, well spread."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from spatialdrama.errors import ValidationError
from spatialdrama.runtime.seeding import line_seed, rng


def test_the_definition_is_pinned():
    """A change here changes every drama ever made with a seed."""
    digest = hashlib.sha256(b'[7,0,"ANNA","Hello."]').digest()
    assert line_seed(7, 0, "ANNA", "Hello.") == int.from_bytes(digest[:8], "big") // 2


def test_every_key_counts():
    seeds = {
        line_seed(7, 0, "ANNA", "Hello."),
        line_seed(8, 0, "ANNA", "Hello."),
        line_seed(7, 1, "ANNA", "Hello."),
        line_seed(7, 0, "BERT", "Hello."),
        line_seed(7, 0, "ANNA", "Hello!"),
        line_seed(7, "0", "ANNA", "Hello."),
        line_seed(7, 0, "ANNAHello."),
        line_seed(7, 0, "ANNA", "Hello.", "noise"),
    }
    assert len(seeds) == 8


def test_seeds_fit_numpy_and_torch():
    assert all(0 <= line_seed(n) < 2**63 for n in range(1000))


@pytest.mark.parametrize("bad", [1.0, True, None, (1,)])
def test_keys_are_whole_numbers_or_text(bad):
    with pytest.raises(ValidationError, match="whole numbers or text; got"):
        line_seed(7, bad)


def test_numpy_integers_count_as_whole_numbers():
    assert line_seed(np.int64(7), np.uint8(1)) == line_seed(7, 1)


def test_generators_repeat_and_differ():
    first, again, other = rng(7, 0, "A"), rng(7, 0, "A"), rng(7, 1, "A")
    draws = first.standard_normal(20_000)
    assert np.array_equal(draws, again.standard_normal(20_000))
    # independent normal streams: |r| < 4.5 / sqrt(n) but for 7 in a million
    assert abs(np.corrcoef(draws, other.standard_normal(20_000))[0, 1]) < 4.5 / np.sqrt(20_000)


def test_torch_generator_repeats():
    torch = pytest.importorskip("torch")
    from spatialdrama.runtime.seeding import torch_generator

    one = torch.randn(5, generator=torch_generator(7, 0))
    assert torch.equal(one, torch.randn(5, generator=torch_generator(7, 0)))
    assert not torch.equal(one, torch.randn(5, generator=torch_generator(7, 1)))
