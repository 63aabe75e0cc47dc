"""Writes golden.json: what the original packages say about the talkers of conftest.py.

Run in an environment with the packages, which the tests do not need::

    pip install resemblyzer==0.1.4 webrtcvad-wheels speechmos==0.0.1.1 distillmos==0.9.1
    python make_golden.py

distillmos and its dependency xls-r-sqa import torchaudio and transformers, which they need for
reading files and for other models alone; empty modules of these names do.
"""

import json
import runpy
import sys
import types
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
VERSIONS = (
    "resemblyzer",
    "webrtcvad-wheels",
    "speechmos",
    "distillmos",
    "librosa",
    "numpy",
    "torch",
)
SLICED = (1, 4_000, 16_000, 25_600, 40_000, 50_000, 64_000, 160_123)


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


def _stand_ins():
    names = {"torchaudio": (), "torchaudio.transforms": ("MFCC", "Resample")}
    names["transformers"] = ("Wav2Vec2FeatureExtractor", "Wav2Vec2Model")
    for name, members in names.items():
        module = types.ModuleType(name)
        for member in members:
            setattr(module, member, object)
        sys.modules[name] = module
    sys.modules["torchaudio"].transforms = sys.modules["torchaudio.transforms"]


def main():
    talk = runpy.run_path(str(HERE / "conftest.py"))["talk"]
    from resemblyzer import VoiceEncoder, preprocess_wav

    encoder = VoiceEncoder("cpu", verbose=False)
    made = {"made_with": {name: _version(name) for name in VERSIONS}, "resemblyzer": {}}
    for who in ("low", "high"):
        plain = talk(who, 3.1)
        paused = np.concatenate([talk(who, 1.7, rate=24_000), np.zeros(24_000, np.float32)] * 2)
        made["resemblyzer"][who] = {
            "embed_utterance": encoder.embed_utterance(plain).round(6).tolist(),
            "preprocessed": encoder.embed_utterance(preprocess_wav(paused.copy(), 24_000))
            .round(6)
            .tolist(),
        }
    made["partial_starts"] = {
        str(n): [int(s.start) for s in encoder.compute_partial_slices(n, 1.3, 0.75)[1]]
        for n in SLICED
    }
    from speechmos import dnsmos

    clips = {"short": talk("low", 3.1), "long": talk("high", 11.3, seed=1)}
    made["dnsmos"] = {
        name: {key: float(mos) for key, mos in dnsmos.run(clip, 16_000).items()}
        for name, clip in clips.items()
    }
    _stand_ins()
    from distillmos import ConvTransformerSQAModel

    network = ConvTransformerSQAModel().eval()
    with torch.no_grad():
        made["distillmos"] = {
            name: float(network(torch.from_numpy(clip)[None])) for name, clip in clips.items()
        }
    (HERE / "golden.json").write_text(json.dumps(made) + "\n", "utf-8")


if __name__ == "__main__":
    main()
