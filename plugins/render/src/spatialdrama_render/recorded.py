"""Two ears from a mono signal that is the mean of two ears, recorded in a room.

Such a mono already carries the talker's distance, level and room, so no delay to the head, no
1 / distance and no tail are added. What it has lost is its side: half of the difference of the
ears. This module puts the side back, in three steps.

1. **What the mean says.** Every cell of time and frequency holds direct sound (one direction, the
   head's delay and level) and diffuse sound (from everywhere, the head's coherence). Their ratio
   falls where the mono decays, because what is heard there is mostly what was said before. From the
   ratio follow the phase between the ears that is to be expected, how strong the rest of the side
   is beside the mean, and how much the mean has lost by cancellation.
2. **The rest of the side**, which the mean does not tell: the mono through a short decaying noise,
   made orthogonal to the mono in every critical band, at a right angle to it in every cell. So it
   lowers the coherence of the ears and moves neither their delay nor their level difference.
3. **Levels.** Chance level differences that are left are taken out; the head's are put in.

This is parametric stereo with cues from geometry instead of from a bit stream.

Sources: J. Breebaart, S. van de Par, A. Kohlrausch and E. Schuijers (2005), "Parametric coding of
stereo audio", EURASIP J. Applied Signal Processing 2005:9, 1305-1322; K. Lebart, J. M. Boucher and
P. N. Denbigh (2001), Acta Acustica 87, 359-366, for late reverberation as what was heard before,
decayed; R. K. Cook et al. (1955), JASA 27, 1072-1077, for the coherence of a diffuse field.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import fftconvolve, lfilter

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.dsp.erb import erb_bandwidth
from spatialdrama_render.hrtf import HrtfSet

#: Samples per frame and between frames: 43 and 11 ms.
FRAME, HOP = 2048, 512
#: Direct over diffuse power of voices within reach of a stage microphone: 9 dB from 1.5 kHz up.
#: At 300 Hz and below less of it is direct, as rooms absorb less there and mouths beam less.
DIRECT, DIRECT_LOW = 8.0, 1.2
LOW_HZ, HIGH_HZ = 300.0, 1500.0
#: Late sound: this share of the power heard LATE_START s ago and before, decaying by 60 dB in
#: LATE_RT60 s.
LATE, LATE_START, LATE_RT60 = 0.5, 0.03, 0.4
_LEAST = 0.02
#: Hz; up to here the side is made. Above, ears follow envelopes, and their levels say enough.
SIDE_HZ = (1800.0, 2200.0)
#: s; begin, length and decay (60 dB) of the noise that makes the side.
NOISE_START, NOISE_LENGTH, NOISE_RT60 = 0.01, 0.3, 0.4
_ENTRY = 0.002
#: Critical bandwidths and frames of the cells in which the side is orthogonal to the mono.
CELL_WIDTH, CELL_FRAMES = 1.5, 5
#: Share of the mono's power in a cell that the side's noise may have: that of one of two equal
#: quadratures. Where sound dies away, the noise of what went before would bury the rest.
LIMIT = 0.5
#: Critical bandwidths of the bands whose chance level differences are taken out, frame by frame.
LEVEL_WIDTH = 0.35
_TINY = 1e-30
_FULL = 2 * np.pi


def frames_of(samples: int) -> int:
    """Return how many frames stand for so many samples: one at every :data:`HOP`, from 0 on."""
    return 1 + samples // HOP


def binaural_of_mean(
    mono: np.ndarray, directions: np.ndarray, head: HrtfSet, *, seed: int = 0
) -> np.ndarray:
    """Return what two ears heard, of whose mean the mono is.

    Parameters
    ----------
    mono : (n,) float
    directions : (frames_of(n), 3) float
        From the head to the talker at samples 0, :data:`HOP`, 2 :data:`HOP` ..., in the listener's
        frame, of any length but zero.
    head : HrtfSet
        At the house rate. Its delays, filters and diffuse coherence are used.
    seed : int
        The same seed gives the same samples.

    Returns
    -------
    (2, n) float64
        In step with the mono.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama_render.heads import load_head
    >>> from spatialdrama_render.recorded import binaural_of_mean, frames_of
    >>> mono = np.random.default_rng(0).standard_normal(9600)
    >>> left = np.tile([0.0, 1.0, 0.0], (frames_of(9600), 1))
    >>> ears = binaural_of_mean(mono, left, load_head("spaced-pinnae"))
    >>> bool(np.sum(ears[0] ** 2) > 1.2 * np.sum(ears[1] ** 2))
    True
    """
    mono = np.asarray(mono, dtype=np.float64)
    mean, other = analysed(np.stack([mono, decorrelated(mono, seed)]))
    ratio = head_ratio(directions, head)
    hertz = np.fft.rfftfreq(FRAME, 1 / head.rate)
    coherence = np.interp(hertz, *_coherence(head))
    direct = DIRECT_LOW + (DIRECT - DIRECT_LOW) * np.clip(
        (hertz - LOW_HZ) / (HIGH_HZ - LOW_HZ), 0.0, 1.0
    )
    phase, side, _ = expected(
        direct_over_diffuse(np.abs(mean) ** 2, direct), np.angle(ratio), coherence
    )
    gain = expected(np.full(len(hertz), DIRECT), np.angle(ratio), coherence)[2]
    side = side * np.clip((SIDE_HZ[1] - hertz) / (SIDE_HZ[1] - SIDE_HZ[0]), 0.0, 1.0)
    rest = side * beside(mean, other)
    turn = np.exp(0.5j * phase)
    ears = synthesised(np.stack([(mean + rest) * turn, (mean - rest) / turn]) * gain, len(mono))
    return levelled(ears, np.sqrt(np.abs(ratio)))


def head_ratio(directions: np.ndarray, head: HrtfSet) -> np.ndarray:
    """Return (t, f) complex: the left ear over the right one, filters and delays together."""
    index, weight, delays = head.look_up(directions)
    spectra = np.fft.rfft(head.filters, FRAME)
    left, right = (np.einsum("tk,tkf->tf", weight, spectra[index, e]) for e in (0, 1))
    hertz = np.fft.rfftfreq(FRAME, 1 / head.rate)
    later = (delays[:, 1] - delays[:, 0])[:, None]
    return left / (right + _TINY) * np.exp(1j * _FULL * hertz * later)


def direct_over_diffuse(power: np.ndarray, early: np.ndarray) -> np.ndarray:
    """Return (t, f) direct over diffuse power.

    Parameters
    ----------
    power : (t, f)
        Of the mono.
    early : (f,)
        The ratio of fresh sound, with its early reflections.
    """
    edges = _edges(0.5, 3)
    power = _cells(power, edges, 1) / np.diff(edges).repeat(np.diff(edges))
    keep = 10 ** (-6 * HOP / HOUSE_RATE / LATE_RT60)
    wait = round(LATE_START * HOUSE_RATE / HOP)
    late = lfilter([0.0] * wait + [LATE * (1 - keep)], [1.0, -keep], power, axis=0)
    fresh = np.maximum(power / (late + _TINY) - 1.0, _LEAST)
    return 1.0 / (1.0 / early + 1.0 / fresh)


def expected(
    direct: np.ndarray, turn: np.ndarray, coherence: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what the mean of two ears lets expect of them.

    Parameters
    ----------
    direct : (..., f)
        Direct over diffuse power at each ear.
    turn : (..., f) rad
        Phase by which direct sound is ahead at the left ear.
    coherence : (f,)
        Of the ears in the diffuse field.

    Returns
    -------
    phase : rad
        Angle of the cross-spectrum of the ears.
    side : float
        Amplitude of that part of the side (half of the difference) that is incoherent with the
        mean, relative to the mean.
    gain : float
        Amplitude of an ear relative to the mean: what cancelled between them.

    Notes
    -----
    With direct power q and diffuse power 1, the mean of the ears has the power q cos(turn / 2)^2 +
    (1 + G) / 2 and their side q sin(turn / 2)^2 + (1 - G) / 2. The direct part of the side is
    i tan(turn / 2) times the mean's, which gives their cross-spectrum, and the coherent share.
    """
    sine, cosine = np.sin(turn / 2), np.cos(turn / 2)
    mean = np.maximum(direct * cosine**2 + (1 + coherence) / 2, 1e-3)
    whole = direct * sine**2 + (1 - coherence) / 2
    coherent = direct * sine * cosine / mean
    side = np.sqrt(np.maximum(whole / mean - coherent**2, 0.0))
    phase = np.angle(direct * np.exp(1j * turn) + coherence)
    return phase, side, np.sqrt((direct + 1) / mean)


