"""Changing a sound in short-time spectra, so that padding changes nothing."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from ..autoencoder.mel import hann


def spectra(x: torch.Tensor, length: int, hop: int) -> torch.Tensor:
    """Return centred short-time spectra (rows, bins, frames) of x (rows, n), silence around it.

    A window's length of silence is added behind, so that the last samples are covered as often
    as those before them whether more follows or not; :func:`sound` takes it away.
    """
    return torch.stft(
        F.pad(x, (0, length)), length, hop, window=hann(length, x.dtype, x.device),
        center=True, pad_mode="constant", return_complex=True,
    )  # fmt: skip


def sound(spectrum: torch.Tensor, length: int, hop: int, n: int) -> torch.Tensor:
    """Return the first n samples of what :func:`spectra` took apart: overlap-add, hann again.

    The second window hides where a frame, changed, does not end in silence.
    """
    window = hann(length, spectrum.real.dtype, spectrum.device)
    return torch.istft(spectrum, length, hop, window=window, center=True, length=n + length)[:, :n]
