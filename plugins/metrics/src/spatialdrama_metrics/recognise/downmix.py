"""Two ears to the one signal that a recogniser takes, without a comb filter.

Adding ears that are up to .8 ms apart cancels at 600 Hz and its odd multiples: in the middle of
speech. Which way is best was measured; docs/explanation/decisions/0005-headline-metrics.md.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from spatialdrama.dsp.interaural import itd_track
from spatialdrama.dsp.stft import as_samples
from spatialdrama.errors import ValidationError

Downmix = Literal["louder", "aligned", "mean"]


def downmix(samples: ArrayLike, *, rate: int, method: Downmix = "louder") -> NDArray[np.floating]:
    """Mono for recognition.

    Parameters
    ----------
    samples : array_like, shape (2, n)
        Left, right.
    rate : int
        Samples per second.
    method : {"louder", "aligned", "mean"}
        ``"louder"``: the ear with more energy. ``"aligned"``: the mean after removing the
        interaural delay, followed frame by frame. ``"mean"``: the plain mean, which combs.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    ValidationError
        Malformed samples or an unknown method.

    Examples
    --------
    >>> downmix([[0.1, 0.1], [0.5, -0.5]], rate=48000).tolist()
    [0.5, -0.5]
    """
    samples = as_samples(samples, ears=2)
    if method not in get_args(Downmix):
        raise ValidationError(f"downmix must be one of {get_args(Downmix)}, got {method!r}")
    if method == "louder":
        return samples[int(np.argmax(np.sum(samples.astype(np.float64) ** 2, axis=1)))]
    if method == "mean":
        return samples.mean(axis=0)
    return _aligned(samples, rate)


def _aligned(samples: NDArray, rate: int) -> NDArray:
    """Overlap-add of 85 ms frames, each ear moved by half the frame's delay."""
    length = 2 * round(0.085 * rate / 2)
    hop = length // 4
    track = itd_track(samples, rate=rate, window_s=length / rate, hop_s=hop / rate)
    n_fft = fft.next_fast_len(length + rate // 500, real=True)
    omega = 2 * np.pi * fft.rfftfreq(n_fft, 1 / rate)
    window = np.hanning(length + 1)[:-1]
    out = np.zeros(samples.shape[1] + 2 * length + n_fft)
    padded = np.pad(samples, ((0, 0), (length // 2, 2 * length)))
    for t, itd in enumerate(track.itd_us * 1e-6):
        start = t * hop
        spectrum = fft.rfft(padded[:, start : start + length] * window, n_fft)
        # The leading ear waits for half the delay, the other one is moved forward by as much; what
        # a forward move wraps round is the window's foot.
        turn = np.exp(1j * omega * itd / 2)
        out[start : start + n_fft] += fft.irfft(spectrum[0] / turn + spectrum[1] * turn, n_fft)
    # Hann windows a quarter apart add up to 2, the two ears to 2 more.
    return out[length // 2 : length // 2 + samples.shape[1]] / 4
