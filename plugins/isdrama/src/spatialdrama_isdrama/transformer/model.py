"""The Immersive Drama Transformer: from a point of the flow to its velocity (paper 4.3, C.6)."""

from __future__ import annotations

import attrs
import torch
from torch import nn

from spatialdrama.errors import ValidationError

from ..layers import RmsNorm, every_fourth, masked, masked_mean, modulate, places
from .balance import balance_loss
from .block import Block, Routing, Rows, Stream
from .conditions import Conditions
from .config import TransformerConfig
from .embedders import Downsample, PromptEncoder, TimeEmbedding, with_null
from .field import Field, Kept
from .pitch import Pitch, PitchEmbedding, PitchPredictor, log_hertz
from .routing import chosen, rows_of

Tensor = torch.Tensor


@attrs.frozen(kw_only=True, eq=False)
class Encoded:
    """Conditions as the blocks take them: computed once for all steps of a solver."""

    stream: Stream
    line_mask: Tensor
    """(b, l)"""
    frame_mask: Tensor
    """(b, 4 l)"""
    prompt: Tensor
    """z_a (b, p, d): the learned null token where there is no prompt."""
    added: Tensor
    """(b, p + l, d): z_c + z_p at the latent rate, learned tokens beside the prompt."""
    summary: Tensor
    """(b, d): mean(z_a) + mean(z_s), the part of z_g that knows no t."""
    logits: list[dict[str, Tensor]]
    """Of each block and group (b, p + l, n)."""
    pitch: tuple[Tensor, Tensor] | None
    """log f0 and voiced (b, 4 l) that the later blocks are to follow."""
    _rows: list[Rows] = attrs.field(factory=list, repr=False)

    def rows(self) -> list[Rows]:
        """Return the tokens of each best expert of each block, found once.

        Finding them makes the host wait for the device, so that a solver's later steps do not.
        """
        if not self._rows:
            for block in self.logits:
                mask = self.stream.mask
                self._rows.append(
                    {k: rows_of(chosen(x), mask, x.shape[-1]) for k, x in block.items()}
                )
        return self._rows


