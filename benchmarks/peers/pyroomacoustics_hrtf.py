"""pyroomacoustics with a pair of KEMAR ears: a new room response every 21 ms.

Its sources do not move, so the path is cut into places 1024 samples apart; triangular windows blend
the sound from one place's response to the next. Settings are its own, with the high-pass behind
each response as an option; measured responses are nearest neighbours, not spherical-harmonic fits.
It has no late tail: the order is all there is.
"""

from __future__ import annotations

import importlib.util

import numpy as np
import reference_job

from peers import RATE, Job, Render, kemar

NAME = "pyroomacoustics"
ORDERS = (0, 1, 2, 3)
VARIANTS = {"": {}, "no high-pass": {"high_pass": False}}
HOP = 1024


def missing() -> str | None:
    """Return why it cannot run, or None."""
    if importlib.util.find_spec("pyroomacoustics") is None:
        return "pyroomacoustics is not here; pip install pyroomacoustics"
    return None


def prepare(job: Job, high_pass: bool = True) -> Render:
    """See :mod:`peers`."""
    import pyroomacoustics as pra
    import scipy.fft

    pra.constants.set("num_threads", 1)
    ears = _ears(pra)
    alpha, _ = pra.inverse_sabine(reference_job.RT60, reference_job.SIZE)
    walls = pra.Material(alpha if job.order else 1.0)
    n = len(job.mono)
    middles = np.arange(0, n + HOP, HOP)
    window = (1 - np.abs(np.arange(2 * HOP) / HOP - 1)).astype(np.float32)

    def render() -> np.ndarray:
        pra.constants.set("rir_hpf_enable", high_pass)
        room = pra.ShoeBox(reference_job.SIZE, fs=RATE, materials=walls, max_order=job.order)
        head = np.array(reference_job.LISTENER)[:, None]
        room.add_microphone_array(pra.MicrophoneArray(np.repeat(head, 2, 1), RATE, ears))
        for place in job.positions(middles / RATE) + reference_job.LISTENER:
            room.add_source(place)
        room.compute_rir()
        longest = max(len(r) for ear in room.rir for r in ear)
        size = scipy.fft.next_fast_len(2 * HOP + longest - 1, real=True)
        padded = np.zeros(len(middles) * HOP + HOP, np.float32)
        padded[HOP : HOP + n] = job.mono
        out = np.zeros((2, len(padded) + size), np.float32)
        for k in range(len(middles)):
            block = scipy.fft.rfft(padded[k * HOP : (k + 2) * HOP] * window, size)
            for ear in (0, 1):
                response = scipy.fft.rfft(room.rir[ear][k].astype(np.float32), size)
                out[ear, k * HOP : k * HOP + size] += scipy.fft.irfft(block * response, size)
        return out[:, HOP : HOP + n]

    return render


def _ears(pra):
    """Return the directivities of the left and the right ear, looking along x."""
    directions, responses = kemar()
    azimuth = np.arctan2(directions[:, 1], directions[:, 0])
    colatitude = np.arccos(np.clip(directions[:, 2], -1, 1))
    places = np.stack([azimuth, colatitude, np.full(len(azimuth), 1.4)])

    def read(path, fs):
        return responses.astype(np.float32), RATE, places, np.zeros((3, 2)), None, ["left", "right"]

    file = pra.directivities.MeasuredDirectivityFile("kemar", fs=RATE, file_reader_callback=read)
    ahead = pra.directivities.Rotation3D([0.0, 0.0], "yz", degrees=True)
    return [file.get_mic_directivity(ear, orientation=ahead) for ear in ("left", "right")]
