"""The scan against plain python loops in float64, forward and backward."""

import math

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.scan import selective_scan
from spatialdrama_isdrama.scan.chunked import chunk_length, scan_chunked
from spatialdrama_isdrama.scan.loop import scan_loop

from spatialdrama.errors import ValidationError

NAMES = ("u", "delta", "A", "B", "C")
# Chunks and lanes: single steps, pieces that do not divide the length, one piece, side by side.
CUTS = [(1, 1), (5, 1), (64, 1), (8, 2), (7, 3), (23, 4), (64, 5)]


def numbers(b=2, d=3, n=4, t=23, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "u": rng.standard_normal((b, d, t)),
        "delta": np.exp(rng.uniform(math.log(1e-3), math.log(2.0), (b, d, t))),
        "A": -np.exp(rng.standard_normal((d, n))),
        "B": rng.standard_normal((b, n, t)),
        "C": rng.standard_normal((b, n, t)),
    }


def forward(u, delta, A, B, C):
    """Equations 14 and 15 for each channel and state by itself; also every state."""
    b, d, t = u.shape
    n = A.shape[1]
    y, h = np.zeros((b, d, t)), np.zeros((b, d, n, t))
    for i, c, s in np.ndindex(b, d, n):
        state = 0.0
        for k in range(t):
            step = delta[i, c, k]
            state = math.exp(step * A[c, s]) * state + step * B[i, s, k] * u[i, c, k]
            h[i, c, s, k] = state
            y[i, c, k] += C[i, s, k] * state
    return y, h


def backward(dy, u, delta, A, B, C):
    """The chain rule by hand, from the last step to the first."""
    grads = {name: np.zeros_like(x) for name, x in zip(NAMES, (u, delta, A, B, C), strict=True)}
    _, h = forward(u, delta, A, B, C)
    for i, c, s in np.ndindex(*h.shape[:3]):
        g = 0.0  # of the state at k, as far as later steps see it
        for k in reversed(range(u.shape[2])):
            step, before = delta[i, c, k], h[i, c, s, k - 1] if k else 0.0
            decay = math.exp(step * A[c, s])
            g += C[i, s, k] * dy[i, c, k]
            grads["C"][i, s, k] += dy[i, c, k] * h[i, c, s, k]
            grads["B"][i, s, k] += g * step * u[i, c, k]
            grads["u"][i, c, k] += g * step * B[i, s, k]
            grads["delta"][i, c, k] += g * (B[i, s, k] * u[i, c, k] + A[c, s] * decay * before)
            grads["A"][c, s] += g * step * decay * before
            g *= decay
    return grads


def tensors(values, dtype=torch.float64, grad=True):
    return {k: torch.tensor(v, dtype=dtype, requires_grad=grad) for k, v in values.items()}


def test_the_loop_is_the_equations():
    values = numbers()
    given = tensors(values)
    y = scan_loop(**given)
    np.testing.assert_allclose(y.detach().numpy(), forward(**values)[0], atol=1e-12)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    y.backward(torch.from_numpy(dy))
    for name, wanted in backward(dy, **values).items():
        np.testing.assert_allclose(given[name].grad.numpy(), wanted, atol=1e-11, err_msg=name)


@pytest.mark.parametrize(("chunk", "lanes"), CUTS)
@pytest.mark.parametrize("t", [1, 2, 23])
def test_chunks_are_the_equations_forward_and_backward(chunk, lanes, t):
    values = numbers(t=t, seed=t)
    given = tensors(values)
    y = scan_chunked(**given, chunk=chunk, lanes=lanes)
    np.testing.assert_allclose(y.detach().numpy(), forward(**values)[0], atol=1e-12)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    y.backward(torch.from_numpy(dy))
    for name, wanted in backward(dy, **values).items():
        np.testing.assert_allclose(given[name].grad.numpy(), wanted, atol=1e-11, err_msg=name)


@pytest.mark.parametrize(("chunk", "lanes"), [(3, 1), (4, 2)])
def test_gradients_are_differences(chunk, lanes):
    given = tensors(numbers(d=2, n=2, t=7))

    def run(*args):
        return scan_chunked(*args, chunk=chunk, lanes=lanes)

    assert torch.autograd.gradcheck(run, tuple(given.values()), eps=1e-6, atol=1e-8)


