"""Two ears from one excitation: what keeps the phase between them (E24 a)."""

from __future__ import annotations

import torch
from torch import nn

from spatialdrama.errors import ValidationError

from .coherence import CoherenceHead
from .config import VocoderConfig
from .frames import held
from .gains import mid_mel
from .generator import NsfGenerator, fold_weight_norm
from .shaped import source_of
from .source import Noise
from .spatial import spatialise


class BinauralVocoder(nn.Module):
    """Mels of both ears, F0 and the ears' delays to both ears' samples.

    One generator makes one sound from the ears' common mel and F0; magnitudes, delays and
    coherence make two of it. Vocoding each mel by itself leaves the phase between the ears to
    chance (facts, B3: 1.57 rad, .71 ms).

    Parameters
    ----------
    config
        With ``kind="binaural"``.

    Raises
    ------
    ValidationError
        If the config is of another kind.

    Examples
    --------
    >>> vocoder = BinauralVocoder(VocoderConfig.sized("tiny")).eval()
    >>> mel, f0, delay = torch.full((1, 2, 80, 4), -3.0), torch.zeros(1, 4), torch.zeros(1, 2, 4)
    >>> vocoder(mel, f0, delay, noise=torch.Generator().manual_seed(0)).shape
    torch.Size([1, 2, 1024])
    """

    def __init__(self, config: VocoderConfig):
        super().__init__()
        if config.kind != "binaural":
            raise ValidationError(
                f"BinauralVocoder needs a config of kind 'binaural', got {config.kind!r}; "
                "use vocoder_of(config)"
            )
        self.config = config
        self.source = source_of(config)
        self.generator = NsfGenerator(config)
        self.head = CoherenceHead(config) if config.coherence == "predicted" else None

    def mid(
        self,
        mel: torch.Tensor,
        f0: torch.Tensor,
        mask: torch.Tensor | None = None,
        *,
        noise: Noise,
        phases: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the one sound (b, n) behind both ears, from mels (b, e, f, t) and F0 (b, t)."""
        common = mid_mel(mel, self.config.mid)
        excitation = self.source(f0, common, mask, noise=noise, phases=phases)
        return self.generator(common, excitation, mask)

    def forward(
        self,
        mel: torch.Tensor,
        f0: torch.Tensor,
        delay: torch.Tensor,
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
            (b, e, f, t) log10 magnitudes, true or generated.
        f0
            (b, t) Hz as heard, 0 where unvoiced.
        delay
            (b, e, t) s; see :func:`~spatialdrama_isdrama.vocoder.geometry.delays_of`.
        mask
            (b, t).
        noise
            (b, n) normal numbers, a generator, or one for each item.
        phases
            (b, harmonics) in cycles; see :class:`~.source.HarmonicSource`.
        coherence
            (b, bands, t), in the place of what the head says; needed where the config says
            "given".

        Raises
        ------
        ValidationError
            If shapes do not belong together, or a coherence is missing.
        """
        # Garbage in the padding must not reach a network that only multiplies it by zero.
        mel = held(mel, mask)
        if coherence is None and self.head is not None:
            coherence = self.head(mel, mask)
        if coherence is None and self.config.coherence == "given":
            raise ValidationError(
                "this vocoder's config says coherence='given': pass coherence (b, "
                f"{self.config.coherence_bands}, t), or build it with coherence='none'"
            )
        mid = self.mid(mel, f0, mask, noise=noise, phases=phases)
        return spatialise(mid, mel, delay, coherence, mask, config=self.config)

    def fold(self) -> BinauralVocoder:
        """Fold the weight normalisation, for inference."""
        return fold_weight_norm(self)
