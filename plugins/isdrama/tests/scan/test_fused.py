"""The scan on CUDA: chunks and mamba-ssm's kernel against float64; run with ``pytest -m gpu``."""

import math

import pytest
import torch
from spatialdrama_isdrama import scan
from spatialdrama_isdrama.layers import lengths_to_mask
from spatialdrama_isdrama.scan import Mamba, fused, selective_scan
from spatialdrama_isdrama.scan.chunked import scan_chunked
from spatialdrama_isdrama.scan.loop import scan_loop

pytestmark = pytest.mark.gpu

# Norm of the difference over the norm: a unit in the last place of the type, and sums of them.
TOLERANCE = {torch.float32: 1e-4, torch.float16: 3e-3, torch.bfloat16: 2e-2}
# mamba-ssm's kernel keeps 2048 steps at a time; 1 is the shortest, 1500 a line at the mel rate.
LENGTHS = [1, 7, 375, 1500, 2049]


@pytest.fixture(autouse=True)
def _exact_float32():
    kept = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = kept


@pytest.fixture
def mamba_ssm():
    return pytest.importorskip("mamba_ssm", reason="needs spatialdrama-isdrama[kernels]")


def near(found, wanted, dtype, name="y"):
    assert torch.isfinite(found).all(), name
    wanted = wanted.detach().double().cpu()
    difference = (found.detach().double().cpu() - wanted).norm()
    # The second part is for gradients that are exactly zero, as A's is in the first step.
    size = wanted.norm() + 1e-2 * math.sqrt(wanted.numel())
    assert difference <= TOLERANCE[dtype] * size, f"{name}: {difference / size:.2e}"


def given(length, dtype, batch=2, width=24, states=16, seed=0):
    """What a scan takes, on the CPU, already rounded to `dtype`; constants in float32."""
    make = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=make)

    varying = {
        "u": normal(batch, width, length),
        "delta": normal(batch, width, length) * 0.5,
        "B": normal(batch, states, length),
        "C": normal(batch, states, length),
        "z": normal(batch, width, length),
    }
    constant = {
        "A": -torch.arange(1.0, states + 1).repeat(width, 1) * torch.rand(width, 1, generator=make),
        "D": normal(width),
        "delta_bias": normal(width) - 4,
    }
    return {**{k: v.to(dtype) for k, v in varying.items()}, **constant}


def oracle(values, dy):
    """The loop in float64 on the CPU: the output, and the gradients of everything."""
    wide = {k: v.double().requires_grad_() for k, v in values.items()}
    delta = torch.nn.functional.softplus(wide["delta"] + wide["delta_bias"][:, None])
    y = scan_loop(wide["u"], delta, wide["A"], wide["B"], wide["C"])
    y = (y + wide["D"][:, None] * wide["u"]) * torch.nn.functional.silu(wide["z"])
    y.backward(dy.double())
    return y.detach(), {k: v.grad for k, v in wide.items()}


@pytest.mark.parametrize("kernel", ["reference", "fused"])
@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=str)
@pytest.mark.parametrize("length", LENGTHS)
def test_forward_and_backward_equal_the_loop(kernel, dtype, length, request):
    if kernel == "fused":
        request.getfixturevalue("mamba_ssm")
    values = given(length, dtype)
    dy = torch.randn(2, 24, length, generator=torch.Generator().manual_seed(1)).to(dtype)
    wanted, gradients = oracle(values, dy)
    there = {k: v.cuda().requires_grad_() for k, v in values.items()}
    scan.forget()
    y = selective_scan(**there, delta_softplus=True, kernel=kernel)
    y.backward(dy.cuda())
    assert scan.ran() == {"scan": {kernel: 1}}
    assert y.dtype == dtype
    near(y, wanted, dtype)
    for name, gradient in gradients.items():
        near(there[name].grad, gradient, dtype, name)


@pytest.mark.parametrize(("chunk", "lanes"), [(None, None), (16, 1), (50, 7), (256, 16)])
def test_chunks_and_lanes_change_nothing(chunk, lanes):
    values = {k: v.cuda() for k, v in given(700, torch.float32).items()}
    values["delta"] = (
        values["delta"].abs()
        * torch.tensor([0.0, 1e-3, 1.0, 1e4]).cuda()[torch.arange(700).cuda() % 4]
    )
    args = [values[k] for k in ("u", "delta", "A", "B", "C")]
    near(
        scan_chunked(*args, chunk=chunk, lanes=lanes),
        scan_loop(*(x.double() for x in args)),
        torch.float32,
    )


