"""Statistics of routing against loops over frames, and angles against a drawn circle."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.inspection.routing import balance_of, by_azimuth, folded_angle

from spatialdrama.errors import ValidationError


def random_case(seed, b=3, frames=40, n=4):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(n), (b, frames))
    return p, rng.uniform(-400, 400, (b, frames)), rng.random((b, frames)) < 0.7


def test_the_fold_is_the_angle_to_the_right_ears_axis():
    """arccos of the direction's share along the right ear's axis, which front and back share."""
    azimuth = np.linspace(-720, 720, 1001)
    to_the_right = -np.sin(np.radians(azimuth))  # y is left
    want = np.degrees(np.arccos(np.clip(to_the_right, -1, 1)))
    np.testing.assert_allclose(folded_angle(azimuth), want, atol=1e-4)


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("sectors", [1, 4, 12])
def test_means_are_those_of_a_loop(fold, sectors):
    p, azimuth, mask = random_case(0)
    table = by_azimuth(p, azimuth, mask, sectors=sectors, fold=fold)
    low, high = (0.0, 180.0) if fold else (-180.0, 180.0)
    edges = np.linspace(low, high, sectors + 1)
    for k in range(sectors):
        inside = []
        for b in range(p.shape[0]):
            for frame in range(p.shape[1]):
                direction = np.exp(1j * np.radians(azimuth[b, frame]))
                angle = np.degrees(np.angle(direction))
                if fold:
                    angle = np.degrees(np.arccos(-direction.imag))
                if mask[b, frame] and edges[k] <= angle < edges[k + 1]:
                    inside.append(p[b, frame])
        assert table.frames.values[k] == len(inside)
        np.testing.assert_allclose(table.values[k], np.mean(inside, axis=0), atol=1e-12)
        assert table.angle.values[k] == pytest.approx((edges[k] + edges[k + 1]) / 2)


def test_empty_sectors_are_not_zero():
    table = by_azimuth([[[0.5, 0.5]]], [[80.0]], sectors=2)
    assert np.isnan(table.values[0]).all()
    assert table.values[1].tolist() == [0.5, 0.5]


def test_tensors_in_half_precision_and_on_a_graph():
    p = torch.full((1, 2, 2), 0.5, dtype=torch.bfloat16, requires_grad=True)
    table = by_azimuth(p, torch.tensor([[0.0, 10.0]]), torch.tensor([[True, False]]), sectors=1)
    assert (table.values.tolist(), table.frames.item()) == ([[0.5, 0.5]], 1)


def test_balance_counts_frames_inside_the_mask():
    p, _, mask = random_case(1)
    used = balance_of(p, mask)
    chosen, total = np.zeros(4), 0
    for b in range(p.shape[0]):
        for frame in range(p.shape[1]):
            if mask[b, frame]:
                chosen[int(np.argmax(p[b, frame]))] += 1
                total += 1
    np.testing.assert_allclose(used["chosen"], chosen / total)
    np.testing.assert_allclose(used["probability"], p[mask].mean(0))
    with pytest.raises(ValidationError, match="no frame"):
        balance_of(p, np.zeros_like(mask))


def test_shapes_that_do_not_go_together():
    with pytest.raises(ValidationError, match=r"\(1, 2, 3\), \(1, 3\)"):
        by_azimuth(np.zeros((1, 2, 3)), np.zeros((1, 3)))
