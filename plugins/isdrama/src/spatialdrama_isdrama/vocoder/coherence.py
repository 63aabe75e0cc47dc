"""How alike the ears are, read from how their mels differ."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..layers.conv import MaskedConv
from .config import VocoderConfig
from .gains import mid_mel

_START = 2.0  # logit; .88 is what dry speech in a living room has, and what recordings have (B2)


class CoherenceHead(nn.Module):
    """Mels of the ears (b, e, f, t) to the coherence between them (b, bands, t) in (0, 1).

    It sees the mid mel and the size of the difference, so exchanged ears are as alike as before.

    Parameters
    ----------
    config
        Reads `mels`, `mid`, `floor`, `coherence_bands`, `coherence_width`.

    Examples
    --------
    >>> CoherenceHead(VocoderConfig.sized("tiny"))(torch.zeros(1, 2, 80, 4), None).shape
    torch.Size([1, 16, 4])
    """

    def __init__(self, config: VocoderConfig):
        super().__init__()
        self.config = config
        self.first = MaskedConv(2 * config.mels, config.coherence_width, 5)
        self.second = MaskedConv(config.coherence_width, config.coherence_width, 5)
        self.last = nn.Linear(config.coherence_width, config.coherence_bands)
        nn.init.zeros_(self.last.weight)
        nn.init.constant_(self.last.bias, _START)

    def forward(self, mel: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Return the coherence."""
        common = mid_mel(mel, self.config.mid)
        seen = torch.cat([common, (mel[:, 0] - mel[:, 1]).abs()], 1).transpose(1, 2)
        x = F.gelu(self.first(seen, mask))
        x = F.gelu(self.second(x, mask))
        return torch.sigmoid(self.last(x).float()).transpose(1, 2)
