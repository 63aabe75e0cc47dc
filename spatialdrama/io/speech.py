"""Spoken lines as folders of plain arrays, exact to the last bit: what caches keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spatialdrama.io.files import read_json, write_json
from spatialdrama.types.script import Phone
from spatialdrama.types.speech import Speech


def write_speech(speech: Speech, folder: Any) -> Path:
    """Write samples.npy, f0.npy and speech.json into `folder`."""
    folder = Path(folder)
    np.save(folder / "samples.npy", speech.samples)
    if speech.f0 is not None:
        np.save(folder / "f0.npy", speech.f0)
    write_json(
        folder / "speech.json",
        {
            "rate": speech.rate,
            "phones": [[p.symbol, p.start, p.end] for p in speech.phones],
            "f0_hop": speech.f0_hop,
            "text": speech.text,
            "language": speech.language,
            "identity": speech.identity,
            "provenance": dict(speech.provenance),
        },
    )
    return folder


def read_speech(folder: Any) -> Speech:
    """Read what :func:`write_speech` wrote."""
    folder = Path(folder)
    data = read_json(folder / "speech.json", "speech")
    f0 = folder / "f0.npy"
    return Speech(
        np.load(folder / "samples.npy", allow_pickle=False),
        data.pop("rate"),
        phones=tuple(Phone(*p) for p in data.pop("phones")),
        f0=np.load(f0, allow_pickle=False) if f0.exists() else None,
        **data,
    )
