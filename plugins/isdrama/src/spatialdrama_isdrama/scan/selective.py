"""One selective scan, computed by whichever kernel is asked for or at hand."""

from __future__ import annotations

import torch
from torch.nn import functional

from spatialdrama.errors import ValidationError

from . import fused
from .chunked import scan_chunked
from .record import note

KERNELS = ("auto", "reference", "fused")


def choose(kernel: str, u: torch.Tensor) -> str:
    """Return ``"reference"`` or ``"fused"`` for a choice and the tensor it is for.

    ``"auto"`` is fused where u is on CUDA, in a type the kernel knows, and mamba-ssm imports.

    Raises
    ------
    ValidationError
        For a name that is not in :data:`KERNELS`.
    DeviceError
        For ``"fused"`` where that cannot be.

    Example
    -------
    >>> choose("auto", torch.zeros(1, 1, 1))
    'reference'
    """
    if kernel not in KERNELS:
        raise ValidationError(f"kernel must be one of {', '.join(KERNELS)}; got {kernel!r}")
    if kernel == "auto":
        return "reference" if fused.why_not(u) else "fused"
    if kernel == "fused":
        fused.require(u)
    return kernel


def selective_scan(
    u: torch.Tensor,
    delta: torch.Tensor,
    A: torch.Tensor,
    B: torch.Tensor,
    C: torch.Tensor,
    D: torch.Tensor | None = None,
    z: torch.Tensor | None = None,
    delta_bias: torch.Tensor | None = None,
    delta_softplus: bool = False,
    *,
    kernel: str = "auto",
    chunk: int | None = None,
) -> torch.Tensor:
    """Run the selective state space of Mamba over time (paper A.3, equations 13 to 15).

    h_t = exp(delta_t A) h_(t-1) + delta_t B_t u_t and y_t = C_t h_t + D u_t, times silu(z_t) if
    there is a z; delta is softplus(delta + delta_bias) if asked for. Shapes and names are those of
    mamba_ssm.ops.selective_scan_interface (Gu and Dao 2023, algorithm 2).

    Equation 14 prints zero-order hold for A and for B. A is held so, but B is Euler's delta B, to
    which equation 14's (delta A)^-1 (exp(delta A) - I) delta B tends for small steps: that is what
    published Mamba and its kernels compute. As A is diagonal, equation 14 to the letter is a scan
    of each channel by itself whose B is multiplied by (exp(delta A) - 1) / (delta A). Where delta,
    B and C do not change in time, y is the convolution of equation 16.

    Parameters
    ----------
    u, delta
        (b, d, t).
    A
        (d, n), negative.
    B, C
        (b, n, t).
    D
        (d,) or None.
    z
        (b, d, t) or None.
    delta_bias
        (d,) or None.
    delta_softplus
        Whether delta goes through softplus.
    kernel
        ``"auto"``, ``"reference"`` (plain torch by chunks) or ``"fused"`` (mamba-ssm on CUDA).
    chunk
        Steps in a chunk of the reference; None for a length that suits the device.

    Returns
    -------
    y
        (b, d, t) in u's type. States are float32 whatever that is, or float64 for a float64 u.

    Raises
    ------
    ValidationError
        If shapes do not fit or the kernel has no such name.
    DeviceError
        If the fused kernel is asked for and cannot be used.

    Example
    -------
    >>> one = torch.ones(1, 1, 3)
    >>> selective_scan(one, one, torch.zeros(1, 1), one, one, D=torch.ones(1)).flatten()
    tensor([2., 3., 4.])
    """
    _check(u, delta, A, B, C, D, z, delta_bias)
    chosen = choose(kernel, u)
    if chosen == "fused":
        y = fused.scan_fused(u, delta, A, B, C, D, z, delta_bias, delta_softplus)
    else:
        y = _reference(u, delta, A, B, C, D, z, delta_bias, delta_softplus, chunk)
    note("scan", chosen)
    return y


def _reference(u, delta, A, B, C, D, z, delta_bias, delta_softplus, chunk) -> torch.Tensor:
    wide = torch.float64 if u.dtype == torch.float64 else torch.float32
    if delta_bias is not None:
        delta = delta.to(wide) + delta_bias.to(wide)[:, None]
    if delta_softplus:
        delta = functional.softplus(delta.to(wide))
    y = scan_chunked(u, delta, A, B, C, chunk=chunk)
    if D is not None:
        y = y + D.to(wide)[:, None] * u
    if z is not None:
        y = y * functional.silu(z.to(wide))
    return y.to(u.dtype)


def _check(u, delta, A, B, C, D, z, delta_bias) -> None:
    if u.ndim != 3 or A.ndim != 2:
        raise ValidationError(
            f"selective_scan: u is (b, d, t) and A (d, n), got {tuple(u.shape)} and "
            f"{tuple(A.shape)}; give both their axes"
        )
    (b, d, t), n = u.shape, A.shape[1]
    wanted = {
        "delta": (delta, (b, d, t)),
        "A": (A, (d, n)),
        "B": (B, (b, n, t)),
        "C": (C, (b, n, t)),
        "D": (D, (d,)),
        "z": (z, (b, d, t)),
        "delta_bias": (delta_bias, (d,)),
    }
    for name, (tensor, shape) in wanted.items():
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ValidationError(
                f"selective_scan: {name} must be {shape} beside a u of {tuple(u.shape)}, "
                f"got {tuple(tensor.shape)}"
            )
