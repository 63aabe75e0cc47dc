"""Which kernel runs, what says so, and what an error says; without a GPU."""

import pytest
import torch
from spatialdrama_isdrama import scan
from spatialdrama_isdrama.scan import Mamba, fused, selective_scan
from spatialdrama_isdrama.scan.selective import choose

from spatialdrama.errors import DeviceError, ValidationError


def given(dtype=torch.float32):
    return [
        torch.ones(*shape, dtype=dtype) for shape in [(1, 2, 3)] * 2 + [(2, 1)] + [(1, 1, 3)] * 2
    ]


@pytest.fixture(autouse=True)
def _counts_from_nothing():
    scan.forget()
    yield
    scan.forget()


def test_auto_on_a_cpu_is_the_reference_and_is_recorded():
    selective_scan(*given())
    selective_scan(*given(), kernel="reference")
    assert scan.ran() == {"scan": {"reference": 2}}


def test_a_layer_says_what_its_last_call_ran():
    layer = Mamba(8)
    assert layer.ran is None
    assert layer.conv_ran is None
    layer(torch.randn(1, 3, 8))
    assert (layer.ran, layer.conv_ran) == ("reference", "torch")
    assert scan.ran() == {"scan": {"reference": 1}, "conv": {"torch": 1}}


def test_the_summary_is_a_copy():
    selective_scan(*given())
    scan.ran()["scan"]["reference"] = 99
    assert scan.ran() == {"scan": {"reference": 1}}


def test_fused_on_a_cpu_says_where_the_tensors_are():
    for call in (
        lambda: selective_scan(*given(), kernel="fused"),
        lambda: Mamba(8, kernel="fused")(torch.randn(1, 3, 8)),
    ):
        with pytest.raises(
            DeviceError, match=r"on cpu .* for CUDA: move them, or take kernel='ref"
        ):
            call()
    assert scan.ran() == {}


def test_an_unknown_kernel_lists_the_known_ones():
    with pytest.raises(ValidationError, match="auto, reference, fused; got 'triton'"):
        selective_scan(*given(), kernel="triton")


class OnCuda:
    """Stands for a tensor that is on CUDA: only where it is and its type are asked."""

    def __init__(self, dtype):
        self.device, self.dtype = torch.device("cuda"), dtype


def missing(monkeypatch):
    import sys

    # None in sys.modules makes an import of that name fail, installed or not.
    for name in ("mamba_ssm", "mamba_ssm.ops.selective_scan_interface", "causal_conv1d"):
        monkeypatch.setitem(sys.modules, name, None)
    fused._imported.cache_clear()


@pytest.fixture
def without_kernels(monkeypatch):
    missing(monkeypatch)
    yield
    fused._imported.cache_clear()


@pytest.mark.usefixtures("without_kernels")
def test_without_mamba_ssm_auto_falls_back_and_fused_names_the_extra():
    x = OnCuda(torch.bfloat16)
    assert choose("auto", x) == "reference"
    reason = fused.why_not(x)
    assert "mamba-ssm did not import" in reason
    assert "spatialdrama-isdrama[kernels]" in reason
    assert fused.conv_why_not(x, 4)
    with pytest.raises(DeviceError, match=r"spatialdrama-isdrama\[kernels\]"):
        fused.scan_fused(x, *given()[1:])


@pytest.fixture
def with_kernels(monkeypatch):
    """Put functions that check what the real kernels demand in their place."""
    calls = []

    def kernel(u, delta, A, B, C, D=None, z=None, delta_bias=None, delta_softplus=False):
        assert {x.dtype for x in (delta, B, C)} == {u.dtype}
        assert z is None or z.dtype == u.dtype
        assert {x.dtype for x in (A, D, delta_bias) if x is not None} <= {torch.float32}
        assert not torch.is_autocast_enabled("cpu")
        calls.append("scan")
        return selective_scan(
            u, delta, A, B, C, D, z, delta_bias, delta_softplus, kernel="reference"
        )

    def conv(x, weight, bias, activation):
        assert x.is_contiguous()
        assert weight.ndim == 2
        assert weight.dtype == bias.dtype == x.dtype
        assert activation == "silu"
        calls.append("conv")
        y = torch.nn.functional.conv1d(x, weight[:, None], bias, padding=3, groups=x.shape[1])
        return torch.nn.functional.silu(y[..., : x.shape[-1]])

    found = {"selective_scan_fn": (kernel, ""), "causal_conv1d_fn": (conv, "")}
    monkeypatch.setattr(fused, "_imported", found.__getitem__)
    monkeypatch.setattr(fused, "why_not", lambda u: "" if u.dtype in fused.DTYPES else "type")
    monkeypatch.setattr(fused, "conv_why_not", lambda x, taps: "" if taps == 4 else "taps")
    return calls


@pytest.mark.parametrize("autocast", [False, True])
def test_with_mamba_ssm_auto_is_fused_and_gets_what_it_demands(with_kernels, autocast):
    torch.manual_seed(0)
    layer, x = Mamba(8, state=4, bidirectional=True), torch.randn(2, 6, 8)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        y = layer(x)
        assert with_kernels == ["conv", "scan"]
        assert (layer.ran, layer.conv_ran) == ("fused", "causal_conv1d")
        assert scan.ran()["conv"] == {"causal_conv1d": 1}
        assert scan.ran()["scan"]["fused"] == 1
        layer.kernel = "reference"
        torch.testing.assert_close(layer(x), y, atol=1e-2 if autocast else 1e-6, rtol=0.02)
        assert (layer.ran, layer.conv_ran) == ("reference", "torch")


def test_auto_takes_the_reference_for_what_the_kernel_does_not_know(with_kernels):
    layer = Mamba(8, conv=5)
    layer(torch.randn(1, 3, 8))
    assert (layer.ran, layer.conv_ran) == ("fused", "torch")
    layer.double()(torch.randn(1, 3, 8, dtype=torch.float64))
    assert (layer.ran, layer.conv_ran) == ("reference", "torch")


def test_a_type_the_kernel_does_not_know_has_a_reason():
    assert "got torch.float64" in fused.why_not(OnCuda(torch.float64))
    assert "2 to 4 taps" in fused.conv_why_not(OnCuda(torch.float32), 5)
    assert "float64" in fused.conv_why_not(OnCuda(torch.float64), 4)
