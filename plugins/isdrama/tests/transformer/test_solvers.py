"""Solvers on equations that have a formula: values, order, schedule (equation 12)."""

import math

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.transformer.solvers import solve, sway, uniform

from spatialdrama.errors import ValidationError

START = torch.tensor([[[1.5, -0.4]]], dtype=torch.float64)


def driven(x, time):
    """x' = cos(3 t) - 2 x."""
    return torch.cos(3 * time)[:, None, None] - 2 * x


def driven_end(x0, t=1.0):
    def special(s):
        return (2 * math.cos(3 * s) + 3 * math.sin(3 * s)) / 13

    return special(t) + (x0 - special(0.0)) * math.exp(-2 * t)


def bent(x, time):
    """x' = x^2 cos t, so x = x0 / (1 - x0 sin t)."""
    return x.square() * torch.cos(time)[:, None, None]


def bent_end(x0):
    return x0 / (1 - x0 * math.sin(1.0))


PROBLEMS = {"driven": (driven, driven_end, START), "bent": (bent, bent_end, START / 3)}
problems = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())


@problems
@pytest.mark.parametrize("schedule", ["uniform", "sway"])
@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2), ("few", 2)])
def test_order_of_convergence(problem, solver, order, schedule):
    field, end, x0 = problem
    wanted = end(x0)
    counts = [250, 500, 1000]
    errors = [float((solve(field, x0, n, solver, schedule) - wanted).abs().max()) for n in counts]
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.12)
    assert errors[-1] < 2e-2 / counts[-1] ** (order - 1)


def test_equation_12_step_by_step():
    x, h = START.clone(), 1 / 7
    for i in range(7):
        x = x + h * driven(x, torch.tensor([i * h], dtype=torch.float64))
    torch.testing.assert_close(solve(driven, START, 7), x, atol=1e-14, rtol=0)


@pytest.mark.parametrize("schedule", ["uniform", "sway"])
def test_two_step_weights_by_hand(schedule):
    t = {"uniform": uniform, "sway": sway}[schedule](3)
    v = [0.0] * 3
    x = float(START[0, 0, 0])

    def f(x, s):
        return math.cos(3 * s) - 2 * x

    v[0] = f(x, t[0])
    x += (t[1] - t[0]) * v[0]
    for i in (1, 2):
        h, before = t[i + 1] - t[i], t[i] - t[i - 1]
        v[i] = f(x, t[i])
        # The line through the last two velocities, integrated over the step.
        slope = (v[i] - v[i - 1]) / before
        x += h * v[i] + h * h / 2 * slope
    got = solve(driven, START, 3, "few", schedule)
    assert float(got[0, 0, 0]) == pytest.approx(x, abs=1e-13)


@pytest.mark.parametrize("solver", ["euler", "midpoint", "few"])
@pytest.mark.parametrize("steps", [1, 2, 25])
def test_a_straight_path_is_exact_in_any_number_of_steps(solver, steps):
    end = torch.randn(1, 1, 2, generator=torch.Generator().manual_seed(0)).double()
    got = solve(lambda x, t: end - START, START, steps, solver)
    torch.testing.assert_close(got, end, atol=1e-13, rtol=0)


def gaussian(mean, deviation):
    """The exact field of a flow from a standard normal to N(mean, deviation^2).

    x_t is normal about t mean with variance s^2 = (1 - t)^2 + t^2 deviation^2, so the flow keeps
    (x - t mean) / s, whence its velocity and its end mean + deviation x0.
    """

    def field(x, time):
        t = time[:, None, None]
        variance = (1 - t) ** 2 + t**2 * deviation**2
        slope = (t * deviation**2 - (1 - t)) / variance
        return mean + slope * (x - t * mean)

    return field, lambda x0: mean + deviation * x0


def test_few_steps_are_nearer_than_eulers_on_flows_from_noise():
    x0 = torch.linspace(-2, 2, 9, dtype=torch.float64)[None, None]

    def error(deviation, solver, steps):
        field, end = gaussian(mean=1.0, deviation=deviation)
        return float((solve(field, x0, steps, solver) - end(x0)).abs().max())

    for deviation in (0.1, 0.5, 1.0):
        for steps in (4, 8, 16):
            assert error(deviation, "few", steps) < error(deviation, "euler", steps)
    for deviation in (0.5, 1.0):
        assert error(deviation, "few", 8) < error(deviation, "euler", 25) / 1.5


def test_calls_a_step():
    for solver, calls in (("euler", 6), ("midpoint", 12), ("few", 6)):
        seen = []
        solve(lambda x, t, seen=seen: (seen.append(float(t)), -x)[1], START, 6, solver)
        assert len(seen) == calls
        assert seen == sorted(seen)
        assert seen[0] == 0
        assert seen[-1] < 1


def test_sway_is_f5s_and_ends_where_it_should():
    assert uniform(4) == [0.0, 0.25, 0.5, 0.75, 1.0]
    got = sway(6)
    np.testing.assert_allclose(got, [1 - math.cos(math.pi * i / 12) for i in range(7)], atol=1e-15)
    assert (got[0], got[-1]) == (0.0, 1.0)
    np.testing.assert_allclose(sway(6, 0.0), uniform(6))
    assert np.all(np.diff(got) > 0)


def test_a_path_can_be_watched_and_stopped():
    path = []
    end = solve(driven, START, 5, watch=lambda i, t, x, said: path.append((i, t, x.clone())))
    assert [p[0] for p in path] == [1, 2, 3, 4, 5]
    assert [p[1] for p in path] == uniform(5)[1:]
    assert torch.equal(path[-1][2], end)

    class Stopped(Exception):
        pass

    def stop(i, t, x, said):
        if i == 2:
            raise Stopped

    with pytest.raises(Stopped):
        solve(driven, START, 5, watch=stop)


def test_rows_do_not_know_each_other():
    x0 = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0)).double()
    for solver in ("euler", "midpoint", "few"):
        together = solve(driven, x0, 6, solver)
        assert torch.equal(together[1:2], solve(driven, x0[1:2], 6, solver))


def test_what_cannot_be_is_refused():
    with pytest.raises(ValidationError, match="euler, midpoint, few"):
        solve(driven, START, 5, "rk4")
    with pytest.raises(ValidationError, match="uniform, sway"):
        solve(driven, START, 5, "few", "cosine")
    with pytest.raises(ValidationError, match="at least 1 step"):
        solve(driven, START, 0)
