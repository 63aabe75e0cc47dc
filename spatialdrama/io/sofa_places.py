"""Where sources and ears of a SOFA file are: any coordinates, any listener, in the head's frame."""

from __future__ import annotations

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.io.sofa_fields import SofaFields

_AHEAD, _UP = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


@attrs.frozen(eq=False)
class Places:
    """Places of `m` measurements with `e` emitters each.

    Parameters
    ----------
    source : (m, e, 3) float64, m, in the file's own frame
    listener : (m, 3) float64, m, in the file's own frame
    axes : (m, 3, 3) float64
        Rows: the listener's forward, left and up in the file's own frame.
    """

    source: np.ndarray
    listener: np.ndarray
    axes: np.ndarray

    @property
    def position(self) -> np.ndarray:
        """(m, e, 3) m: sources in the listener's frame (x forward, y left, z up)."""
        return np.einsum("mij,mej->mei", self.axes, self.source - self.listener[:, None])


def read_places(file: SofaFields, m: int, e: int) -> Places:
    """Return where the emitters are.

    Parameters
    ----------
    file : SofaFields
    m, e : int
        Measurements and emitters of the data. One emitter is where its source is; several are
        placed by EmitterPosition in the source's frame.
    """
    file.require("SourcePosition", "SourcePosition:Type")
    source = _rows(file, "SourcePosition", m)[:, None]
    if e > 1:
        file.require("EmitterPosition", "EmitterPosition:Type")
        offset = cartesian(file, "EmitterPosition", "ECM")
        if offset.shape[0] != e or offset.shape[2] not in (1, m):
            raise ValidationError(
                f"{file.name}: EmitterPosition has shape {offset.shape} for {e} emitters and {m} "
                "measurements; the file is wrong, get another copy."
            )
        turned = np.einsum("mji,ejm->mei", _axes(file, "Source", m), _wide(offset, m))
        source = source + turned
    listener = np.zeros((m, 3))
    if "ListenerPosition" in file.values:
        listener = _rows(file, "ListenerPosition", m)
    source = np.broadcast_to(source, (m, e, 3))
    return Places(source=source, listener=listener, axes=_axes(file, "Listener", m))


def cartesian(file: SofaFields, name: str, axes: str) -> np.ndarray:
    """Return a field of three coordinates as x, y, z in m, with the dimensions `axes`.

    `axes` holds "C"; the field's :Type says what its columns are, cartesian where it says nothing.
    """
    value = file.array(name, axes)
    column = axes.index("C")
    if value.shape[column] != 3:
        raise ValidationError(
            f"{file.name}: {name} has shape {file.values[name].shape}; three coordinates are "
            "needed."
        )
    kind = file.texts.get(f"{name}:Type", "")
    if not kind and name.endswith("Up"):
        kind = file.texts.get(f"{name.removesuffix('Up')}View:Type", "")
    kind = kind.lower() or "cartesian"
    if kind.startswith("cart"):
        return value
    if kind != "spherical":
        raise ValidationError(
            f"{file.name}: {name}.Type is {kind!r}; 'cartesian' or 'spherical' is needed."
        )
    azimuth, elevation, radius = np.moveaxis(value, column, 0)
    if "rad" not in file.texts.get(f"{name}:Units", "degree").lower():
        azimuth, elevation = np.deg2rad(azimuth), np.deg2rad(elevation)
    flat = radius * np.cos(elevation)
    return np.stack(
        [flat * np.cos(azimuth), flat * np.sin(azimuth), radius * np.sin(elevation)], axis=column
    )


def right_ear_first(file: SofaFields) -> bool:
    """Say whether receiver 0 is the right ear, by the sign of y of the receivers."""
    if "ReceiverPosition" not in file.values:
        return False
    if file.texts.get("ReceiverPosition:Type", "cartesian").lower() not in (
        "cartesian",
        "spherical",
    ):
        return False
    side = cartesian(file, "ReceiverPosition", "RCM")[:, 1, 0]
    return len(side) == 2 and bool(side[0] < -1e-6 and side[1] > 1e-6)


def _rows(file: SofaFields, name: str, m: int) -> np.ndarray:
    """Return (m, 3) of a field that is given once or per measurement."""
    rows = cartesian(file, name, "MC")
    if len(rows) not in (1, m):
        raise ValidationError(
            f"{file.name}: {name} has {len(rows)} rows for {m} responses; one in all or one "
            "per response is needed."
        )
    return np.broadcast_to(rows, (m, 3))


def _axes(file: SofaFields, who: str, m: int) -> np.ndarray:
    """Return (m, 3, 3): rows forward, left, up of the listener or the source."""
    view, up = (
        _rows(file, f"{who}{what}", m)
        if f"{who}{what}" in file.values
        else np.broadcast_to(default, (m, 3))
        for what, default in (("View", _AHEAD), ("Up", _UP))
    )
    left = np.cross(up, view)
    length = np.linalg.norm(left, axis=1, keepdims=True)
    if length.min() < 1e-9:
        bad = int(np.argmin(length))
        raise ValidationError(
            f"{file.name}: {who}View {tuple(view[bad].tolist())} and {who}Up "
            f"{tuple(up[bad].tolist())} do not span a frame; the file's {who.lower()} fields are "
            "wrong."
        )
    view, left = view / np.linalg.norm(view, axis=1, keepdims=True), left / length
    return np.stack([view, left, np.cross(view, left)], axis=1)


def _wide(value: np.ndarray, m: int) -> np.ndarray:
    return np.broadcast_to(value, (*value.shape[:-1], m))
