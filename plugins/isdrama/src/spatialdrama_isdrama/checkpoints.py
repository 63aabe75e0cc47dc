"""A trained ISDrama as a folder: config.json and one safetensors file for each part.

Pickles are never opened. A folder is read strictly: every weight that the config asks for, no
other, in the right shape and finite; what is wrong is named.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import torch
from safetensors.torch import save_file
from torch import nn

import spatialdrama
from spatialdrama.errors import ValidationError
from spatialdrama.io.files import whole_folder, write_json
from spatialdrama.runtime.device import Device, resolve
from spatialdrama_isdrama.checkpoint_files import (
    CONFIG,
    FORMAT,
    check_choice,
    described,
    fill,
    read_part,
    sha256,
    state_of,
)
from spatialdrama_isdrama.parts import PARTS, build
from spatialdrama_isdrama.presets import IsdramaConfig
from spatialdrama_isdrama.scan import fused

#: Mel frames that phones last with random weights.
PHONE_FRAMES = 15.0
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@attrs.frozen(eq=False, repr=False)
class Loaded:
    """A model ready to generate: its parts in evaluation mode, on one device.

    Attributes
    ----------
    config : IsdramaConfig
    content, pose, autoencoder, transformer, vocoder : torch.nn.Module
    device : Device
    dtype : str
        What the flow's matrix products run in; weights stay float32.
    fingerprint : str
        sha256 over the config and every weight: equal models, equal fingerprints.
    provenance, versions : mapping
        As :func:`save` wrote them.
    path : Path or None
    """

    config: IsdramaConfig
    content: nn.Module
    pose: nn.Module
    autoencoder: nn.Module
    transformer: nn.Module
    vocoder: nn.Module
    device: Device
    dtype: str
    fingerprint: str
    provenance: Mapping[str, Any] = attrs.field(factory=dict)
    versions: Mapping[str, str] = attrs.field(factory=dict)
    path: Path | None = None

    @property
    def why_not_fused(self) -> str:
        """Why the selective scan cannot run its fused kernel here; empty where it can."""
        return fused.why_not(torch.zeros(1, device=self.device.torch))

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The five networks by name."""
        return {name: getattr(self, name) for name in PARTS}

    def autocast(self) -> torch.autocast:
        """The context in which the networks run: mixed precision unless `dtype` is float32."""
        return torch.autocast(
            self.device.kind, dtype=DTYPES[self.dtype], enabled=self.dtype != "float32"
        )

    def __repr__(self) -> str:
        count = sum(p.numel() for part in self.parts.values() for p in part.parameters())
        return f"Loaded({count / 1e6:.2f} M parameters on {self.device}, {self.fingerprint[:12]})"


def save(
    folder: Any,
    config: IsdramaConfig,
    parts: Mapping[str, nn.Module],
    *,
    provenance: Mapping[str, Any] | None = None,
    dtype: str = "float32",
) -> Path:
    """Write a checkpoint, whole or not at all.

    Parameters
    ----------
    folder : path
    config : IsdramaConfig
    parts : mapping
        {"content", "pose", "autoencoder", "transformer", "vocoder": module}.
    provenance : mapping, optional
        JSON-ready: data, recipe, licence, step.
    dtype : "float32", "bfloat16" or "float16"
        What weights are stored in; they are loaded as float32.

    Raises
    ------
    ValidationError
        A part that is missing or unknown, a weight that is not finite, or a provenance that is no
        mapping.

    Examples
    --------
    >>> import tempfile
    >>> from spatialdrama_isdrama import checkpoints, presets
    >>> model = checkpoints.random(presets.preset("tiny"), seed=1)
    >>> with tempfile.TemporaryDirectory() as home:
    ...     folder = checkpoints.save(f"{home}/tiny", model.config, model.parts)
    ...     checkpoints.load(folder, device="cpu").fingerprint == model.fingerprint
    True
    """
    if set(parts) != set(PARTS):
        raise ValidationError(
            f"a checkpoint has the parts {', '.join(PARTS)}; got {', '.join(sorted(parts))}."
        )
    check_choice("dtype", dtype, DTYPES)
    if provenance is not None and not isinstance(provenance, Mapping):
        raise ValidationError(
            f"a checkpoint's provenance must be a mapping of names; got {provenance!r}."
        )
    states = {name: state_of(part, name) for name, part in parts.items()}
    with whole_folder(folder) as target:
        files = {}
        for name, state in states.items():
            path = target / f"{name}.safetensors"
            stored = {k: v.to(DTYPES[dtype]) if v.is_floating_point() else v
                      for k, v in state.items()}  # fmt: skip
            save_file(stored, path)
            files[name] = {"file": path.name, "sha256": sha256(path)}
        write_json(
            target / CONFIG,
            {
                "format": FORMAT,
                "config": config.to_dict(),
                "parts": files,
                "versions": versions(),
                "provenance": dict(provenance or {}),
            },
        )
    return Path(folder)


