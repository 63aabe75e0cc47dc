"""DistillMOS: one figure for the quality of speech, learnt from a much larger network."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.errors import AssetError
from spatialdrama.runtime.assets import locate
from spatialdrama.runtime.device import resolve
from spatialdrama_metrics.at_16k import RATE
from spatialdrama_metrics.optional import optional
from spatialdrama_metrics.quality.base import Quality

ASSET = "distillmos"
SAMPLES = 122_880
#: Stretches a pass on a GPU. On a CPU one at a time is as fast, and gives the same in any company.
_BATCH = 32


@lru_cache(maxsize=2)
def _network(device: str):
    torch = optional("torch", who="the metric 'distillmos'", extra="spatialdrama-metrics[torch]")
    from spatialdrama_metrics.quality.distill_network import DistillMosNetwork

    path = locate(ASSET)
    network = DistillMosNetwork()
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(saved["model"])
    except Exception as error:  # torch raises whatever its readers raise
        raise AssetError(
            f"{path} does not hold DistillMOS' weights ({type(error).__name__}: "
            f"{str(error).splitlines()[0]}); type: spatialdrama assets fetch distillmos --force"
        ) from error
    return network.eval().to(device)


@attrs.frozen(kw_only=True)
class DistillMos(Quality):
    """Quality of speech as DistillMOS predicts it (``distillmos``).

    The same as the package distillmos gives for one ear, without the package. Every stretch of
    7.68 s is brought to full scale before it is judged, so that gain changes nothing; the score is
    the mean of stretches at most a second apart.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "cuda:N"}
    downmix : {"louder", "aligned", "mean"}
        How two ears become the signal whose quality is the score.
    ears : bool
        Whether both ears are judged, too; without, it takes half the time.

    References
    ----------
    B. Stahl and H. Gamper (2025), "Distillation and pruning for scalable self-supervised
    representation-based speech quality assessment", ICASSP, arXiv:2502.05356.

    Examples
    --------
    >>> from spatialdrama.types import BinauralAudio
    >>> score = DistillMos().score(BinauralAudio(np.zeros((2, 48000)), 48000))
    >>> score.value, score.details["note"]
    (nan, '0.00 s of sound are too little to judge; at least 0.25 s are needed')
    """

    model: ClassVar[str] = "DistillMOS"
    window_s: ClassVar[float] = SAMPLES / RATE
    filled: ClassVar[str] = "filled up with silence"
    device: str = "auto"

    def _judge(self, lines: list[tuple[NDArray, float]]) -> list[dict[str, Any]]:
        parts = [stretches(wave) for waves, _ in lines for wave in waves]
        waves = [stretch for part in parts for stretch in part]
        every = _predicted(waves, str(resolve(self.device)))
        ends = np.cumsum([len(part) for part in parts])
        return [{"mos": float(own.mean())} for own in np.split(every, ends[:-1])]


def stretches(wave: NDArray) -> list[NDArray[np.float32]]:
    """Cut a signal into stretches of 7.68 s, evenly spread, at most a second apart.

    Parameters
    ----------
    wave : ndarray, shape (n,)
        16 kHz; shorter sound is filled up with zeros.

    Returns
    -------
    list of ndarray, each of shape (122880,)

    Examples
    --------
    >>> len(stretches(np.ones(10 * 16000)))
    4
    """
    wave = np.asarray(wave, dtype=np.float32)
    over = len(wave) - SAMPLES
    if over <= 0:
        return [np.pad(wave, (0, -over))]
    count = -(-over // RATE) + 1
    starts = [int(share * over) for share in np.linspace(0, 1, count)]
    return [wave[start : start + SAMPLES] for start in starts]


def _predicted(waves: list[NDArray], device: str) -> NDArray[np.float64]:
    network = _network(device)
    import torch

    size = 1 if device == "cpu" else _BATCH
    found = []
    # Convolutions in TF32 would cost three digits.
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for start in range(0, len(waves), size):
            given = torch.from_numpy(np.stack(waves[start : start + size])).to(device)
            found.append(network(given).double().cpu().numpy())
    return np.concatenate(found)
