"""The two filter kernels beside slow loops that do what their docstrings say."""

import numpy as np
import pytest
from spatialdrama_render import buses, direct
from spatialdrama_render.buses import BasisBuses
from spatialdrama_render.direct import DirectFilter


def random_directions(n, seed):
    return np.random.default_rng(seed).normal(size=(n, 3))


def slow_direct(head, ears, index, weight, history):
    """Cross-fade between control points, one output sample at a time."""
    hop, out = direct.HOP, np.zeros((2, ears.shape[1] - history))
    for e in (0, 1):
        filters = [
            sum(w * head.filters[v, e] for v, w in zip(iv, wv, strict=True))
            for iv, wv in zip(index, weight, strict=True)
        ]
        for n in range(out.shape[1]):
            s, a = n // hop, (n % hop) / hop
            h = (1 - a) * filters[s] + a * filters[s + 1]
            past = ears[e, history + n - len(h) + 1 : history + n + 1]
            out[e, n] = h @ past[::-1]
    return out


def test_direct_filter_is_the_slow_loop(sphere):
    head, kernel = sphere.head, DirectFilter(sphere.head)
    ears = np.random.default_rng(0).standard_normal((2, kernel.history + 5 * direct.HOP))
    ears = ears.astype(np.float32)
    index, weight = head.weights(random_directions(6, 1))
    got = kernel(ears, index, weight)
    want = slow_direct(head, ears, index, weight, kernel.history)
    np.testing.assert_allclose(got, want, atol=2e-5)
    # The short cut for a source that stands still gives the same.
    index[:], weight[:] = index[0], weight[0]
    want = slow_direct(head, ears, index, weight, kernel.history)
    np.testing.assert_allclose(kernel(ears, index, weight), want, atol=2e-5)


def slow_buses(head, size, ear, index, weight, gain, e, history):
    """Each image through its own filter in the reduced basis, weights linear in time."""
    kernel, hop = BasisBuses(head, size), buses.HOP
    basis = kernel.filters.astype(float)
    segments, count, _ = ear.shape
    signal = ear.transpose(1, 0, 2).reshape(count, -1)
    share = np.zeros((len(index), count, size))
    for k in range(len(index)):
        for i in range(count):
            h = sum(w * head.filters[v, e] for v, w in zip(index[k, i], weight[k, i], strict=True))
            share[k, i] = gain[k, i] * (basis @ h)
    mixed = np.zeros((size, segments * hop))
    for n in range(segments * hop):
        s, a = n // hop, (n % hop) / hop
        mixed[:, n] = ((1 - a) * share[s] + a * share[s + 1]).T @ signal[:, n]
    out = np.zeros(segments * hop - history)
    for n in range(len(out)):
        for b in range(size):
            past = mixed[b, history + n - basis.shape[1] + 1 : history + n + 1]
            out[n] += basis[b] @ past[::-1]
    return out


def test_buses_are_the_slow_loop(sphere):
    head, size, images = sphere.head, 8, 3
    kernel = BasisBuses(head, size)
    rng = np.random.default_rng(2)
    ear = rng.standard_normal((2, 4, images, buses.HOP)).astype(np.float32)
    index, weight = head.weights(random_directions(5 * images, 3))
    index, weight = index.reshape(5, images, 3), weight.reshape(5, images, 3)
    gain = rng.uniform(0.2, 1.0, (5, images))
    weights = kernel.weights(index, weight, gain)
    got = kernel.filter(np.stack([kernel.mix(ear[e], weights[e]) for e in (0, 1)]))
    for e in (0, 1):
        want = slow_buses(head, size, ear[e], index, weight, gain, e, kernel.history)
        np.testing.assert_allclose(got[e], want, atol=2e-5)


def test_a_full_basis_is_exact(sphere):
    kernel = BasisBuses(sphere.head, sphere.head.taps)
    back = kernel.shares @ kernel.filters
    np.testing.assert_allclose(back, sphere.head.filters, atol=1e-5)


@pytest.mark.parametrize(("size", "bound_db"), [(12, 1.8), (24, 1.1)])
def test_spectral_distortion_of_the_basis(kemar, size, bound_db):
    """Root-mean-square difference of log spectra, 200 Hz to 16 kHz, mean over all directions."""
    head, kernel = kemar.head, BasisBuses(kemar.head, size)
    reduced = kernel.shares.astype(float) @ kernel.filters
    frequency = np.fft.rfftfreq(512, 1 / 48_000)
    band = (frequency > 200) & (frequency < 16_000)
    a, b = (np.abs(np.fft.rfft(h, 512))[..., band] for h in (head.filters, reduced))
    distortion = np.sqrt(np.mean((20 * np.log10(a / b)) ** 2, axis=-1)).mean()
    assert distortion < bound_db


def test_blas_keeps_to_one_thread_while_rendering(sphere, noise, monkeypatch):
    from spatialdrama_render import physical
    from threadpoolctl import threadpool_info

    from spatialdrama.types import Pose

    seen, block = [], physical.PhysicalRenderer._block

    def watched(self, *args):
        seen.extend(p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas")
        return block(self, *args)

    monkeypatch.setattr(physical.PhysicalRenderer, "_block", watched)
    before = [p["num_threads"] for p in threadpool_info()]
    sphere.render(noise(100), Pose.fixed((1, 0, 0)))
    assert seen
    assert set(seen) == {1}
    assert [p["num_threads"] for p in threadpool_info()] == before
