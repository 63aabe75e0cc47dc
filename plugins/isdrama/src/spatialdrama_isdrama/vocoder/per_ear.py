"""The paper's words: a HiFi-GAN with a source for each ear (C.5)."""

from __future__ import annotations

import torch
from torch import nn

from spatialdrama.errors import ValidationError

from .config import VocoderConfig
from .frames import held
from .generator import NsfGenerator, fold_weight_norm
from .shaped import source_of
from .source import Noise, draw


class PerEarVocoder(nn.Module):
    """Each ear's mel to its samples by one network, each ear with a source of its own.

    The phase between the ears comes out by chance: kept for comparison. ``shared_source`` gives
    both ears the same sines and noise (E24 c).

    Parameters
    ----------
    config
        With ``kind="per_ear"``.

    Raises
    ------
    ValidationError
        If the config is of another kind.

    Examples
    --------
    >>> vocoder = PerEarVocoder(VocoderConfig.sized("tiny", kind="per_ear")).eval()
    >>> mel, f0 = torch.full((1, 2, 80, 4), -3.0), torch.zeros(1, 4)
    >>> vocoder(mel, f0, noise=torch.Generator().manual_seed(0)).shape
    torch.Size([1, 2, 1024])
    """

    def __init__(self, config: VocoderConfig):
        super().__init__()
        if config.kind != "per_ear":
            raise ValidationError(
                f"PerEarVocoder needs a config of kind 'per_ear', got {config.kind!r}; "
                "use vocoder_of(config)"
            )
        self.config = config
        self.source = source_of(config)
        self.generator = NsfGenerator(config)

    def forward(
        self,
        mel: torch.Tensor,
        f0: torch.Tensor,
        delay: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
        *,
        noise: Noise,
        phases: torch.Tensor | None = None,
        coherence: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the samples (b, e, n) of both ears, n = hop t.

        Parameters
        ----------
        mel
            (b, e, f, t) log10 magnitudes.
        f0
            (b, t) Hz, 0 where unvoiced; the same for both ears.
        delay, coherence
            Not looked at; here for one signature.
        mask
            (b, t).
        noise
            (b, e, n) normal numbers, or (b, n) for the same in both ears; a generator, or one for
            each item.
        phases
            (b, harmonics) in cycles.
        """
        b, ears = mel.shape[:2]
        mel = held(mel, mask)
        if not isinstance(noise, torch.Tensor):
            config, n = self.config, f0.shape[1] * self.config.hop
            head = 16 * -(-config.harmonics // 16)
            sides = 1 if config.shared_source else ears
            # Samples first, ears last: a longer item begins as a shorter one does.
            drawn = draw(noise, (b, head + n, sides), f0).transpose(1, 2).expand(-1, ears, -1)
            if phases is None:
                phases = torch.special.ndtr(drawn[..., : config.harmonics])
            noise = drawn[..., head:]
        noise = noise[:, None].expand(-1, ears, -1) if noise.ndim == 2 else noise
        if phases is not None and phases.ndim == 2:
            phases = phases[:, None].expand(-1, ears, -1)
        each = None if mask is None else mask.repeat_interleave(ears, 0)
        excitation = self.source(
            f0.repeat_interleave(ears, 0),
            mel.flatten(0, 1),
            each,
            noise=noise.flatten(0, 1),
            phases=None if phases is None else phases.flatten(0, 1),
        )
        return self.generator(mel.flatten(0, 1), excitation, each).unflatten(0, (b, ears))

    def fold(self) -> PerEarVocoder:
        """Fold the weight normalisation, for inference."""
        return fold_weight_norm(self)
