"""Where a speaker is during a segment, as networks and vocoder take it, and the room in words.

All of it is the listener's view: a listener who turns moves every speaker.
"""

from __future__ import annotations

import numpy as np

from spatialdrama.conventions import SPEED_OF_SOUND
from spatialdrama.dsp.pose_itd import pose_itd_us
from spatialdrama.types import Pose, Scene
from spatialdrama_isdrama.autoencoder.config import MelConfig


def frame_times(start: float, frames: int, mel: MelConfig) -> np.ndarray:
    """Return the drama times in s that `frames` mel frames from `start` on are centred on.

    Examples
    --------
    >>> frame_times(1.0, 3, MelConfig()).round(4).tolist()
    [1.0, 1.0053, 1.0107]
    """
    return start + np.arange(frames) * (mel.hop / mel.rate)


def ear_delays(pose: Pose, times: np.ndarray) -> np.ndarray:
    """Return how long sound takes to each ear, (2, t) s, left then right.

    The way to the middle of the head, and round a rigid sphere the ears' difference: what
    ``itd_mae`` measures. Sound heard at a time left the mouth a little earlier; at walking speed
    that moves a speaker by less than a centimetre and is left out.

    Parameters
    ----------
    pose : Pose
        As the listener hears it, see :meth:`Pose.relative_to`.
    times : (t,) float, s

    Examples
    --------
    >>> early, late = ear_delays(Pose.fixed(azimuth_deg=90, distance=1), np.zeros(1))[:, 0]
    >>> bool(late > early), round(float(early + late) / 2 * 343, 3)
    (True, 1.0)
    """
    points = pose.positions_at(times)
    middle = np.linalg.norm(points, axis=1) / SPEED_OF_SOUND
    half = 0.5e-6 * pose_itd_us(points)  # positive: the left ear hears first
    return np.stack([middle - half, middle + half])


def in_words(scene: Scene) -> str:
    """Return the place in words, for encoders of scene descriptions (E29).

    The scene's own description, or what its room's numbers say.

    Examples
    --------
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
