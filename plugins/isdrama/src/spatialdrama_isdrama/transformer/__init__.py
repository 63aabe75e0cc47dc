"""The Immersive Drama Transformer, its experts and its flow (paper 4.3, A.2, C.6, C.7).

A line's content, pose, voice prompt and scene go in, a velocity comes out; solvers and guidance
make a latent of it. Nothing in here knows of audio files, scripts or whole dramas.
"""

from .conditions import Conditions
from .config import TrainingConfig, TransformerConfig
from .field import Field, Kept
from .guidance import guided, plain
from .losses import Losses, losses
from .model import DramaTransformer
from .pitch import Pitch
from .sampling import Sampled, sample
from .solvers import solve
from .training import Batch, Training

__all__ = [
    "Batch",
    "Conditions",
    "DramaTransformer",
    "Field",
    "Kept",
    "Losses",
    "Pitch",
    "Sampled",
    "Training",
    "TrainingConfig",
    "TransformerConfig",
    "guided",
    "losses",
    "plain",
    "sample",
    "solve",
]
