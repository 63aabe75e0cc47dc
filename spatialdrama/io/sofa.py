"""Head-related impulse responses from SOFA files (AES69), as a labelled array.

``sofar`` reads the file; this module checks it, turns positions into the house frame and labels
the axes. ``sofar`` is imported on the first call, so that importing this module costs nothing.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spatialdrama.conventions import AXES, EARS
from spatialdrama.errors import PluginImportError, ValidationError

#: The convention whose fields this reader understands.
CONVENTION = "SimpleFreeFieldHRIR"
_NEEDED = ("Data_IR", "Data_SamplingRate", "SourcePosition", "SourcePosition_Type")
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def read_sofa(path: str | Path) -> xr.Dataset:
    """Read a ``SimpleFreeFieldHRIR`` file of any grid and rate.

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
        or fewer than two ears, or values that are not finite.
    PluginImportError
        When ``sofar`` is not installed.

    Notes
    -----
    Fields: AES69-2022, and https://www.sofaconventions.org, "SimpleFreeFieldHRIR". Spherical
    positions there are azimuth (counter-clockwise) and elevation in degrees, and metres. A
    listener who does not look along +x, a listener away from the origin and receivers stored
    right ear first are all brought to the house frame.

    Examples
    --------
    >>> from spatialdrama.io.sofa import read_sofa
    >>> set_ = read_sofa("MIT_KEMAR_normal_pinna.sofa")       # doctest: +SKIP
    >>> set_.sizes                                            # doctest: +SKIP
    Frozen({'measurement': 710, 'ear': 2, 'tap': 512, 'axis': 3})
    """
    path = Path(path)
    sofa = _open(path)
    convention = getattr(sofa, "GLOBAL_SOFAConventions", "none")
    if convention != CONVENTION:
        raise ValidationError(
            f"{path.name} follows the SOFA convention {convention!r}; the renderer reads "
            f"{CONVENTION!r}. Convert the file, or choose another one."
        )
    missing = [n for n in _NEEDED if getattr(sofa, n, None) is None]
    if missing:
        names = ", ".join(n.replace("_", ".", 1) for n in missing)
        raise ValidationError(
            f"{path.name} lacks the field{'s' if len(missing) > 1 else ''} {names}, which "
            f"{CONVENTION} requires; get a complete copy of the file."
        )
    response = np.asarray(sofa.Data_IR, dtype=np.float64)
    if response.ndim != 3 or response.shape[1] != 2:
        raise ValidationError(
            f"{path.name} holds Data.IR of shape {response.shape}; a pair of ears is "
            "(measurements, 2, taps)."
        )
    position = _in_head_frame(sofa, _cartesian(sofa, path), path)
    delay = _delays(sofa, response.shape, path)
    if _right_ear_first(sofa):
        response, delay = response[:, ::-1], delay[:, ::-1]
    return hrir_dataset(
        response,
        position,
        rate=_rate(sofa, path),
        delay=delay,
        title=str(getattr(sofa, "GLOBAL_Title", "") or getattr(sofa, "GLOBAL_DatabaseName", "")),
        licence=str(getattr(sofa, "GLOBAL_License", "")),
        convention=convention,
        path=path,
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
    silent = ~response.any(axis=(1, 2))
    if silent.any():
        raise ValidationError(
            f"{name}: response {int(np.argmax(silent))} is silent at both ears; the file is "
            "damaged or incomplete, get another copy."
        )
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


def _open(path: Path) -> Any:
    if not path.is_file():
        raise ValidationError(f"no SOFA file at {path}; check the path.")
    with path.open("rb") as file:
        if file.read(8) != _HDF5_MAGIC:
            raise ValidationError(
                f"{path.name} is not a SOFA file (it does not begin as HDF5 does); give a .sofa "
                "file."
            )
    try:
        import sofar
    except ImportError as error:
        raise PluginImportError(
            "reading SOFA files needs sofar, which is not installed; type: pip install sofar"
        ) from error
    try:
        # Verification is ours: sofar refuses many published files for details of metadata that
        # nothing here depends on (pyfar/sofar issues 72 and 134).
        return sofar.read_sofa(str(path), verify=False, verbose=False)
    except Exception as error:  # netCDF4 raises OSError or RuntimeError, sofar others
        size = path.stat().st_size
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValidationError(
            f"{path.name} cannot be read as SOFA ({size} bytes: {reason}); it is cut off or "
            "damaged, get another copy."
        ) from error


def _cartesian(sofa: Any, path: Path) -> np.ndarray:
    """Return (m, 3) m of the sources in the file's own frame."""
    raw = np.atleast_2d(np.asarray(sofa.SourcePosition, dtype=float))
    if raw.shape[-1] != 3:
        raise ValidationError(
            f"{path.name}: SourcePosition has shape {raw.shape}; three columns are needed."
        )
    kind = str(sofa.SourcePosition_Type).lower()
    if kind.startswith("cart"):
        return raw
    if not kind.startswith("spher"):
        raise ValidationError(
            f"{path.name}: SourcePosition.Type is {kind!r}; 'cartesian' or 'spherical' is needed."
        )
    azimuth, elevation = np.deg2rad(raw[:, 0]), np.deg2rad(raw[:, 1])
    flat = raw[:, 2] * np.cos(elevation)
    return np.stack(
        [flat * np.cos(azimuth), flat * np.sin(azimuth), raw[:, 2] * np.sin(elevation)], axis=1
    )


