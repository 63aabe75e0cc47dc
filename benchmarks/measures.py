"""What the renderer benchmark measures in a pair of ear signals. Numpy only; levels in decibels."""

from __future__ import annotations

import numpy as np

RATE = 48_000
#: s; frames for delays and levels between the ears, and for clicks.
FRAME, CLICK_FRAME = 0.040, 0.020
#: Hz; hearing uses delays of the fine structure here.
ITD_BAND = (100.0, 1500.0)
#: Hz; what lies this far outside a tone's Doppler band is splatter.
MARGIN = 25.0


def db(power: np.ndarray | float) -> np.ndarray:
    """Return 10 lg of a power, at least -300 dB."""
    return 10 * np.log10(np.maximum(power, 1e-30))


def frames(ears: np.ndarray, seconds: float) -> np.ndarray:
    """Return (2, k, n) frames side by side; a rest is dropped."""
    n = round(seconds * RATE)
    k = ears.shape[1] // n
    return ears[:, : k * n].reshape(2, k, n)


def itd_us(ears: np.ndarray) -> np.ndarray:
    """Return (k,) us per frame: the lag of the left ear at the peak of the cross-correlation.

    The correlation of the band is evaluated every 5 us within 1 ms; a parabola finds the peak.
    """
    cut = frames(ears, FRAME)
    spectra = np.fft.rfft(cut * np.hanning(cut.shape[2]), 4 * cut.shape[2])
    frequency = np.fft.rfftfreq(4 * cut.shape[2], 1 / RATE)
    band = (frequency >= ITD_BAND[0]) & (frequency <= ITD_BAND[1])
    cross = spectra[0][:, band] * spectra[1][:, band].conj()
    step = 5e-6
    lags = np.arange(-1e-3, 1e-3 + step, step)
    correlation = (cross @ np.exp(2j * np.pi * frequency[band][:, None] * lags)).real
    top = np.clip(correlation.argmax(axis=1), 1, len(lags) - 2)
    rows = np.arange(len(top))
    low, mid, high = (correlation[rows, top + d] for d in (-1, 0, 1))
    return 1e6 * (lags[top] + step * 0.5 * (low - high) / (low - 2 * mid + high))


def ild_db(ears: np.ndarray) -> np.ndarray:
    """Return (k,) dB per frame, positive where the left ear is louder, over the whole band."""
    energy = (frames(ears, FRAME) ** 2).sum(axis=2)
    return db(energy[0]) - db(energy[1])


def fitted(ears: np.ndarray, truth: np.ndarray, high: float = 1500.0) -> tuple[float, float]:
    """Return the one delay (s) and gain that bring `truth` closest to `ears` below `high` Hz.

    Above, filters without the measured phase lose the waveform, and its correlation means nothing.
    """
    from scipy.optimize import minimize_scalar

    n = 2 * ears.shape[1]
    frequency = np.fft.rfftfreq(n, 1 / RATE)
    truth_spectrum = np.fft.rfft(truth, n) * (frequency <= high)
    cross = (np.fft.rfft(ears, n) * truth_spectrum.conj()).sum(axis=0)
    lag = int(np.argmax(np.fft.irfft(cross, n)))
    lag = lag - n if lag > n // 2 else lag

    def agreement(delay: float) -> float:
        return float((cross * np.exp(2j * np.pi * frequency * delay)).real.sum())

    delay = minimize_scalar(
        lambda d: -agreement(d),
        bounds=((lag - 1) / RATE, (lag + 1) / RATE),
        method="bounded",
        options={"xatol": 1e-11},
    ).x
    return float(delay), agreement(delay) / float((np.abs(truth_spectrum) ** 2).sum())


def aligned(truth: np.ndarray, delay: float, gain: float) -> np.ndarray:
    """Return `truth` after a delay (s) and a gain."""
    n = 2 * truth.shape[1]
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(n, 1 / RATE) * delay)
    return gain * np.fft.irfft(np.fft.rfft(truth, n) * turn, n)[:, : truth.shape[1]]


