"""Where heads come from: an asset, a SOFA file or arrays; each is prepared once and kept."""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import xarray as xr

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama_render.head_preparation import prepare_head
from spatialdrama_render.hrtf import HrtfSet
from spatialdrama_render.near_field import NearField

#: Heads by name: measured ones are assets of the same name, the others closed forms
#: (:mod:`spatialdrama_render.ear_models`).
HEADS = ("kemar", "spaced-pinnae", "sphere")
_CLOSED_FORMS = {"spaced-pinnae": "spaced_pinnae", "sphere": "sphere"}
#: Raised when the preparation gives other numbers for the same file, or refuses what it took.
PREPARATION_VERSION = 6
_KEPT: dict[tuple, HrtfSet] = {}


def load_head(
    hrtf: str | Path | xr.Dataset = "kemar",
    *,
    rate: float = HOUSE_RATE,
    equalisation: str = "diffuse",
    itd: str = "measured",
    phase: str = "minimum",
    taps: int | None = None,
    near: str = "auto",
) -> HrtfSet:
    """Return a head ready to render with; the second call for the same one is free.

    Parameters
    ----------
    hrtf : "kemar", "spaced-pinnae", "sphere", path of a SOFA file, or xarray.Dataset
        A dataset is laid out as :func:`spatialdrama.io.sofa.read_sofa` returns it.
    rate : float, Hz
    equalisation, itd, phase, taps, near
        See :func:`spatialdrama_render.head_preparation.prepare_head`.

    Raises
    ------
    AssetError
        When the named asset is missing or damaged.
    ValidationError
        For an unknown name or a file that cannot be used.

    Notes
    -----
    A set with directions in the horizontal plane only is completed above and below
    (:func:`spatialdrama_render.head_grid.ring_completion`), with a warning. A set on one side of
    the head only works with ``interpolation="nearest"``.

    Examples
    --------
    >>> from spatialdrama_render.heads import load_head
    >>> load_head("kemar").taps                                     # doctest: +SKIP
    128
    """
    options = {
        "rate": float(rate), "equalisation": equalisation, "itd": itd, "phase": phase, "taps": taps,
        "near": near,
    }  # fmt: skip
    head = _head(hrtf, options)
    if head.note:
        warnings.warn(f"{head.title or hrtf}: {head.note}", SpatialDramaWarning, stacklevel=2)
    return head


def _head(hrtf: str | Path | xr.Dataset, options: dict[str, Any]) -> HrtfSet:
    if isinstance(hrtf, xr.Dataset):
        return prepare_head(hrtf, **options)
    if isinstance(hrtf, str) and hrtf in _CLOSED_FORMS:
        key = (hrtf, *options.values())
        if key not in _KEPT:
            _KEPT[key] = prepare_head(_closed_form(hrtf), **options)
        return _KEPT[key]
    path = _path(hrtf)
    stat = path.stat()
    key = (str(path), stat.st_mtime_ns, stat.st_size, *options.values())
    if key not in _KEPT:
        _KEPT[key] = _prepared(path, **options)
    return _KEPT[key]


def _closed_form(name: str) -> xr.Dataset:
    from spatialdrama_render import ear_models

    responses = getattr(ear_models, _CLOSED_FORMS[name])()
    # Ears without a head between them come nearer as points do, not as a sphere does.
    near = "points" if name == "spaced-pinnae" else "sphere"
    return responses.assign_attrs({"near": near} | responses.attrs)


def _prepared(path: Path, **options: Any) -> HrtfSet:
    """Prepare a head, or fetch what an earlier process prepared from the same bytes."""
    from spatialdrama.runtime.cache import Cache

    cache = Cache("heads")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    key = cache.key(file=digest, version=PREPARATION_VERSION, **options)
    folder = cache.get(key)
    if folder is not None:
        return _loaded(folder / "head.npz")
    head = prepare_head(read_responses(path), **options)
    # A full or read-only disk costs the next process a second, not this one its rendering.
    with contextlib.suppress(OSError), cache.put(key) as folder:
        fields = attrs.asdict(head, filter=lambda a, v: a.init and v is not None, recurse=False)
        near = fields.pop("near", None)
        if near is not None:
            fields |= {f"near.{n}": v for n, v in attrs.asdict(near).items()}
        np.savez(folder / "head.npz", **fields)
    return head


def _loaded(file: Path) -> HrtfSet:
    with np.load(file, allow_pickle=False) as kept:
        fields = {n: v if v.ndim else v.item() for n, v in kept.items()}
    near = {n: fields.pop(n) for n in list(fields) if n.startswith("near.")}
    if near:
        fields["near"] = NearField(**{n.removeprefix("near."): v for n, v in near.items()})
    return HrtfSet(**fields)


def read_responses(path: str | Path) -> xr.Dataset:
    """Read a SOFA file, or the KEMAR asset."""
    from spatialdrama_render.slab_archive import PICKLE_MAGIC, read_slab_archive

    path = Path(path)
    with path.open("rb") as file:
        is_archive = file.read(1) == PICKLE_MAGIC
    if is_archive:
        _check_is_asset(path)
        return read_slab_archive(path)
    from spatialdrama.io.sofa import read_sofa

    return read_sofa(path)


def _path(hrtf: str | Path) -> Path:
    if isinstance(hrtf, str) and hrtf in HEADS:
        from spatialdrama.runtime.assets import locate

        return Path(locate(hrtf))
    path = Path(hrtf).expanduser()
    if not path.is_file():
        raise ValidationError(
            f"no HRTF {str(hrtf)!r}: it is neither a head ({', '.join(HEADS)}) nor a file; give "
            "the path of a .sofa file."
        )
    return path


def _check_is_asset(path: Path) -> None:
    """Only the one archive whose content is known is read, wherever it lies."""
    from spatialdrama_render.plugin import KEMAR

    digest: Any = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != KEMAR.sha256:
        raise ValidationError(
            f"{path.name} is a Python pickle with sha256 {digest[:12]}..., not the known KEMAR "
            "archive; give a .sofa file, or type: spatialdrama assets fetch kemar"
        )
