"""The selective scan as its equations stand: one step after the other. The oracle, and slow."""

from __future__ import annotations

import torch


def scan_loop(
    u: torch.Tensor, delta: torch.Tensor, A: torch.Tensor, B: torch.Tensor, C: torch.Tensor
) -> torch.Tensor:
    """Return y (b, d, t) of h_t = exp(delta_t A) h_(t-1) + delta_t B_t u_t, y_t = C_t h_t.

    Equations 14 and 15 of the paper with Mamba's discretisation: A by zero-order hold, but B by
    Euler's step where equation 14 prints zero-order hold (Gu and Dao 2023, section 3 and its
    published code). Differentiable by autograd, which
    keeps every state.

    Parameters
    ----------
    u, delta
        (b, d, t), the input and its step.
    A
        (d, n).
    B, C
        (b, n, t).

    Example
    -------
    With A = 0 nothing is forgotten, and the scan sums:

    >>> one = torch.ones(1, 1, 3)
    >>> scan_loop(one, one, torch.zeros(1, 1), one, one).flatten()
    tensor([1., 2., 3.])
    """
    state = u.new_zeros(u.shape[0], *A.shape)
    steps = []
    for t in range(u.shape[2]):
        step = delta[:, :, t, None]
        state = torch.exp(step * A) * state + step * B[:, None, :, t] * u[:, :, t, None]
        steps.append((state * C[:, None, :, t]).sum(-1))
    return torch.stack(steps, dim=2) if steps else torch.zeros_like(u)
