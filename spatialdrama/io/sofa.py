"""Head-related impulse responses from SOFA files (AES69), as a labelled array.

``sofar`` reads the file; this package checks it, makes impulse responses of whatever is stored,
turns positions into the house frame and labels the axes. ``sofar`` is imported on the first call,
so that importing this module costs nothing.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spatialdrama.conventions import AXES, EARS
from spatialdrama.errors import ValidationError
from spatialdrama.io.sofa_data import emitter_count, read_responses
from spatialdrama.io.sofa_fields import SofaFields, open_sofa
from spatialdrama.io.sofa_places import read_places, right_ear_first
from spatialdrama.io.spherical_harmonics import order_of, real_harmonics, ring_grid

#: The plainest convention of heads, and the one that arrays without a file are said to follow.
CONVENTION = "SimpleFreeFieldHRIR"
#: Conventions whose files are heads in a free field when they have two receivers.
CONVENTIONS = (
    CONVENTION, "SimpleFreeFieldHRTF", "SimpleFreeFieldHRSOS", "SimpleFreeFieldTF",
    "SimpleFreeFieldSOS", "FreeFieldHRIR", "FreeFieldHRTF", "GeneralFIR", "GeneralTF",
    "GeneralSOS", "GeneralFIR-E", "GeneralFIRE", "GeneralTF-E",
)  # fmt: skip
#: Conventions of responses measured in a room: another reader's.
ROOM_CONVENTIONS = ("SingleRoomSRIR", "SingleRoomMIMOSRIR", "MultiSpeakerBRIR", "SingleRoomDRIR")
#: s; sound takes 0.1 s for 34 m, further than any head was measured from.
LONGEST_DELAY = 0.1
#: m; the distance of spherical-harmonic sets that do not give theirs.
_UNKNOWN_DISTANCE = 1.0


def read_sofa(path: str | Path) -> xr.Dataset:
    """Read the responses of a head from a SOFA file of any layout, grid and rate.

    Parameters
    ----------
    path : path

    Returns
    -------
    xarray.Dataset
        ``impulse_response (measurement, ear, tap)`` float64; ``position (measurement, axis)`` m
        in the listener frame (x forward, y left, z up); ``delay (measurement, ear)`` s, the
        file's ``Data.Delay``; attributes ``rate`` (Hz), ``title``, ``licence``, ``convention``,
        ``sha256`` of the file, ``path``.

    Raises
    ------
    ValidationError
        For a file that is no SOFA file or is cut off, another convention, a missing field, more
        or fewer than two ears, values that are not finite, an ear that is silent in a measurement,
        or delays that are negative or longer than 0.1 s.
    PluginImportError
        When ``sofar`` is not installed.

    Notes
    -----
    Fields: AES69-2022, and https://www.sofaconventions.org. Spherical positions there are azimuth
    (counter-clockwise) and elevation in degrees, and metres. A listener who does not look along
    +x, looks elsewhere in each measurement or stands away from the origin, and receivers stored
    right ear first are all brought to the house frame.

    Read are SimpleFreeFieldHRIR, -HRTF and -HRSOS, FreeFieldHRIR and FreeFieldHRTF, and GeneralFIR,
    -TF and -SOS with two receivers, also under their older names. Spectra become impulse responses
    as :func:`spatialdrama.io.sofa_data.from_spectra` says, second-order sections as
    :func:`spatialdrama.io.sofa_data.from_sections` does. Spherical harmonics are evaluated on
    rings 4 to 10 degrees apart. Several distances stay as they are, one measurement each.

    Examples
    --------
    >>> from spatialdrama.io.sofa import read_sofa
    >>> set_ = read_sofa("MIT_KEMAR_normal_pinna.sofa")       # doctest: +SKIP
    >>> set_.sizes                                            # doctest: +SKIP
    Frozen({'measurement': 710, 'ear': 2, 'tap': 512, 'axis': 3})
    """
    file = open_sofa(path)
    if file.convention in ROOM_CONVENTIONS:
        raise ValidationError(
            f"{file.name} follows the SOFA convention {file.convention!r}: responses of a room, "
            "not of a head alone; read them with spatialdrama.io.brir.read_brir."
        )
    if file.convention not in CONVENTIONS:
        raise ValidationError(
            f"{file.name} follows the SOFA convention {file.convention!r}; the renderer reads "
            f"{', '.join(CONVENTIONS)}. Convert the file, or choose another one."
        )
    if _is_harmonic(file):
        response, position, delay, rate = _evaluated(file)
    else:
        file.require("SourcePosition", "SourcePosition:Type")
        response, rate = read_responses(file)
        check_two_ears(file, response)
        m, _, e, _ = response.shape
        position = read_places(file, m, e).position
        delay = file.pure_delay(response.shape[:3])
    response, delay, position = flattened(file, response, delay, position)
    return hrir_dataset(
        response,
        position,
        rate=rate,
        delay=delay,
        title=file.texts.get("Title") or file.texts.get("DatabaseName") or "",
        licence=file.texts.get("License", ""),
        convention=file.convention,
        path=file.path,
    )


def hrir_dataset(
    response: Any,
    position: Any,
    *,
    rate: float,
    delay: Any = None,
    title: str = "",
    licence: str = "",
    convention: str = CONVENTION,
    path: str | Path | None = None,
) -> xr.Dataset:
    """Label and check impulse responses, from a file or from arrays.

    Parameters
    ----------
    response : (m, 2, t) float, left ear first
    position : (m, 3) float, m, in the listener frame
    rate : float, Hz
    delay : (m, 2) float, s, optional

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.io.sofa import hrir_dataset
    >>> d = hrir_dataset(np.ones((1, 2, 4)), [[1, 0, 0]], rate=48000)
    >>> d.impulse_response.dims
    ('measurement', 'ear', 'tap')
    """
    response = np.asarray(response, dtype=np.float64)
    position = np.asarray(position, dtype=np.float64)
    delay = np.zeros(response.shape[:2]) if delay is None else np.asarray(delay, dtype=float)
    name = Path(path).name if path is not None else "the set"
    for what, values in (
        ("Data.IR", response), ("SourcePosition", position), ("Data.Delay", delay)
    ):  # fmt: skip
        if not np.isfinite(values).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise ValidationError(
                f"{name}: {what}{list(where)} is {values[where]}; the file is damaged or "
                "incomplete, get another copy."
            )
    if len(position) != len(response) or position.shape[1:] != (3,):
        raise ValidationError(
            f"{name}: {len(response)} responses but SourcePosition of shape {position.shape}; "
            "one (x, y, z) per response is needed."
        )
    check_ears(response, delay, name)
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest() if path is not None else ""
    return xr.Dataset(
        {
            "impulse_response": (("measurement", "ear", "tap"), response),
            "position": (("measurement", "axis"), position, {"unit": "m"}),
            "delay": (("measurement", "ear"), delay, {"unit": "s"}),
        },
        coords={"ear": list(EARS), "axis": list(AXES)},
        attrs={
            "rate": float(rate), "title": title, "licence": licence, "convention": convention,
            "sha256": digest, "path": str(path or ""),
        },
    )  # fmt: skip


def check_ears(
    response: np.ndarray, delay: np.ndarray, name: str, *, longest: float = LONGEST_DELAY
) -> None:
    """Raise for a silent ear, or a delay that cannot be.

    Parameters
    ----------
    response : (m, 2, t) float
    delay : (m, 2) float, s
    name : str
        Of the file, for the message.
    longest : float, s
        What the delay may be at most.
    """
    silent = ~response.any(axis=2)
    if silent.any():
        measurement, ear = (int(i) for i in np.argwhere(silent)[0])
        where = "both ears" if silent[measurement].all() else f"the {EARS[ear]} ear"
        raise ValidationError(
            f"{name}: response {measurement} is silent at {where}; the file is damaged or "
            "incomplete, get another copy."
        )
    absurd = (delay < 0) | (delay > longest)
    if absurd.any():
        measurement, ear = (int(i) for i in np.argwhere(absurd)[0])
        raise ValidationError(
            f"{name}: Data.Delay of response {measurement} at the {EARS[ear]} ear is "
            f"{delay[measurement, ear]:.4g} s; it must be from 0 to {longest:g} s (the file "
            "counts it in samples), get another copy."
        )


def check_two_ears(file: SofaFields, response: np.ndarray) -> None:
    """Raise unless the second dimension of (m, r, e, n) responses is a pair of ears."""
    if response.shape[1] != 2 or 0 in response.shape:
        raise ValidationError(
            f"{file.name} holds {response.shape[0]} measurements of {response.shape[1]} receivers "
            f"with {response.shape[3]} samples; a pair of ears is two receivers."
        )


def flattened(
    file: SofaFields, response: np.ndarray, delay: np.ndarray, position: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (m e, 2, n), (m e, 2) and (m e, 3), left ear first.

    Given are (m, 2, e, n) responses, (m, 2, e) delays and (m, e, 3) positions.
    """
    if right_ear_first(file):
        response, delay = response[:, ::-1], delay[:, ::-1]
    response = response.swapaxes(1, 2)
    return (
        response.reshape(-1, *response.shape[2:]),
        delay.swapaxes(1, 2).reshape(-1, 2),
        position.reshape(-1, 3),
    )


