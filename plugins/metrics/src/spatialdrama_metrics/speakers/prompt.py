"""A voice prompt, in whatever form it comes, as mono."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatialdrama.dsp.stft import as_samples
from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Speech
from spatialdrama_metrics.recognise.downmix import Downmix, downmix


def mono_of(prompt: Any, *, method: Downmix = "louder") -> tuple[NDArray[np.floating], int]:
    """Mono samples and their rate.

    Parameters
    ----------
    prompt : Speech, BinauralAudio or (samples, rate)
        Samples of shape (n,).
    method : {"louder", "aligned", "mean"}
        How two ears become one signal.

    Returns
    -------
    (ndarray of shape (n,), int)

    Raises
    ------
    ValidationError
        Something else, or malformed samples.

    Examples
    --------
    >>> mono_of(([0.0, 0.5], 16000))[0].tolist()
    [0.0, 0.5]
    """
    if isinstance(prompt, Speech):
        return as_samples(prompt.samples), prompt.rate
    if isinstance(prompt, BinauralAudio):
        return downmix(prompt.samples, rate=prompt.rate, method=method), prompt.rate
    if not isinstance(prompt, tuple) or len(prompt) != 2:
        raise ValidationError(
            "prompt must be a Speech, a BinauralAudio or (samples, rate); got "
            f"{type(prompt).__name__}. Give Speech(samples, rate)."
        )
    samples, rate = prompt
    if np.ndim(samples) != 1:
        raise ValidationError(
            f"the prompt's samples must be mono, shape (n,); got {np.shape(samples)}. Give "
            "BinauralAudio(samples, rate) for two ears."
        )
    return as_samples(samples), Speech(np.zeros(1), rate).rate
