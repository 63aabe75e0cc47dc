"""The geometric branch: positions, orientation and radial velocities to z_p-geo (4.2, C.1)."""

from __future__ import annotations

import itertools

import torch
from torch import nn
from torch.nn import functional

from spatialdrama.errors import ValidationError
from spatialdrama_isdrama.layers import MaskedConv, masked

from . import geometry
from .config import PoseConfig
from .views import derived, derived_width, seen_from_ears


class GeometricBranch(nn.Module):
    """Conv1d of kernel 5 over what :func:`.geometry.features` gives.

    Parameters
    ----------
    config : PoseConfig
        `geometric`, `kernel`, `geometric_layers`, `orientation`, and the numbers of E7.

    Notes
    -----
    With "per_ear" the mirror image of a pose (:func:`.geometry.mirror`) swaps the ears of z_p.

    Examples
    --------
    >>> branch = GeometricBranch(PoseConfig(width=8, heads=2))
    >>> branch(torch.randn(2, 5, 12), torch.ones(2, 5, dtype=torch.bool)).shape
    torch.Size([2, 2, 5, 8])
    """

    def __init__(self, config: PoseConfig):
        super().__init__()
        self.config = config
        width = config.width if config.geometric == "per_ear" else 2 * config.width
        widths = [derived_width(config)] + [width] * config.geometric_layers
        self.convs = nn.ModuleList(
            MaskedConv(before, after, config.kernel) for before, after in itertools.pairwise(widths)
        )

    def forward(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return z_p-geo (b, e, t, d), zero outside the mask.

        Parameters
        ----------
        features
            (b, t, 12).
        mask
            (b, t).

        Raises
        ------
        ValidationError
            For features of another width.
        """
        if features.ndim != 3 or features.shape[-1] != geometry.WIDTH:
            raise ValidationError(
                f"features must have shape (b, t, {geometry.WIDTH}), as geometry.features gives "
                f"them; got {tuple(features.shape)}."
            )
        features = masked(features, mask)
        if self.config.geometric == "joint":
            both = self._convolve(derived(features, self.config), mask)
            return both.unflatten(-1, (2, -1)).permute(0, 2, 1, 3)
        seen = derived(seen_from_ears(features), self.config).flatten(0, 1)
        each = self._convolve(seen, mask.repeat_interleave(2, dim=0))
        return each.unflatten(0, (-1, 2))

    def _convolve(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.convs[0](x, mask)
        for conv in self.convs[1:]:
            x = conv(functional.gelu(x), mask)
        return x
