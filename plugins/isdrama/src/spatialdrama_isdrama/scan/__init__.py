"""The selective state space scan (paper A.3) and the Mamba layer around it.

Three ways to compute one function: a loop that is the oracle, chunks in plain torch, and the fused
CUDA kernel of mamba-ssm. Nothing in here knows of audio.
"""

from .mamba import Mamba
from .record import forget, ran
from .selective import selective_scan

__all__ = ["Mamba", "forget", "ran", "selective_scan"]
