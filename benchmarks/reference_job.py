"""The job that both renderer benchmarks run: a voice that walks round a listener in a room.

Thirteen straight legs at 0.8 to 3 m/s, 0.35 to 4.7 m from the head, past its back and over its top.
The first ten seconds hold the hard part (a pass at 0.35 m, one overhead, 3 m/s) and stay above
-40 degrees, where no measured response would have to be guessed. Longer jobs walk to and fro.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

import spatialdrama as sd

RATE = 48_000
#: m, m, and s: the room, where in it the head is, and how long it rings.
SIZE, LISTENER, RT60 = (6.0, 5.0, 3.0), (1.5, 2.5, 1.5), 0.35

#: m, in the listener's frame (x forward, y left, z up), and m/s on the leg that follows.
_LEGS = (
    ((1.79, -1.78, 0.0), 1.5),  # past the right side of the back, 0.35 m away
    ((-1.17, 0.44, 0.0), 1.3),  # over the head
    ((1.4, -0.6, 1.3), 3.0),
    ((2.6, 2.0, -0.2), 2.2),
    ((-1.3, 1.9, 0.2), 1.6),  # behind, from left to right
    ((-1.25, -1.9, 0.0), 0.8),
    ((4.1, -2.2, 0.5), 0.8),
    ((4.1, 2.2, 0.6), 0.8),
    ((0.7, 0.3, 0.3), 0.8),  # 0.36 m away again
    ((-0.9, -1.6, -0.4), 0.8),
    ((4.45, 0.3, -0.7), 0.8),
    ((-1.3, 2.2, 1.0), 0.8),
    ((-1.0, -2.3, -0.9), 0.8),
    ((4.1, 2.25, 0.3), None),
)
_TEXT = (
    "If we shadows have offended, think but this, and all is mended, that you have but slumbered "
    "here while these visions did appear. And this weak and idle theme, no more yielding but a "
    "dream, gentles, do not reprehend. If you pardon, we will mend. Now, until the break of day, "
    "through this house each fairy stray. To the best bride bed will we, which by us shall "
    "blessed be; and the issue there create ever shall be fortunate. "
)


def legs() -> tuple[np.ndarray, np.ndarray]:
    """Return the corners' times (14,) s and places (14, 3) m of one way through."""
    places = np.array([place for place, _ in _LEGS])
    speeds = np.array([speed for _, speed in _LEGS[:-1]])
    lengths = np.linalg.norm(np.diff(places, axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(lengths / speeds)]), places


def corners(seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Return times (k,) s and places (k, 3) m of a walk of at least `seconds`, to and fro."""
    once, places = legs()
    times, path, forth = [0.0], [places[0]], True
    while times[-1] < seconds - 1e-9:
        start = times[-1]
        gaps = np.diff(once) if forth else np.diff(once)[::-1]
        times.extend(start + np.cumsum(gaps))
        path.extend(places[1:] if forth else places[-2::-1])
        forth = not forth
    last = int(np.searchsorted(times, seconds)) + 1
    return np.array(times[:last]), np.array(path[:last])


def positions(times: np.ndarray, seconds: float) -> np.ndarray:
    """Return (t, 3) m, in the listener's frame, of the walk of `seconds`."""
    when, where = corners(seconds)
    return np.stack([np.interp(times, when, row) for row in where.T], axis=-1)


def pose(seconds: float) -> sd.Pose:
    """Return the walk; the mouth faces the listener at every corner and turns between them."""
    return sd.Pose.from_samples(*corners(seconds))


def room() -> sd.Room:
    """Return the room."""
    return sd.Room(SIZE, rt60=RT60, listener=LISTENER)


def four_poses(seconds: float) -> list[sd.Pose]:
    """Return the walk, its mirror image, and both run from the other end."""
    once = legs()[0][-1]
    ways = []
    for back in (False, True):
        # Times run to the end of the last leg, so that the way back has the same speeds.
        span = once * max(1, int(np.ceil(seconds / once)))
        when, where = corners(span)
        if back:
            when, where = (span - when)[::-1], where[::-1]
        for side in (1.0, -1.0):
            ways.append(sd.Pose.from_samples(when, where * (1.0, side, 1.0)))
    return ways


def voice(seconds: float) -> tuple[np.ndarray, str]:
    """Return (n,) float32 speech at 48 kHz with -60 dB of noise, and what it is.

    espeak-ng reads; without it, noise with the spectrum and the syllables of speech stands in.
    """
    n = round(seconds * RATE)
    read, what = _spoken()
    samples = np.tile(read, -(-n // len(read)))[:n]
    floor = 10 ** (-60 / 20) * np.abs(samples).max()
    samples = samples + floor * np.random.default_rng(0).standard_normal(n)
    return samples.astype(np.float32), what


@cache
def _spoken() -> tuple[np.ndarray, str]:
    program = shutil.which("espeak-ng")
    if program is None:
        return _speech_like(24.0), "noise like speech (espeak-ng is not installed)"
    import soundfile
    import soxr

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.wav"
        subprocess.run([program, "-v", "en", "-w", str(path), _TEXT], check=True)
        samples, rate = soundfile.read(path)
    samples = soxr.resample(samples, rate, RATE, quality="VHQ")
    return 0.5 * samples / np.abs(samples).max(), "espeak-ng"


def _speech_like(seconds: float) -> np.ndarray:
    """Return noise that falls by 6 dB an octave above 500 Hz, in four syllables a second."""
    from scipy.signal import lfilter

    random = np.random.default_rng(1)
    n = round(seconds * RATE)
    pole = np.exp(-2 * np.pi * 500 / RATE)
    noise = lfilter([1 - pole], [1, -pole], random.standard_normal(n))
    syllables = random.uniform(0, 1, int(4 * seconds) + 2) ** 2
    syllables[::9] = 0.0  # breath
    loudness = np.interp(np.arange(n) / RATE * 4, np.arange(len(syllables)), syllables)
    samples = noise * loudness
    return 0.5 * samples / np.abs(samples).max()
