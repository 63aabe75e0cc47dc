"""Sound from a mel without a vocoder: the fast Griffin-Lim algorithm.

Good enough to hear whether a mel says what it should, and no better. It knows no phase between the
ears: with one for each ear the ears are unrelated, with a shared one they are in step.

Sources: Griffin and Lim (1984); Perraudin, Balazs, Sondergaard (2013) for the momentum; Lee and
Seung (2001) for the non-negative least squares.
"""

from __future__ import annotations

import torch

from spatialdrama.errors import ValidationError

from .config import MelConfig
from .mel import hann, mel_weights

PHASES = ("per-ear", "shared")
#: Multiplicative updates from mel to magnitude: the residue stops falling well before.
UPDATES = 100


def magnitude_of(mel: torch.Tensor, config: MelConfig, updates: int = UPDATES) -> torch.Tensor:
    """Return non-negative magnitudes whose mel is nearest to the given one.

    Parameters
    ----------
    mel : tensor, shape (..., f, t)
        log10 magnitudes.
    config : MelConfig
    updates : int

    Returns
    -------
    tensor, shape (..., window // 2 + 1, t)

    Examples
    --------
    >>> magnitude_of(torch.zeros(2, 80, 10), MelConfig()).shape
    torch.Size([2, 513, 10])
    """
    weights = mel_weights(config, mel.dtype, mel.device)
    target = 10.0**mel
    pulled = weights.T @ target
    gram = weights.T @ weights
    # Each bin starts at the mean magnitude of the bands over it; a bin that no band hears stays 0.
    magnitude = pulled / (weights.T @ weights.sum(1, keepdim=True)).clamp(min=1e-12)
    for _ in range(updates):
        magnitude = magnitude * pulled / (gram @ magnitude).clamp(min=1e-20)
    return magnitude


def griffin_lim(
    mel: torch.Tensor,
    config: MelConfig,
    iterations: int = 32,
    *,
    phase: str = "per-ear",
    momentum: float = 0.99,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Return a sound with about the given mel.

    Parameters
    ----------
    mel : tensor, shape (b, e, f, t)
        log10 magnitudes, float32 or float64.
    config : MelConfig
    iterations : int
    phase : "per-ear" or "shared"
        "shared" finds one phase for the energy of both ears and gives it to each with its own
        magnitudes: no delay between the ears, but no random one either.
    momentum : float, 0 to below 1
        0 is plain Griffin-Lim.
    generator : torch.Generator, optional
        Draws the first phases; without one they are those of seed 0.

    Returns
    -------
    tensor, shape (b, e, t * hop)

    Raises
    ------
    ValidationError
        Another shape, or an unknown name for `phase`.

    Examples
    --------
    >>> griffin_lim(torch.full((1, 2, 80, 8), -5.0), MelConfig(), 2).shape
    torch.Size([1, 2, 2048])
    """
    if phase not in PHASES:
        raise ValidationError(f"phase must be 'per-ear' or 'shared', got {phase!r}")
    if mel.ndim != 4 or mel.shape[2] != config.bands:
        raise ValidationError(
            f"a mel has shape (b, ears, {config.bands}, frames), got {tuple(mel.shape)}"
        )
    frames = mel.shape[-1]
    # The centred transform of t hops has one frame more, on the very end; it repeats the last.
    magnitude = magnitude_of(torch.cat([mel, mel[..., -1:]], dim=-1), config)
    led = magnitude.square().sum(1, keepdim=True).sqrt() if phase == "shared" else magnitude
    generator = generator or torch.Generator().manual_seed(0)
    turn = torch.rand(led.shape, generator=generator, device=generator.device, dtype=led.dtype)
    angle = torch.polar(torch.ones_like(led), (2 * torch.pi * turn).to(led.device))
    before = torch.zeros_like(angle)
    for _ in range(iterations):
        now = _spectrum(_sound(led * angle, config, frames), config)
        ahead = now + momentum * (now - before)
        angle = ahead / ahead.abs().clamp(min=1e-16)
        before = now
    return _sound(magnitude * angle, config, frames)


def _sound(spectrum: torch.Tensor, config: MelConfig, frames: int) -> torch.Tensor:
    """Return (b, e, t * hop) from (b, e, bins, t + 1)."""
    sound = torch.istft(
        spectrum.flatten(0, 1),
        config.window,
        config.hop,
        window=hann(config.window, spectrum.real.dtype, spectrum.device),
        center=True,
        length=frames * config.hop,
    )
    return sound.unflatten(0, spectrum.shape[:2])


def _spectrum(sound: torch.Tensor, config: MelConfig) -> torch.Tensor:
    """Return (b, e, bins, t + 1) from (b, e, t * hop)."""
    spectrum = torch.stft(
        sound.flatten(0, 1),
        config.window,
        config.hop,
        window=hann(config.window, sound.dtype, sound.device),
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )
    return spectrum.unflatten(0, sound.shape[:2])
