"""What the localiser sees: six pictures of 64 rows for every 20 ms of two ears.

Rows of the first four are auditory bands, of the last two delays between the ears.

0. level of both ears together, dB below the loudest frame, over 20
1. difference of their levels, dB over 20, positive = left louder
2., 3. the complex interaural coherence of the band; its angle is the phase difference
4., 5. the generalised cross-correlation with phase transform (C. H. Knapp and G. C. Carter 1976,
   IEEE Trans. ASSP 24, 320-327), .1 to 1.5 kHz and .1 to 8 kHz, at 64 delays within 1 ms
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from spatialdrama.dsp.erb import cams_to_hz, hz_to_cams

#: Hz. Voices of 24 kHz synthesis end at 12 kHz; most cues of direction lie below.
RATE = 24_000
#: Samples; 43 ms hold four periods of a low voice.
FRAME, HOP = 1024, 480
BANDS = 64
CHANNELS = 6
#: Hz; edges of the lowest and the highest band.
RANGE = (60.0, 11_500.0)
#: dB below the loudest frame; what is weaker counts as silence.
FLOOR_DB = -70.0
#: s; further than any delay between two ears.
MAX_DELAY = 1e-3
GCC_BANDS = ((100.0, 1500.0), (100.0, 8000.0))


@cache
def band_matrix() -> NDArray[np.float32]:
    """Return (bins, bands) triangles on the ERB scale, each at least three bins wide at its foot.

    Every column sums to one, so that a band is a mean of powers.
    """
    hertz = np.fft.rfftfreq(FRAME, 1 / RATE)
    edges = cams_to_hz(np.linspace(*hz_to_cams(list(RANGE)), BANDS + 2))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    least = 1.5 * RATE / FRAME
    low, high = np.minimum(low, centre - least), np.maximum(high, centre + least)
    rising = (hertz[:, None] - low) / (centre - low)
    falling = (high - hertz[:, None]) / (high - centre)
    weights = np.clip(np.minimum(rising, falling), 0, None)
    return (weights / weights.sum(axis=0)).astype(np.float32)


@cache
def delay_matrices() -> tuple[NDArray[np.complex64], ...]:
    """Return for each of GCC_BANDS (bins, 64): whitened cross-spectrum to correlation by delay."""
    hertz = np.fft.rfftfreq(FRAME, 1 / RATE)
    # Positive = left first: the left ear's phase is ahead.
    delays = np.linspace(-MAX_DELAY, MAX_DELAY, BANDS)
    turn = np.exp(-2j * np.pi * np.outer(hertz, delays))
    out = []
    for low, high in GCC_BANDS:
        inside = (hertz >= low) & (hertz <= high)
        out.append((turn * inside[:, None] / inside.sum()).astype(np.complex64))
    return tuple(out)


def frames_of(length: int) -> int:
    """Return how many frames `length` samples at RATE have."""
    return 1 + length // HOP


def spectra(samples: NDArray) -> NDArray[np.complex64]:
    """Return (2, frames, bins) of Hann frames centred on multiples of HOP; (2, n) at RATE in."""
    padded = np.pad(samples.astype(np.float32), ((0, 0), (FRAME // 2, FRAME // 2)))
    cut = np.lib.stride_tricks.sliding_window_view(padded, FRAME, axis=1)[:, ::HOP]
    window = np.hanning(FRAME + 1)[:-1].astype(np.float32)
    return np.fft.rfft(cut * window, axis=-1).astype(np.complex64)


def features(samples: NDArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what the network sees, and how loud each frame is.

    Parameters
    ----------
    samples : (2, n) float at RATE

    Returns
    -------
    pictures : (6, frames, 64) float32
    level_db : (frames,) float32
        Below the loudest frame; FLOOR_DB in silence.
    """
    # Whispers and shouts look alike, and neither leaves single precision.
    peak = float(np.abs(samples).max(initial=0.0))
    left, right = spectra(samples / peak if peak else samples)
    power = np.stack([np.abs(left) ** 2, np.abs(right) ** 2])
    cross = left * right.conj()
    bands = band_matrix()
    banded = power @ bands
    loudest = max(float(banded.mean(axis=0).mean(axis=1).max()), 1e-10)
    floor = loudest * 10 ** (FLOOR_DB / 10)
    banded = banded + floor
    together = banded.mean(axis=0)
    coherence = (cross @ bands) / np.sqrt(banded[0] * banded[1])
    white = cross / (np.abs(cross) + floor)
    gcc = [np.real(white @ matrix) for matrix in delay_matrices()]
    pictures = np.stack(
        [
            np.log10(together / loudest) / 2,
            np.log10(banded[0] / banded[1]) / 2,
            coherence.real,
            coherence.imag,
            *gcc,
        ]
    ).astype(np.float32)
    level = 10 * np.log10(np.maximum(together.mean(axis=1) / loudest, 10 ** (FLOOR_DB / 10)))
    return pictures, level.astype(np.float32)