def snr_db(ears: np.ndarray, truth: np.ndarray, high: float = RATE / 2) -> float:
    """Return how far the difference lies below the truth, up to `high` Hz."""
    keep = np.fft.rfftfreq(ears.shape[1], 1 / RATE) <= high
    wanted, got = (np.fft.rfft(x)[:, keep] for x in (truth, ears))
    return float(db((np.abs(wanted) ** 2).sum()) - db((np.abs(got - wanted) ** 2).sum()))


def splatter_db(ears: np.ndarray, band: tuple[float, float]) -> float:
    """Return the share of a tone's energy outside its Doppler band widened by `MARGIN`."""
    power = (np.abs(np.fft.rfft(ears)) ** 2).sum(axis=0)
    frequency = np.fft.rfftfreq(ears.shape[1], 1 / RATE)
    inside = (frequency >= band[0] - MARGIN) & (frequency <= band[1] + MARGIN)
    return float(db(power[~inside].sum() / power.sum()))


def out_of_band(ears: np.ndarray, band: tuple[float, float]) -> np.ndarray:
    """Return (2, n): a tone without its Doppler band; the filter's edges are `MARGIN` wide."""
    frequency = np.fft.rfftfreq(ears.shape[1], 1 / RATE)
    away = np.maximum(band[0] - frequency, frequency - band[1])
    keep = np.sin(np.pi / 2 * np.clip(away / MARGIN - 1, 0, 1)) ** 2
    return np.fft.irfft(np.fft.rfft(ears) * keep, ears.shape[1])


def click_levels(ears: np.ndarray, band: tuple[float, float], centres: np.ndarray) -> np.ndarray:
    """Return (k,) dB: out-of-band energy of frames about `centres` (samples) re the frames' own.

    Both ears together: one of them may be in the notch of a response, where little is much.
    """
    half = round(CLICK_FRAME * RATE / 2)
    energy = [np.concatenate([[0.0], np.cumsum((x**2).sum(axis=0))])
              for x in (out_of_band(ears, band), ears)]  # fmt: skip
    outside, total = (e[centres + half] - e[centres - half] for e in energy)
    return db(outside / total)


def instantaneous_hz(ears: np.ndarray, frequency: float, span: int = 48) -> np.ndarray:
    """Return (k,) Hz, mean of both ears: how fast a tone's phase turns over `span` samples."""
    from scipy.signal import hilbert

    turned = hilbert(ears, axis=1)[:, ::span]
    whole = np.exp(-2j * np.pi * frequency * span / RATE)
    step = np.angle(turned[:, 1:] * turned[:, :-1].conj() * whole)
    return frequency + step.mean(axis=0) * RATE / (2 * np.pi * span)


def decay_db(response: np.ndarray) -> np.ndarray:
    """Return (n,) dB of the energy still to come, both ears together (Schroeder, 1965)."""
    left = np.cumsum((response[:, ::-1].astype(float) ** 2).sum(axis=0))[::-1]
    return db(left / left[0])


def t30(response: np.ndarray) -> float:
    """Return RT60 in s from the decay between -5 and -35 dB (ISO 3382-1)."""
    level = decay_db(response)
    span = np.flatnonzero((level <= -5) & (level >= -35))
    return float(-60 / np.polyfit(span / RATE, level[span], 1)[0])


def band_energy(response: np.ndarray, low: float, high: float) -> float:
    """Return the energy of (2, n) between two frequencies, sum of both ears."""
    n = 1 << int(np.ceil(np.log2(response.shape[1])))
    power = (np.abs(np.fft.rfft(response, n)) ** 2).sum(axis=0)
    frequency = np.fft.rfftfreq(n, 1 / RATE)
    return float(2 * power[(frequency >= low) & (frequency < high)].sum() / n)


def coherence(cross: np.ndarray, power: np.ndarray, frequency: np.ndarray, centres: np.ndarray):
    """Return the real part of the coherence in third octaves of averaged spectra.

    `cross` (f,) complex, `power` (2, f).
    """
    out = []
    for centre in centres:
        band = (frequency >= centre * 2 ** (-1 / 6)) & (frequency < centre * 2 ** (1 / 6))
        level = np.sqrt(power[0, band].sum() * power[1, band].sum())
        out.append(cross[band].sum().real / level)
    return np.array(out)
