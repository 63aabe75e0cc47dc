"""The files of a checkpoint: found, told from pickles, read strictly, and named when wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import read_json

FORMAT = "spatialdrama.isdrama/1"
CONFIG = "config.json"
#: Files that hold pickles, which run code when they are opened.
PICKLES = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle")
#: How pickles and torch's zip archives of pickles begin.
_PICKLE_STARTS = (b"\x80", b"PK\x03\x04")
#: Names in a message before it says how many more there are.
_SHOWN = 4


def described(folder: Any, names: Iterable[str]) -> tuple[Path, dict[str, Any]]:
    """Return the folder and its config.json, or say what lies there instead."""
    path = Path(folder).expanduser()
    if path.suffix.lower() in PICKLES:
        raise ValidationError(
            f"{path} is a pickle, which runs code when it is opened; spatialdrama reads folders "
            f"of safetensors with a {CONFIG}. Convert it with checkpoints.save."
        )
    if path.is_file():
        raise ValidationError(
            f"{path} is a file; name the folder of the checkpoint, with {CONFIG} in it."
        )
    if not path.is_dir():
        raise ValidationError(f"there is no checkpoint at {path}; name a folder with {CONFIG}.")
    if not (path / CONFIG).is_file():
        pickles = sorted(p.name for p in path.iterdir() if p.suffix.lower() in PICKLES)
        held = f"; it holds the pickle {pickles[0]}, which is not opened" if pickles else ""
        raise ValidationError(f"{path} has no {CONFIG}, so it is no checkpoint{held}.")
    about = read_json(path / CONFIG, "checkpoint")
    found = about.get("format") if isinstance(about, dict) else type(about).__name__
    if found != FORMAT:
        raise ValidationError(
            f"checkpoint {path} has format {found!r}; this version reads {FORMAT!r}. "
            "Load it with the version that saved it, and save it anew."
        )
    # Here, and not when a finished drama is told of.
    for name in ("parts", "versions", "provenance"):
        if not isinstance(about.get(name, {}), dict):
            raise ValidationError(
                f"checkpoint {path}: {name!r} in its {CONFIG} must be a mapping; got "
                f"{about[name]!r}. Copy the checkpoint again."
            )
    parts = about.get("parts", {})
    missing = [name for name in names if not isinstance(parts.get(name), dict)]
    if missing:
        raise ValidationError(f"checkpoint {path} lacks the part {', '.join(missing)}.")
    return path, about


def read_part(path: Path, name: str, parts: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Return the tensors of one part, by name."""
    described = parts[name]
    # A name that leaves the folder is no file of this checkpoint.
    file = path / Path(str(described.get("file", ""))).name
    if not file.is_file():
        raise ValidationError(f"checkpoint {path} lacks the file of its part {name!r}: {file.name}")
    with file.open("rb") as opened:
        start = opened.read(4)
    if file.suffix.lower() in PICKLES or start.startswith(_PICKLE_STARTS):
        raise ValidationError(f"{file} is a pickle and not safetensors; it is not opened.")
    if described.get("sha256") != sha256(file):
        raise ValidationError(
            f"{file} has other bytes than {CONFIG} says; it was damaged or exchanged. Copy the "
            "checkpoint again."
        )
    try:
        with safe_open(file, framework="pt") as tensors:
            return {key: tensors.get_tensor(key) for key in tensors.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValidationError(f"{file} cannot be read as safetensors: {error}") from None


def fill(part: nn.Module, state: Mapping[str, torch.Tensor], file: str) -> None:
    """Copy `state` into `part`; every difference is named."""
    wanted = part.state_dict()
    missing, more = sorted(set(wanted) - set(state)), sorted(set(state) - set(wanted))
    if missing or more:
        said = [f"{what}: {_some(keys)}" for what, keys in
                (("missing", missing), ("unexpected", more)) if keys]  # fmt: skip
        raise ValidationError(f"{file} does not fit its config; {'; '.join(said)}.")
    shapes = [
        f"{key} is {tuple(state[key].shape)}, the config wants {tuple(wanted[key].shape)}"
        for key in wanted
        if state[key].shape != wanted[key].shape
    ]
    if shapes:
        raise ValidationError(f"{file} does not fit its config; {_some(shapes)}.")
    _check_finite(state, file)
    part.load_state_dict(dict(state))


def state_of(part: nn.Module, name: str) -> dict[str, torch.Tensor]:
    """Return a part's weights as safetensors takes them."""
    # Clones: tied weights share memory, which safetensors refuses.
    state = {k: v.detach().cpu().clone().contiguous() for k, v in part.state_dict().items()}
    _check_finite(state, f"the part {name!r}")
    return state


def _check_finite(state: Mapping[str, torch.Tensor], where: str) -> None:
    bad = [k for k, v in state.items() if v.is_floating_point() and not torch.isfinite(v).all()]
    if bad:
        raise ValidationError(
            f"{where} holds NaN or infinite weights: {_some(sorted(bad))}. The training diverged; "
            "use an earlier checkpoint."
        )


def check_choice(name: str, value: Any, known: Any) -> None:
    """Raise unless `value` is one of `known`."""
    if value not in known:
        raise ValidationError(f"{name} must be one of {', '.join(known)}; got {value!r}.")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def sha256(path: Path) -> str:
    """Return the hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
