"""Critics of waveforms: one looks at periods, one at spectra of several resolutions.

Sources: Kong et al. (2020), HiFi-GAN, section 2.3 (multi-period); W. Jang et al. (2021), "UnivNet",
Interspeech, section 2.3 (multi-resolution). Each ear is judged as a sound of its own; with two ears
so are their sum and difference, which only sound right if the ears fit each other.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from ..layers import widened
from .adversarial import Verdict
from .losses import RESOLUTIONS, magnitudes, sum_and_difference

#: Prime, so that none sees what another does (HiFi-GAN).
PERIODS = (2, 3, 5, 7, 11)
_SLOPE = 0.1


class PeriodDiscriminator(nn.Module):
    """A sound folded at a period, convolved along what is a period apart.

    Parameters
    ----------
    period
        Samples.
    width
        Channels of the first layer; 4, 16 and 32 times as many in the next ones.
    """

    def __init__(self, period: int, width: int = 32):
        super().__init__()
        self.period = period
        widths = [1, width, 4 * width, 16 * width, 32 * width]
        steps = [nn.Conv2d(a, b, (5, 1), (3, 1), padding=(2, 0)) for a, b in pairwise(widths)]
        steps.append(nn.Conv2d(widths[-1], widths[-1], (5, 1), padding=(2, 0)))
        self.layers = nn.ModuleList(weight_norm(step) for step in steps)
        self.last = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return scores and features of sounds (rows, n)."""
        x = F.pad(x[:, None], (0, -x.shape[-1] % self.period), mode="reflect")
        return _through(x.unflatten(-1, (-1, self.period)), self.layers, self.last)


class ResolutionDiscriminator(nn.Module):
    """Magnitudes of one resolution, convolved in time and frequency.

    Parameters
    ----------
    resolution
        Transform, hop and window lengths.
    width
        Channels.
    """

    def __init__(self, resolution: tuple[int, int, int], width: int = 32):
        super().__init__()
        self.resolution = resolution
        steps = [nn.Conv2d(1, width, (3, 9), padding=(1, 4))]
        steps += [nn.Conv2d(width, width, (3, 9), (1, 2), padding=(1, 4)) for _ in range(3)]
        steps.append(nn.Conv2d(width, width, (3, 3), padding=(1, 1)))
        self.layers = nn.ModuleList(weight_norm(step) for step in steps)
        self.last = weight_norm(nn.Conv2d(width, 1, (3, 3), padding=(1, 1)))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return scores and features of sounds (rows, n)."""
        with torch.autocast(x.device.type, enabled=False):
            seen = magnitudes(widened(x)[:, None], *self.resolution)
        # Frames first: the strides run along frequency.
        return _through(seen.transpose(2, 3).to(x.dtype), self.layers, self.last)


class Discriminators(nn.Module):
    """Both kinds, on each ear and on sum and difference.

    Parameters
    ----------
    width
        Of both kinds' layers.
    periods
        Of the multi-period part.
    resolutions
        Of the multi-resolution part.

    Examples
    --------
    >>> verdict = Discriminators(width=2)(torch.randn(1, 2, 4096))
    >>> len(verdict)
    8
    """

    def __init__(
        self,
        width: int = 32,
        periods: tuple[int, ...] = PERIODS,
        resolutions: tuple[tuple[int, int, int], ...] = RESOLUTIONS,
    ):
        super().__init__()
        self.parts = nn.ModuleList(
            [
                *(PeriodDiscriminator(period, width) for period in periods),
                *(ResolutionDiscriminator(resolution, width) for resolution in resolutions),
            ]
        )

    def forward(self, x: torch.Tensor) -> Verdict:
        """Return each part's scores and features for sounds (b, e, n)."""
        seen = sum_and_difference(x) if x.shape[1] == 2 else x
        return [part(seen.flatten(0, 1)) for part in self.parts]


def _through(
    x: torch.Tensor, layers: nn.ModuleList, last: nn.Module
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    features = []
    for layer in layers:
        x = F.leaky_relu(layer(x), _SLOPE)
        features.append(x)
    x = last(x)
    return x.flatten(1), [*features, x]
