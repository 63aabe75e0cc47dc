"""How many digits numbers are computed with."""

from __future__ import annotations

import torch


def widened(x: torch.Tensor) -> torch.Tensor:
    """Return x in float32 at least: what autocast may have made narrow is wide; float64 stays.

    Sums, norms, losses and spectra need it: those of bfloat16 are noise 50 dB down.

    Examples
    --------
    >>> [widened(torch.zeros(1, dtype=kind)).dtype for kind in (torch.bfloat16, torch.float64)]
    [torch.float32, torch.float64]
    """
    return x if x.dtype == torch.float64 else x.float()
