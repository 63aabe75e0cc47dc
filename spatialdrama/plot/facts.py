"""What each line of a drama measures: the interaural delay heard against the one its pose gives."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from spatialdrama.dsp import gate, itd_track, pose_itd_us
from spatialdrama.dsp.interaural import ITD_WINDOW_S
from spatialdrama.plot.stretches import tracked
from spatialdrama.types import BinauralAudio, Drama, Line

#: Frames less alike at the two ears than this hold a reflection or two voices, not a direction.
COHERENT = 0.6
#: s from one frame to the next
HOP = 0.02
#: dB below a line's loudest frame
GATE_DB = 25.0


class LineFacts(NamedTuple):
    """``number`` from 1, the ``line``, and in microseconds (positive = left ear first, NaN where
    nothing was measurable) ``measured_us``, ``pose_us`` over the same frames, and their
    difference ``error_us``, the median over frames."""

    number: int
    line: Line
    measured_us: float
    pose_us: float
    error_us: float


def pose_itd(drama: Drama, speaker: str, times: np.ndarray) -> np.ndarray:
    """Return (n,) microseconds that the speaker's place gives at `times`, for a sphere of the
    house's head radius, the listener's motion included."""
    pose = drama.scene.source(speaker).pose.relative_to(drama.scene.listener)
    return pose_itd_us(pose.positions_at(times))


def measured(
    audio: BinauralAudio, hop: float = HOP
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return times (s), delays (us), coherence and a mask of frames that hold sound, with a frame
    every `hop` seconds."""
    track = tracked(itd_track, audio, window_s=ITD_WINDOW_S, hop_s=hop)
    return track.times, track.itd_us, track.coherence, gate(track.level_db, gate_db=35.0)


def line_facts(drama: Drama) -> list[LineFacts]:
    """Return :class:`LineFacts` of every line, measured on the drama's own mix.

    The mix holds the room and, where lines overlap, other voices: rooms move single frames by
    hundreds of microseconds, so medians over loud, coherent frames are taken. For a clean figure
    measure the scene with its room off (the metric ``itd_mae`` does).

    Examples
    --------
    >>> import numpy as np, spatialdrama as sd
    >>> noise = np.random.default_rng(0).normal(0, 0.1, 48_000)
    >>> script = sd.Script([sd.Line("A", "Here.", start=0.1, end=0.9)])
    >>> scene = sd.Scene(speakers={"A": sd.Pose.fixed(azimuth_deg=0, distance=1)})
    >>> drama = sd.Drama(sd.BinauralAudio([noise, noise], 48_000), script, scene)
    >>> [round(abs(f.measured_us)) for f in sd.plot.line_facts(drama)]
    [0]
    """
    track = tracked(itd_track, drama.audio, window_s=ITD_WINDOW_S, hop_s=HOP)
    return [_one(drama, track, i, line) for i, line in enumerate(drama.script, start=1)]


def _one(drama: Drama, track: Any, number: int, line: Line) -> LineFacts:
    inside = np.flatnonzero((track.times >= line.start) & (track.times <= line.end))
    loud = gate(track.level_db[inside], gate_db=GATE_DB)
    keep = inside[loud & (track.coherence[inside] >= COHERENT)]
    if len(keep) == 0:
        middle = np.array([(line.start + line.end) / 2])
        implied = float(pose_itd(drama, line.speaker, middle)[0])
        return LineFacts(number, line, np.nan, implied, np.nan)
    heard = track.itd_us[keep]
    implied = pose_itd(drama, line.speaker, track.times[keep])
    return LineFacts(
        number, line, float(np.median(heard)), float(np.median(implied)),
        float(np.median(heard - implied)),
    )  # fmt: skip
