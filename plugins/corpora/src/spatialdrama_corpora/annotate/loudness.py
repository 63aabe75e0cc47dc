"""Loudness as broadcasters measure it, and one gain that brings a recording to a target.

The measure is that of Recommendation ITU-R BS.1770-4 (2015), "Algorithms to measure audio programme
loudness and true-peak audio level": K-weighting, mean square in blocks of 400 ms that overlap by
75 %, an absolute gate at -70 LUFS and a relative one 10 LU below what is left. EBU R 128 takes the
same measure and the target of -23 LUFS. The filters' analogue parameters, which give the standard's
table at 48 kHz and its like at every other rate, are those of B. De Man (2018), "Evaluation of
implementations of the EBU R128 loudness measurement".
"""

from __future__ import annotations

import warnings
from typing import Any, Final

import attrs
import numpy as np
from scipy import signal

from spatialdrama.dsp.stft import as_samples
from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.types import BinauralAudio
from spatialdrama.types.validate import finite

#: LUFS; EBU R 128, and what the sessions of MRSDrama were set to before they were cut.
TARGET: Final = -23.0
#: s; length of a gating block, and how far one starts after the other.
BLOCK, STEP = 0.4, 0.1
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0
#: dB; so that a sine of 997 Hz at 0 dBFS in one channel reads -3.01.
_OFFSET = -0.691
_TABLE_RATE = 48_000
#: Full scale; a target that would drive samples beyond it is said.
FULL_SCALE = 1.0


@attrs.frozen(kw_only=True)
class Loudness:
    """What was measured.

    Attributes
    ----------
    integrated : float, LUFS
        Of the whole recording, gated; ``-inf`` when no block is above -70 LUFS.
    momentary_max : float, LUFS
        The loudest 400 ms.
    true_peak : float, dBTP
        Largest sample of either channel at four times the rate.
    """

    integrated: float
    momentary_max: float
    true_peak: float


def k_weighting(rate: int) -> np.ndarray:
    """Return the K-weighting as two second-order sections, (2, 6).

    A shelf of +4 dB for the head, then a high-pass at 38 Hz (BS.1770-4, tables 1 and 2).

    Parameters
    ----------
    rate : int, Hz

    Examples
    --------
    >>> k_weighting(48_000)[0, :3].round(8).tolist()
    [1.53512486, -2.69169619, 1.19839281]
    """
    return np.array([_shelf(rate), _high_pass(rate)])


def measure(samples: Any, rate: int) -> Loudness:
    """Measure one or two channels.

    Parameters
    ----------
    samples : (n,) or (c, n) float, or BinauralAudio
        Channels are summed with weight one each, as left and right are in the standard.
    rate : int, Hz

    Raises
    ------
    ValidationError
        For sound shorter than a gating block of 0.4 s.

    Examples
    --------
    >>> import numpy as np
    >>> sine = np.sin(2 * np.pi * 997 * np.arange(48_000) / 48_000)
    >>> round(measure(sine, 48_000).integrated, 2)
    -3.01
    """
    samples = np.atleast_2d(as_samples(samples))
    power = _block_power(samples, rate)
    levels = _lufs(power)
    return Loudness(
        integrated=_gated(power, levels),
        momentary_max=float(levels.max()),
        true_peak=true_peak(samples),
    )


def integrated(samples: Any, rate: int) -> float:
    """Return the integrated loudness in LUFS, see :func:`measure`.

    Examples
    --------
    >>> import numpy as np
    >>> integrated(np.zeros((2, 48_000)), 48_000)
    -inf
    """
    power = _block_power(np.atleast_2d(as_samples(samples)), rate)
    return _gated(power, _lufs(power))


def true_peak(samples: Any) -> float:
    """Return the peak in dBTP of either channel, oversampled fourfold (BS.1770-4, annex 2).

    Examples
    --------
    >>> import numpy as np
    >>> t = np.arange(4800)   # a quarter of the rate, sampled 45 degrees off its crests
    >>> abs(true_peak(np.sin(np.pi * t / 2 + np.pi / 4))) < 0.1
    True
    """
    over = signal.resample_poly(np.atleast_2d(samples), 4, 1, axis=-1, window=("kaiser", 8.0))
    # The edges of a cut ring at the higher rate, which no listener hears from a whole recording.
    inner = over[..., 48:-48] if over.shape[-1] > 200 else over
    return float(20 * np.log10(max(np.abs(inner).max(), np.abs(samples).max(), 1e-12)))


