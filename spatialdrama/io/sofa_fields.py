"""The fields of a SOFA file: opened, complete, finite, with places and directions in one frame.

Shared by the readers of head-related responses (:mod:`spatialdrama.io.sofa`) and of room responses
(:mod:`spatialdrama.io.brir`). What a convention means by its data is not known here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import PluginImportError, ValidationError

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


@attrs.frozen(eq=False)
class SofaFields:
    """What a SOFA file holds, by the names of the standard ("Data.IR", "SourcePosition").

    Parameters
    ----------
    path : Path
    convention : str
    values : dict of str to float64 arrays
    dimensions : dict of str to tuple of "M", "R", "E", "N", "C", "I" and the like
    texts : dict of str to str
        Attributes: "Title" of the file, "SourcePosition:Type" of a variable.
    """

    path: Path
    convention: str
    values: dict[str, np.ndarray]
    dimensions: dict[str, tuple[str, ...]]
    texts: dict[str, str]

    @property
    def name(self) -> str:
        """The file's name, as messages give it."""
        return self.path.name

    def require(self, *names: str) -> None:
        """Raise :class:`ValidationError` naming what is missing of `names`."""
        missing = [n for n in names if n not in self.values and n not in self.texts]
        if missing:
            raise ValidationError(
                f"{self.name} lacks the field{'s' if len(missing) > 1 else ''} "
                f"{', '.join(missing)}, which {self.convention} requires; get a complete copy of "
                "the file."
            )

    def array(self, name: str, axes: str) -> np.ndarray:
        """Return a field with the dimensions `axes`, in this order.

        Parameters
        ----------
        name : str
        axes : str of single letters
            Dimensions that the file lacks, or calls "I" (one), come with length one.

        Raises
        ------
        ValidationError
            When the field has a dimension of more than one element that is not in `axes`, or a
            value that is not finite.
        """
        value, own = self.values[name], self.dimensions[name]
        if not np.isfinite(value).all():
            where = [int(i) for i in np.argwhere(~np.isfinite(value))[0]]
            raise ValidationError(
                f"{self.name}: {name}{where} is {value[tuple(where)]}; the file is damaged or "
                "incomplete, get another copy."
            )
        extra = [d for d, size in zip(own, value.shape, strict=True) if d not in axes and size > 1]
        if extra or len(set(own) - {"I"}) < sum(d != "I" for d in own):
            raise ValidationError(
                f"{self.name}: {name} has the dimensions {own} of {value.shape}; "
                f"{', '.join(axes)} are understood."
            )
        keep = [i for i, d in enumerate(own) if d in axes]
        drop = tuple(i for i in range(value.ndim) if i not in keep)
        value = np.squeeze(value, axis=drop)
        order = [own[i] for i in keep]
        value = value.transpose([order.index(d) for d in axes if d in order])
        return value.reshape([self._size(d, value, axes, order) for d in axes])

    def _size(self, axis: str, value: np.ndarray, axes: str, order: list[str]) -> int:
        present = [d for d in axes if d in order]
        return value.shape[present.index(axis)] if axis in present else 1

    def rate(self) -> float:
        """Return Data.SamplingRate in Hz; one for the whole file."""
        rates = np.unique(self.values["Data.SamplingRate"])
        if len(rates) != 1:
            raise ValidationError(
                f"{self.name}: Data.SamplingRate holds {len(rates)} different rates "
                f"({rates[0]:g} to {rates[-1]:g} Hz); resample the file to one."
            )
        if not 4_000 <= rates[0] <= 1_000_000:
            raise ValidationError(
                f"{self.name}: Data.SamplingRate is {rates[0]:g} Hz, expected 4 kHz to 1 MHz; "
                "the file is wrong, get another copy."
            )
        return float(rates[0])

    def pure_delay(self, shape: tuple[int, int, int]) -> np.ndarray:
        """Return (m, r, e) s: Data.Delay, in any of its legal shapes, or zeros."""
        if "Data.Delay" not in self.values:
            return np.zeros(shape)
        delay = self.values["Data.Delay"]
        # One number counts for all; files that say only "I" mean one receiver after the other.
        if delay.size > 1 and not set(self.dimensions["Data.Delay"]) <= set("IMRE"):
            raise ValidationError(
                f"{self.name}: Data.Delay has the dimensions {self.dimensions['Data.Delay']}; "
                "it may depend on M, R and E."
            )
        try:
            return np.broadcast_to(self.array("Data.Delay", "MRE"), shape) / self.rate()
        except ValueError as error:
            if isinstance(error, ValidationError):
                raise
            raise ValidationError(
                f"{self.name}: Data.Delay has shape {delay.shape}; (1, {shape[1]}) or "
                f"{shape[:2]} is needed."
            ) from None


def open_sofa(path: str | Path) -> SofaFields:
    """Read every field of a SOFA file, whatever its convention.

    Raises
    ------
    ValidationError
        For a file that is none, is cut off or cannot be read.
    PluginImportError
        When ``sofar`` is not installed.
    """
    path = Path(path)
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
        # Read as it is: sofar's own check refuses many published files for details of metadata
        # that nothing here depends on (pyfar/sofar issues 72 and 134), and versions newer than it.
        raw = sofar.read_sofa_as_netcdf(str(_named_sofa(path)))
        dimensions = _dimensions(path)
    except Exception as error:  # netCDF4 raises OSError or RuntimeError, sofar others
        size = path.stat().st_size
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValidationError(
            f"{path.name} cannot be read as SOFA ({size} bytes: {reason}); it is cut off or "
            "damaged, get another copy."
        ) from error
    return _sorted_out(raw, dimensions, path)


def _named_sofa(path: Path) -> Path:
    """sofar replaces whatever suffix there is; a file of another name would not be found."""
    if path.suffix != ".sofa":
        raise ValidationError(f"{path.name} must be called .sofa to be read; rename it.")
    return path


def _dimensions(path: Path) -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
    """Return the dimensions' names and sizes of every variable; sofar drops those of length one."""
    import netCDF4

    with netCDF4.Dataset(path) as file:
        return {n: (v.dimensions, v.shape) for n, v in file.variables.items()}


def _sorted_out(raw: Any, dimensions: dict[str, Any], path: Path) -> SofaFields:
    values, texts = {}, {}
    for name, (_, shape) in dimensions.items():
        value = getattr(raw, name.replace(".", "_"), None)
        numbers = np.ma.filled(np.ma.asarray(value), np.nan) if _is_numeric(value) else None
        if numbers is not None and numbers.size == int(np.prod(shape)) and numbers.size:
            values[name] = np.asarray(numbers, dtype=np.float64).reshape(shape)
    for key, value in vars(raw).items():
        if key.startswith("GLOBAL_"):
            texts[key.removeprefix("GLOBAL_")] = str(value)
        elif key.endswith(("_Type", "_Units")):
            variable, _, what = key.rpartition("_")
            texts[f"{variable.replace('_', '.')}:{what}"] = str(value)
    return SofaFields(
        path=path,
        convention=texts.get("SOFAConventions", "none"),
        values=values,
        dimensions={n: dimensions[n][0] for n in values},
        texts=texts,
    )


def _is_numeric(value: Any) -> bool:
    return value is not None and np.asarray(value).dtype.kind in "fiu"
