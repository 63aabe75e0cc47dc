"""Equation 1: geometry, words and video of the same pose lie together, others apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

import torch
from torch import nn

from spatialdrama.errors import ValidationError

from . import geometry
from .config import PoseConfig
from .views import axes

MODALITIES = ("geometric", "text", "video")
#: The least temperature that is learned: below it one pair alone decides (Radford et al. 2021).
COLDEST = 0.01


def symmetric_info_nce(
    one: torch.Tensor,
    two: torch.Tensor,
    temperature: torch.Tensor | float,
    *,
    alike: torch.Tensor | None = None,
    soft: bool = False,
) -> torch.Tensor:
    """L_{p1,p2} of equation 1 for N pairs.

    -1/(2N) sum_i (log softmax_j(sim(one_i, two_j)/tau)_i + log softmax_j(sim(two_i, one_j)/tau)_i)
    with sim the cosine.

    Parameters
    ----------
    one, two
        (n, d): row i of both is item i, in two modalities. Need not be of unit length.
    temperature
        tau.
    alike
        (n, n) bool, symmetric: items that cannot be told apart (E9). Without it every other item is
        a negative, as printed.
    soft
        What becomes of those: False leaves them out of the denominators; True shares the target
        evenly among an item and its likes (cross-entropy with soft labels).

    Returns
    -------
    torch.Tensor
        A scalar, float32 or wider.

    Raises
    ------
    ValidationError
        For shapes that differ.

    Examples
    --------
    >>> z = torch.eye(2)
    >>> round(float(symmetric_info_nce(z, z, 1.0)), 4)   # log(1 + exp(-1))
    0.3133
    """
    if one.shape != two.shape or one.ndim != 2:
        raise ValidationError(
            f"both modalities need one embedding (d,) an item; got {tuple(one.shape)} and "
            f"{tuple(two.shape)}."
        )
    wide = torch.float64 if one.dtype == torch.float64 else torch.float32
    one, two = (nn.functional.normalize(z.to(wide), dim=-1) for z in (one, two))
    with torch.autocast(one.device.type, enabled=False):
        # In bfloat16 a cosine is off by .004, which 1 / .07 makes a twentieth of a nat.
        logits = one @ two.T / temperature
    own = torch.eye(len(one), dtype=torch.bool, device=one.device)
    if alike is not None and not soft:
        logits = logits.masked_fill(alike & ~own, -torch.inf)
    rows, columns = logits.log_softmax(1), logits.log_softmax(0)
    if alike is None or not soft:
        return -(rows.diagonal() + columns.diagonal()).mean() / 2
    target = (alike | own).to(wide)
    target = target / target.sum(1, keepdim=True)
    return -((target * rows).sum(1) + (target * columns.T).sum(1)).mean() / 2


class Contrastive(nn.Module):
    """L_contras = L_geo,vid + L_geo,txt + L_vid,txt with its temperature (4.2, E9).

    Parameters
    ----------
    config : PoseConfig
        `temperature`, `learned_temperature`, `negatives`.

    Examples
    --------
    >>> loss = Contrastive(PoseConfig())
    >>> z = torch.eye(3)
    >>> loss({"geometric": z, "text": z, "video": z}).item() < 1e-4
    True
    """

    def __init__(self, config: PoseConfig):
        super().__init__()
        self.negatives = config.negatives
        # The logarithm keeps a learned temperature positive.
        start = torch.tensor(math.log(config.temperature))
        if config.learned_temperature:
            self.log_temperature = nn.Parameter(start)
        else:
            self.register_buffer("log_temperature", start)

    @property
    def temperature(self) -> torch.Tensor:
        """tau, at least :data:`COLDEST`."""
        return self.log_temperature.exp().clamp(min=COLDEST)

    def forward(
        self,
        embeddings: Mapping[str, torch.Tensor],
        *,
        there: Mapping[str, torch.Tensor] | None = None,
        alike: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the sum over the pairs of modalities that are given.

        Parameters
        ----------
        embeddings
            {"geometric" | "text" | "video": (b, d)}; at least two.
        there
            {modality: (b,) bool}: items that have it. A pair is compared over those that have both;
            with fewer than two of them it says nothing and counts as zero.
        alike
            (b, b) bool, for `negatives` "mask" and "soft"; :func:`.batches.alike` makes it.

        Raises
        ------
        ValidationError
            For fewer than two modalities or an unknown one.
        """
        unknown = set(embeddings) - set(MODALITIES)
        if unknown or len(embeddings) < 2:
            raise ValidationError(
                f"equation 1 compares two or three of {', '.join(MODALITIES)}; got "
                f"{', '.join(sorted(embeddings)) or 'none'}."
            )
        alike = None if self.negatives == "all" else alike
        total = next(iter(embeddings.values())).new_zeros((), dtype=torch.float32)
        for one, two in combinations([m for m in MODALITIES if m in embeddings], 2):
            keep = _both(there, one, two, len(embeddings[one]), embeddings[one].device)
            if int(keep.sum()) < 2:
                continue
            total = total + symmetric_info_nce(
                embeddings[one][keep],
                embeddings[two][keep],
                self.temperature,
                alike=None if alike is None else alike[keep][:, keep],
                soft=self.negatives == "soft",
            )
        return total


