"""Band-limited resampling with a short windowed sinc, as torchaudio's ``Resample`` defines it."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from spatialdrama.dsp.stft import as_samples
from spatialdrama.errors import ValidationError

#: Zero crossings of the sinc on each side, and the cut-off over the lower Nyquist frequency:
#: torchaudio's defaults, which the published code leaves alone.
CROSSINGS = 6
ROLLOFF = 0.99
#: Output samples worked on at once; the table of neighbours of one block has about 25 columns.
BLOCK = 1 << 15


def resample(samples: ArrayLike, rate: int, target: int) -> NDArray[np.float64]:
    """Resample with a sinc under a Hann window.

    Output ``m`` is ``c / r sum_i x[i] sinc(u) cos(pi u / 12)^2`` over ``|u| < 6`` with
    ``u = (i - m r / s) c / r``, rates ``r`` and ``s`` in lowest terms and ``c = .99 min(r, s)``;
    zeros stand for what lies outside. There are ``ceil(n s / r)`` outputs. Sums are in float64,
    where the original's are in float32.

    Parameters
    ----------
    samples : array_like, shape (..., n)
    rate, target : int
        Hz, of the input and of the output.

    Returns
    -------
    ndarray of float64, shape (..., ceil(n * target / rate))

    Raises
    ------
    ValidationError
        Rates that are not whole positive numbers, no samples, or NaN.

    References
    ----------
    J. O. Smith, "Digital Audio Resampling Home Page", for bandlimited interpolation;
    ``torchaudio.transforms.Resample`` with its defaults (``sinc_interp_hann``,
    ``lowpass_filter_width=6``, ``rolloff=0.99``).

    Examples
    --------
    >>> import numpy as np
    >>> second = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)
    >>> resample(second, 48000, 32000).shape
    (32000,)
    """
    samples = as_samples(samples).astype(np.float64)
    for name, value in (("rate", rate), ("target", target)):
        number = isinstance(value, (int, float, np.integer)) and not isinstance(value, bool)
        if not number or not float(value).is_integer() or value < 1:
            raise ValidationError(f"{name} must be a whole number of Hz above 0, got {value!r}")
    if rate == target:
        return samples
    common = math.gcd(int(rate), int(target))
    old, new = int(rate) // common, int(target) // common
    cut = ROLLOFF * min(old, new)
    reach = math.ceil(CROSSINGS * old / cut)
    count = -(-samples.shape[-1] * new // old)
    weights = _weights(old, new, cut, reach)
    taps = weights.shape[1]
    pad = [(0, 0)] * (samples.ndim - 1) + [(reach, reach + taps)]
    windows = sliding_window_view(np.pad(samples, pad), taps, axis=-1)
    out = np.empty((*samples.shape[:-1], count))
    for low in range(0, count, BLOCK):
        index = np.arange(low, min(low + BLOCK, count))
        near = windows[..., index * old // new, :]
        out[..., index] = np.einsum("...mk,mk->...m", near, weights[index % new])
    return out


def _weights(old: int, new: int, cut: float, reach: int) -> NDArray[np.float64]:
    """Weights of the inputs from ``reach`` before an output on, for each of its ``new`` phases."""
    phase = np.arange(new)[:, None]
    inputs = phase * old // new + np.arange(-reach, reach + 2)
    # The original takes this difference in single precision. For rates like 44.1 kHz that moves
    # the weights by 5e-5, which weak bins show, so that it is part of what the code computes.
    single = np.float32
    u = (inputs.astype(single) / single(old) - phase.astype(single) / single(new)) * single(cut)
    u = u.astype(np.float64)
    window = np.where(np.abs(u) < CROSSINGS, np.cos(np.pi * u / (2 * CROSSINGS)) ** 2, 0.0)
    return cut / old * np.sinc(u) * window