def load(
    folder: Any, *, device: Any = "auto", dtype: str = "float32", scan: str | None = None
) -> Loaded:
    """Read what :func:`save` wrote, strictly.

    Parameters
    ----------
    folder : path
    device : "auto", "cpu", "cuda", "cuda:N" or Device
    dtype : "float32" or "bfloat16"
        bfloat16 runs matrix products under autocast.
    scan : "auto", "reference" or "fused", optional
        Which selective scan runs; default the config's. On CUDA without mamba-ssm "auto" takes the
        slower reference, which provenance records, and "fused" is an error.

    Raises
    ------
    ValidationError
        No checkpoint there; a pickle; another format or config; weights missing, unexpected, in
        another shape, not finite, or other bytes than the checkpoint was saved with.
    DeviceError
        A device that is not there, or ``scan="fused"`` where that kernel cannot run.
    """
    check_choice("dtype", dtype, ("float32", "bfloat16"))
    path, about = described(folder, PARTS)
    config = _config(about, path)
    where = resolve(device)
    states = {name: read_part(path, name, about["parts"]) for name in PARTS}
    # How the scan is computed is no part of what the model is.
    parts = build(config if scan is None else config.changed(scan=scan))
    for name, part in parts.items():
        fill(part, states[name], f"{path / about['parts'][name]['file']}")
    return _ready(
        config, parts, where, dtype, provenance=about.get("provenance", {}),
        versions=about.get("versions", {}), path=path,
    )  # fmt: skip


def random(
    config: IsdramaConfig,
    seed: int = 0,
    *,
    device: Any = "cpu",
    dtype: str = "float32",
    gates: float = 0.2,
) -> Loaded:
    """Return a model with random weights: it makes noise, of plausible length, in every path.

    Parameters
    ----------
    config : IsdramaConfig
    seed : int
    device, dtype
        As of :func:`load`.
    gates : float
        Deviation of the weights that start at zero (AdaLN-zero, gates, the field itself); with 0
        most layers do nothing.

    Examples
    --------
    >>> from spatialdrama_isdrama import checkpoints, presets
    >>> one, two = (checkpoints.random(presets.preset("tiny"), seed=3) for _ in range(2))
    >>> one.fingerprint == two.fingerprint
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = build(config)
        with torch.no_grad():
            for part in parts.values():
                for weight in part.parameters():
                    if weight.numel() and not weight.any():
                        weight.normal_(std=gates)
            # Untrained, every phone would last a frame; like this about 80 ms.
            parts["content"].durations.out.bias.fill_(math.log1p(PHONE_FRAMES))
    return _ready(config, parts, resolve(device), dtype, provenance={"weights": f"random {seed}"})


def fingerprint(config: IsdramaConfig, parts: Mapping[str, nn.Module]) -> str:
    """Return the sha256 over the config and every weight in float32."""
    digest = hashlib.sha256(
        json.dumps(config.to_dict(), sort_keys=True, separators=(",", ":")).encode()
    )
    for name in PARTS:
        for key, value in sorted(parts[name].state_dict().items()):
            digest.update(f"{name}.{key}{tuple(value.shape)}".encode())
            plain = value.detach().cpu()
            plain = plain.float() if plain.is_floating_point() else plain
            digest.update(plain.contiguous().numpy().tobytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of what makes samples what they are."""
    from importlib import metadata

    out = {
        "python": ".".join(map(str, sys.version_info[:3])),
        "spatialdrama": spatialdrama.__version__,
    }
    for name in ("spatialdrama-isdrama", "torch", "numpy", "soxr", "mamba-ssm"):
        try:
            out[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return out


def _ready(
    config: IsdramaConfig, parts: Mapping[str, nn.Module], device: Device, dtype: str, **about: Any
) -> Loaded:
    if parts["transformer"].config.scan == "fused":
        fused.require(torch.zeros(1, device=device.torch))  # now, and not at the first line
    mark = fingerprint(config, parts)
    moved = {
        name: part.to(device.torch).eval().requires_grad_(False) for name, part in parts.items()
    }
    return Loaded(config, **moved, device=device, dtype=dtype, fingerprint=mark, **about)


def _config(about: Mapping[str, Any], path: Path) -> IsdramaConfig:
    try:
        return IsdramaConfig.from_dict(about["config"])
    except (ValidationError, TypeError, KeyError, ValueError, AttributeError) as error:
        raise ValidationError(
            f"checkpoint {path} has another config than this version knows: {error}"
        ) from None
