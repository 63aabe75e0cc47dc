"""The interaural errors as their definitions read: numpy, double precision, no sharing.

What a reader of docs/explanation/metrics.md would write down first: each metric transforms each
clip as a whole for itself. `metrics.py` times it and holds the shipped ones to its values.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import fft

from spatialdrama.dsp.erb import erb_centres, erb_matrix

HOP_S = 0.02


def spectra(samples: np.ndarray, length: int, n_fft: int, hop: int) -> np.ndarray:
    """Return (2, frames, bins) of centred Hann frames, zeros outside, offset removed."""
    samples = samples.astype(np.float64)
    samples = samples - samples.mean(axis=1, keepdims=True)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    padded = np.pad(samples, ((0, 0), (length // 2, length)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length, axis=1)[:, ::hop]
    return np.fft.rfft(frames[:, : 1 + samples.shape[1] // hop] * window, n_fft)


def short(samples: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return spectra of 43 ms frames and their frequencies."""
    length = 2 * round(0.043 * rate / 2)
    return spectra(samples, length, length, round(HOP_S * rate)), np.fft.rfftfreq(length, 1 / rate)


def itd_mae(audio: np.ndarray, reference: np.ndarray, rate: int) -> float:
    """Return the delay error, us: highest point of the correlation on a grid, then Newton."""
    length = 2 * round(0.085 * rate / 2)
    n_fft = fft.next_fast_len(length + int(np.ceil(1e-3 * rate)), real=True)
    hertz = np.fft.rfftfreq(n_fft, 1 / rate)
    inside = (hertz >= 150) & (hertz <= 1800)
    omega = 2 * np.pi * hertz[inside]
    grid = np.linspace(-1e-3, 1e-3, 81)
    lags, level = [], None
    for samples in (audio, reference):
        left, right = spectra(samples, length, n_fft, round(HOP_S * rate))[..., inside]
        level = 10 * np.log10((np.abs(left) ** 2 + np.abs(right) ** 2).sum(axis=1) + 1e-20)
        cross = left * right.conj()
        lag = grid[np.argmax((cross @ np.exp(-1j * np.outer(omega, grid))).real, axis=1)]
        low, high = np.maximum(lag - 25e-6, -1e-3), np.minimum(lag + 25e-6, 1e-3)
        for _ in range(4):
            turned = cross * np.exp(-1j * np.outer(lag, omega))
            slope, bend = turned.imag @ omega, -(turned.real @ omega**2)
            step = np.where(bend < 0, -slope / bend, np.sign(slope) * 25e-6)
            lag = np.clip(lag + step, low, high)
        lags.append(lag * 1e6)
    active = level >= level.max() - 20
    return float(np.abs(lags[0] - lags[1])[active].mean())


def _banded(samples: np.ndarray, rate: int) -> np.ndarray:
    spectrum, _ = short(samples, rate)
    weights = erb_matrix(erb_centres(), n_fft=2 * (spectrum.shape[-1] - 1), rate=rate)
    return np.abs(spectrum) ** 2 @ weights.T


def _active(power: np.ndarray) -> np.ndarray:
    level = 10 * np.log10(power.mean(axis=0))
    return level >= level.max() - 40


def ild_mae(audio: np.ndarray, reference: np.ndarray, rate: int) -> float:
    """Return the level error, dB."""
    have, want = _banded(audio, rate), _banded(reference, rate)
    difference = [np.clip(10 * np.log10(p[0] / p[1]), -60, 60) for p in (have, want)]
    return float(np.abs(difference[0] - difference[1])[_active(want)].mean())


def ipd_mae(audio: np.ndarray, reference: np.ndarray, rate: int) -> float:
    """Return the phase error, rad."""
    cross = []
    for samples in (audio, reference):
        (left, right), hertz = short(samples, rate)
        inside = (hertz >= 100) & (hertz <= 1500)
        cross.append((left * right.conj())[:, inside])
    energy = np.abs(cross[1])
    energy = energy * (energy >= energy.max() * 1e-4)
    return float((np.abs(np.angle(cross[0] * cross[1].conj())) * energy).sum() / energy.sum())


def coherence_mae(audio: np.ndarray, reference: np.ndarray, rate: int) -> float:
    """Return the coherence error: strips of at most 140 Hz, 11 frames, gathered to bands."""
    values = []
    for samples in (audio, reference):
        spectrum, hertz = short(samples, rate)
        edges = [1]
        while edges[-1] < len(hertz):
            wide = min(140.0, 24.7 * (4.37e-3 * hertz[edges[-1]] + 1) / 3)
            edges.append(edges[-1] + max(1, int(wide / hertz[1])))
        weights = erb_matrix(erb_centres(), n_fft=2 * (len(hertz) - 1), rate=rate)
        common = whole = 0.0
        for low, high in pairwise(edges):
            left, right = spectrum[..., low:high]
            parts = (left * right.conj(), np.abs(left) ** 2, np.abs(right) ** 2)
            sums = [np.convolve(p.sum(axis=1), np.ones(11), "same") for p in parts]
            weight = weights[:, low:high].mean(axis=1)
            common = common + np.outer(np.abs(sums[0]), weight)
            whole = whole + np.outer(np.sqrt(np.abs(sums[1] * sums[2])), weight)
        values.append(common / whole)
    return float(np.abs(values[0] - values[1])[_active(_banded(reference, rate))].mean())


ERRORS = {"itd_mae": itd_mae, "ild_mae": ild_mae, "ipd_mae": ipd_mae,
          "coherence_mae": coherence_mae}  # fmt: skip
