"""The five networks of ISDrama, made from one config."""

from __future__ import annotations

from torch import nn

from spatialdrama_isdrama.autoencoder.model import Autoencoder
from spatialdrama_isdrama.content.model import Content
from spatialdrama_isdrama.pose.pose_encoder import PoseEncoder
from spatialdrama_isdrama.presets import IsdramaConfig
from spatialdrama_isdrama.transformer.model import DramaTransformer
from spatialdrama_isdrama.vocoder import vocoder_of

#: In the order in which a line goes through them.
PARTS = ("content", "pose", "autoencoder", "transformer", "vocoder")


def build(config: IsdramaConfig) -> dict[str, nn.Module]:
    """Return the networks of a config, untrained.

    Examples
    --------
    >>> from spatialdrama_isdrama.presets import preset
    >>> list(build(preset("tiny")))
    ['content', 'pose', 'autoencoder', 'transformer', 'vocoder']
    """
    return {
        "content": Content(config.content),
        "pose": PoseEncoder(config.pose),
        "autoencoder": Autoencoder(config.autoencoder),
        "transformer": DramaTransformer(config.transformer),
        "vocoder": vocoder_of(config.vocoder),
    }