def frame_embeddings(z_p: torch.Tensor, mask: torch.Tensor, every: int = 8) -> torch.Tensor:
    """Return (m, 2 d), a row for each `every`-th frame of each item, to compare frames by eq. 1.

    The same frames of another modality are the positives (E9); all others are negatives, those of
    the same item too, unless :func:`frames_alike` says that nothing tells them apart.

    Examples
    --------
    >>> mask = torch.tensor([[True] * 9, [True] * 4 + [False] * 5])
    >>> frame_embeddings(torch.randn(2, 2, 9, 3), mask, every=4).shape
    torch.Size([4, 6])
    """
    both = z_p.transpose(1, 2).flatten(2)[:, ::every]
    return both[mask[:, ::every]]


def frames_alike(
    features: torch.Tensor, mask: torch.Tensor, every: int = 8, tolerance: float = 0.1
) -> torch.Tensor:
    """Return (m, m) bool for the rows of :func:`frame_embeddings`: poses that are nearly the same.

    Places within `tolerance` metres, mouth and crown within `tolerance` radians or so, velocities
    within `tolerance` m/s, each number by itself.

    Parameters
    ----------
    features
        (b, t, 12).
    mask
        (b, t).
    every, tolerance

    Examples
    --------
    >>> still = torch.ones(1, 9, 12)
    >>> frames_alike(still, torch.ones(1, 9, dtype=torch.bool), every=4).all()
    tensor(True)
    """
    rows = features[:, ::every][mask[:, ::every]]
    turns = axes(rows[:, geometry.QUATERNION])
    rows = torch.cat([rows[:, :6], *turns, rows[:, geometry.VELOCITY]], dim=1)
    return torch.cdist(rows, rows, p=torch.inf) < tolerance


def retrieval(one: torch.Tensor, two: torch.Tensor) -> float:
    """Return the share of items whose nearest in the other modality is their own (top-1).

    Examples
    --------
    >>> retrieval(torch.eye(3), torch.eye(3))
    1.0
    """
    one, two = (nn.functional.normalize(z.float(), dim=-1) for z in (one, two))
    nearest = (one @ two.T).argmax(1)
    return float((nearest == torch.arange(len(one), device=one.device)).float().mean())


def _both(
    there: Mapping[str, torch.Tensor] | None, one: str, two: str, n: int, device: torch.device
) -> torch.Tensor:
    keep = torch.ones(n, dtype=torch.bool, device=device)
    for name in (one, two):
        if there is not None and name in there:
            keep = keep & there[name].to(device)
    return keep
