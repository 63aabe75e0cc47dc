"""From two mels to two ears: neural source filters with interaural phase (paper C.5, E24).

A source of sines and noise (`source`), a generator (`generator`), and what makes two ears of one
sound: magnitudes (`gains`), coherence (`decorrelate`), delays (`delay`, `geometry`), together
`spatial`. `binaural` and `per_ear` are the two vocoders; `losses`, `interaural_losses`,
`adversarial`, `discriminators` and `training` teach them. No file is read or written in here, and
nothing in here knows of scripts or scenes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .binaural import BinauralVocoder
    from .config import VocoderConfig
    from .per_ear import PerEarVocoder


def vocoder_of(config: VocoderConfig) -> BinauralVocoder | PerEarVocoder:
    """Return an untrained vocoder of the config's kind.

    Examples
    --------
    >>> from spatialdrama_isdrama.vocoder.config import VocoderConfig
    >>> type(vocoder_of(VocoderConfig.sized("tiny", kind="per_ear"))).__name__
    'PerEarVocoder'
    """
    from .binaural import BinauralVocoder
    from .per_ear import PerEarVocoder

    made: dict[str, Any] = {"binaural": BinauralVocoder, "per_ear": PerEarVocoder}
    return made[config.kind](config)
