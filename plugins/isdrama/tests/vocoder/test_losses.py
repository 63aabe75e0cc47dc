"""Each loss against slow loops in float64."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.autoencoder.config import MelConfig
from spatialdrama_isdrama.vocoder.adversarial import (
    discriminator_loss,
    feature_loss,
    generator_loss,
)
from spatialdrama_isdrama.vocoder.discriminators import Discriminators, PeriodDiscriminator
from spatialdrama_isdrama.vocoder.interaural_losses import coherence_loss, ipd_loss, itd_loss
from spatialdrama_isdrama.vocoder.losses import mel_loss, stft_loss

from spatialdrama.dsp import mel_matrix
from spatialdrama.errors import ValidationError

RATE, N = 48_000, 12_000


def pair(seed=0, items=2, n=N):
    made, real = np.random.default_rng(seed).standard_normal((2, items, 2, n))
    return 0.1 * (made + real), 0.1 * real


def tensors(*arrays):
    return [torch.from_numpy(a) for a in arrays]


def spectrum(x, length, hop, window=None):
    """(bins, frames) of one row: frames around multiples of the hop, silence outside."""
    window = window or length
    hann = np.pad(
        0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window),
        ((length - window) // 2, (length - window + 1) // 2),
    )
    padded = np.pad(x, length // 2)
    return np.stack(
        [np.fft.rfft(hann * padded[t * hop : t * hop + length]) for t in range(1 + len(x) // hop)],
        axis=1,
    )


def test_stft_loss():
    made, real = pair()
    resolutions = ((256, 60, 200), (512, 120, 512))
    total = 0.0
    for n_fft, hop, window in resolutions:
        logs, gap, size = [], 0.0, 0.0
        for item in range(2):
            for weights in ([1, 0], [0, 1], [0.5, 0.5], [0.5, -0.5]):
                a, b = (
                    np.maximum(np.abs(spectrum(weights @ x[item], n_fft, hop, window)), 1e-5)
                    for x in (made, real)
                )
                gap += np.sum((a - b) ** 2)
                size += np.sum(b**2)
                logs.append(np.mean(np.abs(np.log(a) - np.log(b))))
        total += np.sqrt(gap / size) + np.mean(logs)
    found = float(stft_loss(*tensors(made, real), resolutions))
    assert found == pytest.approx(total / 2, rel=1e-9)


def test_stft_loss_sees_a_phase_between_ears_that_are_right_by_themselves():
    real = torch.from_numpy(pair()[1])
    made = torch.stack([real[:, 0], -real[:, 1]], 1)
    ears = sum(stft_loss(made[:, i : i + 1], real[:, i : i + 1]) for i in (0, 1))
    assert float(ears) == pytest.approx(0, abs=1e-12)
    assert float(stft_loss(made, real)) > 0.3


def test_mel_loss():
    made, real = pair()
    weights = mel_matrix(rate=RATE, n_fft=1024, bands=80, low=20, high=24_000)

    def mel(x):
        padded = np.pad(x, (0, -len(x) % 256))
        padded = np.pad(padded, 512, mode="reflect")
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
        frames = [
            np.abs(np.fft.rfft(window * padded[t * 256 : t * 256 + 1024]))
            for t in range(-(-len(x) // 256))
        ]
        return np.log10(np.maximum(np.stack(frames) @ weights.T, 1e-5))

    wanted = np.mean(
        [np.abs(mel(made[i, e]) - mel(real[i, e])).mean() for i in (0, 1) for e in (0, 1)]
    )
    assert float(mel_loss(*tensors(made, real), MelConfig())) == pytest.approx(wanted, rel=1e-6)


def test_ipd_loss():
    made, real = pair()
    for form in ("cosine", "absolute"):
        top = bottom = 0.0
        for item in range(2):
            x, y = ([spectrum(ear, 2048, 512) for ear in s[item]] for s in (made, real))
            for k in range(1025):
                if not 100 <= k * RATE / 2048 <= 1500:
                    continue
                for t in range(x[0].shape[1]):
                    angle = np.angle(
                        x[1][k, t] * np.conj(x[0][k, t])
                        * np.conj(y[1][k, t] * np.conj(y[0][k, t]))
                    )  # fmt: skip
                    weight = abs(y[0][k, t] * y[1][k, t])
                    top += weight * (abs(angle) if form == "absolute" else 1 - np.cos(angle))
                    bottom += weight
        found = float(ipd_loss(*tensors(made, real), form=form))
        assert found == pytest.approx(top / bottom, rel=1e-7)


def test_ipd_loss_of_chance_and_of_a_known_phase():
    generator = np.random.default_rng(3)
    made, real = tensors(*generator.standard_normal((2, 4, 2, RATE)))
    assert float(ipd_loss(made, real)) == pytest.approx(1, abs=0.05)
    assert float(ipd_loss(made, real, form="absolute")) == pytest.approx(np.pi / 2, abs=0.05)
    # One ear a quarter of a period of 1 kHz later.
    time = torch.arange(RATE, dtype=torch.float64) / RATE
    real = torch.sin(2 * torch.pi * 1000 * time).expand(1, 2, -1)
    made = torch.stack([real[:, 0], -torch.cos(2 * torch.pi * 1000 * time)[None]], 1)
    assert float(ipd_loss(made, real, form="absolute")) == pytest.approx(np.pi / 2, abs=0.01)


def test_itd_loss():
    made, real = pair(n=6000)
    lags, bins = np.linspace(-1e-3, 1e-3, 9), np.arange(4096 // 2 + 1)
    omega = 2 * np.pi * bins * RATE / 4096
    inside = (bins * RATE / 4096 >= 150) & (bins * RATE / 4096 <= 1800)
    top = bottom = 0.0

    def curves(x):
        left, right = (spectrum(ear, 4096, 1024)[inside] for ear in x)
        size = np.sqrt((np.abs(left) ** 2).sum(0) * (np.abs(right) ** 2).sum(0))
        rows = [
            np.real(np.sum(left * np.conj(right) * np.exp(-1j * omega[inside] * lag)[:, None], 0))
            for lag in lags
        ]
        return np.stack(rows) / size, size

    for item in range(2):
        (found, _), (wished, weight) = curves(made[item]), curves(real[item])
        top += np.sum(weight * np.mean((found - wished) ** 2, axis=0))
        bottom += weight.sum()
    assert float(itd_loss(*tensors(made, real), lags=9)) == pytest.approx(top / bottom, rel=1e-7)


def test_itd_loss_grows_with_the_error_of_the_delay():
    mono = np.random.default_rng(0).standard_normal(24_100)

    def ears(lag):
        return torch.from_numpy(np.stack([mono[50:-50], mono[50 - lag : -50 - lag]]))[None]

    errors = [float(itd_loss(ears(lag), ears(0))) for lag in (0, 2, 5, 10, 20)]
    assert errors[0] == 0
    assert errors == sorted(errors)
    # Its gradient points home: a step down from a wrong delay is towards the right one.
    lag = torch.tensor(3e-4, dtype=torch.float64, requires_grad=True)
    omega = 2 * torch.pi * torch.fft.rfftfreq(24_000, 1 / RATE, dtype=torch.float64)
    turned = torch.fft.irfft(
        torch.fft.rfft(torch.from_numpy(mono[50:-50])) * torch.exp(-1j * omega * lag)
    )
    itd_loss(torch.stack([torch.from_numpy(mono[50:-50]), turned])[None], ears(0)).backward()
    assert float(lag.grad) > 0


def test_coherence_loss():
    made, real = pair()
    frames, strip = 5, 6

    def likeness(x):
        left, right = (spectrum(ear, 2048, 512) for ear in x)
        rows = {}
        for low in range(0, int(16_000 / RATE * 2048) + 1 - strip + 1, strip):
            for start in range(0, left.shape[1] - frames + 1, frames // 2):
                tile = np.s_[low : low + strip, start : start + frames]
                cross = np.mean(left[tile] * np.conj(right[tile]))
                size = np.mean(np.abs(left[tile]) ** 2) * np.mean(np.abs(right[tile]) ** 2)
                rows[low, start] = abs(cross) / np.sqrt(size), np.sqrt(size)
        return rows

    top = bottom = 0.0
    for item in range(2):
        found, wished = likeness(made[item]), likeness(real[item])
        for tile, (value, weight) in wished.items():
            top += weight * abs(found[tile][0] - value)
            bottom += weight
    got = float(coherence_loss(*tensors(made, real), frames=frames))
    assert got == pytest.approx(top / bottom, rel=1e-5)


@pytest.mark.parametrize("loss", [stft_loss, ipd_loss, itd_loss, coherence_loss])
def test_silence_and_equal_ears_have_finite_gradients(loss):
    for made in (torch.zeros(1, 2, 9000), torch.randn(1, 1, 9000).expand(-1, 2, -1).clone()):
        made.requires_grad_()
        real = torch.from_numpy(pair(items=1, n=9000)[1]).float()
        loss(made, real).backward()
        assert bool(torch.isfinite(made.grad).all())


@pytest.mark.parametrize("loss", [ipd_loss, itd_loss, coherence_loss])
def test_losses_compare_two_ears(loss):
    with pytest.raises(ValidationError, match="must both have shape"):
        loss(torch.zeros(1, 1, 9000), torch.zeros(1, 1, 9000))
    with pytest.raises(ValidationError, match="must both have shape"):
        stft_loss(torch.zeros(1, 2, 9000), torch.zeros(1, 2, 9001))


def test_adversarial_losses():
    generator = np.random.default_rng(0)
    real, made = (
        [(generator.standard_normal(5 + k), list(generator.standard_normal((2, 7))))
         for k in range(3)]
        for _ in range(2)
    )  # fmt: skip

    def verdict(parts):
        return [
            (torch.from_numpy(s), [torch.from_numpy(np.array(f)) for f in fs]) for s, fs in parts
        ]

    critic = sum(
        np.mean((1 - r) ** 2) + np.mean(m**2) for (r, _), (m, _) in zip(real, made, strict=True)
    )
    fooling = sum(np.mean((1 - m) ** 2) for m, _ in made)
    features = sum(
        np.mean(np.abs(np.array(r) - np.array(m))[k])
        for (_, r), (_, m) in zip(real, made, strict=True)
        for k in (0, 1)
    )
    r, m = verdict(real), verdict(made)
    # Scores are compared in single precision.
    assert float(discriminator_loss(r, m)) == pytest.approx(critic, rel=1e-6)
    assert float(generator_loss(m)) == pytest.approx(fooling, rel=1e-6)
    assert float(feature_loss(r, m)) == pytest.approx(features, rel=1e-6)


def test_a_period_is_looked_at_by_itself():
    # Samples that are no multiple of the period apart never meet.
    torch.manual_seed(0)
    critic = PeriodDiscriminator(5, width=2)
    x = torch.randn(1, 1000, requires_grad=True)
    scores, _ = critic(x)
    columns = scores.unflatten(1, (-1, 5))
    columns[:, :, 2].sum().backward()
    seen = x.grad[0].nonzero().flatten() % 5
    assert set(seen.tolist()) == {2}


def test_discriminators_learn_to_tell_noise_from_a_tone():
    torch.manual_seed(0)
    critic = Discriminators(width=2, periods=(2, 3), resolutions=((256, 64, 256),))
    time = torch.arange(2048) / RATE
    tone = torch.sin(2 * torch.pi * 500 * time).expand(1, 2, -1)
    noise = torch.randn(1, 2, 2048, generator=torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(critic.parameters(), 5e-3)
    losses = []
    for _ in range(20):
        loss = discriminator_loss(critic(tone), critic(noise))
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        loss.backward()
        assert all(p.grad is not None for p in critic.parameters())
        optimiser.step()
    assert losses[-1] < 0.4 * losses[0]
