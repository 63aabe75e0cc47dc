"""How much of a voice leaves the head in each direction.

By reciprocity, a mouth on a rigid sphere radiates towards an angle as an ear on that sphere hears
from it, so Brown and Duda's head-shadow filter (1998, "A structural model for binaural sound
synthesis", equations 3 and 4) is a closed form for a simple talker::

    H(s, theta) = (1 + alpha(theta) s / (2 w0)) / (1 + s / (2 w0)),   w0 = c / a
    alpha(theta) = (1 + m / 2) + (1 - m / 2) cos(180 theta / t),      m = 0.1, t = 150 degrees

Voices are recorded on the mouth's axis, so the renderer divides by H(s, 0) = (1 + s / w0) /
(1 + s / (2 w0)), which leaves ::

    D(s, theta) = (1 + b s / w0) / (1 + s / w0) = b + (1 - b) / (1 + s / w0),   b = alpha / 2

exactly one on the axis, b at high frequencies elsewhere (-26 dB at 150 degrees, -17 dB behind,
where waves meet again), one at low frequencies. Real talkers lose 2 to 5 dB more behind them at
low frequencies, where the torso helps. The pole does not depend on the angle: a moving, turning
voice is a mix of two fixed signals, and nothing clicks.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from spatialdrama.conventions import HEAD_RADIUS, SPEED_OF_SOUND
from spatialdrama.errors import ValidationError

DIRECTIVITIES = ("speech", "omni")
_MINIMUM = 0.1
_MINIMUM_ANGLE = np.deg2rad(150.0)
#: rad/s; corner of the low-pass, c / a (624 Hz).
CORNER = SPEED_OF_SOUND / HEAD_RADIUS


def check_directivity(value: Any) -> str:
    """Return `value` if there is such a directivity."""
    if value not in DIRECTIVITIES:
        raise ValidationError(
            f"directivity must be one of {', '.join(DIRECTIVITIES)}; got {value!r}."
        )
    return value


def direct_share(cos_angle: Any) -> np.ndarray:
    """Return b, the share of the unfiltered voice, for cosines of the angle to the mouth's axis.

    Examples
    --------
    >>> from spatialdrama_render.directivity import direct_share
    >>> direct_share([1.0, 0.0]).round(3)
    array([1.   , 0.378])
    """
    theta = np.arccos(np.clip(np.asarray(cos_angle, dtype=float), -1.0, 1.0))
    half = _MINIMUM / 2
    return 0.5 * ((1 + half) + (1 - half) * np.cos(np.pi * theta / _MINIMUM_ANGLE))


@cache
def diffuse_share() -> float:
    """Return the b that gives a diffuse field the power that all directions get on average.

    Exact at high and low frequencies, where the power of D is b squared and one.
    """
    cosine = np.linspace(-1.0, 1.0, 20_001)
    return float(np.sqrt(np.trapezoid(direct_share(cosine) ** 2, cosine) / 2))


def low_passed(signal: np.ndarray, rate: float) -> np.ndarray:
    """Return the signal through 1 / (1 + s / w0), a one-pole low-pass (bilinear transform)."""
    from scipy.signal import lfilter

    k = np.tan(min(CORNER / (2 * rate), 1.5))
    return lfilter([k / (1 + k), k / (1 + k)], [1.0, (k - 1) / (1 + k)], signal)


def response(frequency: Any, cos_angle: float) -> np.ndarray:
    """Return the complex D of the closed form at frequencies in Hz.

    Examples
    --------
    >>> from spatialdrama_render.directivity import response
    >>> abs(response([100.0, 8000.0], -1.0)).round(2)
    array([0.99, 0.16])
    """
    low = 1.0 / (1.0 + 2j * np.pi * np.asarray(frequency, dtype=float) / CORNER)
    share = direct_share(cos_angle)
    return share + (1.0 - share) * low
