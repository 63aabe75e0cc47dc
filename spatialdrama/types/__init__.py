"""The nouns: immutable values that everything else passes around.

Here live frozen attrs shells around labelled arrays, their validation, their notebook pictures
and nothing that computes sound, reads models or knows of plugins. Types import conventions and
errors; file formats live in ``spatialdrama.io`` and are reached from methods.
"""

from spatialdrama.types.audio import BinauralAudio
from spatialdrama.types.drama import Drama
from spatialdrama.types.multichannel import MultichannelAudio
from spatialdrama.types.pose import Pose
from spatialdrama.types.prompts import GeometricPrompt, TextPrompt, VideoPrompt
from spatialdrama.types.scene import Room, Scene, Source
from spatialdrama.types.scores import Score, ScoreTable
from spatialdrama.types.script import Line, Phone, Script
from spatialdrama.types.speech import Speech

__all__ = [
    "BinauralAudio",
    "Drama",
    "GeometricPrompt",
    "Line",
    "MultichannelAudio",
    "Phone",
    "Pose",
    "Room",
    "Scene",
    "Score",
    "ScoreTable",
    "Script",
    "Source",
    "Speech",
    "TextPrompt",
    "VideoPrompt",
]
