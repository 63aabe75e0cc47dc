"""One block: attention that may see the room, Mamba layers, Drama-MOE (paper C.6; E3, E16, E19)."""

from __future__ import annotations

import attrs
import torch
from torch import nn
from torch.nn import functional

from ..layers import Attention, FeedForward, Modulation, RmsNorm, masked, modulate
from ..layers.adaln import Part
from ..scan import Mamba
from .config import TransformerConfig
from .moe import ExpertGroup, Router
from .scene_attention import SceneAttention

Tensor = torch.Tensor


@attrs.frozen(kw_only=True, eq=False)
class Stream:
    """What stays the same along the flow and through the blocks: masks, places, scene, routing."""

    mask: Tensor
    """(b, p + l): prompt, then line."""
    positions: Tensor
    """(b, p + l): the place of each frame among what is there."""
    scene: Tensor
    """(b, s, d)"""
    scene_mask: Tensor
    """(b, s)"""


@attrs.frozen(kw_only=True, eq=False)
class Routing:
    """How experts are chosen in one call: softly at a temperature, or the best one alone."""

    tau: float | None = None
    generator: torch.Generator | None = None


#: Tokens of each expert of each group of a block.
Rows = dict[str, tuple[Tensor, ...]]


def equal_parameters(config: TransformerConfig) -> tuple[int, int]:
    """Return how many Transformer layers take Mamba's place, and how wide their inner layer is.

    Table 4 replaces Mamba "with a memory-equivalent Transformer", of which fewer layers fit: two
    for three, and the width that makes the parameters equal.

    Examples
    --------
    >>> equal_parameters(TransformerConfig())
    (2, 2143)
    """
    d, n = config.width, config.mamba_layers
    with torch.device("meta"):
        one = Mamba(d, state=config.state, conv=config.conv, expand=config.expand)
    budget = n * sum(p.numel() for p in one.parameters())
    layers = max(1, round(2 * n / 3))
    left = budget / layers - 4 * (d * d + d) - d
    return layers, max(d // 4, round(left / (2 * d + 1)))


class _Sequence(nn.Module):
    """The layers in Mamba's place, in the order they run, and one name for how each is called."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.layers = nn.ModuleList()
        if config.mamba:
            for _ in range(config.mamba_layers):
                self.layers.append(
                    Mamba(
                        config.width,
                        state=config.state,
                        conv=config.conv,
                        expand=config.expand,
                        bidirectional=config.bidirectional,
                        kernel=config.scan,
                    )
                )
            return
        count, inner = equal_parameters(config)
        for _ in range(count):
            self.layers.append(Attention(config.width, config.heads))
            self.layers.append(FeedForward(config.width, inner))

    def run(self, i: int, x: Tensor, stream: Stream) -> Tensor:
        layer = self.layers[i]
        if isinstance(layer, Attention):
            return layer(x, stream.mask, positions=stream.positions)
        return layer(x) if isinstance(layer, FeedForward) else layer(x, stream.mask)


class Block(nn.Module):
    """Each layer reads its input normalised and modulated by z_g, and adds gate times its answer.

    h <- h + gate * layer(AdaLN(h, z_g)): equation 17 with RMSNorm for the layer norm (E19). The
    gates start at zero, so a block starts by passing on what it gets.

    With ``modulation="block"`` the attention and the Mamba layers share one shift, scale and gate,
    and so do the expert groups, as the two halves of a DiT block have one each (177 M, E2); their
    norms then have weights of their own.

    Parameters
    ----------
    config
        Of the transformer.
    """

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.dropout = config.dropout
        self.attention_first = config.order == "attention"
        self.attention = SceneAttention(config.width, config.heads)
        self.sequence = _Sequence(config)
        self.router = Router(config) if config.groups else None
        groups = config.groups or {"dense": 1}
        self.groups = nn.ModuleDict(
            {name: ExpertGroup(config, count) for name, count in groups.items()}
        )
        mixing, feeding = 1 + len(self.sequence.layers), len(groups)
        each = config.modulation == "layer"
        self.modulation = Modulation(config.width, mixing + feeding if each else 2)
        self.part_of = list(range(mixing + feeding)) if each else [0] * mixing + [1] * feeding
        self.norms = nn.ModuleList(
            RmsNorm(config.width, affine=not each) for _ in range(mixing + feeding)
        )

    def route(
        self, content: Tensor, pose: Tensor, stream: Stream, prompt: Tensor, prompt_mask: Tensor
    ) -> dict[str, Tensor]:
        """Return the logits of each group: see :class:`~.moe.Router`. Empty without routing."""
        if self.router is None:
            return {}
        return self.router(content, pose, stream.mask, prompt, prompt_mask)

    def forward(
        self,
        h: Tensor,
        z_g: Tensor,
        stream: Stream,
        logits: dict[str, Tensor],
        routing: Routing,
        rows: Rows | None = None,
        keep: bool = False,
    ) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
        """Return h (b, p + l, d) and, with `keep`, the weights of attention and scene attention.

        Parameters
        ----------
        h, z_g
            (b, p + l, d), zero in the padding; (b, d).
        stream
            Masks, places and scene.
        logits
            Of each group, from :meth:`route`.
        routing
            How experts are chosen.
        rows
            Tokens of each best expert, where they are known already.
        keep
            Whether attention weights are returned.
        """
        parts = self.modulation(z_g)
        kept: tuple[Tensor, Tensor] | None = None

        def attention(x: Tensor) -> Tensor:
            nonlocal kept
            y, kept = self.attention(
                x,
                stream.mask,
                stream.scene,
                stream.scene_mask,
                positions=stream.positions,
                keep=keep,
            )
            return y

        def following(i: int):
            return lambda x: self.sequence.run(i, x, stream)

        def group(name: str):
            return lambda x: self.groups[name](
                x,
                stream.mask,
                logits.get(name),
                routing.tau,
                routing.generator,
                None if rows is None else rows.get(name),
            )

        layers = [following(i) for i in range(len(self.sequence.layers))]
        layers = [attention, *layers] if self.attention_first else [*layers, attention]
        layers += [group(name) for name in self.groups]
        for layer, norm, part in zip(layers, self.norms, self.part_of, strict=True):
            h = masked(h + self._step(layer, norm, parts[part], h), stream.mask)
        return h, kept

    def _step(self, layer, norm: RmsNorm, part: Part, h: Tensor) -> Tensor:
        y = part.gate * layer(modulate(norm(h), part.shift, part.scale))
        return functional.dropout(y, self.dropout, self.training)