def beside(mean: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return (t, f) what of another signal is orthogonal to the mean, and at a right angle to it.

    Orthogonal in each cell of a critical band and some frames, so that the mean delay of the cell
    stays. A right angle to the mean in each bin: added to one ear and taken from the other it turns
    their phases apart and leaves their levels equal.
    """
    size = np.abs(mean) + _TINY
    across = (other * mean.conj()).imag / size
    edges = _edges(CELL_WIDTH, 3)
    # Running sums leave rounding behind where sound has ended; a power is not negative.
    power = np.maximum(_cells(size**2, edges, CELL_FRAMES), _TINY)
    across -= _cells(across * size, edges, CELL_FRAMES) / power * size
    noise = np.maximum(_cells(across**2, edges, CELL_FRAMES), _TINY)
    across *= np.minimum(1.0, np.sqrt(LIMIT * power / noise))
    return 1j * across * mean / size


def levelled(ears: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return (2, n) ears whose levels differ by `wanted` and nothing else.

    Parameters
    ----------
    ears : (2, n)
    wanted : (t, f)
        Amplitude of the left ear over the mean level of both; the right ear's is its inverse.
    """
    spectra = analysed(ears)
    edges = _edges(LEVEL_WIDTH, 1)
    left, right = (_cells(np.abs(s) ** 2, edges, 1) + _TINY for s in spectra)
    # Within 30 dB: where one ear is silent, nothing could be brought up but rounding.
    gain = wanted / np.clip(left / right, 1e-3, 1e3) ** 0.25
    return synthesised(np.stack([spectra[0] * gain, spectra[1] / gain]), ears.shape[1])


def decorrelated(mono: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return (n,) the mono through a short decaying noise of unit energy."""
    return fftconvolve(mono, _noise(seed))[: len(mono)]


@cache
def _noise(seed: int) -> np.ndarray:
    time = np.arange(round(NOISE_LENGTH * HOUSE_RATE)) / HOUSE_RATE
    noise = np.random.default_rng(seed).standard_normal(len(time))
    noise *= 10 ** (-3 * time / NOISE_RT60) * (1 - np.exp(-time / _ENTRY)) * (time >= NOISE_START)
    return noise / np.linalg.norm(noise)


def analysed(samples: np.ndarray) -> np.ndarray:
    """Return (c, t, f) spectra of (c, n) samples, frame t centred on sample t HOP."""
    count = frames_of(samples.shape[1])
    padded = np.pad(samples, ((0, 0), (FRAME // 2, FRAME)))
    cut = np.lib.stride_tricks.sliding_window_view(padded, FRAME, axis=1)[:, ::HOP][:, :count]
    return np.fft.rfft(cut * _window(), axis=-1)


def synthesised(spectra: np.ndarray, n: int) -> np.ndarray:
    """Return (c, n) samples of (c, t, f) spectra; undoes :func:`analysed`."""
    parts = np.fft.irfft(spectra, FRAME, axis=-1) * _window()
    channels, count, _ = parts.shape
    step = FRAME // HOP
    out = np.zeros((channels, count + step - 1, HOP))
    for k in range(step):
        out[:, k : k + count] += parts[:, :, k * HOP : (k + 1) * HOP]
    weight = np.zeros((count + step - 1, HOP))
    square = (_window() ** 2).reshape(step, HOP)
    for k in range(step):
        weight[k : k + count] += square[k]
    flat = (out / np.maximum(weight, 1e-3)).reshape(channels, -1)
    return flat[:, FRAME // 2 : FRAME // 2 + n]


@cache
def _window() -> np.ndarray:
    return np.sin(np.pi * (np.arange(FRAME) + 0.5) / FRAME)


@cache
def _edges(width: float, least: int) -> np.ndarray:
    """Return (b + 1,) bins at which bands of some critical bandwidths begin, the last one's end."""
    bins, spacing = FRAME // 2 + 1, HOUSE_RATE / FRAME
    edges = [0]
    while edges[-1] < bins:
        wide = width * float(erb_bandwidth(edges[-1] * spacing)) / spacing
        edges.append(min(bins, edges[-1] + max(least, round(wide))))
    return np.array(edges)


def _cells(values: np.ndarray, edges: np.ndarray, frames: int) -> np.ndarray:
    """Return (t, f): sums over each band, averaged over frames, at every bin of the band."""
    sums = np.add.reduceat(values, edges[:-1], axis=-1)
    if frames > 1:
        sums = uniform_filter1d(sums, frames, axis=0, mode="nearest")
    return np.repeat(sums, np.diff(edges), axis=-1)


def _coherence(head: HrtfSet) -> tuple[np.ndarray, np.ndarray]:
    return np.linspace(0.0, head.rate / 2, len(head.coherence)), head.coherence
