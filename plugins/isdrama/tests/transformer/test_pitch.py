"""Pitch at the mel rate, its losses and its way into the later blocks, against loops (E13)."""

import math

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.transformer.pitch import (
    Pitch,
    PitchEmbedding,
    PitchPredictor,
    pitch_losses,
    upsample,
)


def test_upsampling_is_linear_between_the_middles_of_latent_frames():
    values = np.array([1.0, 4.0, -2.0, 0.5])
    middles = np.arange(4) * 4 + 1.5
    wanted = np.interp(np.arange(16), middles, values)
    x = torch.from_numpy(values)[None, :, None]
    got = upsample(x, torch.ones(1, 4, dtype=torch.bool))[0, :, 0]
    np.testing.assert_allclose(got.numpy(), wanted, atol=1e-12)


def test_upsampling_reads_no_padding():
    x = torch.tensor([[[1.0], [3.0], [float("nan")], [float("nan")]]])
    got = upsample(x, torch.tensor([[True, True, False, False]]))[0, :8, 0]
    wanted = np.interp(np.arange(8), [1.5, 5.5], [1.0, 3.0])
    np.testing.assert_allclose(got.numpy(), wanted, atol=1e-6)


def test_prediction_starts_at_a_pitch_of_voices():
    torch.manual_seed(0)
    layer = PitchPredictor(8)
    pitch = layer(torch.randn(2, 5, 8), torch.ones(2, 5, dtype=torch.bool))
    assert float(pitch.log_f0.detach().exp().min()) > 100
    assert float(pitch.log_f0.detach().exp().max()) < 400


def test_prediction_reads_no_padding():
    torch.manual_seed(1)
    layer = PitchPredictor(8).double()
    x = torch.randn(1, 3, 8).double()
    more = torch.cat([x, 50 * torch.randn(1, 4, 8).double()], dim=1)
    whole = torch.ones(1, 3, dtype=torch.bool)
    one = layer(x, whole)
    other = layer(more, torch.cat([whole, torch.zeros(1, 4, dtype=torch.bool)], dim=1))
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(b[:, :12], a, atol=1e-12, rtol=0)


def test_half_precision_does_not_quantise_pitch():
    torch.manual_seed(2)
    layer = PitchPredictor(64)
    x, mask = torch.randn(1, 200, 64), torch.ones(1, 200, dtype=torch.bool)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pitch = layer(x, mask)
    assert pitch.log_f0.dtype == torch.float32
    # Near log 200 = 5.3, bfloat16 has a number every 1/32: 800 frames would share a few.
    assert len(pitch.log_f0.unique()) > 400


def test_hertz_is_zero_where_unvoiced():
    pitch = Pitch(torch.full((1, 3), 110.0).log(), torch.tensor([[2.0, -2.0, 0.0]]))
    np.testing.assert_allclose(pitch.hertz().numpy(), [[110.0, 0.0, 0.0]], rtol=1e-6)


@pytest.mark.parametrize("by_time", [False, True])
def test_losses_against_a_loop(tiny, by_time):
    rng = np.random.default_rng(0)
    said, logit = rng.normal(5, 1, (3, 8)), rng.normal(0, 2, (3, 8))
    f0 = rng.uniform(80, 300, (3, 8)) * (rng.random((3, 8)) > 0.4)
    mask = np.arange(8) < np.array([8, 5, 6])[:, None]
    t = np.array([0.2, 0.9, 0.5])
    square = entropy = heard = seen = 0.0
    for b in range(3):
        for i in range(8):
            if not mask[b, i]:
                continue
            w = t[b] if by_time else 1.0
            p = 1 / (1 + math.exp(-logit[b, i]))
            seen += w
            entropy -= w * math.log(p if f0[b, i] > 0 else 1 - p)
            if f0[b, i] > 0:
                heard += w
                square += w * (said[b, i] - math.log(f0[b, i])) ** 2
    said[~mask] = logit[~mask] = np.nan
    got = pitch_losses(
        Pitch(torch.from_numpy(said), torch.from_numpy(logit)),
        torch.from_numpy(f0),
        torch.from_numpy(f0 > 0),
        torch.from_numpy(mask),
        tiny(pitch_by_time=by_time),
        torch.from_numpy(t),
    )
    assert float(got[0]) == pytest.approx(square / heard, abs=1e-12)
    assert float(got[1]) == pytest.approx(entropy / seen, abs=1e-12)


def test_a_line_without_a_voiced_frame_has_no_pitch_loss(tiny):
    pitch = Pitch(torch.zeros(1, 4, requires_grad=True), torch.zeros(1, 4, requires_grad=True))
    silent, line = torch.zeros(1, 4), torch.ones(1, 4, dtype=torch.bool)
    square, entropy = pitch_losses(pitch, silent, silent > 0, line, tiny())
    assert float(square.detach()) == 0.0
    assert float(entropy.detach()) == pytest.approx(math.log(2))
    (square + entropy).backward()
    assert torch.isfinite(pitch.log_f0.grad).all()


def test_the_embedding_against_a_loop():
    torch.manual_seed(3)
    layer = PitchEmbedding(6, 3).double()
    x = torch.randn(1, 2, 6).double()
    log_f0 = torch.randn(1, 8).double() + 5
    voiced = torch.tensor([[True, True, False, True, True, True, False, True]])
    mask = torch.ones(1, 8, dtype=torch.bool)
    taps, bias = layer.conv.conv.weight.detach().numpy(), layer.conv.conv.bias.detach().numpy()
    inputs = np.stack(
        [np.where(voiced[0], log_f0[0].numpy() - math.log(200.0), 0.0), voiced[0].numpy()]
    )
    wanted = np.zeros((2, 6))
    for frame in range(8):
        for c in range(6):
            total = bias[c]
            for k in range(3):
                if 0 <= frame + k - 1 < 8:
                    total += taps[c, :, k] @ inputs[:, frame + k - 1]
            wanted[frame // 4, c] += (total if total > 0 else 0.01 * total) / 4
    gate = x[0].numpy() @ layer.gate.weight.detach().numpy().T + layer.gate.bias.detach().numpy()
    wanted = wanted / (1 + np.exp(-gate))
    got = layer(x, log_f0, voiced, mask)[0].detach().numpy()
    np.testing.assert_allclose(got, wanted, atol=1e-12)


def test_pitch_counts_only_where_voiced_and_inside_the_line():
    torch.manual_seed(4)
    layer = PitchEmbedding(6, 3).double()
    x, log_f0 = torch.randn(1, 2, 6).double(), torch.full((1, 8), 5.0).double()
    voiced = torch.tensor([[True] * 2 + [False] * 2 + [True] * 4])
    mask = torch.tensor([[True] * 4 + [False] * 4])
    other = torch.where(voiced & mask, log_f0, torch.full_like(log_f0, float("nan")))
    one, two = layer(x, log_f0, voiced, mask), layer(x, other, voiced, mask)
    torch.testing.assert_close(one, two, atol=0, rtol=0)
    assert not one[:, 1].any()