def test_only_what_needs_a_gradient_gets_one():
    given = tensors(numbers(), grad=False)
    given["B"].requires_grad_()
    scan_chunked(**given, chunk=5).sum().backward()
    assert given["B"].grad is not None
    assert all(given[name].grad is None for name in NAMES if name != "B")


def test_a_second_derivative_is_refused_not_wrong():
    given = tensors(numbers())
    y = scan_chunked(**given)
    with pytest.raises(ValidationError, match="second derivative"):
        torch.autograd.grad(y.sum(), given["u"], create_graph=True)


def extreme():
    """Steps from nothing to 10,000, in one sequence: to keep all, to forget all, and again."""
    values = numbers(t=60, seed=5)
    rng = np.random.default_rng(6)
    values["delta"] = rng.choice([0.0, 1e-8, 1e-3, 0.1, 30.0, 1e4], values["delta"].shape)
    values["A"] = -np.arange(1.0, 5.0)[None].repeat(3, 0)
    return values


@pytest.mark.parametrize(("chunk", "lanes"), CUTS)
def test_steps_that_forget_everything_are_exact(chunk, lanes):
    values = extreme()
    running = np.cumsum(values["delta"][:, :, None] * values["A"][..., None], axis=-1)
    # What a scan that divides by the exponent of the running sum would divide by.
    assert (np.exp(running.astype(np.float32)) == 0).any()
    given = tensors(values, torch.float32)
    # The oracle sees the rounded numbers too.
    rounded = {k: v.detach().double().numpy() for k, v in given.items()}
    y = scan_chunked(**given, chunk=chunk, lanes=lanes)
    dy = np.random.default_rng(1).standard_normal(y.shape).astype(np.float32)
    y.backward(torch.from_numpy(dy))
    near(y.detach().numpy(), forward(**rounded)[0], "y")
    for name, wanted in backward(dy.astype(np.float64), **rounded).items():
        near(given[name].grad.numpy(), wanted, name)


def near(found, wanted, name):
    """Within float32's rounding of the sums that a number is made of."""
    assert np.isfinite(found).all(), name
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-6 * scale, err_msg=name)


def test_a_long_memory_stays_exact_in_float32():
    values = numbers(t=3000, b=1, d=2, n=2)
    values["A"][:] = -1e-4
    given = tensors(values, torch.float32, grad=False)
    exact = scan_loop(**{k: v.double() for k, v in given.items()})
    found = scan_chunked(**given, chunk=64, lanes=8)
    assert (found - exact).abs().max() < 1e-5 * exact.abs().max()


def test_halves_run_with_states_in_float32():
    values = numbers(t=400)
    given = {k: v.bfloat16().detach() for k, v in tensors(values).items()}
    wide = {k: v.float() for k, v in given.items()}
    y = scan_chunked(**given)
    assert y.dtype == torch.float32
    assert torch.equal(y, scan_chunked(**wide))
    for x in (*given.values(), *wide.values()):
        x.requires_grad_()
    scan_chunked(**given).sum().backward()
    scan_chunked(**wide).sum().backward()
    for name in NAMES:
        assert given[name].grad.dtype == torch.bfloat16
        assert torch.equal(given[name].grad, wide[name].grad.bfloat16())


def test_autocast_changes_nothing_inside():
    given, again = (tensors(numbers(), torch.float32) for _ in range(2))
    with torch.autocast("cpu", torch.bfloat16):
        y = scan_chunked(**given, chunk=5)
        y.sum().backward()
    z = scan_chunked(**again, chunk=5)
    z.sum().backward()
    assert torch.equal(y, z)
    assert all(torch.equal(given[k].grad, again[k].grad) for k in NAMES)


def test_what_is_kept_for_the_backward_pass_does_not_grow_with_the_states():
    given = tensors(numbers(b=1, d=8, n=16, t=400), torch.float32)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda x: x):
        scan_chunked(**given, chunk=50)
    states = 8 * 16
    # The inputs, and a state for each of the eight chunks; 400 states is what a loop keeps.
    assert sum(x.numel() for x in kept) == sum(x.numel() for x in given.values()) + 8 * states


