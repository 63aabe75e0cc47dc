"""Taking steady noise out of a binaural recording without moving anybody.

Both ears are multiplied by one real mask (see ``mask.py``), so level and phase differences between
the ears survive wherever one source rules a place of the time-frequency plane.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
import numpy as np
from scipy.special import exp1

from spatialdrama.dsp.stft import as_samples
from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio
from spatialdrama.types.validate import check_positive, unknown_name
from spatialdrama_corpora.annotate import noise as noises
from spatialdrama_corpora.annotate.mask import OVERLAP, apply_mask, spectra, window_length

METHODS: Final = ("spectral", "deepfilternet")
#: s; long recordings go through in pieces, each with what stands around it, to bound the memory.
_PIECE, _MARGIN = 60.0, 3.0
#: Weight of the frame before in the decision-directed estimate, at frames of 8 ms.
_SMOOTH = 0.96
#: The least a priori ratio, -20 dB: below it a lone loud bin rings as musical noise.
_LEAST = 10**-2.0
#: Share of time in which a band holds no speech, before anything is known.
_ABSENCE = 0.3


def denoise(
    audio: BinauralAudio, method: str = "spectral", *, reduction_db: float = 15.0
) -> BinauralAudio:
    """Return the recording with its noise turned down, both ears by one mask.

    Parameters
    ----------
    audio : BinauralAudio
    method : "spectral" or "deepfilternet"
        ``spectral`` is always there: OM-LSA gains over a tracked noise floor, good for steady
        noise (fans, hiss, hum). ``deepfilternet`` asks the network DeepFilterNet 3 for the gains,
        which also follows noise that changes, and takes a room's sound for noise: three voices in
        a room of RT60 0.3 s with hiss at 15 dB came out at 7 to 9 dB, by ``spectral`` at 16 to 19.
        It needs the extra ``spatialdrama-corpora[denoise]``.
    reduction_db : float, dB
        No place is turned down by more.

    Returns
    -------
    BinauralAudio
        Of the same length; ``provenance["denoised"]`` says how.

    Raises
    ------
    UnknownNameError
        For another method.
    ValidationError
        For a reduction that is not positive, or when ``deepfilternet`` is asked for and missing.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio
    >>> hiss = BinauralAudio(np.random.default_rng(0).normal(0, .01, (2, 96_000)), 48_000)
    >>> drop = 20 * np.log10(denoise(hiss).samples.std() / hiss.samples.std())
    >>> bool(drop < -10)
    True
    """
    if not isinstance(audio, BinauralAudio):
        raise ValidationError(f"denoise takes BinauralAudio; got {type(audio).__name__}.")
    samples, rate = audio.samples, audio.rate
    hop = window_length(rate) // OVERLAP
    size, margin = round(_PIECE * rate) // hop * hop, round(_MARGIN * rate) // hop * hop
    out = np.empty_like(samples)
    for at in range(0, samples.shape[1], size):
        low, high = max(at - margin, 0), min(at + size + margin, samples.shape[1])
        part = samples[:, low:high]
        gains = denoising_mask(part, rate, method, reduction_db=reduction_db)
        clean = apply_mask(part, gains, rate)[:, at - low :]
        out[:, at : at + size] = clean[:, :size]
    said = {"denoised": {"method": method, "reduction_db": float(reduction_db)}}
    return attrs.evolve(
        audio,
        samples=out,
        provenance={**audio.provenance, **said},
    )


def denoising_mask(
    samples: Any, rate: int, method: str = "spectral", *, reduction_db: float = 15.0
) -> np.ndarray:
    """Return the mask (t, f), in [10^(-reduction_db / 20), 1], for both ears.

    Parameters
    ----------
    samples : (n,) or (e, n) float
    rate : int, Hz
    method, reduction_db
        See :func:`denoise`.

    Examples
    --------
    >>> import numpy as np
    >>> denoising_mask(np.random.default_rng(0).normal(size=(2, 48_000)), 48_000).shape
    (126, 769)
    """
    samples = np.atleast_2d(as_samples(samples))
    least = 10 ** (-check_positive(reduction_db, "reduction_db", unit="dB") / 20)
    if method not in METHODS:
        raise unknown_name("denoising method", method, METHODS)
    if method == "deepfilternet":
        from spatialdrama_corpora.annotate.deepfilter import joint_gains

        return np.clip(joint_gains(samples, rate), least, 1.0)
    power = (np.abs(spectra(samples, rate)).astype(np.float64) ** 2).mean(axis=0)
    frames_per_second = rate * OVERLAP / window_length(rate)
    return om_lsa(power, noises.tracked(power, frames_per_second), least)


def om_lsa(power: np.ndarray, noise: np.ndarray, least: float) -> np.ndarray:
    """Return the gains of the optimally modified log-spectral amplitude estimator.

    I. Cohen and B. Berdugo (2001), "Speech enhancement for non-stationary noise environments": the
    log-spectral gain of Y. Ephraim and D. Malah (1985) to the power of the chance that there is
    speech, `least` to the power of the rest; a priori ratios by the decision-directed approach.

    Parameters
    ----------
    power, noise : (t, f) float
        Of the recording and of its noise.
    least : float
        Gain where there is no speech.

    Returns
    -------
    (t, f) float32

    Examples
    --------
    >>> import numpy as np
    >>> om_lsa(np.full((9, 1), 1e4), np.ones((9, 1)), 0.1)[-1].round(2)
    array([1.], dtype=float32)
    """
    posterior = np.minimum(power / np.maximum(noise, 1e-20), 1e4)
    gains = np.empty(power.shape, np.float32)
    cleaned = np.maximum(posterior[0] - 1, 0.0)
    for t, now in enumerate(posterior):
        prior = _SMOOTH * cleaned + (1 - _SMOOTH) * np.maximum(now - 1, 0.0)
        prior = np.maximum(prior, _LEAST)
        share = prior / (1 + prior)
        v = np.clip(share * now, 1e-6, 200.0)
        log_gain = np.log(share) + 0.5 * exp1(v)
        absent = _ABSENCE / (1 - _ABSENCE) * (1 + prior) * np.exp(-v)
        speech = 1 / (1 + absent)
        gain = np.exp(speech * log_gain + (1 - speech) * np.log(least))
        gains[t] = np.clip(gain, least, 1.0)
        cleaned = np.exp(2 * np.minimum(log_gain, 0.0)) * now
    return gains
