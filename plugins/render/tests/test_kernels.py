"""The compiled kernels beside slow loops that do what their docstrings say."""

from types import SimpleNamespace

import numba
import numpy as np
import pytest
from scipy.signal import fftconvolve
from spatialdrama_render import buses, direct
from spatialdrama_render.bus_filter import BusFilter
from spatialdrama_render.buses import Basis
from spatialdrama_render.lowpass import LowPasses
from spatialdrama_render.tail_convolver import TailConvolver

from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose


def random_directions(n, seed):
    return np.random.default_rng(seed).normal(size=(n, 3))


def slow_moving_filter(signal, filters, hop):
    """Cross-fade between control points, one output sample at a time."""
    taps = filters.shape[1]
    out = np.zeros((len(filters) - 1) * hop)
    for n in range(len(out)):
        s, a = n // hop, (n % hop) / hop
        h = (1 - a) * filters[s] + a * filters[s + 1]
        out[n] = h @ signal[n : n + taps][::-1]
    return out


@pytest.mark.parametrize("taps", [128, 61, 3])
def test_direct_filter_is_the_slow_loop(taps):
    rng = np.random.default_rng(0)
    signal = rng.standard_normal(taps - 1 + 5 * direct.HOP).astype(np.float32)
    filters = rng.standard_normal((6, taps)).astype(np.float32)
    out = np.ones(5 * direct.HOP, dtype=np.float32)
    direct.filter_moving(signal, filters, direct.HOP, out)
    want = 1 + slow_moving_filter(signal.astype(float), filters.astype(float), direct.HOP)
    np.testing.assert_allclose(out, want, atol=5e-5)


def test_filters_are_mixed_between_corners_and_shells(sphere):
    head = sphere.head
    table = np.stack([head.filters, 2 * head.filters, -head.filters]).astype(np.float32)
    index, weight = head.weights(random_directions(6, 1))
    shell = np.array([0.0, 0.25, 1.0, 1.75, 2.0, 2.0])
    out = np.empty((2, 6, head.taps), dtype=np.float32)
    for ear in (0, 1):
        direct.filters_between(table, index, weight, shell, ear, out[ear])
    plain = np.einsum("kc,kcet->ekt", weight, head.filters[index])
    factor = np.interp(shell, [0, 1, 2], [1, 2, -1])
    np.testing.assert_allclose(out, plain * factor[:, None], atol=1e-5)


def slow_buses(basis, images, weights):
    """Each image through its own filter in the reduced basis, weights linear in time."""
    n = images.shape[1]
    hop, taps = buses.HOP, basis.filters.shape[1]
    filters = basis.filters.astype(float)
    mixed = np.zeros((len(filters), n))
    for m in range(n):
        s, a = m // hop, (m % hop) / hop
        mixed[:, m] = ((1 - a) * weights[s] + a * weights[s + 1]).T @ images[:, m]
    out = np.zeros(n - basis.history)
    for m in range(len(out)):
        for b in range(len(filters)):
            past = mixed[b, basis.history + m - taps + 1 : basis.history + m + 1]
            out[m] += filters[b] @ past[::-1]
    return out