def _in_head_frame(sofa: Any, position: np.ndarray, path: Path) -> np.ndarray:
    listener = _vector(sofa, "ListenerPosition", (0.0, 0.0, 0.0))
    view = _vector(sofa, "ListenerView", (1.0, 0.0, 0.0))
    up = _vector(sofa, "ListenerUp", (0.0, 0.0, 1.0))
    left = np.cross(up, view)
    if np.linalg.norm(left) < 1e-9:
        raise ValidationError(
            f"{path.name}: ListenerView {tuple(view)} and ListenerUp {tuple(up)} do not span a "
            "frame; the file's listener fields are wrong."
        )
    view, left = view / np.linalg.norm(view), left / np.linalg.norm(left)
    return (position - listener) @ np.stack([view, left, np.cross(view, left)], axis=1)


def _vector(sofa: Any, name: str, default: tuple[float, float, float]) -> np.ndarray:
    """Return the first row of a (1 or m, 3) field as cartesian, or `default` when absent."""
    value = getattr(sofa, name, None)
    if value is None:
        return np.asarray(default)
    row = np.atleast_2d(np.asarray(value, dtype=float))[0]
    kind = str(getattr(sofa, f"{name}_Type", "cartesian") or "cartesian").lower()
    if kind.startswith("spher"):
        a, e = np.deg2rad(row[:2])
        return row[2] * np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    return row


def _delays(sofa: Any, shape: tuple[int, ...], path: Path) -> np.ndarray:
    delay = getattr(sofa, "Data_Delay", None)
    if delay is None:
        return np.zeros(shape[:2])
    delay = np.atleast_2d(np.asarray(delay, dtype=float))
    try:
        return np.broadcast_to(delay, shape[:2]) / _rate(sofa, path)
    except ValueError:
        raise ValidationError(
            f"{path.name}: Data.Delay has shape {delay.shape}; (1, 2) or {shape[:2]} is needed."
        ) from None


def _rate(sofa: Any, path: Path) -> float:
    rate = float(np.ravel(sofa.Data_SamplingRate)[0])
    if not 4_000 <= rate <= 1_000_000:
        raise ValidationError(f"{path.name}: Data.SamplingRate is {rate:g} Hz; the file is wrong.")
    return rate


def _right_ear_first(sofa: Any) -> bool:
    """Say whether receiver 0 is the right ear, by the sign of y of the receivers."""
    receivers = getattr(sofa, "ReceiverPosition", None)
    if receivers is None:
        return False
    receivers = np.asarray(receivers, dtype=float)
    receivers = receivers[..., 0] if receivers.ndim == 3 else receivers
    if receivers.shape[0] != 2:
        return False
    if str(getattr(sofa, "ReceiverPosition_Type", "cartesian")).lower().startswith("spher"):
        side = np.sin(np.deg2rad(receivers[:, 0]))
    else:
        side = receivers[:, 1]
    return bool(side[0] < -1e-6 and side[1] > 1e-6)
