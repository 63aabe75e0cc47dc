"""Masks: what is there, what is not, and in which order."""

import pytest
import torch
from spatialdrama_isdrama.layers import (
    every_fourth,
    lengths_to_mask,
    masked,
    masked_mean,
    packing,
    places,
    reorder,
)

from spatialdrama.errors import ValidationError

NAN = float("nan")


def test_lengths_become_masks():
    mask = lengths_to_mask(torch.tensor([0, 2, 3]), 4)
    assert mask.dtype == torch.bool
    assert mask.tolist() == [[False] * 4, [True, True, False, False], [True, True, True, False]]
    assert lengths_to_mask(torch.tensor([1, 2])).shape == (2, 2)
    assert lengths_to_mask(torch.tensor([], dtype=torch.long)).shape == (0, 0)


@pytest.mark.parametrize(
    ("lengths", "longest", "words"),
    [
        (torch.tensor([5]), 4, "length of 5 does not fit into 4"),
        (torch.tensor([1.0]), 4, "whole numbers"),
        (torch.tensor([[1]]), 4, r"got \(1, 1\)"),
    ],
)
def test_wrong_lengths_are_errors(lengths, longest, words):
    with pytest.raises(ValidationError, match=words):
        lengths_to_mask(lengths, longest)


def test_nan_in_the_padding_stays_there_forward_and_backward():
    x = torch.tensor([[[1.0], [NAN]]], requires_grad=True)
    mask = torch.tensor([[True, False]])
    y = masked(x, mask)
    assert y.flatten().tolist() == [1.0, 0.0]
    (y * torch.tensor([[[2.0], [NAN]]])).nansum().backward()
    assert x.grad.flatten().tolist() == [2.0, 0.0]
    assert masked(x, None) is x


def test_the_mean_is_of_what_is_there():
    x = torch.tensor([[[1.0, 10.0], [3.0, 30.0], [NAN, NAN]], [[NAN, NAN]] * 3])
    mask = torch.tensor([[True, True, False], [False] * 3])
    assert masked_mean(x, mask).tolist() == [[2.0, 20.0], [0.0, 0.0]]
    assert masked_mean(x[:1, :2], None).tolist() == [[2.0, 20.0]]


def test_the_mean_of_many_halves_is_summed_in_float32():
    # In bfloat16 a sum of ones stops at 256: 256 + 1 is 256.
    x = torch.ones(1, 4096, 1, dtype=torch.bfloat16)
    y = masked_mean(x, torch.ones(1, 4096, dtype=torch.bool))
    assert y.dtype == torch.bfloat16
    assert y.item() == 1.0


def test_every_fourth_is_the_latent_rate():
    mask = lengths_to_mask(torch.tensor([8, 4, 5]), 8)
    assert every_fourth(mask).tolist() == [[True, True], [True, False], [True, True]]
    with pytest.raises(ValidationError, match="multiple of 4 frames, got 7"):
        every_fourth(mask[:, :7])


HOLES = torch.tensor([[True, False, True, True], [False, True, True, False], [False] * 4])


def test_places_count_what_precedes():
    assert places(HOLES)[HOLES].tolist() == [0, 1, 2, 0, 1]


@pytest.mark.parametrize("flip", [False, True])
def test_packing_brings_what_is_there_to_the_front_and_back(flip):
    x = torch.arange(12.0).view(3, 4, 1)
    order, back = packing(HOLES, flip)
    packed = reorder(x, order)
    expected = [[0.0, 2.0, 3.0], [5.0, 6.0], []]
    for row, wanted in zip(packed, expected, strict=True):
        found = row.flatten()[: len(wanted)].tolist()
        assert found == (wanted[::-1] if flip else wanted)
    assert torch.equal(reorder(packed, back), x)
