"""WavLM speaker verification through transformers: an optional extra, with torch.

Source of the interface: transformers 4.57, ``WavLMForXVector`` with its feature extractor, from a
folder as ``save_pretrained`` writes it. Model: S. Chen et al. (2022), "WavLM: Large-scale
self-supervised pre-training for full stack speech processing", IEEE JSTSP 16, 1505-1518.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.errors import AssetError, ValidationError
from spatialdrama.runtime.device import resolve
from spatialdrama_metrics.at_16k import RATE, at_16k
from spatialdrama_metrics.optional import optional

EXTRA = "spatialdrama-metrics[wavlm]"
MODEL = "microsoft/wavlm-base-plus-sv"
#: What a folder must hold, one of each.
_FILES = (("config.json",), ("model.safetensors", "pytorch_model.bin"))


@lru_cache(maxsize=2)
def _load(folder: str, device: str):
    library = optional("transformers", who="the speaker embedder 'wavlm'", extra=EXTRA)
    optional("torch", who="the speaker embedder 'wavlm'", extra=EXTRA)
    path = Path(folder).expanduser()
    lacking = [names[0] for names in _FILES if not any((path / name).is_file() for name in names)]
    if lacking:
        raise AssetError(
            f"{folder!r} is no folder with the model ({', '.join(lacking)} missing); download "
            f"{MODEL} and name its folder, like Sim(embedder='wavlm:models/wavlm-base-plus-sv')"
        )
    try:
        model, report = library.WavLMForXVector.from_pretrained(
            str(path), local_files_only=True, output_loading_info=True
        )
        features = _features(library, path)
    except Exception as error:  # transformers raises whatever torch, json or safetensors raise
        raise AssetError(
            f"transformers could not load the model in {folder!r} ({type(error).__name__}: "
            f"{error}); it must hold a WavLMForXVector, as {MODEL} does"
        ) from error
    if report["missing_keys"]:  # transformers fills them with random numbers
        raise AssetError(
            f"the model in {folder!r} lacks {len(report['missing_keys'])} arrays, "
            f"{sorted(report['missing_keys'])[0]!r} among them: it is no speaker verification "
            f"model; take {MODEL}"
        )
    return model.eval().to(device), features


def _features(library, path: Path):
    if (path / "preprocessor_config.json").is_file():
        return library.Wav2Vec2FeatureExtractor.from_pretrained(str(path), local_files_only=True)
    return library.Wav2Vec2FeatureExtractor(
        sampling_rate=RATE, do_normalize=False, return_attention_mask=True
    )


@attrs.frozen
class WavLm:
    """A speaker embedder: WavLM with an x-vector head, 512 numbers of length 1.

    Each signal is embedded by itself and whole, as the published example does: padding in a batch
    would change the result of the group norm in the first layer.

    Parameters
    ----------
    folder : str
        With ``config.json``, the weights, and ``preprocessor_config.json`` where there is one.
        Weights in a pickle are read by torch with ``weights_only``.
    device : {"auto", "cpu", "cuda", "cuda:N"}

    Raises
    ------
    PluginImportError
        On use, without transformers or torch.
    AssetError
        On use, when the folder does not hold such a model.
    DeviceError
        On use, when the device is not there.

    Examples
    --------
    >>> WavLm("models/wavlm-base-plus-sv").device
    'auto'
    """

    folder: str = attrs.field(default="", converter=str)
    device: str = attrs.field(default="auto", kw_only=True)

    def embed(self, mono: NDArray, *, rate: int) -> NDArray[np.float32]:
        """Embed one signal of at least .1 s: (n,) at its rate to (512,)."""
        return self.embed_batch([(mono, rate)])[0]

    def embed_batch(self, sounds: Sequence[tuple[NDArray, int]]) -> NDArray[np.float32]:
        """Embed several signals, one after the other: (b, 512)."""
        if not self.folder:
            raise AssetError(
                f"the speaker embedder 'wavlm' needs its model: download {MODEL} and name its "
                "folder, like Sim(embedder='wavlm:models/wavlm-base-plus-sv')"
            )
        model, features = _load(self.folder, str(resolve(self.device)))
        return np.stack([_embedded(model, features, at_16k(m, rate=rate)) for m, rate in sounds])


def _embedded(model, features, wave: NDArray) -> NDArray[np.float32]:
    import torch

    if not wave.any():
        raise ValidationError("a silent sound has no speaker; give one with a voice")
    given = features(wave, sampling_rate=RATE, return_tensors="pt").to(model.device)
    with torch.inference_mode():
        vector = model(given["input_values"]).embeddings[0].float().cpu().numpy()
    return vector / max(float(np.linalg.norm(vector)), float(np.finfo(np.float32).tiny))
