"""Fingerprints of what a checkpoint only names: BERT, FLAN-T5 and CLIP in folders of their own."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

from torch import nn

#: What decides what such a model says: weights, configs and vocabularies. Weights for other
#: frameworks lie beside them and are not read.
_READ = (".safetensors", ".json", ".txt", ".model")


def fingerprints(*readers: Any) -> dict[str, str | None]:
    """Return {folder or hub name: sha256} of all frozen models that the readers name.

    Parameters
    ----------
    *readers
        A BERT (its ``sources``), FLAN-T5 or CLIP (its ``model``). Modules are part of the
        checkpoint and have nothing to add.

    Returns
    -------
    dict
        None for a hub name that transformers has no copy of.

    Examples
    --------
    >>> fingerprints(nn.Linear(2, 2))
    {}
    """
    names = set()
    for reader in readers:
        if isinstance(reader, nn.Module):
            continue
        model = getattr(reader, "model", None)
        names.update(getattr(reader, "sources", {}).values())
        names.update([model] if isinstance(model, str) else [])
    return {name: _of(name) for name in sorted(names)}


def digest(path: Any) -> str:
    """Return the sha256 of a file's bytes; read anew only where the file has changed."""
    path = Path(path)
    about = path.stat()
    return _digest(path, about.st_size, about.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _digest(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of(name: str) -> str | None:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _hub_copy(name)
    if folder is None:
        return None
    total = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.suffix in _READ and file.is_file():
            total.update(f"{file.name}:{digest(file)}\n".encode())
    return total.hexdigest()


def _hub_copy(name: str) -> Path | None:
    """Return the folder in which the hub's files lie on this machine; nothing is downloaded."""
    try:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.utils import HFValidationError
    except ImportError:
        return None
    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:  # neither a folder nor a name; loading it says so
        return None
    return Path(found).parent if isinstance(found, str) else None
