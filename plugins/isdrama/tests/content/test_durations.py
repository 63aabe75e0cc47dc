"""Durations: the predictor, its loss by hand, and whole frames against brute force."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spatialdrama_isdrama.content import (
    ContentConfig,
    DurationPredictor,
    duration_loss,
    durations_of,
    fit,
    frames_of,
)

from spatialdrama.errors import ValidationError

TINY = {"width": 8, "heads": 2, "inner": 16, "layers": 1, "predictor_width": 6}
REAL = st.floats(0, 1e6, allow_nan=False)


def level(durations, total):
    """The real numbers max(1, s d) that sum to `total`, with s by bisection."""
    d = np.asarray(durations, float)
    d = np.ones_like(d) if d.max() == 0 else d / d.max()
    low, high = 0.0, 2.0 * total
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(1, middle * d).sum() < total else (low, middle)
    return np.maximum(1, low * d)


@settings(max_examples=120, deadline=None)
@given(st.lists(REAL, min_size=1, max_size=4), st.integers(0, 8))
def test_fit_is_the_nearest_of_all_whole_numbers(durations, more):
    total = len(durations) + more
    wanted = level(durations, total)
    ways = [
        way
        for way in itertools.product(range(1, more + 2), repeat=len(durations))
        if sum(way) == total
    ]
    nearest = min(sum((np.array(way) - wanted) ** 2) for way in ways)
    got = fit(torch.tensor(durations, dtype=torch.float64), total)
    assert sum((got.numpy() - wanted) ** 2) == pytest.approx(nearest, abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(st.lists(REAL, min_size=1, max_size=40), st.integers(0, 2000))
def test_fit_sums_exactly_and_keeps_the_order(durations, more):
    total = len(durations) + more
    frames = fit(torch.tensor(durations, dtype=torch.float64), total)
    assert frames.dtype == torch.int64
    assert int(frames.sum()) == total
    assert int(frames.min()) >= 1
    for a, b in itertools.pairwise(np.argsort(durations, kind="stable")):
        assert durations[a] == durations[b] or frames[a] <= frames[b]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(1, 50), min_size=1, max_size=30), st.floats(1, 4))
def test_fit_is_less_than_a_frame_off_where_all_have_one(durations, factor):
    total = math.ceil(factor * sum(durations))
    scaled = np.array(durations) * total / sum(durations)  # all >= 1
    frames = fit(torch.tensor(durations, dtype=torch.float64), total).numpy()
    assert np.abs(frames - scaled).max() < 1


def test_fit_by_hand():
    # 10 over 1:1:2 is 2.5, 2.5, 5: the frame left goes to the first of equals.
    assert fit(torch.tensor([1.0, 1.0, 2.0]), 10).tolist() == [3, 2, 5]
    # Whole numbers stay what they are, whatever rounding does to their scale.
    whole = [3.0, 7.0, 1.0, 12.0]
    assert fit(torch.tensor(whole, dtype=torch.float64) / 187.5, 23).tolist() == [3, 7, 1, 12]
    assert fit(torch.tensor([0.0, 0.0, 0.0]), 7).tolist() == [3, 2, 2]
    assert fit(torch.tensor([5e-324, 1e300], dtype=torch.float64), 5).tolist() == [1, 4]


@pytest.mark.parametrize(
    ("durations", "total", "says"),
    [
        ([1.0, 1.0, 1.0], 2, "2 frames are too few for 3 phones"),
        ([1.0, float("nan")], 9, "finite"),
        ([1.0, float("inf")], 9, "finite"),
        ([1.0, -1.0], 9, "not negative"),
        ([], 9, "one axis"),
        ([1.0], 2.5, "whole number"),
    ],
)
def test_fit_refuses(durations, total, says):
    with pytest.raises(ValidationError, match=says):
        fit(torch.tensor(durations), total)


def test_free_frames_are_rounded_alone_with_one_at_least():
    logs = torch.tensor([[0.0, math.log(1 + 2.4), math.log(1 + 2.6), math.log(1 + 2000)]])
    mask = torch.tensor([[True, True, True, True]])
    assert frames_of(logs, mask, longest=500).tolist() == [[1, 2, 3, 500]]
    assert frames_of(logs, mask, rate=2.0, longest=500).tolist() == [[1, 1, 1, 500]]


def test_an_item_with_a_total_gets_it_and_one_without_stays_free():
    logs = torch.log1p(torch.tensor([[4.0, 4.0, 8.0], [2.0, 3.0, 99.0]]))
    mask = torch.tensor([[True, True, True], [True, True, False]])
    frames = frames_of(logs, mask, totals=torch.tensor([32, 0]))
    assert frames.tolist() == [[8, 8, 16], [2, 3, 0]]
    with pytest.raises(ValidationError, match="too few"):
        frames_of(logs, mask, totals=torch.tensor([2, 0]))


def test_durations_are_not_rounded_before_they_are_fitted():
    """Four phones of 1.4 frames and one of 5.6: halves of 22.4, which rounding makes 4 and 6."""
    logs = torch.log1p(torch.tensor([[1.4, 1.4, 1.4, 1.4, 5.6]], dtype=torch.float64))
    mask = torch.ones(1, 5, dtype=torch.bool)
    raw = durations_of(logs, mask, rate=0.5)
    torch.testing.assert_close(raw, torch.tensor([[2.8, 2.8, 2.8, 2.8, 11.2]]).double())
    fitted = frames_of(logs, mask, totals=torch.tensor([80]))
    assert fitted.tolist() == [fit(raw[0], 80).tolist()] == [[10, 10, 10, 10, 40]]


def test_languages_have_their_own_pace():
    logs = torch.log1p(torch.full((1, 3), 6.0))
    mask = torch.ones(1, 3, dtype=torch.bool)
    language = torch.tensor([[1, 2, 2]])
    pace = {"zh": 1.0, "en": 2.0}
    assert frames_of(logs, mask, language=language, pace=pace).tolist() == [[6, 3, 3]]
    fitted = frames_of(logs, mask, language=language, pace=pace, totals=torch.tensor([40]))
    assert fitted.tolist() == [[20, 10, 10]]
    predictor = DurationPredictor(ContentConfig(**TINY, pace_en=3.0))
    assert predictor.frames_of(logs, mask, language=language).tolist() == [[6, 2, 2]]


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValidationError, match="factor of speed"):
        frames_of(torch.zeros(1, 1), torch.ones(1, 1, dtype=torch.bool), rate=rate)


def test_broken_logs_are_refused():
    with pytest.raises(ValidationError, match="not finite"):
        frames_of(torch.tensor([[math.nan]]), torch.ones(1, 1, dtype=torch.bool))


def test_the_loss_is_the_mean_square_of_logs_over_the_phones_that_are_there():
    rng = np.random.default_rng(0)
    logs, frames = rng.normal(size=(3, 5)), rng.integers(0, 30, (3, 5))
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
    squares = [
        (logs[i, j] - math.log(1 + frames[i, j])) ** 2
        for i in range(3)
        for j in range(5)
        if mask[i, j]
    ]
    padded = np.where(mask, logs, np.nan)
    got = duration_loss(torch.tensor(padded), torch.tensor(frames), torch.tensor(mask))
    assert float(got) == pytest.approx(sum(squares) / 7, rel=1e-12)
    nothing = torch.zeros(1, 2, dtype=torch.bool)
    assert float(duration_loss(torch.ones(1, 2), torch.ones(1, 2), nothing)) == 0.0


def test_padding_gives_no_gradient_to_the_loss():
    logs = torch.tensor([[1.0, math.nan]], requires_grad=True)
    loss = duration_loss(logs, torch.tensor([[3, 0]]), torch.tensor([[True, False]]))
    loss.backward()
    assert logs.grad[0, 1] == 0
    assert logs.grad[0, 0] == pytest.approx(2 * (1 - math.log(4)))


def test_the_predictor_is_fastspeechs_by_loops():
    """Conv k3, ReLU, layer norm, twice, then a linear: with numpy, tap by tap."""
    torch.manual_seed(0)
    predictor = DurationPredictor(ContentConfig(**TINY)).double().eval()
    x = torch.randn(1, 7, 8, dtype=torch.float64)
    y = x[0].numpy()
    for conv, norm in zip(predictor.convs, predictor.norms, strict=True):
        weight, bias = conv.conv.weight.detach().numpy(), conv.conv.bias.detach().numpy()
        out = np.zeros((7, weight.shape[0]))
        for t in range(7):
            for tap in range(3):
                if 0 <= t + tap - 1 < 7:
                    out[t] += weight[:, :, tap] @ y[t + tap - 1]
            out[t] = np.maximum(out[t] + bias, 0)
            spread = math.sqrt(out[t].var() + norm.eps)
            out[t] = (out[t] - out[t].mean()) / spread
            out[t] = out[t] * norm.weight.detach().numpy() + norm.bias.detach().numpy()
        y = out
    expected = y @ predictor.out.weight.detach().numpy()[0] + float(predictor.out.bias.detach())
    got = predictor(x, torch.ones(1, 7, dtype=torch.bool))[0].detach().numpy()
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_padding_and_neighbours_change_no_prediction():
    torch.manual_seed(1)
    predictor = DurationPredictor(ContentConfig(**TINY)).double().eval()
    items = [torch.randn(k, 8, dtype=torch.float64) for k in (3, 6)]
    padded = torch.full((2, 6, 8), math.nan, dtype=torch.float64)
    mask = torch.zeros(2, 6, dtype=torch.bool)
    for i, item in enumerate(items):
        padded[i, : len(item)], mask[i, : len(item)] = item, True
    together = predictor(padded, mask)
    for i, item in enumerate(items):
        alone = predictor(item[None], torch.ones(1, len(item), dtype=torch.bool))
        torch.testing.assert_close(together[i, : len(item)], alone[0], rtol=0, atol=1e-12)
        assert (together[i, len(item) :] == 0).all()


def test_a_predictor_learns_durations_that_depend_on_the_phone():
    torch.manual_seed(0)
    config = ContentConfig(**{**TINY, "predictor_width": 16}, predictor_dropout=0.0)
    predictor = DurationPredictor(config)
    states = torch.randn(4, 6, 8)
    frames = (states[..., 0] * 4 + 12).round().clamp(1, 40)
    mask = torch.ones(4, 6, dtype=torch.bool)
    optimiser = torch.optim.Adam(predictor.parameters(), 2e-2)
    for _ in range(120):
        optimiser.zero_grad()
        loss = duration_loss(predictor(states, mask), frames, mask)
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.01
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in predictor.parameters())
