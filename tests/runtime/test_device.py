"""Devices: asked for means asked for; nothing falls back silently."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

from spatialdrama.errors import DeviceError, ValidationError
from spatialdrama.runtime import device as module
from spatialdrama.runtime.device import Device, resolve


def fake_torch(monkeypatch, *, available, count=0, built="12.8"):
    torch = types.SimpleNamespace(
        __version__="2.13.0",
        version=types.SimpleNamespace(cuda=built),
        cuda=types.SimpleNamespace(
            is_available=lambda: available,
            device_count=lambda: count,
            get_device_name=lambda index: f"GPU {index}",
        ),
    )
    monkeypatch.setitem(sys.modules, "torch", torch)


def no_torch(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)


def test_cpu_is_cpu():
    assert str(resolve("cpu")) == "cpu"
    assert resolve(resolve("cpu")) == resolve("cpu")


@pytest.mark.parametrize("asked", ["cuda", "cuda:1"])
def test_cuda_without_torch_names_the_alternative(monkeypatch, asked):
    no_torch(monkeypatch)
    with pytest.raises(DeviceError) as caught:
        resolve(asked)
    assert str(caught.value) == (
        f"device '{asked}' is not available: torch is not installed. Use device='cpu'."
    )


def test_auto_without_torch_is_the_cpu_and_says_why(monkeypatch):
    no_torch(monkeypatch)
    assert resolve("auto") == Device("cpu", why="torch is not installed")


def test_auto_without_a_driver_does_not_import_torch(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(module, "_has_driver", lambda: False)
    assert resolve("auto").why == "no NVIDIA driver is installed"
    assert "torch" not in sys.modules


def test_a_torch_without_cuda(monkeypatch):
    fake_torch(monkeypatch, available=False, built=None)
    assert resolve("auto").kind == "cpu"
    with pytest.raises(DeviceError, match=r"torch 2.13.0 is built without CUDA. Use device='cpu'"):
        resolve("cuda")


def test_a_torch_without_a_device(monkeypatch):
    fake_torch(monkeypatch, available=False)
    with pytest.raises(DeviceError, match="torch finds no CUDA device"):
        resolve("cuda")


def test_a_torch_with_two_devices(monkeypatch):
    fake_torch(monkeypatch, available=True, count=2)
    assert str(resolve("auto")) == "cuda:0"
    assert resolve("cuda:1") == Device("cuda", 1, "GPU 1", "asked for")
    with pytest.raises(DeviceError, match=r"'cuda:2' is not available: there are 2, numbered 0"):
        resolve("cuda:2")


@pytest.mark.parametrize("bad", ["gpu", "cuda:x", "cuda:-1", "", 0, None])
def test_unknown_devices(bad):
    with pytest.raises(ValidationError, match="must be 'auto', 'cpu', 'cuda' or 'cuda:N'; got"):
        resolve(bad)


def test_asking_for_the_cpu_never_imports_torch():
    code = (
        "import sys; from spatialdrama.runtime.device import resolve; resolve('cpu'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