def to_lufs(audio: BinauralAudio, target: float = TARGET) -> BinauralAudio:
    """Return the recording at a loudness, both ears times one gain.

    Parameters
    ----------
    audio : BinauralAudio
    target : float, LUFS

    Returns
    -------
    BinauralAudio
        With ``provenance["gain_db"]`` and ``provenance["loudness"]`` (LUFS before).

    Raises
    ------
    ValidationError
        For silence, sound shorter than 0.4 s, or a target above 0 LUFS.

    Warns
    -----
    SpatialDramaWarning
        When the result goes beyond full scale; nothing is clipped.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio
    >>> noise = np.random.default_rng(0).normal(0, [[0.3], [0.1]], (2, 96_000))
    >>> level = to_lufs(BinauralAudio(noise, 48_000))
    >>> round(integrated(level.samples, 48_000), 2)
    -23.0
    """
    if not isinstance(audio, BinauralAudio):
        raise ValidationError(
            f"to_lufs takes BinauralAudio; got {type(audio).__name__}. For one channel use "
            "samples * 10 ** ((target - integrated(samples, rate)) / 20)."
        )
    if finite(target, "target") > 0:
        raise ValidationError(f"target is in LUFS, at most 0; got {target}. Speech is at -23.")
    before = integrated(audio.samples, audio.rate)
    if not np.isfinite(before):
        raise ValidationError(
            "the recording has no block above -70 LUFS: there is nothing whose loudness could be "
            "set. Look whether it is silent, or 1000 times too quiet."
        )
    gain_db = float(target - before)
    level = audio.scaled(10 ** (gain_db / 20))
    if level.peak > FULL_SCALE:
        warnings.warn(
            f"at {target:g} LUFS the peak is {20 * np.log10(level.peak):+.1f} dBFS, beyond full "
            "scale; write it with subtype='FLOAT', or choose a lower target.",
            SpatialDramaWarning,
            stacklevel=2,
        )
    said = {**audio.provenance, "gain_db": gain_db, "loudness": before}
    return attrs.evolve(level, provenance=said)


def _shelf(rate: int) -> list[float]:
    centre, gain, q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    k = np.tan(np.pi * centre / rate)
    high = 10 ** (gain / 20)
    band = high**0.4996667741545416
    norm = 1 + k / q + k * k
    return [
        (high + band * k / q + k * k) / norm,
        2 * (k * k - high) / norm,
        (high - band * k / q + k * k) / norm,
        1.0,
        2 * (k * k - 1) / norm,
        (1 - k / q + k * k) / norm,
    ]


def _high_pass(rate: int) -> list[float]:
    corner, q = 38.13547087602444, 0.5003270373238773

    def norm(k: float) -> float:
        return 1 + k / q + k * k

    k = np.tan(np.pi * corner / rate)
    # The standard's numerator at 48 kHz is 1, -2, 1, which passes 0.04 dB more than one; other
    # rates pass the same, so that the reading does not hang on the rate.
    gain = norm(np.tan(np.pi * corner / _TABLE_RATE)) / norm(k)
    poles = [1.0, 2 * (k * k - 1) / norm(k), (1 - k / q + k * k) / norm(k)]
    return [gain, -2 * gain, gain, *poles]


def _block_power(samples: np.ndarray, rate: int) -> np.ndarray:
    """Sum over channels of the mean square in each gating block, K-weighted."""
    length, step = round(BLOCK * rate), round(STEP * rate)
    n = samples.shape[-1]
    if n < length:
        raise ValidationError(
            f"loudness needs at least {BLOCK:g} s, one gating block; got {n / rate:.3f} s."
        )
    weighted = signal.sosfilt(k_weighting(rate), samples.astype(np.float64), axis=-1)
    energy = np.concatenate([[0.0], np.cumsum((weighted**2).sum(axis=0))])
    starts = np.arange(0, n - length + 1, step)
    return np.maximum(energy[starts + length] - energy[starts], 0.0) / length


def _lufs(power: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return _OFFSET + 10 * np.log10(power)


def _gated(power: np.ndarray, levels: np.ndarray) -> float:
    loud = levels > ABSOLUTE_GATE
    if not loud.any():
        return float("-inf")
    relative = float(_lufs(power[loud].mean())) + RELATIVE_GATE
    return float(_lufs(power[loud & (levels > relative)].mean()))