@pytest.mark.parametrize(("count", "size"), [(1, 8), (3, 8), (4, 11), (6, 24)])
def test_buses_are_the_slow_loop(sphere, count, size):
    head, basis, hops, lanes = sphere.head, Basis(sphere.head, size), 4, -(-size // 8) * 8
    rng = np.random.default_rng(2)
    images = rng.standard_normal((count, hops * buses.HOP)).astype(np.float32)
    index, weight = head.weights(random_directions(5 * count, 3))
    index, weight = index.reshape(5, count, 3), weight.reshape(5, count, 3)
    run = BusFilter(basis, 2, hops * buses.HOP)
    run.begin()
    want = []
    for ear in (0, 1):
        weights = np.empty((5, count, lanes), dtype=np.float32)
        for k in range(5):
            args = basis.lane_shares, ear, index[k].astype(np.int32), weight[k], weights[k]
            buses.bus_weights(*args)
        plain = np.einsum("kic,kicb->kib", weight, basis.shares[index, ear])
        np.testing.assert_allclose(weights[:, :, :size], plain, atol=1e-6)
        for k in range(hops):
            hop = np.ascontiguousarray(images[:, k * buses.HOP : (k + 1) * buses.HOP])
            at = run.history + k * buses.HOP
            buses.add_to_buses(hop, buses.HOP, weights[k], weights[k + 1], run.buses[0], at, ear)
        silence = np.zeros((count, basis.history))
        before = np.repeat(weights[:1], basis.history // buses.HOP, axis=0)
        past = np.concatenate([silence, images], axis=1)
        want.append(slow_buses(basis, past, np.concatenate([before, weights])[:, :, :size]))
    out = np.ones((2, hops * buses.HOP), dtype=np.float32)
    run.add_to(out, 0, run.pieces)
    np.testing.assert_allclose(out, 1 + np.stack(want), atol=2e-5)


def test_a_full_basis_is_exact(sphere):
    basis = Basis(sphere.head, sphere.head.taps)
    np.testing.assert_allclose(basis.shares @ basis.filters, sphere.head.filters, atol=1e-5)


@pytest.mark.parametrize(("size", "bound_db"), [(12, 1.8), (24, 1.1)])
def test_spectral_distortion_of_the_basis(kemar, size, bound_db):
    """Root-mean-square difference of log spectra, 200 Hz to 16 kHz, mean over all directions."""
    head, basis = kemar.head, Basis(kemar.head, size)
    reduced = basis.shares.astype(float) @ basis.filters
    frequency = np.fft.rfftfreq(512, 1 / 48_000)
    band = (frequency > 200) & (frequency < 16_000)
    a, b = (np.abs(np.fft.rfft(h, 512))[..., band] for h in (head.filters, reduced))
    distortion = np.sqrt(np.mean((20 * np.log10(a / b)) ** 2, axis=-1)).mean()
    assert distortion < bound_db


@pytest.mark.parametrize(
    ("block", "history"), [(128, 0), (128, 128), (256, 512), (1152, 256), (7680, 384)]
)
def test_bus_filter_is_a_convolution_in_any_pieces(block, history):
    """Three channels, eleven buses, several blocks; pieces in any order."""
    rng = np.random.default_rng(history)
    taps = max(history - 27, 1)
    basis = SimpleNamespace(
        filters=rng.standard_normal((11, taps)).astype(np.float32), history=history,
        lane_shares=np.zeros((1, 3, 16), np.float32),
    )  # fmt: skip
    run = BusFilter(basis, 3, block)
    signals = rng.standard_normal((3, 11, 3 * block)).astype(np.float32)
    got = np.zeros((3, 3 * block), dtype=np.float32)
    for k in range(3):
        cut = slice(k * block, (k + 1) * block)
        run.begin()
        for c in range(3):
            run.buses[c // 2, run.history :, c % 2, :11] = signals[c, :, cut].T
        for piece in reversed(range(run.pieces)):
            run.add_to(got[:, cut], piece, piece + 1)
    filters = basis.filters.astype(float)
    want = [fftconvolve(some, filters, axes=1)[:, : 3 * block].sum(axis=0) for some in signals]
    np.testing.assert_allclose(got, want, atol=3e-6 * np.abs(want).max())


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize(
    ("length", "block"),
    [(1, 128), (500, 128), (1024, 256), (3001, 256), (5000, 1152), (9000, 7680)],
)
def test_tail_convolver_is_a_convolution(length, block, channels):
    rng = np.random.default_rng(4)
    response = rng.standard_normal((channels, length)).astype(np.float32)
    signal = rng.standard_normal(20 * block).astype(np.float32)
    signal[7 * block : 15 * block] = 0
    convolver = TailConvolver(response, block)
    parts = signal.reshape(-1, block)
    # Silence may come as zeros or as None.
    got = [convolver(None if k in (9, 12) else part) for k, part in enumerate(parts)]
    want = np.stack([fftconvolve(signal.astype(float), r)[: len(signal)] for r in response])
    np.testing.assert_allclose(np.concatenate(got, axis=1), want, atol=1e-5 * np.abs(want).max())


def test_a_tail_asks_for_whole_control_blocks():
    with pytest.raises(ValidationError, match="multiple of 128 samples; got 200"):
        TailConvolver(np.ones((2, 100), np.float32), 200)


def test_low_passes_are_the_bilinear_one_pole():
    from scipy.signal import lfilter

    corners, rate = np.array([200.0, 624.0, 5000.0]), 48_000
    signal = np.random.default_rng(5).standard_normal(900).astype(np.float32)
    filters = LowPasses(corners, rate)
    got = np.concatenate([filters(part) for part in np.split(signal, [100, 101, 700])], axis=1)
    np.testing.assert_array_equal(got[0], signal)
    for row, corner in zip(got[1:], corners, strict=True):
        k = np.tan(np.pi * corner / rate)
        want = lfilter([k / (1 + k), k / (1 + k)], [1.0, (k - 1) / (1 + k)], signal.astype(float))
        np.testing.assert_allclose(row, want, atol=1e-6)


def test_blas_keeps_to_one_thread_while_rendering(sphere, noise, monkeypatch):
    from spatialdrama_render import engine
    from threadpoolctl import threadpool_info

    from spatialdrama.types import Pose

    seen, process = [], engine.Engine.process

    def watched(self, *args):
        seen.extend(p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas")
        return process(self, *args)

    monkeypatch.setattr(engine.Engine, "process", watched)
    before = [p["num_threads"] for p in threadpool_info()]
    sphere.render(noise(100), Pose.fixed((1, 0, 0)))
    assert seen
    assert set(seen) == {1}
    assert [p["num_threads"] for p in threadpool_info()] == before


def test_compiling_is_said_where_nothing_is_kept_and_once(monkeypatch, capsys):
    from spatialdrama_render import jit

    def double(x):
        return 2 * x

    monkeypatch.delenv("SPATIALDRAMA_PROGRESS", raising=False)
    monkeypatch.setattr(jit, "_said", False)
    monkeypatch.setattr(jit, "_is_kept", lambda function: False)
    fresh = numba.njit(double)
    assert jit.say_before_compiling(fresh)
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not jit.say_before_compiling(fresh)  # once a process
    monkeypatch.setattr(jit, "_said", False)
    fresh(1.0)
    assert not jit.say_before_compiling(fresh)  # compiled already
    assert not capsys.readouterr().err
    monkeypatch.setenv("SPATIALDRAMA_PROGRESS", "0")
    assert jit.say_before_compiling(numba.njit(double))
    assert not capsys.readouterr().err


def test_what_is_kept_on_disk_is_known(sphere, noise):
    from spatialdrama_render import jit, source

    sphere.render(noise(480), Pose.fixed((1, 1, 0)))
    assert jit._is_kept(source._hear)
    kept = source._hear._cache._cache_file
    stamp, kept._source_stamp = kept._source_stamp, "another"
    try:
        assert not jit._is_kept(source._hear)
    finally:
        kept._source_stamp = stamp
