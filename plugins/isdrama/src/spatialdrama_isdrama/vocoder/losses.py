"""How far a made sound is from the real one in level, at every frequency.

Sources: R. Yamamoto, E. Song, J.-M. Kim (2020), "Parallel WaveGAN", ICASSP, eq. 6 and 7;
Kong et al. (2020), HiFi-GAN, eq. 5 (mel); C. J. Steinmetz, J. D. Reiss (2020) for the sum and the
difference of two channels.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from spatialdrama.errors import ValidationError

from ..autoencoder.config import MelConfig
from ..autoencoder.mel import hann, mel_of
from ..layers import widened

#: Transform, hop and window lengths (Parallel WaveGAN, table 1, at twice their rate).
RESOLUTIONS = ((1024, 240, 1024), (2048, 480, 1920), (512, 100, 480))
_FLOOR = 1e-5
_QUIET = 1e-2  # magnitude of a bin of noise some 65 dB below full scale


def same_shapes(made: torch.Tensor, real: torch.Tensor, ears: int | None = None) -> None:
    """Check that two sounds (b, e, n) can be compared.

    Raises
    ------
    ValidationError
        If their shapes differ, or there are not as many ears as asked.
    """
    fits = made.shape == real.shape and made.ndim == 3
    if not fits or (ears is not None and made.shape[1] != ears):
        raise ValidationError(
            f"sounds to compare must both have shape (b, {ears or 'e'}, n); got "
            f"{tuple(made.shape)} and {tuple(real.shape)}"
        )


def sum_and_difference(x: torch.Tensor) -> torch.Tensor:
    """Return (b, 4, n): both ears, half their sum and half their difference.

    Examples
    --------
    >>> sum_and_difference(torch.tensor([[[1.0], [3.0]]])).flatten()
    tensor([ 1.,  3.,  2., -1.])
    """
    left, right = x[:, :1], x[:, 1:]
    return torch.cat([x, (left + right) / 2, (left - right) / 2], 1)


def magnitudes(x: torch.Tensor, n_fft: int, hop: int, window: int) -> torch.Tensor:
    """Return magnitudes (b, e, bins, frames) of x (b, e, n), zeros around it."""
    spectrum = torch.stft(
        x.flatten(0, 1), n_fft, hop, window, hann(window, x.dtype, x.device),
        center=True, pad_mode="constant", return_complex=True,
    )  # fmt: skip
    # The slope of a magnitude at 0 is none; a floor far below hearing gives it one.
    power = spectrum.real.square() + spectrum.imag.square()
    return power.clamp(min=_FLOOR**2).sqrt().unflatten(0, x.shape[:2])


def stft_loss(
    made: torch.Tensor,
    real: torch.Tensor,
    resolutions: tuple[tuple[int, int, int], ...] = RESOLUTIONS,
) -> torch.Tensor:
    """Return spectral convergence plus log-magnitude distance, averaged over resolutions.

    Parameters
    ----------
    made, real
        (b, e, n). With two ears their sum and difference count as much as the ears do: a phase
        between the ears that is wrong shows in them.
    resolutions
        (transform, hop, window) lengths.

    Notes
    -----
    The convergence is taken over all of the batch at once, and against a whisper at least: nothing
    could be relative to a pause, or to the difference of two equal ears.

    Examples
    --------
    >>> x = torch.randn(1, 2, 4096)
    >>> float(stft_loss(x, x))
    0.0
    """
    same_shapes(made, real)
    made, real = widened(made), widened(real)
    if made.shape[1] == 2:
        made, real = sum_and_difference(made), sum_and_difference(real)
    total = made.new_zeros(())
    with torch.autocast(made.device.type, enabled=False):
        for resolution in resolutions:
            a, b = magnitudes(made, *resolution), magnitudes(real, *resolution)
            size = b.norm().clamp(min=_QUIET * b.numel() ** 0.5)
            total = total + (a - b).norm() / size + (a.log() - b.log()).abs().mean()
    return total / len(resolutions)


def mel_loss(made: torch.Tensor, real: torch.Tensor, config: MelConfig) -> torch.Tensor:
    """Return the mean distance of log10 mels of sounds (b, e, n).

    Examples
    --------
    >>> x = torch.randn(1, 2, 4096)
    >>> round(float(mel_loss(x, 10 * x, MelConfig())), 4)
    1.0
    """
    same_shapes(made, real)
    return F.l1_loss(mel_of(made, config), mel_of(real, config))
