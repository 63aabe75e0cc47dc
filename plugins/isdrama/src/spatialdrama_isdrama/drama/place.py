"""When the frames of a segment sound in the drama, and its room in words."""

from __future__ import annotations

import numpy as np

from spatialdrama.types import Scene
from spatialdrama_isdrama.autoencoder.config import MelConfig


def frame_times(start: float, frames: int, mel: MelConfig) -> np.ndarray:
    """Return the drama times in s that `frames` mel frames from `start` on are centred on.

    Examples
    --------
    >>> frame_times(1.0, 3, MelConfig()).round(4).tolist()
    [1.0, 1.0053, 1.0107]
    """
    return start + np.arange(frames) * (mel.hop / mel.rate)


def in_words(scene: Scene) -> str:
    """Return the place in words, for encoders of scene descriptions (E29).

    The scene's own description, or what its room's numbers say.

    Examples
    --------
    >>> from spatialdrama.types import Pose
    >>> in_words(Scene(speakers={"A": Pose.fixed((1, 0, 0))}))
    'A place without walls.'
    """
    if scene.description.strip():
        return scene.description.strip()
    room = scene.room
    if room.is_free_field:
        return "A place without walls."
    if not room.is_shoebox:
        return "A room of unknown size."
    length, width, height = room.size
    size = "small" if room.volume < 40 else "large" if room.volume > 200 else "middle-sized"
    middle = float(np.mean(room.rt60_bands))
    echo = "dry" if middle < 0.3 else "very reverberant" if middle > 1.0 else "lively"
    return (
        f"A {size}, {echo} room, {length:g} by {width:g} by {height:g} metres, whose sound decays "
        f"in {middle:.2f} seconds."
    )
