"""How many parameters each part of a model has, counted without memory for them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from .presets import PRINTED, PRINTED_WIDTH, IsdramaConfig
from .sizes import parameters_of


def _parts() -> dict[str, Callable[[IsdramaConfig], nn.Module]]:
    from .autoencoder.model import Autoencoder
    from .content.model import Content
    from .pose.pose_encoder import PoseEncoder
    from .transformer.model import DramaTransformer
    from .vocoder import vocoder_of

    return {
        "content": lambda config: Content(config.content),
        "pose": lambda config: PoseEncoder(config.pose),
        "autoencoder": lambda config: Autoencoder(config.autoencoder),
        "transformer": lambda config: DramaTransformer(config.transformer),
        "vocoder": lambda config: vocoder_of(config.vocoder),
    }


def _pieces(name: str, module: nn.Module) -> dict[str, int]:
    """Return the sizes of a network's children; those of equal blocks by what they hold."""
    sizes = {}
    for child, inner in module.named_children():
        if name == "transformer" and child == "blocks":
            for layer, _ in inner[0].named_children():
                total = sum(parameters_of(getattr(block, layer)) for block in inner)
                sizes[f"{len(inner)} blocks: {layer}"] = total
        else:
            sizes[child] = parameters_of(inner)
    rest = sum(parameter.numel() for parameter in module.parameters(recurse=False))
    if rest:
        sizes["tokens and single numbers"] = rest
    return {piece: size for piece, size in sizes.items() if size}


def count(config: IsdramaConfig) -> dict[str, dict[str, int]]:
    """Return the number of parameters, piece by piece of each network that is trained.

    Networks are made on torch's meta device: shapes without numbers. Frozen ones from elsewhere
    (BERT, FLAN-T5, CLIP) and critics are not counted.

    Parameters
    ----------
    config
        Of any size.

    Examples
    --------
    >>> from spatialdrama_isdrama.presets import preset
    >>> whole, without = (count(preset("tiny", f0=f0))["transformer"] for f0 in (True, False))
    >>> sorted(set(whole) - set(without))
    ['pitch', 'pitch_in']
    """
    with torch.device("meta"):
        return {name: _pieces(name, make(config)) for name, make in _parts().items()}


def table(config: IsdramaConfig) -> str:
    """Return the counts as a Markdown table, with the paper's figure beside a model of its width.

    Parameters
    ----------
    config
        Of any size.

    Examples
    --------
    >>> from spatialdrama_isdrama.presets import preset
    >>> print(table(preset("tiny")).splitlines()[0])
    | network | part | parameters |
    """
    lines = ["| network | part | parameters |", "| --- | --- | ---: |"]
    total = 0
    for name, pieces in count(config).items():
        for piece, size in pieces.items():
            lines.append(f"| {name} | {piece}{_paper(f'{name}.{piece}', config)} | {size:,} |")
        whole = sum(pieces.values())
        total += whole
        beside = _paper(name, config) + (_without_fan(config) if name == "transformer" else "")
        lines.append(f"| **{name}** | **all**{beside} | **{whole:,}** |")
    return "\n".join([*lines, f"| **all** | | **{total:,}** |"])


def _paper(name: str, config: IsdramaConfig) -> str:
    """Return what the paper prints for a network or its part, for a model of the paper's width."""
    width = config.pose.width if name.startswith("pose") else config.transformer.width
    if name not in PRINTED or width != PRINTED_WIDTH:
        return ""
    return f" (paper: {PRINTED[name] / 1e6:g} M)"


def _without_fan(config: IsdramaConfig) -> str:
    """Return a word about experts without FAN, which have more parameters at the same width."""
    transformer = config.transformer
    if transformer.fan:
        return ""
    # Of inner columns FAN gets a share of sines and one of cosines from the same weights.
    same = round(transformer.fan_inner * (1 - transformer.fan_share / 2))
    return f" (fan=False: larger than with FAN; fan_inner={same} has as many)"
