"""A checkpoint of Spatial-AST from a local file: read safely, and refused when it does not fit.

Imports torch: only what computes with it may import this file.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from spatialdrama.errors import AssetError
from spatialdrama_metrics.published.network import SpatialAst
from spatialdrama_metrics.published.network_config import SpatialAstConfig

#: Heads that the authors' variant of the network adds and its embeddings do not use.
UNUSED = re.compile(r"(quality|spatial|localization|overall)(_\w+)?\.|conv_reduce_channels\.")
#: Keys of each sort that a refusal names before it counts the rest.
NAMED = 8


def load_network(path: Path, config: SpatialAstConfig) -> SpatialAst:
    """Spatial-AST with the weights of a checkpoint, in evaluation mode, on the CPU.

    Parameters
    ----------
    path : Path
        ``*.safetensors``, or what ``torch.save`` wrote: a dictionary with the weights under
        ``model``, or the weights themselves. Read without running code from it.
    config : SpatialAstConfig

    Returns
    -------
    SpatialAst

    Raises
    ------
    AssetError
        The file cannot be read safely, or its keys, shapes or values are not the network's; names
        them.

    Examples
    --------
    >>> load_network(Path("finetuned.pth"), SpatialAstConfig())       # doctest: +SKIP
    """
    found = {key: v for key, v in read_weights(path).items() if not UNUSED.match(key)}
    network = SpatialAst(config)
    wanted = network.state_dict()
    _check_keys(path, wanted, found)
    broken = [k for k, v in found.items() if v.is_floating_point() and not v.isfinite().all()]
    if broken:
        raise AssetError(
            f"checkpoint {path} holds NaN or infinity in {_names(broken)}; fetch it again"
        )
    network.load_state_dict(found)
    return network.eval().requires_grad_(False)


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Tensors of a checkpoint by name; see :func:`load_network`."""
    content = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    if isinstance(content, Mapping) and isinstance(content.get("model"), Mapping):
        content = content["model"]
    tensors = isinstance(content, Mapping) and all(
        isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in content.items()
    )
    if not tensors or not content:
        raise AssetError(
            f"checkpoint {path} holds {type(content).__name__}, not tensors by name (as they are, "
            "or under 'model'); use the file as it was published"
        )
    return dict(content)


def _safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise AssetError(
            f"checkpoint {path} needs safetensors. Type: pip install safetensors"
        ) from error
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise AssetError(f"checkpoint {path} cannot be read: {error}") from error


def _pickled(path: Path) -> Any:
    try:
        # Training scripts save their command line beside the weights; it is only attributes.
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the bytes lead it to
        first = str(error).strip().partition("\n")[0]
        raise AssetError(
            f"checkpoint {path} cannot be read as weights alone ({type(error).__name__}: {first}); "
            "save it again as a dictionary of tensors, or as safetensors"
        ) from error


def _check_keys(
    path: Path, wanted: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]
) -> None:
    """Refuse keys or shapes that differ, in one sentence that lists them."""
    missing = [key for key in wanted if key not in found]
    unexpected = [key for key in found if key not in wanted]
    misshapen = [
        f"{key} {tuple(found[key].shape)} instead of {tuple(wanted[key].shape)}"
        for key in wanted
        if key in found and found[key].shape != wanted[key].shape
    ]
    problems = [
        f"{len(keys)} {what} ({_names(keys)})"
        for what, keys in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", misshapen),
        )
        if keys
    ]
    if problems:
        raise AssetError(f"checkpoint {path} is not Spatial-AST: keys {', '.join(problems)}")


def _names(keys: list[str]) -> str:
    more = len(keys) - NAMED
    return ", ".join(keys[:NAMED]) + (f" and {more} more" if more > 0 else "")
