"""The fused CUDA kernels of mamba-ssm and causal-conv1d, imported when first asked for.

They exist where somebody built them; nothing here needs them. Which of them can be used is a
question with a reason for an answer, so that an error can say what to do.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

from spatialdrama.errors import DeviceError

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
INSTALL = (
    "install `spatialdrama-isdrama[kernels]` (it needs nvcc and a CUDA build of torch), or take "
    "kernel='reference'"
)


@functools.cache
def _imported(name: str) -> tuple[Callable | None, str]:
    """Return the function of that name, and why not if there is none."""
    try:
        if name == "selective_scan_fn":
            from mamba_ssm.ops.selective_scan_interface import selective_scan_fn as found
        else:
            from causal_conv1d import causal_conv1d_fn as found
    # A kernel built for another torch fails with whatever its loader raises.
    except Exception as error:
        return None, f"{type(error).__name__}: {error}".splitlines()[0]
    if found is None:
        return None, f"{name} was not built"
    return found, ""


def why_not(u: torch.Tensor) -> str:
    """Return why the fused scan cannot take u, or nothing if it can.

    Example
    -------
    >>> why_not(torch.zeros(1, 1, 1))
    "the tensors are on cpu and the kernel is for CUDA: move them, or take kernel='reference'"
    """
    if u.device.type != "cuda":
        return (
            f"the tensors are on {u.device.type} and the kernel is for CUDA: move them, or take "
            "kernel='reference'"
        )
    if u.dtype not in DTYPES:
        return f"the kernel knows float32, bfloat16 and float16, got {u.dtype}; convert to those"
    found, reason = _imported("selective_scan_fn")
    return "" if found is not None else f"mamba-ssm did not import ({reason}); {INSTALL}"


def require(u: torch.Tensor) -> None:
    """Raise DeviceError, with the reason and what to do, unless the fused scan can take u.

    Example
    -------
    >>> try:
    ...     require(torch.zeros(1, 1, 1))
    ... except DeviceError as error:
    ...     str(error)[:46]
    "selective_scan: kernel='fused' cannot be used:"
    """
    reason = why_not(u)
    if reason:
        raise DeviceError(f"selective_scan: kernel='fused' cannot be used: {reason}")


def scan_fused(
    u: torch.Tensor,
    delta: torch.Tensor,
    A: torch.Tensor,
    B: torch.Tensor,
    C: torch.Tensor,
    D: torch.Tensor | None = None,
    z: torch.Tensor | None = None,
    delta_bias: torch.Tensor | None = None,
    delta_softplus: bool = False,
) -> torch.Tensor:
    """Return :func:`~.selective_scan` from mamba-ssm's kernel, in u's type.

    The kernel wants one type for what varies in time and float32 for what does not.

    Raises
    ------
    DeviceError
        If the kernel cannot take u; the message says why and what to do.
    """
    require(u)
    scan, _ = _imported("selective_scan_fn")
    delta, B, C = (x.to(u.dtype) for x in (delta, B, C))
    D, delta_bias = (None if x is None else x.float() for x in (D, delta_bias))
    z = None if z is None else z.to(u.dtype)
    with torch.autocast(u.device.type, enabled=False):
        return scan(u, delta, A.float(), B, C, D, z, delta_bias, delta_softplus)


def conv_why_not(x: torch.Tensor, taps: int) -> str:
    """Return why the fused convolution cannot take x (b, d, t), or nothing if it can.

    Example
    -------
    >>> conv_why_not(torch.zeros(1, 1, 1), 4)
    'x is on cpu'
    """
    if x.device.type != "cuda":
        return f"x is on {x.device.type}"
    if x.dtype not in DTYPES or taps not in (2, 3, 4):
        return f"it takes 2 to 4 taps in half or single precision, got {taps} in {x.dtype}"
    return _imported("causal_conv1d_fn")[1]


def conv_fused(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Return silu(causal convolution) of x (b, d, t) by causal-conv1d, in x's type.

    Parameters
    ----------
    x
        (b, d, t).
    weight, bias
        (d, taps), (d,).
    """
    conv, _ = _imported("causal_conv1d_fn")
    bias = None if bias is None else bias.to(x.dtype)
    # Channels-last tensors have their own kernel, with rules of alignment; this one takes any.
    return conv(x.contiguous(), weight.to(x.dtype), bias, activation="silu")
