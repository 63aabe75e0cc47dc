"""OpenAL-soft into memory (loopback), with its head-related filters.

The source's position and velocity are set every 256 samples; OpenAL turns the velocity into a
Doppler shift and has no propagation delay. The loop over updates is compiled, so that the library
is not charged for Python's calls.
"""

from __future__ import annotations

import atexit
import ctypes
import ctypes.util

import numpy as np
from numba import njit

from peers import RATE, Job, Render

NAME = "OpenAL-soft"
ORDERS = (0,)
VARIANTS = {"": {}}
UPDATE = 256

# alc.h and al.h
_FORMAT_CHANNELS, _FORMAT_TYPE, _FREQUENCY, _HRTF, _HRTF_STATUS = (
    0x1990, 0x1991, 0x1007, 0x1992, 0x1993,
)  # fmt: skip
_STEREO, _FLOAT, _HRTF_ENABLED = 0x1501, 0x1406, 1
_POSITION, _VELOCITY, _BUFFER, _REFERENCE_DISTANCE = 0x1004, 0x1006, 0x1009, 0x1020
_MONO_FLOAT32, _INVERSE_DISTANCE = 0x10010, 0xD001


def missing() -> str | None:
    """Return why it cannot run, or None."""
    name = ctypes.util.find_library("openal")
    if name is None:
        return "libopenal is not here; Debian: apt-get install libopenal1 libopenal-data"
    if not hasattr(ctypes.CDLL(name), "alcLoopbackOpenDeviceSOFT"):
        return f"{name} has no loopback device; OpenAL-soft 1.14 or newer has"
    return None


def prepare(job: Job) -> Render:
    """See :mod:`peers`."""
    library = _library()
    device = library.alcLoopbackOpenDeviceSOFT(None)
    attributes = (ctypes.c_int * 9)(
        _FORMAT_CHANNELS, _STEREO, _FORMAT_TYPE, _FLOAT, _FREQUENCY, RATE, _HRTF, 1, 0
    )
    context = library.alcCreateContext(device, attributes)
    library.alcMakeContextCurrent(context)
    status = ctypes.c_int()
    library.alcGetIntegerv(device, _HRTF_STATUS, 1, ctypes.byref(status))
    if status.value != _HRTF_ENABLED:
        raise RuntimeError(f"OpenAL-soft plays without head-related filters ({status.value:#x}).")
    library.alDistanceModel(_INVERSE_DISTANCE)
    library.alSpeedOfSound(343.0)
    buffer, source = ctypes.c_uint(), ctypes.c_uint()
    library.alGenBuffers(1, ctypes.byref(buffer))
    mono = np.ascontiguousarray(job.mono)
    library.alBufferData(buffer, _MONO_FLOAT32, mono.ctypes.data, mono.nbytes, RATE)
    library.alGenSources(1, ctypes.byref(source))
    library.alSourcei(source, _BUFFER, buffer.value)
    library.alSourcef(source, _REFERENCE_DISTANCE, 1.0)
    loop = _compiled(library)
    updates = -(-len(mono) // UPDATE)

    atexit.register(_closed, library, device, context)

    def render() -> np.ndarray:
        times = np.arange(updates + 1) * UPDATE / RATE
        # OpenAL looks along -z, with x to the right and y up.
        place = job.positions(times)[:, (1, 2, 0)] * (-1.0, 1.0, -1.0)
        velocity = np.diff(place, axis=0) * RATE / UPDATE
        out = np.empty((updates * UPDATE, 2), np.float32)
        library.alSourceStop(source)
        library.alSourceRewind(source)
        library.alSource3f(source, _POSITION, *place[0])
        library.alSourcePlay(source)
        loop(
            device, source.value, place.astype(np.float32), velocity.astype(np.float32),
            out.ctypes.data,
        )  # fmt: skip
        return out[: len(mono)].T

    return render


def _closed(library: ctypes.CDLL, device: int, context: int) -> None:
    library.alcMakeContextCurrent(None)
    library.alcDestroyContext(context)
    library.alcCloseDevice(device)


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(ctypes.util.find_library("openal"))
    pointer, integer, real = ctypes.c_void_p, ctypes.c_int, ctypes.c_float
    library.alcLoopbackOpenDeviceSOFT.argtypes = [ctypes.c_char_p]
    library.alcLoopbackOpenDeviceSOFT.restype = pointer
    library.alcCreateContext.argtypes = [pointer, pointer]
    library.alcCreateContext.restype = pointer
    library.alcMakeContextCurrent.argtypes = [pointer]
    library.alcGetIntegerv.argtypes = [pointer, integer, integer, pointer]
    library.alcDestroyContext.argtypes = [pointer]
    library.alcCloseDevice.argtypes = [pointer]
    library.alSpeedOfSound.argtypes = [real]
    library.alBufferData.argtypes = [ctypes.c_uint, integer, pointer, integer, integer]
    library.alSourcei.argtypes = [ctypes.c_uint, integer, integer]
    library.alSourcef.argtypes = [ctypes.c_uint, integer, real]
    library.alSource3f.argtypes = [ctypes.c_uint, integer, real, real, real]
    library.alSource3f.restype = None
    library.alcRenderSamplesSOFT.argtypes = [pointer, pointer, integer]
    library.alcRenderSamplesSOFT.restype = None
    return library


def _compiled(library: ctypes.CDLL):
    """Return a loop that moves the source and renders; built here, round the library's calls."""
    move, mix = library.alSource3f, library.alcRenderSamplesSOFT

    @njit
    def loop(device, source, place, velocity, out):  # pragma: no cover - compiled
        for k in range(len(velocity)):
            move(source, _POSITION, place[k, 0], place[k, 1], place[k, 2])
            move(source, _VELOCITY, velocity[k, 0], velocity[k, 1], velocity[k, 2])
            mix(device, out + k * UPDATE * 8, UPDATE)

    # Compiled on nothing, so that the first timed call does not compile.
    nothing = np.zeros((0, 3), np.float32)
    loop(1, 1, nothing, nothing, 1)
    return loop