class DramaTransformer(nn.Module):
    """v(x, t | C): a flow-based Mamba-Transformer (figure 4 b).

    The prompt is encoded to z_a and put before x_t in time; content and pose, brought to the latent
    rate, are added to x_t (E6, E21); the blocks' output over the prompt is discarded. The first
    block's output predicts pitch, which the others get (E13).

    Parameters
    ----------
    config
        The paper's by default.

    Examples
    --------
    >>> small = dict(width=16, heads=2, content_width=8, pose_width=8, scene_width=8)
    >>> model = DramaTransformer(TransformerConfig(blocks=2, fan_inner=16, **small))
    >>> line = torch.ones(1, 8, dtype=torch.bool)
    >>> c = Conditions(content=torch.randn(1, 8, 8), pose=torch.randn(1, 2, 8, 8), mask=line)
    >>> field = model(torch.randn(1, 40, 2), torch.tensor([0.5]), c)
    >>> field.velocity.shape, field.pitch.log_f0.shape
    (torch.Size([1, 40, 2]), torch.Size([1, 8]))
    """

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.config = config
        d = config.width
        self.time = TimeEmbedding(d)
        self.into = nn.Linear(config.latent, d)
        self.prompt = PromptEncoder(config.latent, d, config.prompt_kernel)
        self.content = Downsample(config.content_width, d, config.down_kernel)
        self.pose = Downsample(config.pose_width, d, config.down_kernel, streams=2)
        self.scene = nn.Linear(config.scene_width, d)
        for name in ("null_prompt", "null_scene", "no_content", "no_pose"):
            setattr(self, name, nn.Parameter(torch.randn(d) * 0.02))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.pitch = self.pitch_in = None
        if config.f0:
            self.pitch = PitchPredictor(d)
            self.pitch_in = PitchEmbedding(d, config.pitch_kernel)
        self.last_norm = RmsNorm(d)
        self.last_modulation = nn.Linear(d, 2 * d)
        self.out = nn.Linear(d, config.latent)
        # As in DiT: the field starts at zero everywhere, whatever the blocks hold.
        for layer in (self.last_modulation, self.out):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def encode(self, conditions: Conditions) -> Encoded:
        """Return all that does not depend on x or t.

        Raises
        ------
        ValidationError
            If a width is not the config's.
        """
        self._check(conditions)
        z_a, prompt_mask = self._prompt(*conditions.prompts())
        z_s, scene_mask = conditions.scenes()
        if z_s.shape[1]:
            z_s = self.scene(masked(z_s, scene_mask))
        z_s, scene_mask = with_null(z_s, scene_mask, self.null_scene)
        line_mask = every_fourth(conditions.mask)
        before = z_a.shape[:2]
        content = self._after(
            self.no_content, before, self.content(conditions.content[:, None], conditions.mask)
        )
        pose = self._after(self.no_pose, before, self.pose(conditions.pose, conditions.mask))
        mask = torch.cat([prompt_mask, line_mask], dim=1)
        stream = Stream(mask=mask, positions=places(mask), scene=z_s, scene_mask=scene_mask)
        given = conditions.pitch()
        return Encoded(
            stream=stream,
            line_mask=line_mask,
            frame_mask=conditions.mask,
            prompt=z_a,
            added=content + pose,
            summary=masked_mean(z_a, prompt_mask) + masked_mean(z_s, scene_mask),
            logits=[block.route(content, pose, stream, z_a, prompt_mask) for block in self.blocks],
            pitch=None if given is None else (log_hertz(given[0]), given[1]),
        )

    def forward(
        self,
        x: Tensor,
        time: Tensor,
        conditions: Conditions | Encoded,
        *,
        tau: float | None = None,
        generator: torch.Generator | None = None,
        keep: bool = False,
    ) -> Field:
        """Return the field at x and t.

        Parameters
        ----------
        x
            (b, c, l), a point of the flow.
        time
            (b,) in [0, 1].
        conditions
            Of the lines, or what :meth:`encode` made of them.
        tau
            Temperature of the routing in training; None: each token's best expert, no noise.
        generator
            Of the routing's Gumbel noise; None: no noise.
        keep
            Whether the field keeps routing, attention weights and scene gates.

        Raises
        ------
        ValidationError
            If x does not fit the conditions.
        """
        encoded = conditions if isinstance(conditions, Encoded) else self.encode(conditions)
        self._check_point(x, time, encoded)
        z_g = encoded.summary + self.time(time)
        into = masked(self.into(x.transpose(1, 2)), encoded.line_mask)
        h = torch.cat([encoded.prompt, into], dim=1) + encoded.added
        # What the layers add up is float32 at least, whatever type their products have.
        h = masked(h.to(torch.promote_types(h.dtype, torch.float32)), encoded.stream.mask)
        routing, kept, pitch = Routing(tau=tau, generator=generator), [], None
        rows = encoded.rows() if tau is None else [None] * len(self.blocks)
        for i, block in enumerate(self.blocks):
            logits = encoded.logits[i]
            h, weights = block(h, z_g, encoded.stream, logits, routing, rows[i], keep)
            if keep:
                kept.append(self._kept(block, weights, logits, encoded))
            if i == 0 and self.pitch is not None:
                pitch, h = self._give_pitch(h, encoded)
        return Field(
            velocity=self._velocity(h, z_g, encoded),
            pitch=pitch,
            balance=self._balance(encoded, tau, h),
            kept=tuple(kept),
        )

    def _prompt(self, latent: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        z_a = self.prompt(latent, mask) if latent.shape[1] else latent
        return with_null(z_a, mask, self.null_prompt)

    @staticmethod
    def _after(token: Tensor, before: torch.Size, line: Tensor) -> Tensor:
        """Return the token beside the prompt (b, p), and the line's own embedding behind it."""
        return torch.cat([token.to(line.dtype).expand(*before, -1), line], dim=1)

    def _line(self, h: Tensor, encoded: Encoded) -> Tensor:
        return h[:, h.shape[1] - encoded.line_mask.shape[1] :]

    def _give_pitch(self, h: Tensor, encoded: Encoded) -> tuple[Pitch, Tensor]:
        line = self._line(h, encoded)
        pitch = self.pitch(line, encoded.line_mask)
        if encoded.pitch is None:
            # What is predicted is trained by its own loss, not by what the later blocks wish for.
            log_f0, voiced = pitch.log_f0.detach(), pitch.voicing > 0
        else:
            log_f0, voiced = encoded.pitch
        added = self.pitch_in(line, log_f0, voiced, encoded.frame_mask)
        front = h[:, : h.shape[1] - line.shape[1]]
        return pitch, torch.cat([front, line + added], dim=1)

    def _velocity(self, h: Tensor, z_g: Tensor, encoded: Encoded) -> Tensor:
        shift, scale = self.last_modulation(nn.functional.silu(z_g)).chunk(2, dim=-1)
        y = self.out(modulate(self.last_norm(self._line(h, encoded)), shift, scale))
        return masked(y, encoded.line_mask).transpose(1, 2)

    def _balance(self, encoded: Encoded, tau: float | None, h: Tensor) -> Tensor:
        # Over the lines alone: beside the prompt every frame has the same pose, a learned token.
        logits = [] if tau is None else [x for block in encoded.logits for x in block.values()]
        if not logits:
            return h.new_zeros((), dtype=torch.float32)
        line = [self._line(group, encoded) for group in logits]
        return balance_loss(line, encoded.line_mask, self.config.balance)

    def _kept(self, block: Block, weights, logits: dict[str, Tensor], encoded: Encoded) -> Kept:
        attention, scene = weights
        return Kept(
            attention=attention,
            scene_attention=scene,
            scene_gates=block.attention.gates().detach(),
            routing={k: self._line(v, encoded).softmax(-1) for k, v in logits.items()},
        )

    def _check(self, conditions: Conditions) -> None:
        widths = {
            "content": (conditions.content.shape[-1], self.config.content_width),
            "pose": (conditions.pose.shape[-1], self.config.pose_width),
        }
        if conditions.prompt is not None and conditions.prompt.shape[-1]:
            widths["prompt"] = (conditions.prompt.shape[1], self.config.latent)
        if conditions.scene is not None and conditions.scene.shape[1]:
            widths["scene"] = (conditions.scene.shape[-1], self.config.scene_width)
        for name, (seen, wanted) in widths.items():
            if seen != wanted:
                raise ValidationError(
                    f"DramaTransformer: the {name} is {seen} wide and the config's is {wanted}; "
                    "use the encoder that the config was made for."
                )

    def _check_point(self, x: Tensor, time: Tensor, encoded: Encoded) -> None:
        b, latents = encoded.line_mask.shape
        wanted = (b, self.config.latent, latents)
        if tuple(x.shape) != wanted or tuple(time.shape) != (b,):
            raise ValidationError(
                f"DramaTransformer: x must be {wanted} and time {(b,)} for these conditions; "
                f"got {tuple(x.shape)} and {tuple(time.shape)}."
            )
