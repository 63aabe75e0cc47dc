"""What the pose encoder is trained on: L_contras and L_dur (C.2), and the read-back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from .config import PoseConfig
from .contrastive import Contrastive, frame_embeddings, frames_alike
from .pose_encoder import PoseEncoder
from .readback import read_back_loss


class PoseLoss(nn.Module):
    """Weighted sum of the losses of a batch, each by its name.

    Holds the temperature of equation 1, so its parameters belong to the optimiser too.

    Parameters
    ----------
    config : PoseConfig
        `contrastive`, `contrastive_weight`, `duration_weight`, `read_back_weight`, `align_weight`.

    Examples
    --------
    >>> config = PoseConfig(read_back_weight=0.5)
    >>> PoseLoss(config).contrastive.temperature.round(decimals=2)
    tensor(0.0700, grad_fn=<RoundBackward1>)
    """

    def __init__(self, config: PoseConfig):
        super().__init__()
        self.config = config
        self.contrastive = Contrastive(config) if config.contrastive else None

    def forward(
        self,
        encoder: PoseEncoder,
        z_p: Mapping[str, torch.Tensor],
        features: torch.Tensor,
        mask: torch.Tensor,
        *,
        there: Mapping[str, torch.Tensor] | None = None,
        alike: torch.Tensor | None = None,
        duration: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Return {"contrastive", "duration", "read_back", "align", "total"}, scalars.

        Only those that apply are there; each is unweighted, and "total" is the weighted sum.

        Parameters
        ----------
        encoder
            Pools z_p and reads it back.
        z_p
            {"geometric" | "text" | "video": (b, e, t, d)}.
        features, mask
            (b, t, 12) of the true pose, (b, t).
        there, alike
            See :meth:`.contrastive.Contrastive.forward`. z_p of an item that is not there may be
            anything finite. At the level of frames `alike` is found from the features.
        duration
            L_dur, the squared error of log durations, from the content room.
        """
        config, losses, weights = self.config, {}, {}
        if self.contrastive is not None and len(z_p) > 1:
            losses["contrastive"] = self._contrast(encoder, z_p, features, mask, there, alike)
            weights["contrastive"] = config.contrastive_weight
        if duration is not None:
            losses["duration"], weights["duration"] = duration, config.duration_weight
        seen = {name: _frames(mask, there, name) for name in z_p}
        if config.read_back_weight:
            read = [
                read_back_loss(encoder.read_back(z, mask), features, seen[name])
                for name, z in z_p.items()
            ]
            losses["read_back"], weights["read_back"] = sum(read), config.read_back_weight
        if config.align_weight and "geometric" in z_p:
            # Towards the geometric branch, which sees the pose itself; it is not pulled along.
            truth = z_p["geometric"].detach()
            apart = [_apart(z, truth, seen[name]) for name, z in z_p.items() if name != "geometric"]
            if apart:
                losses["align"], weights["align"] = sum(apart), config.align_weight
        losses["total"] = sum(weights[name] * loss for name, loss in losses.items())
        return losses

    def _contrast(
        self,
        encoder: PoseEncoder,
        z_p: Mapping[str, torch.Tensor],
        features: torch.Tensor,
        mask: torch.Tensor,
        there: Mapping[str, torch.Tensor] | None,
        alike: torch.Tensor | None,
    ) -> torch.Tensor:
        if self.config.contrast_level == "line":
            rows = {name: encoder.embed(z, mask) for name, z in z_p.items()}
            return self.contrastive(rows, there=there, alike=alike)
        every = self.config.contrast_every
        rows = {name: frame_embeddings(z, mask, every) for name, z in z_p.items()}
        if there is not None:
            chosen = mask[:, ::every]
            there = {
                name: has.to(mask.device)[:, None].expand_as(chosen)[chosen]
                for name, has in there.items()
            }
        return self.contrastive(rows, there=there, alike=frames_alike(features, mask, every))


def _frames(
    mask: torch.Tensor, there: Mapping[str, torch.Tensor] | None, name: str
) -> torch.Tensor:
    if there is None or name not in there:
        return mask
    return mask & there[name].to(mask.device)[:, None]


def _apart(z: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean squared distance over the frames of the mask, ears and channels."""
    gap = (z - truth).float().square().mean((1, 3))
    return torch.where(mask, gap, 0.0).sum() / mask.sum().clamp(min=1)
