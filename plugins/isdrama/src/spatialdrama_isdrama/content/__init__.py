"""What is said: phones, meaning, durations, and z_c on the frames of a line (paper 4.2, C.1).

Text becomes phones in ``phones`` (``inventory`` lists them), spoken phones with times come in by
``timed``, ``semantics`` gives each character its meaning, ``model`` puts them together.
"""

from .config import ContentConfig
from .durations import DurationPredictor, duration_loss, durations_of, frames_of
from .encoder import ContentEncoder
from .fitting import fit
from .lines import read_line
from .model import Content, ContentBatch
from .phones import read
from .reading import Reading
from .regulator import in_phone, phone_of_frame, regulate
from .semantics import NoSemantics, Semantics, expand, semantics_of
from .timed import Timed, timed_of, timed_reading, to_frames

__all__ = [
    "Content",
    "ContentBatch",
    "ContentConfig",
    "ContentEncoder",
    "DurationPredictor",
    "NoSemantics",
    "Reading",
    "Semantics",
    "Timed",
    "duration_loss",
    "durations_of",
    "expand",
    "fit",
    "frames_of",
    "in_phone",
    "phone_of_frame",
    "read",
    "read_line",
    "regulate",
    "semantics_of",
    "timed_of",
    "timed_reading",
    "to_frames",
]
