"""Losses of the autoencoder (paper C.2: L_rec, L_adv) and the divergence that E4 keeps.

All are means over what the mask holds, so that padding weighs nothing, and in float32 at least.
"""

from __future__ import annotations

import torch

from spatialdrama.errors import ValidationError

from ..layers import every_fourth, widened
from .config import RECONSTRUCTION


def reconstruction(
    predicted: torch.Tensor, mel: torch.Tensor, mask: torch.Tensor | None = None, kind: str = "l2"
) -> torch.Tensor:
    """Return the mean squared (or absolute) error over ears, bands and the mask's frames: L_rec.

    Parameters
    ----------
    predicted, mel : tensors, shape (b, e, f, t)
    mask : tensor of bool, shape (b, t), optional
    kind : "l2" or "l1"

    Returns
    -------
    tensor, shape ()
        In (log10 magnitude) squared, or not squared.

    Raises
    ------
    ValidationError
        Another name for `kind`.

    Examples
    --------
    >>> mel = torch.zeros(1, 2, 80, 4)
    >>> mask = torch.tensor([[True, True, True, False]])
    >>> reconstruction(mel + 0.5, mel, mask).item()
    0.25
    """
    if kind not in RECONSTRUCTION:
        raise ValidationError(f"the reconstruction loss is 'l2' or 'l1', got {kind!r}")
    error = widened(predicted) - widened(mel)
    return _mean(error.square() if kind == "l2" else error.abs(), mask)


def divergence(
    mean: torch.Tensor, log_variance: torch.Tensor, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the Kullback-Leibler divergence from a standard normal, a mean over latent values.

    For each, ``(mean^2 + variance - 1 - log variance) / 2`` (Kingma and Welling 2013, appendix B).

    Parameters
    ----------
    mean, log_variance : tensors, shape (b, c, l)
    mask : tensor of bool, shape (b, 4 l), optional
        At the rate of the mel.

    Returns
    -------
    tensor, shape ()
        In nats.

    Examples
    --------
    >>> divergence(torch.ones(1, 40, 2), torch.zeros(1, 40, 2)).item()
    0.5
    """
    mean, log_variance = widened(mean), widened(log_variance)
    nats = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)
    return _mean(nats, None if mask is None else every_fourth(mask))


def critic_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Return what the critic minimises: L_adv of LSGAN (Mao et al. 2017, equation 2, a=0, b=1).

    Parameters
    ----------
    real, fake : tensors, any one shape
        Its scores of true mels and of decoded ones.

    Returns
    -------
    tensor, shape ()

    Examples
    --------
    >>> critic_loss(torch.tensor([1.0]), torch.tensor([1.0])).item()
    0.5
    """
    return 0.5 * (widened(real) - 1.0).square().mean() + 0.5 * widened(fake).square().mean()


def fooling_loss(fake: torch.Tensor) -> torch.Tensor:
    """Return what the autoencoder minimises of it: L_adv (Mao et al. 2017, equation 2, c=1).

    Parameters
    ----------
    fake : tensor, any shape
        The critic's scores of decoded mels.

    Returns
    -------
    tensor, shape ()

    Examples
    --------
    >>> fooling_loss(torch.tensor([0.0])).item()
    0.5
    """
    return 0.5 * (widened(fake) - 1.0).square().mean()


def _mean(values: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Return the mean of values (b, ..., t) over the frames of the mask (b, t); 0 for none."""
    if mask is None:
        return values.mean()
    mask = mask.view(len(mask), *[1] * (values.ndim - 2), -1)
    rest = values[0, ..., 0].numel()
    kept = torch.where(mask, values, values.new_zeros(()))
    return kept.sum() / (mask.sum() * rest).clamp(min=1)
