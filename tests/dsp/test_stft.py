"""Frames and spectra against a matrix DFT written out in full."""

import numpy as np
import pytest

from spatialdrama.dsp.stft import as_samples, frame_times, framed, frequencies, stft, stft_blocks
from spatialdrama.errors import ValidationError

RNG = np.random.default_rng(1)


def oracle_stft(x, length, hop):
    """Each frame cut by index and multiplied by a DFT matrix."""
    bins = np.arange(length // 2 + 1)
    matrix = np.exp(-2j * np.pi * np.outer(np.arange(length), bins) / length)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    out = []
    for t in range(1 + len(x) // hop):
        frame = np.zeros(length)
        for i in range(length):
            at = t * hop + i - length // 2
            if 0 <= at < len(x):
                frame[i] = x[at]
        out.append((frame * window) @ matrix)
    return np.array(out)


@pytest.mark.parametrize(("n", "length", "hop"), [(1, 8, 4), (50, 16, 5), (64, 32, 32), (7, 12, 1)])
def test_matches_the_matrix(n, length, hop):
    x = RNG.standard_normal(n)
    np.testing.assert_allclose(
        stft(x, length=length, hop=hop), oracle_stft(x, length, hop), atol=1e-12
    )


def test_blocks_join_to_the_whole_and_keep_single_precision():
    x = RNG.standard_normal((2, 5000)).astype(np.float32)
    whole = stft(x, length=256, hop=64)
    assert whole.dtype == np.complex64
    for block in (1, 7, 1000):
        parts = list(stft_blocks(x, length=256, hop=64, bins=slice(3, 20), block=block))
        np.testing.assert_array_equal(
            np.concatenate([s for _, s in parts], axis=1), whole[..., 3:20]
        )
        assert [p.start for p, _ in parts] == list(range(0, whole.shape[1], block))


def test_a_frame_is_centred_on_its_time():
    x = np.zeros(4800)
    x[2400] = 1.0
    energy = (framed(x, length=100, hop=10) ** 2).sum(axis=1)
    hit = np.flatnonzero(energy)
    times = frame_times(len(energy), hop=10, rate=48000)[hit]
    assert abs(times.mean() - 2400 / 48000) <= 5.001 / 48000  # half a hop


def test_a_tone_lands_in_its_bin():
    tone = np.cos(2 * np.pi * 1500 * np.arange(4800) / 48000)
    spectrum = np.abs(stft(tone, length=480, hop=480)[5])
    assert frequencies(480, 48000)[spectrum.argmax()] == 1500
    assert spectrum.max() == pytest.approx(480 / 4)  # half the sum of the window


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (np.zeros((3, 10)), r"shape \(2, samples\), got \(3, 10\)"),
        (np.zeros((10, 2)), r"samples\.T"),
        (np.zeros((2, 0)), "no samples"),
        (np.array([[0.0, np.nan], [0, np.inf]]), r"2 NaN or infinite samples, first at \[0, 1\]"),
        (np.zeros((2, 4), complex), "complex128"),
    ],
)
def test_refuses(value, match):
    with pytest.raises(ValidationError, match=match):
        as_samples(value, ears=2)


def test_refuses_bad_frames():
    with pytest.raises(ValidationError, match="at least 1, got 4 and 0"):
        stft(np.zeros(8), length=4, hop=0)
    with pytest.raises(ValidationError, match="at least the frame length 8, got 4"):
        stft(np.zeros(8), length=8, hop=4, n_fft=4)
