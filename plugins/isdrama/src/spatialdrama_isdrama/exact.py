"""Float32 that is float32: no shortened mantissas behind one's back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def full_float32() -> Iterator[None]:
    """Let convolutions on CUDA keep all digits of float32 inside the block.

    cuDNN may round inputs of float32 convolutions to ten bits (TF32), and torch lets it by
    default: a drama then differs from the CPU's at -26 dB instead of below -60 dB, and a vocoder
    loses the digits of its phases. What runs under autocast is not touched.

    Examples
    --------
    >>> with full_float32():
    ...     torch.backends.cudnn.allow_tf32
    False
    """
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before
