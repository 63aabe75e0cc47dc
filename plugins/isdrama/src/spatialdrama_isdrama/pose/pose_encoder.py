"""The Multimodal Pose Encoder: three branches, one space (paper 4.2, figure 4a)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from spatialdrama_isdrama.layers import RmsNorm, masked_mean, widened
from spatialdrama_isdrama.sizes import parameters_of

from .conditioned import ConditionedBranch
from .config import PoseConfig
from .geometric import GeometricBranch
from .images import image_embedder
from .pool import parts
from .readback import ReadBack, Reading
from .text_condition import text_condition
from .video_condition import CAMERA_WIDTH, PIXEL_WIDTH


class PoseEncoder(nn.Module):
    """From geometry, words or silent video to z_p (b, e, t, d), and back to a pose.

    Parameters
    ----------
    config : PoseConfig

    Attributes
    ----------
    words
        What makes a condition of texts: ``words(texts) -> (b, s, d), mask``. Trained with the
        encoder if "hashed"; "flan-t5" is loaded when first used and stays as it is.
    pictures
        What makes embeddings of pictures, likewise.

    Examples
    --------
    >>> config = PoseConfig(
    ...     width=16, heads=2, layers=1, inner=16, content_width=16, text_condition="hashed",
    ...     text_width=16, image_condition="small", image_width=8)
    >>> encoder = PoseEncoder(config).eval()
    >>> mask = torch.ones(1, 12, dtype=torch.bool)
    >>> z_p = encoder.text(None, mask, *encoder.words(["walks from left to right"]))
    >>> z_p.shape, encoder.embed(z_p, mask).shape
    (torch.Size([1, 2, 12, 16]), torch.Size([1, 32]))
    """

    def __init__(self, config: PoseConfig):
        super().__init__()
        self.config = config
        self.words = text_condition(config)
        self.pictures = image_embedder(config)
        video_width = CAMERA_WIDTH + PIXEL_WIDTH + config.image_width
        self.geometric_branch = GeometricBranch(config)
        self.text_branch = ConditionedBranch(config, config.text_width)
        self.video_branch = ConditionedBranch(config, video_width, timed=True)
        self.norm = RmsNorm(config.width) if config.normalised else nn.Identity()
        self.reader = ReadBack(config)
        ears = 2 if config.pool == "concat" else 1
        pooled = ears * config.pool_parts * config.width
        wanted = config.embed_width
        self.project = nn.Linear(pooled, wanted, bias=False) if wanted else nn.Identity()

    def geometric(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return z_p-geo (b, e, t, d) from (b, t, 12) of :func:`.geometry.features`."""
        return self.norm(self.geometric_branch(features, mask))

    def text(
        self,
        z_c: torch.Tensor | None,
        mask: torch.Tensor,
        condition: torch.Tensor,
        condition_mask: torch.Tensor,
        *,
        content_there: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return z_p-txt (b, e, t, d).

        Parameters
        ----------
        z_c, mask
            (b, t, content_width) or None, (b, t).
        condition, condition_mask
            (b, s, text_width), (b, s), as :attr:`words` gives them.
        content_there
            (b,) bool, see :meth:`.conditioned.ConditionedBranch.forward`.
        """
        return self.norm(
            self.text_branch(z_c, mask, condition, condition_mask, content_there=content_there)
        )

    def video(
        self,
        z_c: torch.Tensor | None,
        mask: torch.Tensor,
        condition: torch.Tensor,
        condition_mask: torch.Tensor | None = None,
        *,
        content_there: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return z_p-vid (b, e, t, d).

        Parameters
        ----------
        z_c, mask
            (b, t, content_width) or None, (b, t).
        condition, condition_mask
            (b, t, 7 + 3 + image_width), as :func:`.video_condition.assemble` gives it; (b, t),
            None for `mask`.
        """
        seen = mask if condition_mask is None else condition_mask
        return self.norm(self.video_branch(z_c, mask, condition, seen, content_there=content_there))

    def read_back(self, z_p: torch.Tensor, mask: torch.Tensor | None = None) -> Reading:
        """Return the pose that z_p (b, e, t, d) tells of."""
        return self.reader(z_p, mask)

    def embed(self, z_p: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (b, d_embed) unit vectors, what equation 1 compares (E9).

        The mean over the frames of the mask, or of each of `pool_parts` equal stretches of them,
        of both ears side by side; projected if `embed_width` says so.
        """
        rows = z_p.transpose(1, 2)
        rows = rows.flatten(2) if self.config.pool == "concat" else rows.mean(2)
        stretches = parts(mask, self.config.pool_parts)
        pooled = torch.cat([masked_mean(rows, part) for part in stretches], dim=-1)
        pooled = self.project(pooled)
        return functional.normalize(widened(pooled), dim=-1)

    def counts(self) -> dict[str, int]:
        """Return the number of parameters, part by part."""
        return {name: parameters_of(part) for name, part in self.named_children()}


def table(counts: dict[str, int]) -> Sequence[str]:
    """Return the lines of a table of :meth:`PoseEncoder.counts`.

    Examples
    --------
    >>> table({"text_branch": 23_280_384})
    ['text_branch          23.28 M']
    """
    return [f"{name:<18} {number / 1e6:7.2f} M" for name, number in counts.items()]
