"""Mel and ERB scales: published values, closed forms and filters built bin by bin."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatialdrama.dsp.erb import cams_to_hz, erb_bandwidth, erb_centres, erb_matrix, hz_to_cams
from spatialdrama.dsp.mel import hz_to_mel, mel_matrix, mel_to_hz
from spatialdrama.errors import ValidationError

# From librosa 0.11.0: mel_frequencies(n_mels=12, fmin=0, fmax=8000).
LIBROSA_FREQUENCIES = [
    0.0, 274.216, 548.432, 822.648, 1105.0533, 1466.2178,
    1945.4216, 2581.2436, 3424.8711, 4544.2214, 6029.4089, 8000.0,
]  # fmt: skip


def oracle_mel(rate, n_fft, bands, low, high):
    """One triangle, one bin at a time."""
    edges = mel_to_hz(np.linspace(hz_to_mel(low), hz_to_mel(high), bands + 2))
    out = np.zeros((bands, n_fft // 2 + 1))
    for b in range(bands):
        left, top, right = edges[b : b + 3]
        for k in range(n_fft // 2 + 1):
            f = k * rate / n_fft
            if left < f <= top:
                out[b, k] = (f - left) / (top - left)
            elif top < f < right:
                out[b, k] = (right - f) / (right - top)
            out[b, k] *= 2 / (right - left)
    return out


def test_mel_frequencies_are_librosas():
    grid = mel_to_hz(np.linspace(hz_to_mel(0), hz_to_mel(8000), 12))
    np.testing.assert_allclose(grid, LIBROSA_FREQUENCIES, atol=1e-4)


def test_mel_matrices_are_librosas():
    # librosa.filters.mel(sr=32000, n_fft=1024, n_mels=128, fmin=50, fmax=14000): sum 4.09577,
    # band 100 spans bins 199 to 210, tops of bands 100 and 5.
    m = mel_matrix(rate=32000, n_fft=1024, bands=128, low=50, high=14000)
    assert m.sum() == pytest.approx(4.09577, rel=1e-5)
    assert np.flatnonzero(m[100])[[0, -1]].tolist() == [199, 210]
    assert m[100].max() == pytest.approx(0.0053414446, rel=1e-5)
    assert m[5].max() == pytest.approx(0.029275535, rel=1e-5)
    np.testing.assert_allclose(
        m[127, 440:444], [0.00169023, 0.00147895, 0.00126767, 0.00105639], atol=1e-8
    )
    # sr=48000, n_fft=1024, n_mels=80, fmin=20, fmax=24000.
    m = mel_matrix(rate=48000, n_fft=1024, bands=80, low=20, high=24000)
    assert m.sum() == pytest.approx(1.7065997, rel=1e-5)
    assert m[40].argmax() == 65
    assert m[40].max() == pytest.approx(0.005824221, rel=1e-5)


def test_mel_matrix_against_oracle():
    args = (16000, 400, 20, 60.0, 7600.0)
    built = mel_matrix(rate=args[0], n_fft=args[1], bands=args[2], low=args[3], high=args[4])
    np.testing.assert_allclose(built, oracle_mel(*args), atol=1e-15)


@given(st.floats(0.0, 24000.0))
def test_scales_invert(hz):
    assert mel_to_hz(hz_to_mel(hz)) == pytest.approx(hz, abs=1e-8)
    assert cams_to_hz(hz_to_cams(hz)) == pytest.approx(hz, abs=1e-8)


def test_erb_published_values():
    # Glasberg and Moore (1990): 24.7 Hz at 0, 132.6 Hz at 1 kHz; Cams 15.6 at 1 kHz with 21.4.
    assert float(erb_bandwidth(0)) == pytest.approx(24.7)
    assert float(erb_bandwidth(1000)) == pytest.approx(132.639)
    assert float(hz_to_cams(1000)) == pytest.approx(21.4 * math.log10(5.37), rel=4e-3)


@given(st.floats(50.0, 15000.0))
def test_one_cam_is_one_bandwidth(hz):
    step = (cams_to_hz(hz_to_cams(hz) + 1e-4) - cams_to_hz(hz_to_cams(hz) - 1e-4)) / 2e-4
    assert float(step) == pytest.approx(float(erb_bandwidth(hz)), rel=1e-5)


def test_erb_centres_tile_the_band():
    centres = erb_centres(low=200, high=14000)
    assert len(centres) == 32  # 32.9 Cams between the edges
    np.testing.assert_allclose(np.diff(hz_to_cams(centres)), 1.0)
    lower, upper = (
        hz_to_cams(centres[0]) - hz_to_cams(200),
        hz_to_cams(14000) - hz_to_cams(centres[-1]),
    )
    assert float(lower) == pytest.approx(float(upper))


def test_erb_matrix_has_the_bandwidth_it_names():
    centres = np.array([500.0, 2000.0, 8000.0])
    weights = erb_matrix(centres, n_fft=1 << 16, rate=48000)
    # Equivalent rectangular bandwidth: area over height.
    widths = weights.sum(axis=1) / weights.max(axis=1) * 48000 / (1 << 16)
    np.testing.assert_allclose(widths, erb_bandwidth(centres), rtol=2e-3)
    peak = weights.argmax(axis=1) * 48000 / (1 << 16)
    np.testing.assert_allclose(peak, centres, atol=1)


def test_refusals_name_the_value():
    with pytest.raises(ValidationError, match=r"8500 Hz.*ends at 8000"):
        erb_matrix([8500.0], n_fft=512, rate=16000)
    with pytest.raises(ValidationError, match="900 and 100"):
        erb_centres(low=900, high=100)
    with pytest.raises(ValidationError, match="8000 Hz"):
        mel_matrix(rate=16000, n_fft=512, high=9000)
    with pytest.raises(ValidationError, match="'htk'"):
        mel_matrix(rate=16000, n_fft=512, norm="htk")
