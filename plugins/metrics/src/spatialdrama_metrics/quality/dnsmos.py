"""DNSMOS P.835 and P.808: speech, background and overall quality, through ONNX Runtime."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.dsp.active import gate
from spatialdrama.dsp.level import power_to_db
from spatialdrama.errors import ValidationError
from spatialdrama.runtime.assets import locate
from spatialdrama_metrics.optional import optional
from spatialdrama_metrics.quality.base import Quality
from spatialdrama_metrics.quality.dnsmos_input import WINDOW_S, log_mel, stretches

ASSETS = ("dnsmos-p835", "dnsmos-p808")
#: From the network's scale to that of the listeners, highest power first; released with it.
_SIG = (-0.08397278, 1.22083953, 0.0052439)
_BAK = (-0.13166888, 1.60915514, -0.39604546)
_OVRL = (-0.06766283, 1.11546468, 0.04602535)
_LOWEST, _HIGHEST = 1.0, 5.0
#: Stretches a pass: their spectra take 40 MB.
_BATCH = 8


@lru_cache(maxsize=2)
def _session(asset: str):
    path = locate(asset)
    runtime = optional("onnxruntime", who="the metric 'dnsmos'", extra="spatialdrama-metrics")
    options = runtime.SessionOptions()
    named = os.environ.get("OMP_NUM_THREADS", "")
    threads = int(named) if named.isdigit() and int(named) > 0 else min(4, os.cpu_count() or 1)
    options.intra_op_num_threads = threads
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _level(instance: Any, attribute: attrs.Attribute, value: float | None) -> None:
    if value is not None and not -60 <= value <= 0:
        raise ValidationError(f"level_db must lie between -60 and 0 dBFS or be None, got {value!r}")


def _seconds(instance: Any, attribute: attrs.Attribute, value: int) -> None:
    if isinstance(value, bool) or value not in range(1, 10):
        raise ValidationError(f"every_s must be a whole number from 1 to 9; got {value!r}")


@attrs.frozen(kw_only=True)
class Dnsmos(Quality):
    """Overall quality of speech as DNSMOS predicts it (``dnsmos``).

    ``Dnsmos(level_db=None)`` gives for one ear what the package speechmos gives. By default all
    ears of a line share one gain that brings the judged one to -26 dBFS of active speech, because
    the network takes soft for bad: speech that scores 3.4 scores 2.1 when it is 30 dB softer, and
    in a drama soft is far.

    Parameters
    ----------
    level_db : float, optional
        dBFS, rms where the line sounds; None judges it at the level it has.
    every_s : int
        s from one stretch of 9.01 s to the next. The original's 1 judges a line of 4 s, which is
        repeated to 16 s, in seven stretches; 9 takes the first one alone.
    downmix : {"louder", "aligned", "mean"}
        How two ears become the signal whose quality is the score.
    ears : bool
        Whether both ears are judged, too; without, it takes half the time.

    References
    ----------
    C. K. A. Reddy et al. (2022), "DNSMOS P.835: A non-intrusive perceptual objective speech quality
    metric to evaluate noise suppressors", ICASSP. ITU-T P.56 for the level.

    Examples
    --------
    >>> from spatialdrama.types import BinauralAudio
    >>> score = Dnsmos().score(BinauralAudio(np.zeros((2, 48000)), 48000))
    >>> score.value, score.weight
    (nan, 0.0)
    """

    model: ClassVar[str] = "DNSMOS P.835"
    window_s: ClassVar[float] = WINDOW_S
    filled: ClassVar[str] = "repeated"
    level_db: float | None = attrs.field(default=-26.0, validator=_level)
    every_s: int = attrs.field(default=1, validator=_seconds)

    def _gain(self, wave: NDArray, peak: float) -> float:
        if self.level_db is not None:
            return 10 ** ((self.level_db - _active_db(wave)) / 20)
        if peak > 1:
            raise ValidationError(
                f"the sound reaches {peak:.3f}, beyond full scale, which DNSMOS was not made for; "
                "turn it down with audio.scaled(factor), or leave level_db at a number"
            )
        return 1.0

    def _judge(self, lines: list[tuple[NDArray, float]]) -> list[dict[str, Any]]:
        parts = []
        for waves, peak in lines:
            gain = np.float32(self._gain(waves[0], peak))
            parts += [stretches(wave * gain, every_s=self.every_s) for wave in waves]
        every = _predicted([stretch for part in parts for stretch in part])
        ends = np.cumsum([len(part) for part in parts])
        return [_named(own.mean(axis=0)) for own in np.split(every, ends[:-1])]


def _active_db(wave: NDArray) -> float:
    """Level of the 30 ms windows within 40 dB of the loudest."""
    short = -len(wave) % 480
    power = np.pad(wave.astype(np.float64) ** 2, (0, short)).reshape(-1, 480).mean(axis=1)
    return float(power_to_db(power[gate(power_to_db(power))].mean()))


def _predicted(waves: list[NDArray]) -> NDArray[np.float64]:
    """OVRL, SIG, BAK and P.808 of every stretch, shape (w, 4)."""
    rows = []
    for start in range(0, len(waves), _BATCH):
        part = np.stack(waves[start : start + _BATCH])
        raw = _session(ASSETS[0]).run(None, {"input_1": part})[0].astype(np.float64)
        mel = np.stack([log_mel(wave) for wave in part])
        p808 = _session(ASSETS[1]).run(None, {"input_1": mel})[0].astype(np.float64)
        sig, bak, ovrl = (np.polyval(fit, raw[:, i]) for i, fit in enumerate((_SIG, _BAK, _OVRL)))
        rows.append(np.stack([ovrl, sig, bak, p808[:, 0]], axis=1))
    return np.concatenate(rows)


def _named(mean: NDArray) -> dict[str, float]:
    ovrl, sig, bak, p808 = map(float, mean)
    # The fitted curves leave the scale by a little for sound that is no speech.
    mos = min(max(ovrl, _LOWEST), _HIGHEST)
    return {"mos": mos, "ovrl": ovrl, "sig": sig, "bak": bak, "p808": p808}