def _is_harmonic(file: SofaFields) -> bool:
    return "harmonic" in file.texts.get("EmitterPosition:Type", "").lower()


def _evaluated(file: SofaFields) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return responses, positions, delays and rate of emitters that are spherical harmonics."""
    order = order_of(emitter_count(file), file.name)
    directions = ring_grid(order)
    response, rate = read_responses(file, real_harmonics(order, directions))
    check_two_ears(file, response)
    if len(response) > 1:
        raise ValidationError(
            f"{file.name} holds {len(response)} measurements in spherical harmonics; one is "
            "understood, with all directions in it."
        )
    delay = file.pure_delay((1, 2, emitter_count(file)))
    if np.ptp(delay, axis=2).max() > 0:
        raise ValidationError(
            f"{file.name}: Data.Delay differs between the coefficients of a field, which has no "
            "meaning for a direction; the file is wrong, get another copy."
        )
    delay = np.repeat(delay[:, :, :1], len(directions), axis=2)
    # The harmonics' frame is the source's, which turns with SourceView and stands at the listener.
    distance = _harmonic_distance(file)
    position = read_places(file, 1, 1)
    placed = (distance * directions) @ position.axes[0].T
    return response, placed[None], delay, rate


def _harmonic_distance(file: SofaFields) -> float:
    """Return in m where the field was measured: the third column of EmitterPosition."""
    value = file.values.get("EmitterPosition")
    if value is None or "C" not in file.dimensions["EmitterPosition"]:
        return _UNKNOWN_DISTANCE
    # Its angles mean nothing there, and SOFAtoolbox writes NaN.
    column = file.dimensions["EmitterPosition"].index("C")
    radius = np.moveaxis(value, column, 0)[2].ravel()
    known = radius[np.isfinite(radius) & (radius > 0)]
    return float(known.mean()) if len(known) else _UNKNOWN_DISTANCE
