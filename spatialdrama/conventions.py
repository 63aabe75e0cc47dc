"""The conventions everything else relies on, as constants. Standard library only.

Listener frame, right-handed: x forward, y left, z up (SOFA, AES69-2022), origin midway between
the ears. Metres, seconds, radians; any other unit is in the name (``azimuth_deg``, ``itd_us``).
Azimuth is counter-clockwise from x towards y, in (-pi, pi]; elevation is up from the x-y plane.
Quaternions are scalar-last and rotate body axes to scene axes; body x is where the mouth points.
"""

from __future__ import annotations

from typing import Final, NamedTuple

HOUSE_RATE: Final = 48_000  #: samples per second
SPEED_OF_SOUND: Final = 343.0  #: m/s, dry air at 20 degrees C
EARS: Final = ("left", "right")
AXES: Final = ("x", "y", "z")
QUAT: Final = ("x", "y", "z", "w")

#: m; half the interaural distance of KEMAR and of the spherical-head models fitted to it
#: (Algazi et al. 2001, "Estimation of a spherical-head model from anthropometry").
HEAD_RADIUS: Final = 0.0875
EAR_POSITIONS: Final = {"left": (0.0, HEAD_RADIUS, 0.0), "right": (0.0, -HEAD_RADIUS, 0.0)}

#: m; closer than this a point source is inside a head or so near that no far-field HRTF means
#: anything. Paths through this sphere are refused.
HEAD_CLEARANCE: Final = 0.12


class PoseFormat(NamedTuple):
    """How a data set lays out its pose files.

    ``axes`` says where each stored axis points; ``order`` how quaternions are stored;
    ``rate_hz`` rows per second; ``inverse`` whether they take the world to the body.
    """

    axes: str
    order: str
    rate_hz: float
    inverse: bool
    source: str


#: Formats that :meth:`spatialdrama.Pose.read` knows by name.
POSE_FORMATS: Final = {
    "mrsdrama-120hz": PoseFormat(
        "x-right y-forward z-up", "wxyz", 120.0, False, "MRSDrama, BinauralGrad layout"
    ),
    "mrsdrama-20hz": PoseFormat(
        "x-right y-forward z-up", "wxyz", 20.0, False, "MRSDrama, tracker rate"
    ),
    "mrsdrama-187.5hz": PoseFormat(
        "x-right y-forward z-up", "wxyz", 187.5, False, "MRSDrama, 48 kHz with a hop of 256"
    ),
    "binaural-speech-120hz": PoseFormat(
        "x-forward y-right z-up", "xyzw", 120.0, True, "Binaural Speech (Richard et al. 2021)"
    ),
}