def test_the_reference_trains_in_less_memory_than_its_states_take():
    batch, width, length = 8, 1536, 1500
    values = given(length, torch.float32, batch=batch, width=width)
    args = [values[k].cuda().requires_grad_() for k in ("u", "delta", "A", "B", "C")]
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    with torch.no_grad():
        args[1].abs_().mul_(0.01)
    scan_chunked(*args).sum().backward()
    peak = torch.cuda.max_memory_allocated() - before
    assert peak < batch * width * 16 * length * 4, f"{peak / 2**20:.0f} MiB"


def pair(mamba_ssm, width=64):
    """Our layer and theirs on CUDA, theirs with our weights."""
    torch.manual_seed(0)
    ours, theirs = Mamba(width).cuda(), mamba_ssm.Mamba(d_model=width).cuda()
    for p in (ours.D, ours.conv1d.bias):
        p.data.normal_()
    ours.dt_proj.bias.data += 2
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def test_weights_go_both_ways_and_start_alike(mamba_ssm):
    ours, theirs = Mamba(64), mamba_ssm.Mamba(d_model=64)
    shapes = {k: (tuple(v.shape), v.dtype) for k, v in ours.state_dict().items()}
    assert shapes == {k: (tuple(v.shape), v.dtype) for k, v in theirs.state_dict().items()}
    torch.testing.assert_close(ours.A_log, theirs.A_log)
    assert torch.equal(ours.D, theirs.D)
    for layer in (ours, theirs):
        step = torch.nn.functional.softplus(layer.dt_proj.bias.detach())
        assert step.min() >= 1e-3 * 0.999
        assert step.max() <= 1e-1 * 1.001
        assert abs(step.log().mean() - math.log(1e-2)) < 4 * math.log(100) / math.sqrt(12 * 128)
    ours.load_state_dict(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value), name


@pytest.mark.parametrize("kernel", ["reference", "fused"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("length", [1, 375, 1500])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_our_layer_equals_mamba_ssm_s(mamba_ssm, kernel, dtype, length, bidirectional):
    ours, theirs = pair(mamba_ssm)
    ours.kernel, ours.bidirectional = kernel, bidirectional
    x = torch.randn(2, length, 64, device="cuda")
    mine, their = (x.clone().requires_grad_() for _ in range(2))
    half = dtype == torch.bfloat16
    with torch.autocast("cuda", torch.bfloat16, enabled=half):
        y = ours(mine)
        wanted = theirs(their)
        if bidirectional:
            wanted = (wanted + theirs(their.flip(1)).flip(1)) / 2
    assert ours.ran == kernel
    near(y, wanted, dtype)
    dy = torch.randn_like(x)
    y.backward(dy.to(y.dtype))
    wanted.backward(dy.to(wanted.dtype))
    near(mine.grad, their.grad, dtype, "x")
    gradients = dict(theirs.named_parameters())
    for name, p in ours.named_parameters():
        near(p.grad, gradients[name].grad, dtype, name)


@pytest.mark.parametrize("kernel", ["reference", "fused"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_padded_item_equals_itself_alone(kernel, bidirectional, request):
    if kernel == "fused":
        request.getfixturevalue("mamba_ssm")
    torch.manual_seed(0)
    layer = Mamba(64, bidirectional=bidirectional, kernel=kernel).cuda()
    x = torch.randn(2, 300, 64, device="cuda")
    mask = lengths_to_mask(torch.tensor([300, 111])).cuda()
    y = layer(torch.where(mask[..., None], x, math.nan), mask)
    near(y[1, :111], layer(x[1:, :111])[0].detach(), torch.float32)
    assert (y[1, 111:] == 0).all()


def test_auto_takes_the_kernel_that_is_there():
    layer = Mamba(64).cuda()
    layer(torch.randn(1, 9, 64, device="cuda"))
    x = torch.zeros(1, 1, 1, device="cuda")
    assert layer.ran == ("reference" if fused.why_not(x) else "fused")
    assert layer.conv_ran == (
        "torch" if fused.why_not(x) or fused.conv_why_not(x, 4) else "causal_conv1d"
    )


def test_cuda_equals_the_cpu():
    torch.manual_seed(0)
    layer = Mamba(64, bidirectional=True, kernel="reference")
    x, mask = torch.randn(2, 90, 64), lengths_to_mask(torch.tensor([90, 31]))
    wanted = layer(x, mask).detach()
    near(layer.cuda()(x.cuda(), mask.cuda()), wanted, torch.float32)
