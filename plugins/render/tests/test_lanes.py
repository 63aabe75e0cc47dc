"""Eight numbers side by side, and the transforms made of them, beside numpy."""

import numpy as np
import pytest
from spatialdrama_render import lane_fft
from spatialdrama_render.jit import kernel
from spatialdrama_render.lanes import WIDTH, load, splat, spread, store, total


@kernel
def _mixed(a, b, row, first, out):
    x, y = load(a, (row, first)), load(b, first)
    z = (x + y) * splat(2.0) - x * spread(b, first)
    z += x
    store(out, (row, first), z)
    return total(z)


@pytest.mark.parametrize(("row", "first"), [(0, 0), (2, 3), (1, 5)])
def test_lanes_count_as_numpy_does(row, first):
    rng = np.random.default_rng(row)
    a = rng.standard_normal((3, 13)).astype(np.float32)
    b = rng.standard_normal(13).astype(np.float32)
    out = np.full((3, 13), np.nan, dtype=np.float32)
    got = _mixed(a, b, row, first, out)
    cut = slice(first, first + WIDTH)
    x = a[row, cut]
    want = (x + b[cut]) * 2 - x * b[first] + x
    np.testing.assert_allclose(out[row, cut], want, atol=1e-6)
    assert got == pytest.approx(want.sum(), abs=1e-5)
    out[row, cut] = np.nan
    assert np.isnan(out).all()  # nothing else was written


def test_lanes_follow_the_strides_of_a_view():
    whole = np.arange(4 * 3 * 16, dtype=np.float32).reshape(4, 3, 16)
    view, out = whole[1:, 1], np.zeros((3, 16), dtype=np.float32)
    _mixed(view, np.zeros(16, np.float32), 2, 4, out)
    np.testing.assert_array_equal(out[2, 4:12], 3 * whole[3, 1, 4:12])


@pytest.mark.parametrize("size", [2, 3, 4, 6, 9, 12, 128, 384, 768])
def test_transform_has_the_bins_of_numpys(size):
    rng = np.random.default_rng(size)
    source = rng.standard_normal((size + 5, 2, 24)).astype(np.float32)
    work = np.empty((size, 2, WIDTH), dtype=np.float32)
    lane_fft.fetch(source, 5, 8, work)
    lane_fft.forward(work, lane_fft.radices(size), lane_fft.roots(size))
    got = work[:, 0] + 1j * work[:, 1]
    signal = source[5:, 0, 8:16] + 1j * source[5:, 1, 8:16]
    want = np.fft.fft(signal.astype(complex), axis=0)
    order = _order(size)
    np.testing.assert_allclose(got, want[order], atol=1e-5 * size)
    lane_fft.backward(work, lane_fft.radices(size), lane_fft.roots(size))
    np.testing.assert_allclose((work[:, 0] + 1j * work[:, 1]) / size, signal, atol=3e-6)


def _order(size):
    """Return which bin lies where: decimation in frequency sorts by the last digit first."""
    order = [0]
    for radix in reversed(lane_fft.radices(size)):
        order = [radix * bin + digit for digit in range(radix) for bin in order]
    return np.array(order)


def test_other_primes_are_refused():
    with pytest.raises(ValueError, match="5 is left"):
        lane_fft.radices(60)
