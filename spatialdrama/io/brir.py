"""Binaural responses measured in a room, from SOFA files or two-channel sound files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import xarray as xr

from spatialdrama.conventions import AXES, EARS
from spatialdrama.errors import ValidationError
from spatialdrama.io.sofa import (
    CONVENTIONS,
    ROOM_CONVENTIONS,
    check_ears,
    check_two_ears,
    flattened,
)
from spatialdrama.io.sofa_data import read_responses
from spatialdrama.io.sofa_fields import open_sofa
from spatialdrama.io.sofa_places import read_places

#: s; sound takes it for 340 m, longer than any hall.
LONGEST_DELAY = 1.0
_SOUND_FILES = (".wav", ".flac", ".aif", ".aiff", ".w64", ".caf")


def read_brir(path: str | Path) -> xr.Dataset:
    """Read binaural room impulse responses.

    Parameters
    ----------
    path : path
        A SOFA file (``SingleRoomSRIR``, ``SingleRoomMIMOSRIR``, ``MultiSpeakerBRIR``, or a general
        convention) with two receivers, or a sound file of two channels, left then right.

    Returns
    -------
    xarray.Dataset
        ``impulse_response (measurement, ear, tap)`` float64, ``delay (measurement, ear)`` s,
        attributes ``rate`` (Hz), ``title``, ``licence``, ``convention``, ``sha256``, ``path``.
        From SOFA files also, all ``(measurement, axis)``: ``position`` of the source in the
        listener's frame, m; ``source``, ``listener`` m and ``listener_view``, ``listener_up``
        (unit vectors) in the file's own frame; and the coordinate ``emitter (measurement)``, which
        of the file's loudspeakers it was. Measurements run through all emitters of the first
        listener, then of the second.

    Raises
    ------
    ValidationError
        For a file that cannot be read, is cut off, has not two channels or receivers, lacks a
        field, or holds values that are not finite, a silent ear or delays of more than 1 s.
    PluginImportError
        When a SOFA file is read and ``sofar`` is not installed.

    Notes
    -----
    The responses keep their level and their time of flight. Conventions: AES69-2022 and
    https://www.sofaconventions.org.

    Examples
    --------
    >>> import numpy as np, soundfile
    >>> from spatialdrama.io.brir import read_brir
    >>> soundfile.write("room.wav", np.eye(400, 2) / 2, 48000)      # doctest: +SKIP
    >>> read_brir("room.wav").impulse_response.sizes                # doctest: +SKIP
    Frozen({'measurement': 1, 'ear': 2, 'tap': 400})
    """
    path = Path(path)
    if path.suffix.lower() in _SOUND_FILES:
        return _from_sound(path)
    file = open_sofa(path)
    known = (*ROOM_CONVENTIONS, *(c for c in CONVENTIONS if c.startswith("General")))
    if file.convention not in known:
        raise ValidationError(
            f"{file.name} follows the SOFA convention {file.convention!r}; rooms are read from "
            f"{', '.join(known)}. A head in a free field is read by spatialdrama.io.sofa.read_sofa."
        )
    response, rate = read_responses(file)
    check_two_ears(file, response)
    m, _, e, _ = response.shape
    places = read_places(file, m, e)
    delay = file.pure_delay(response.shape[:3])
    response, delay, position = flattened(file, response, delay, places.position)
    per_listener = {
        "listener": places.listener,
        "listener_view": places.axes[:, 0],
        "listener_up": places.axes[:, 2],
    }
    rows = {name: np.repeat(value, e, axis=0) for name, value in per_listener.items()}
    rows |= {"position": position, "source": places.source.reshape(-1, 3)}
    return _dataset(
        response,
        delay,
        rate,
        rows,
        np.tile(np.arange(e), m),
        path,
        title=file.texts.get("Title") or file.texts.get("DatabaseName") or "",
        licence=file.texts.get("License", ""),
        convention=file.convention,
    )


def _from_sound(path: Path) -> xr.Dataset:
    from spatialdrama.io.audio import read_samples

    samples, rate = read_samples(path, "room response")
    if len(samples) != 2:
        raise ValidationError(
            f"room response {path.name} has {len(samples)} channel"
            f"{'s' if len(samples) > 1 else ''}; a pair of ears is two, left then right."
        )
    return _dataset(
        samples[None].astype(np.float64), np.zeros((1, 2)), rate, {}, np.zeros(1, dtype=int), path,
        title=path.stem, licence="", convention="sound file",
    )  # fmt: skip


def _dataset(
    response: np.ndarray,
    delay: np.ndarray,
    rate: float,
    rows: dict[str, np.ndarray],
    emitter: np.ndarray,
    path: Path,
    **texts: str,
) -> xr.Dataset:
    check_ears(response, delay, path.name, longest=LONGEST_DELAY)
    unit = {"position": "m", "source": "m", "listener": "m"}
    return xr.Dataset(
        {
            "impulse_response": (("measurement", "ear", "tap"), response),
            "delay": (("measurement", "ear"), delay, {"unit": "s"}),
        }
        | {
            n: (("measurement", "axis"), v, {"unit": unit[n]} if n in unit else {})
            for n, v in rows.items()
        },
        coords={"ear": list(EARS), "emitter": ("measurement", emitter)}
        | ({"axis": list(AXES)} if rows else {}),
        attrs=texts
        | {
            "rate": float(rate),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "path": str(path),
        },
    )
