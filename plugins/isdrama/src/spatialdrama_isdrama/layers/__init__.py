"""Layers that several networks share: norms, positions, attention, modulation, FAN, masks.

No layer in here knows what its numbers mean.
"""

from .adaln import Modulation, modulate
from .attention import Attention, attend
from .conv import MaskedConv
from .encoder_layer import EncoderLayer
from .fan import Fan
from .feed_forward import FeedForward
from .masks import every_fourth, lengths_to_mask, masked, masked_mean, packing, places, reorder
from .norms import RmsNorm
from .rope import rotary, rotate
from .widths import widened

__all__ = [
    "Attention",
    "EncoderLayer",
    "Fan",
    "FeedForward",
    "MaskedConv",
    "Modulation",
    "RmsNorm",
    "attend",
    "every_fourth",
    "lengths_to_mask",
    "masked",
    "masked_mean",
    "modulate",
    "packing",
    "places",
    "reorder",
    "rotary",
    "rotate",
    "widened",
]
