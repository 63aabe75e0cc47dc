"""Spoken lines as folders of plain arrays, exact to the last bit: what caches keep."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import read_json, write_json
from spatialdrama.types.script import Phone
from spatialdrama.types.speech import Speech


def write_array(path: Path, values: np.ndarray) -> None:
    """Write .npy in one piece, so that a full disk is an OSError that says so."""
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    path.write_bytes(buffer.getvalue())


def read_array(path: Path) -> np.ndarray:
    """Read .npy, or raise naming the file."""
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValidationError(f"{path} cannot be read: {error}") from None


def write_speech(speech: Speech, folder: Any) -> Path:
    """Write samples.npy, f0.npy and speech.json into `folder`."""
    folder = Path(folder)
    write_array(folder / "samples.npy", speech.samples)
    if speech.f0 is not None:
        write_array(folder / "f0.npy", speech.f0)
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
        read_array(folder / "samples.npy"),
        data.pop("rate"),
        phones=tuple(Phone(*p) for p in data.pop("phones")),
        f0=read_array(f0) if f0.exists() else None,
        **data,
    )
