"""The critic of mels: LSGAN over windows of several lengths (paper C.5).

After ML-GAN of HiFiSinger (Chen et al. 2020): one small network for each length, each on a random
window. A short window shows texture, a long one how a syllable goes. Both ears are two channels of
one picture, so that an unlikely level between them is seen.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .config import AutoencoderConfig

#: Leak of the activations, and halvings of time and bands in a critic.
LEAK = 0.2
HALVED = 3


class WindowCritic(nn.Module):
    """Three convolutions that halve time and bands, and one number for the window.

    Parameters
    ----------
    bands, window : int
        Size of the picture.
    width : int
        Channels.

    Examples
    --------
    >>> WindowCritic(80, 32, 8)(torch.randn(3, 2, 80, 32)).shape
    torch.Size([3])
    """

    def __init__(self, bands: int, window: int, width: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(2 if i == 0 else width, width, 3, stride=2, padding=1) for i in range(HALVED)
        )
        for _ in range(HALVED):
            bands, window = (bands + 1) // 2, (window + 1) // 2
        self.score = nn.Linear(width * bands * window, 1)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Return a score (b,) of pictures (b, 2, f, window)."""
        for conv in self.convs:
            picture = F.leaky_relu(conv(picture), LEAK)
        return self.score(picture.flatten(1))[:, 0]


class Discriminator(nn.Module):
    """One critic for each length of window; see the module.

    The windows are drawn apart (:meth:`draw`), so that true and decoded mel are seen through the
    same ones, and so that a run can be repeated.

    Parameters
    ----------
    config : AutoencoderConfig

    Examples
    --------
    >>> critic = Discriminator(AutoencoderConfig(critic_width=8))
    >>> mel, mask = torch.randn(2, 2, 80, 200), torch.ones(2, 200, dtype=torch.bool)
    >>> starts = critic.draw(mask, torch.Generator().manual_seed(0))
    >>> starts.shape, critic(mel, mask, starts).shape
    (torch.Size([3, 2]), torch.Size([2, 3]))
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.critics = nn.ModuleList(
            WindowCritic(config.bands, window, config.critic_width) for window in config.windows
        )

    def draw(self, mask: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Draw where each window starts, evenly among the places where it fits into its item.

        Parameters
        ----------
        mask : tensor of bool, shape (b, t)
            True up to an item's length.
        generator : torch.Generator

        Returns
        -------
        tensor of int, shape (windows, b)
            0 for an item that is shorter than the window: what is missing is silence.
        """
        shape = (len(self.config.windows), len(mask))
        even = torch.rand(shape, generator=generator, device=generator.device).to(mask.device)
        windows = torch.tensor(self.config.windows, device=mask.device)[:, None]
        places = (mask.sum(1) - windows + 1).clamp(min=1)
        # The product can round up to the number of places itself.
        return torch.minimum((even * places).long(), places - 1)

    def forward(self, mel: torch.Tensor, mask: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        """Score mels, towards 1 for true and 0 for decoded ones.

        Parameters
        ----------
        mel : tensor, shape (b, 2, f, t)
        mask : tensor of bool, shape (b, t)
            What lies outside is taken for silence.
        starts : tensor of int, shape (windows, b)
            From :meth:`draw`.

        Returns
        -------
        tensor, shape (b, windows)
        """
        config = self.config
        x = torch.where(mask[:, None, None], mel - config.silence, mel.new_zeros(()))
        # Silence is 0 here, so that an item shorter than a window goes on as silence.
        x = F.pad(x / config.spread, (0, max(config.windows)))
        scores = []
        for critic, window, start in zip(self.critics, config.windows, starts, strict=True):
            at = start[:, None] + torch.arange(window, device=mel.device)
            at = at[:, None, None].expand(-1, *x.shape[1:3], -1)
            scores.append(critic(x.gather(-1, at)))
        return torch.stack(scores, dim=1)
