"""The length regulator against loops, bit for bit."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spatialdrama_isdrama.content import in_phone, phone_of_frame, regulate

from spatialdrama.errors import ValidationError


def by_loops(states, frames, total):
    rows, masks = [], []
    for state, count in zip(states, frames, strict=True):
        row = [state[k] for k in range(len(state)) for _ in range(int(count[k]))]
        masks.append([True] * len(row) + [False] * (total - len(row)))
        row += [torch.zeros(states.shape[-1])] * (total - len(row))
        rows.append(torch.stack(row) if row else torch.zeros(0, states.shape[-1]))
    return torch.stack(rows), torch.tensor(masks, dtype=torch.bool).reshape(len(states), total)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 5).flatmap(
        lambda k: st.lists(
            st.lists(st.integers(0, 6), min_size=k, max_size=k), min_size=1, max_size=4
        )
    ),
    st.integers(0, 5),
)
def test_states_are_repeated_exactly(frames, more):
    frames = torch.tensor(frames)
    states = torch.randn(*frames.shape, 3, generator=torch.Generator().manual_seed(0))
    total = int(frames.sum(1).max()) + more
    z_c, mask = regulate(states, frames, total)
    expected, expected_mask = by_loops(states, frames, total)
    assert torch.equal(z_c, expected)
    assert torch.equal(mask, expected_mask)
    if more == 0:
        assert torch.equal(regulate(states, frames)[0], expected)


def test_padding_changes_no_item():
    states = torch.tensor([[[1.0], [2.0], [math.nan]]])
    frames = torch.tensor([[2, 1, 0]])
    z_c, mask = regulate(states, frames, 8)
    assert z_c[0, :, 0].tolist() == [1.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert mask[0].tolist() == [True] * 3 + [False] * 5
    torch.testing.assert_close(regulate(states[:, :2], frames[:, :2])[0], z_c[:, :3])


def test_the_gradient_of_a_state_counts_its_frames():
    states = torch.randn(1, 3, 2, requires_grad=True)
    regulate(states, torch.tensor([[2, 0, 5]]), 9)[0].sum().backward()
    assert states.grad[0, :, 0].tolist() == [2.0, 0.0, 5.0]


def test_the_place_in_a_phone_by_loops():
    frames = torch.tensor([[2, 3, 0, 1], [1, 0, 0, 0]])
    features = in_phone(frames, 8)
    for item, counts in enumerate(frames.tolist()):
        rows = []
        for n in counts:
            for i in range(n):
                place = (i + 0.5) / n
                rows.append([place, math.sin(math.pi * place), math.log(1 + n)])
        rows += [[0.0] * 3] * (8 - len(rows))
        torch.testing.assert_close(features[item], torch.tensor(rows))


@pytest.mark.parametrize(
    ("frames", "total", "says"),
    [
        (torch.tensor([[1, -1]]), None, "-1 frames"),
        (torch.tensor([[1.0, 2.0]]), None, "whole numbers"),
        (torch.tensor([1, 2]), None, "whole numbers"),
        (torch.tensor([[4, 5]]), 8, "9 frames together, more than the 8"),
    ],
)
def test_frames_that_cannot_be_are_refused(frames, total, says):
    with pytest.raises(ValidationError, match=says):
        phone_of_frame(frames, total)


def test_states_without_their_frames_are_refused():
    with pytest.raises(ValidationError, match="number of frames"):
        regulate(torch.zeros(1, 3, 2), torch.tensor([[1, 2]]))
