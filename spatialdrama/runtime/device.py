"""One place that picks where to compute. Nothing falls back silently."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from typing import TYPE_CHECKING

import attrs

from spatialdrama.errors import DeviceError, ValidationError

if TYPE_CHECKING:
    import torch


@attrs.frozen
class Device:
    """A device that exists. ``str(device)`` is torch's name for it; ``why`` says why this one."""

    kind: str
    index: int = 0
    name: str = ""
    why: str = ""

    def __str__(self) -> str:
        return self.kind if self.kind == "cpu" else f"{self.kind}:{self.index}"

    @property
    def torch(self) -> torch.device:
        """The torch device; imports torch."""
        import torch

        return torch.device(str(self))


def resolve(device: str | Device = "auto") -> Device:
    """The device that a request means.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "cuda:N"} or Device
        "auto" takes the first CUDA device if there is one, and the CPU otherwise; the result says
        which and why. "cuda" means it.

    Raises
    ------
    DeviceError
        "cuda" was asked for and cannot be had; names the reason and the CPU alternative.
    ValidationError
        No such kind of device.

    Example
    -------
    >>> from spatialdrama.runtime.device import resolve
    >>> str(resolve("cpu"))
    'cpu'
    """
    if isinstance(device, Device):
        return device
    if device == "cpu":
        return Device("cpu", why="asked for")
    if device == "auto":
        reason = _why_no_cuda()
        return Device("cpu", why=reason) if reason else _cuda(0, "a CUDA device is there")
    kind, _, index = str(device).partition(":")
    if kind != "cuda" or (index and not index.isdecimal()):
        raise ValidationError(f"device must be 'auto', 'cpu', 'cuda' or 'cuda:N'; got {device!r}.")
    reason = _why_no_cuda()
    if reason:
        raise DeviceError(f"device {device!r} is not available: {reason}. Use device='cpu'.")
    return _cuda(int(index or 0), "asked for")


def _cuda(index: int, why: str) -> Device:
    import torch

    count = torch.cuda.device_count()
    if index >= count:
        raise DeviceError(
            f"device 'cuda:{index}' is not available: there are {count}, "
            f"numbered 0 to {count - 1}. Use device='cuda:0' or device='cpu'."
        )
    return Device("cuda", index, torch.cuda.get_device_name(index), why)


def _why_no_cuda() -> str:
    """Why CUDA cannot be used; empty when it can. Imports torch only where there is a driver."""
    if "torch" not in sys.modules:
        if importlib.util.find_spec("torch") is None:
            return "torch is not installed"
        if not _has_driver():
            return "no NVIDIA driver is installed"
    import torch

    if torch.cuda.is_available():
        return ""
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    return "torch finds no CUDA device"


def _has_driver() -> bool:
    # milliseconds, where importing torch to ask the same takes seconds
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
