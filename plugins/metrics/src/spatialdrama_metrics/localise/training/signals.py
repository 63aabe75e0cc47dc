"""The features in torch, and what is done to a clip before it is learned from."""

from __future__ import annotations

import numpy as np
import torch

from spatialdrama_metrics.localise import features as reference
from spatialdrama_metrics.localise.features import FLOOR_DB, FRAME, HOP, RATE


class Features(torch.nn.Module):
    """:func:`spatialdrama_metrics.localise.features.features` for batches."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(FRAME))
        self.register_buffer("bands", torch.from_numpy(reference.band_matrix()))
        for i, matrix in enumerate(reference.delay_matrices()):
            self.register_buffer(f"delays{i}", torch.from_numpy(matrix))

    def forward(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return pictures (b, 6, t, 64) and levels (b, t) in dB; samples are (b, 2, n)."""
        b, e, n = samples.shape
        spectrum = torch.stft(
            samples.reshape(b * e, n), FRAME, HOP, window=self.window, center=True,
            pad_mode="constant", return_complex=True,
        ).transpose(1, 2)  # fmt: skip
        left, right = spectrum.reshape(b, e, -1, FRAME // 2 + 1).unbind(1)
        cross = left * right.conj()
        banded = torch.stack([left.abs() ** 2, right.abs() ** 2], 1) @ self.bands
        loudest = banded.mean((1, 3)).amax(-1).clamp(min=1e-20)
        floor = loudest * 10 ** (FLOOR_DB / 10)
        banded = banded + floor[:, None, None, None]
        together = banded.mean(1)
        coherence = (cross @ self.bands.to(cross.dtype)) / torch.sqrt(banded[:, 0] * banded[:, 1])
        white = cross / (cross.abs() + floor[:, None, None])
        pictures = torch.stack(
            [
                torch.log10(together / loudest[:, None, None]) / 2,
                torch.log10(banded[:, 0] / banded[:, 1]) / 2,
                coherence.real,
                coherence.imag,
                (white @ self.delays0).real,
                (white @ self.delays1).real,
            ],
            1,
        )
        level = (together.mean(-1) / loudest[:, None]).clamp(min=10 ** (FLOOR_DB / 10))
        return pictures, 10 * torch.log10(level)


def halved(samples: torch.Tensor) -> torch.Tensor:
    """Return (..., n) at 48 kHz as (..., n / 2) at RATE, by cutting the spectrum; n is even."""
    length = samples.shape[-1] // 2
    spectrum = torch.fft.rfft(samples)[..., : length // 2 + 1]
    return torch.fft.irfft(spectrum, length) / 2


def augmented(
    samples: torch.Tensor, places: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a microphone, a preamplifier and a busy room might have made of clips.

    Half of them mirrored (ears exchanged, y negated), a common equalisation, one ear up to 1.5 dB
    louder, low-passed now and then, noise in each ear and noise that both hear alike.

    Parameters
    ----------
    samples : (b, 2, n) float
    places : (b, t, 3) float, m
    generator : torch.Generator
        On the same device.
    """
    device, b, n = samples.device, len(samples), samples.shape[-1]

    def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        drawn = torch.rand(*shape, generator=generator, device=device)
        return low + (high - low) * drawn

    mirror = uniform(b) < 0.5
    samples = torch.where(mirror[:, None, None], samples.flip(1), samples)
    places = places * torch.where(
        mirror[:, None, None], torch.tensor([1.0, -1.0, 1.0], device=device), 1.0
    )
    spectrum = torch.fft.rfft(samples)
    bins = spectrum.shape[-1]
    hertz = torch.linspace(0, RATE / 2, bins, device=device)
    scale = torch.log2(hertz.clamp(min=40.0) / 40.0) / np.log2(RATE / 80)  # 0 to 1, by octaves
    # A smooth curve through five points, the same for both ears.
    points = uniform(b, 6, low=-6, high=6)
    at = (scale * 5).clamp(max=4.999)
    index = at.long()
    curve = points[:, index] * (1 - (at - index)) + points[:, index + 1] * (at - index)
    gain = 10 ** (curve / 20)
    cut = torch.where(uniform(b) < 0.3, uniform(b, low=5000, high=11000), 2.0 * RATE)
    gain = gain / (1 + (hertz / cut[:, None]) ** 12)
    balance = 10 ** (uniform(b, 2, low=-0.75, high=0.75) / 20)
    samples = torch.fft.irfft(spectrum * gain[:, None] * balance[:, :, None], n)
    rms = samples.pow(2).mean((1, 2), keepdim=True).sqrt().clamp(min=1e-8)
    # Noise of each ear by itself, as of a diffuse room, and noise in both alike; pink to white.
    tint = (hertz.clamp(min=40.0) / 1000) ** -(uniform(b, 1, low=0, high=0.8))
    for channels in (2, 1):
        noise = torch.randn(b, channels, n, generator=generator, device=device)
        noise = torch.fft.irfft(torch.fft.rfft(noise) * tint[:, None], n)
        noise = noise / noise.pow(2).mean((1, 2), keepdim=True).sqrt()
        lowest = 8.0 if channels == 2 else 25.0
        snr = uniform(b, 1, 1, low=lowest, high=60)
        samples = samples + noise * rms * 10 ** (-snr / 20)
    return samples, places
