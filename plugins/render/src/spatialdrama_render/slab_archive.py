"""The KEMAR measurements as the ``slab`` distribution carries them, read as plain numbers.

``slab`` (MIT licence) ships Gardner and Martin's MIT KEMAR set as a Python pickle of its own
classes. Pickles can run code, so this file never unpickles freely: it allows the three names that
rebuild a numpy array, replaces slab's classes by empty shells, and refuses every other name
("Restricting globals" in the documentation of :mod:`pickle`). The asset's sha256 is checked before
it comes here, too.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spatialdrama.errors import ValidationError
from spatialdrama.io.sofa import hrir_dataset

PICKLE_MAGIC = b"\x80"
LICENCE = "free for any use, cite the authors (W. G. Gardner, K. D. Martin, MIT Media Lab, 1994)"
_ALLOWED_CLASSES = {("slab.hrtf", "HRTF"), ("slab.filter", "Filter")}


class _Shell:
    """Stands in for a class of slab's; holds the attributes and does nothing."""


class _NumbersOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED_CLASSES:
            return _Shell
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if name == "_reconstruct" and module.endswith("core.multiarray"):
            from numpy._core.multiarray import _reconstruct

            return _reconstruct
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is no plain array")


def read_slab_archive(path: str | Path) -> xr.Dataset:
    """Read slab's decompressed KEMAR archive.

    Parameters
    ----------
    path : path

    Returns
    -------
    xarray.Dataset
        As :func:`spatialdrama.io.sofa.read_sofa` returns.

    Raises
    ------
    ValidationError
        For a file that names anything but slab's two classes and numpy arrays, or is cut off.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            archive = _NumbersOnly(file).load()
        responses = np.stack([entry.data.T for entry in archive.data])
        azimuth, elevation, distance = np.asarray(archive.sources, dtype=float).T
        rate = float(archive.samplerate)
    except (pickle.UnpicklingError, AttributeError, EOFError, ValueError, TypeError) as error:
        raise ValidationError(
            f"{path.name} is not slab's KEMAR archive ({error}); give a SOFA file, or type: "
            "spatialdrama assets fetch kemar"
        ) from error
    # slab keeps SOFA's own numbers: azimuth counter-clockwise and elevation up, in degrees.
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    position = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=1)
    return hrir_dataset(
        responses,
        position * distance[:, None],
        rate=rate,
        title="MIT KEMAR, normal pinna",
        licence=LICENCE,
        convention="SimpleFreeFieldHRIR (slab archive)",
        path=path,
    )