def test_the_default_chunk_suits_size_and_device():
    cpu = torch.device("cpu")
    assert chunk_length(1536 * 16, cpu) == 21
    assert chunk_length(8 * 16, cpu) == 256
    assert chunk_length(2**30, cpu) == 8
    assert chunk_length(1536 * 16, torch.device("cuda")) == 256


def with_options(values, seed=7):
    rng = np.random.default_rng(seed)
    b, d, t = values["u"].shape
    return {
        **values,
        "delta": rng.standard_normal((b, d, t)),
        "D": rng.standard_normal(d),
        "z": rng.standard_normal((b, d, t)),
        "delta_bias": rng.standard_normal(d),
    }


def whole(u, delta, A, B, C, D, z, delta_bias):
    step = np.log1p(np.exp(delta + delta_bias[:, None]))
    y = forward(u, step, A, B, C)[0] + D[:, None] * u
    return y * z / (1 + np.exp(-z))


def test_bias_softplus_skip_and_gate():
    values = with_options(numbers())
    given = tensors(values)
    y = selective_scan(**given, delta_softplus=True, kernel="reference", chunk=6)
    np.testing.assert_allclose(y.detach().numpy(), whole(**values), atol=1e-12)

    def run(*args):
        options = dict(zip(given, args, strict=True))
        return selective_scan(**options, delta_softplus=True, kernel="reference", chunk=3)

    small = tensors(with_options(numbers(b=1, d=2, n=2, t=5)))
    assert torch.autograd.gradcheck(run, tuple(small.values()), atol=1e-8)


def test_halves_come_back_as_halves_rounded_once():
    values = with_options(numbers())
    given = tensors(values, torch.bfloat16, grad=False)
    y = selective_scan(**given, delta_softplus=True)
    exact = whole(**{k: v.double().numpy() for k, v in given.items()})
    assert y.dtype == torch.bfloat16
    # Half a unit of bfloat16's last bit, and float32's rounding before it.
    np.testing.assert_allclose(y.double().numpy(), exact, rtol=2.0**-8, atol=1e-6)


def test_a_batch_equals_its_items_and_views_equal_copies():
    given = tensors(with_options(numbers(b=3)), torch.float32, grad=False)
    y = selective_scan(**given, delta_softplus=True)
    varying = ("u", "delta", "B", "C", "z")
    for i in range(3):
        item = {k: v[i : i + 1] if k in varying else v for k, v in given.items()}
        torch.testing.assert_close(selective_scan(**item, delta_softplus=True)[0], y[i])
    views = {k: v.mT.contiguous().mT if v.ndim == 3 else v for k, v in given.items()}
    assert not views["u"].is_contiguous()
    assert torch.equal(selective_scan(**views, delta_softplus=True), y)


def test_nothing_in_gives_nothing_out():
    given = tensors(numbers(t=1), torch.bfloat16, grad=False)
    cut = {k: v[..., :0] if k != "A" else v for k, v in given.items()}
    assert selective_scan(**cut).shape == (2, 3, 0)
    none = {k: v[:0] if k != "A" else v for k, v in given.items()}
    assert selective_scan(**none).shape == (0, 3, 1)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("delta", (2, 3, 22)),
        ("A", (4, 4)),
        ("B", (2, 3, 23)),
        ("C", (1, 4, 23)),
        ("D", (4,)),
        ("z", (2, 23, 3)),
        ("delta_bias", (3, 1)),
    ],
)
def test_shapes_that_do_not_fit_are_named(name, shape):
    given = {**tensors(numbers(), grad=False), name: torch.zeros(shape)}
    with pytest.raises(ValidationError, match=rf"{name} must be \(.*got \({shape[0]},"):
        selective_scan(**given)


def test_too_few_axes_are_an_error():
    given = tensors(numbers(), grad=False)
    with pytest.raises(ValidationError, match=r"u is \(b, d, t\)"):
        selective_scan(**{**given, "u": given["u"][0]})
