"""Csound 6: ``vdelayx`` and ``hrtfmove2`` for the free field, ``hrtfearly`` and ``hrtfreverb``.

The library is called directly, so that neither the program's start nor its parsing is timed. It
plays the same legs with ``linseg``, `ksmps` samples per control period, and writes raw float32. Its
responses are its own compact KEMAR set at 48 kHz. Orders 1 and 2 are the early reflections in three
dimensions, 7 and 25 images with the direct sound, and the reverberator takes the late part.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import tempfile
from pathlib import Path

import numpy as np
import reference_job

from peers import RATE, Job, Render

NAME = "csound"
ORDERS = (0, 1, 2, 3)
VARIANTS = {"": {}, "ksmps 256": {"ksmps": 256}}
#: Where distributions put the data of the opcodes.
_FOLDERS = ("/usr/share/csound/hrtf", "/usr/local/share/csound/hrtf", "/usr/share/csound/samples")
#: csound.h: neither a signal handler nor atexit.
_QUIET_START = 3

_HEADER = """
sr = {rate}
ksmps = {ksmps}
nchnls = 2
0dbfs = 1
giSound ftgen 1, 0, 0, -1, "{sound}", 0, 0, 1
instr 1
  aIndex line 0, p3, p3 * sr
  aSource table aIndex, 1
  kX linseg {x}
  kY linseg {y}
  kZ linseg {z}
"""

_FREE = """
  kRadius = sqrt(kX * kX + kY * kY + kZ * kZ)
  aDelay interp kRadius / 343
  aHeard vdelayx aSource, aDelay, 0.05, 16
  kAzimuth = -taninv2(kY, kX) * 57.29577951
  kElevation = taninv2(kZ, sqrt(kX * kX + kY * kY)) * 57.29577951
  aGain interp 1 / kRadius
  aLeft, aRight hrtfmove2 aHeard * aGain, kAzimuth, kElevation, "{left}", "{right}", 4, 9, sr
  outs aLeft, aRight
endin
"""

# The opcode's room has its corner at (0, 0, 0) and its listener looks along y: x to the right. Ours
# is turned by a quarter: its x is the room's y. Wall gains are left at the opcode's own.
_ROOM = """
  aLeft, aRight, iLow, iHigh, iPath hrtfearly aSource, \\
    {width} - (kY + {ly}), kX + {lx}, kZ + {lz}, {width} - {ly}, {lx}, {lz}, "{left}", "{right}", \\
    0, 8, sr, {order}, 1, 0, {width}, {length}, {height}
  aLateLeft, aLateRight, iDelay hrtfreverb aSource, {rt60}, {rt60}, "{left}", "{right}", sr, iPath
  aLateLeft delay aLateLeft * 0.1, iDelay
  aLateRight delay aLateRight * 0.1, iDelay
  outs aLeft + aLateLeft, aRight + aLateRight
endin
"""


def missing() -> str | None:
    """Return why it cannot run, or None."""
    if ctypes.util.find_library("csound64") is None:
        return "libcsound64 is not here; Debian: apt-get install libcsound64-6.0 csound-data"
    if _data() is None:
        return f"hrtf-{RATE}-left.dat is not here; Debian: apt-get install csound-data"
    return None


def prepare(job: Job, ksmps: int = 64) -> Render:
    """See :mod:`peers`."""
    import soundfile

    folder = tempfile.TemporaryDirectory(prefix="csound-")
    sound, out = Path(folder.name) / "sound.wav", Path(folder.name) / "out.f32"
    soundfile.write(sound, job.mono, RATE, subtype="FLOAT")
    text = _orchestra(job, sound, ksmps)
    library = _library()

    def ready() -> int:
        # A performance is over when it is over, so each one is compiled anew, outside the clock.
        machine = library.csoundCreate(None)
        library.csoundCreateMessageBuffer(machine, 0)  # hundreds of lines about fades otherwise
        for option in (b"-d", b"-m0", b"-f", b"-h", b"-o" + bytes(out)):
            library.csoundSetOption(machine, option)
        if library.csoundCompileOrc(machine, text.encode()):
            raise RuntimeError(f"csound refuses this orchestra:\n{text}")
        library.csoundReadScore(machine, f"i 1 0 {job.seconds}\ne\n".encode())
        if library.csoundStart(machine):
            raise RuntimeError("csound does not start.")
        return machine

    return _Performances(library, ready, out, folder)


class _Performances:
    """Renders, with the next performance made ready in :meth:`rewind`."""

    def __init__(self, library, ready, out: Path, folder) -> None:
        self._library, self._ready, self._out, self._folder = library, ready, out, folder
        self._machine, self._fresh = ready(), True

    def rewind(self) -> None:
        """Make the next performance ready; not timed."""
        if not self._fresh:
            self._library.csoundDestroyMessageBuffer(self._machine)
            self._library.csoundDestroy(self._machine)
            self._machine, self._fresh = self._ready(), True

    def __call__(self) -> Path:
        self._library.csoundPerform(self._machine)
        self._library.csoundCleanup(self._machine)  # writes what is left
        self._fresh = False
        return self._out


def _orchestra(job: Job, sound: Path, ksmps: int) -> str:
    when, where = reference_job.corners(job.seconds)
    data = _data()
    length, width, height = reference_job.SIZE
    lx, ly, lz = reference_job.LISTENER
    return (_HEADER + (_FREE if job.order == 0 else _ROOM)).format(
        rate=RATE, ksmps=ksmps, sound=sound, order=job.order, rt60=reference_job.RT60,
        left=data / f"hrtf-{RATE}-left.dat", right=data / f"hrtf-{RATE}-right.dat",
        x=_segments(when, where[:, 0]), y=_segments(when, where[:, 1]),
        z=_segments(when, where[:, 2]), length=length, width=width, height=height,
        lx=lx, ly=ly, lz=lz,
    )  # fmt: skip


def _segments(when: np.ndarray, values: np.ndarray) -> str:
    parts = [f"{values[0]:.6f}"]
    for gap, value in zip(np.diff(when), values[1:], strict=True):
        parts += [f"{gap:.6f}", f"{value:.6f}"]
    return ", ".join(parts)


def _data() -> Path | None:
    for folder in _FOLDERS:
        if (Path(folder) / f"hrtf-{RATE}-left.dat").is_file():
            return Path(folder)
    return None


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(ctypes.util.find_library("csound64"))
    library.csoundInitialize(_QUIET_START)
    library.csoundCreate.restype = ctypes.c_void_p
    library.csoundCreate.argtypes = [ctypes.c_void_p]
    for name in ("Start", "Perform", "Cleanup", "Destroy", "DestroyMessageBuffer"):
        getattr(library, "csound" + name).argtypes = [ctypes.c_void_p]
    library.csoundCreateMessageBuffer.argtypes = [ctypes.c_void_p, ctypes.c_int]
    for name in ("csoundSetOption", "csoundCompileOrc", "csoundReadScore"):
        getattr(library, name).argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    return library
