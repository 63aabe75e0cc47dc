"""Where an item's prompt comes from, and what is left of it (C.3, E20, E22)."""

import attrs
import pytest
import torch
from spatialdrama_isdrama.transformer.dropping import (
    NONE,
    OTHER,
    SAME,
    drop_scenes,
    prompt_sources,
    with_sources,
)


def test_the_papers_chances(tiny):
    sources = prompt_sources(20_000, tiny(), torch.Generator().manual_seed(0))
    share = torch.bincount(sources, minlength=3) / 20_000
    assert float(share[NONE]) == pytest.approx(0.2, abs=0.01)
    assert float(share[OTHER]) == pytest.approx(0.4, abs=0.01)
    assert float(share[SAME]) == pytest.approx(0.4, abs=0.01)


def test_prompts_are_taken_from_where_it_says(lines):
    c = lines([2, 2, 2, 2], prompts=[2, 3, 1, 2])
    rng = torch.Generator().manual_seed(3)
    other = torch.randn(4, 6, 5, generator=rng).double()
    other_mask = torch.arange(5) < torch.tensor([5, 4, 2, 0])[:, None]
    got = with_sources(c, torch.tensor([SAME, OTHER, NONE, OTHER]), other, other_mask)
    prompt, mask = got.prompts()
    assert mask.sum(1).tolist() == [2, 4, 0, 2]
    assert torch.equal(prompt[0, :2], c.prompt[0, :, :2].T)
    assert torch.equal(prompt[1, :4], other[1, :, :4].T)
    # The last item has no other prompt, and keeps its own.
    assert torch.equal(prompt[3, :2], c.prompt[3, :, :2].T)


def test_data_that_have_chosen_keep_their_prompts(lines):
    c = lines([2, 2, 2], prompts=[2, 3, 1])
    got = with_sources(c, torch.tensor([SAME, OTHER, NONE]))
    assert got.prompts()[1].sum(1).tolist() == [2, 3, 0]
    bare = lines([2])
    assert with_sources(bare, torch.tensor([NONE])) is bare


def test_scenes_are_dropped_by_chance(tiny, lines):
    c = lines([1] * 400, scenes=[2] * 400)
    got = drop_scenes(c, tiny(drop_scene=0.25), torch.Generator().manual_seed(0))
    left = got.scenes()[1].any(1).double().mean()
    assert float(left) == pytest.approx(0.75, abs=0.06)
    whole = drop_scenes(c, tiny(drop_scene=0.0), torch.Generator().manual_seed(0))
    assert whole.scenes()[1].all()
    bare = attrs.evolve(c, scene=None, scene_mask=None)
    assert drop_scenes(bare, tiny(), torch.Generator()) is bare
