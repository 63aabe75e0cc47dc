"""What is recorded of a flow whose solution is known."""

import math

import pytest
import torch
from spatialdrama_isdrama.inspection.path import Recorded

from spatialdrama.errors import ValidationError


def test_a_straight_flow_knows_its_end_from_the_first_step():
    torch.manual_seed(0)
    x, end = torch.randn(2, 3, 5, dtype=torch.float64), torch.randn(2, 3, 5, dtype=torch.float64)
    path = Recorded(lambda x, t: (end - x) / (1 - t))
    steps = 10
    for k in range(steps):
        x = x + path(x, k / steps) / steps
    assert path.times == [k / steps for k in range(steps)]
    for seen in path.ends():
        torch.testing.assert_close(seen, end.float(), atol=1e-5, rtol=0)
    assert max(path.bend()) < 1e-5


def test_the_bend_of_a_turning_field():
    """v turns by an angle a: |v - v0| / |v0| = 2 sin(a / 2)."""

    def turning(x, t):
        return torch.tensor([math.cos(t), math.sin(t)]).reshape(1, 1, 2)

    path = Recorded(turning)
    for t in (0.0, 0.3, 1.0):
        path(torch.zeros(1, 1, 2), torch.tensor([t]))
    assert path.bend() == pytest.approx([2 * math.sin(t / 2) for t in (0.0, 0.3, 1.0)], abs=1e-6)


def test_what_is_recorded_does_not_change_with_the_sample():
    path = Recorded(lambda x, t: x)
    x = torch.ones(1, 1, 1)
    path(x, 0.0)
    x += 5
    assert path.points[0].item() == 1


def test_nothing_recorded_yet():
    with pytest.raises(ValidationError, match="give this object to a solver"):
        Recorded(lambda x, t: x).ends()
