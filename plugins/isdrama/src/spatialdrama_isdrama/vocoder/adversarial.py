"""What discriminators and generator want of each other: least squares and matching features.

Sources: X. Mao et al. (2017), "Least squares generative adversarial networks", ICCV, eq. 9;
Kong et al. (2020), HiFi-GAN, eq. 1 to 4.
"""

from __future__ import annotations

import torch

#: What a discriminator says of a sound: a score map and the features on the way to it, for each
#: of its parts.
Verdict = list[tuple[torch.Tensor, list[torch.Tensor]]]


def discriminator_loss(real: Verdict, made: Verdict) -> torch.Tensor:
    """Return the sum over parts of mean (D(real) - 1)^2 + D(made)^2 (HiFi-GAN, eq. 1).

    Examples
    --------
    >>> float(discriminator_loss([(torch.ones(3), [])], [(torch.zeros(3), [])]))
    0.0
    """
    pairs = zip(real, made, strict=True)
    return sum(
        (1 - r.float()).square().mean() + m.float().square().mean() for (r, _), (m, _) in pairs
    )


def generator_loss(made: Verdict) -> torch.Tensor:
    """Return the sum over parts of mean (D(made) - 1)^2 (HiFi-GAN, eq. 2).

    Examples
    --------
    >>> float(generator_loss([(torch.zeros(3), []), (torch.ones(3), [])]))
    1.0
    """
    return sum((1 - score.float()).square().mean() for score, _ in made)


def feature_loss(real: Verdict, made: Verdict) -> torch.Tensor:
    """Return the sum over parts and layers of the mean distance of features (HiFi-GAN, eq. 4).

    The real sound's features are what is aimed at; no gradient goes into them.

    Examples
    --------
    >>> a, b = torch.zeros(3), torch.ones(3)
    >>> float(feature_loss([(a, [a, a])], [(a, [b, b])]))
    2.0
    """
    return sum(
        (r.detach().float() - m.float()).abs().mean()
        for (_, wanted), (_, found) in zip(real, made, strict=True)
        for r, m in zip(wanted, found, strict=True)
    )
