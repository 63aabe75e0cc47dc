"""Arrays out of a file that PyTorch wrote before version 1.6, without PyTorch and without trust.

Such a file is five pickles and then the raw numbers. Pickles can run code, so nothing is unpickled
freely: one class of the standard library is allowed, PyTorch's three names become records that
hold numbers, and every other name is refused ("Restricting globals" in the documentation of
:mod:`pickle`). Format: ``torch.serialization._legacy_save``.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spatialdrama.errors import ValidationError

MAGIC = 0x1950A86A20F9469CFC6C
_STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Tensor(NamedTuple):
    """Where an array lies: which storage, from which number on, in which shape."""

    storage: tuple[str, np.dtype]
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _tensor(storage: Any, offset: int, shape: Any, stride: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, stride)))


class _NumbersOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is no plain array")

    def persistent_load(self, saved: Any) -> Any:
        kind, dtype, key, _, _, view = saved
        if kind != "storage" or view is not None:
            raise pickle.UnpicklingError(f"it holds a {kind} that is no plain storage")
        return str(key), dtype


def read_state(path: str | Path, entry: str) -> dict[str, NDArray]:
    """Read one dictionary of arrays.

    Parameters
    ----------
    path : path
    entry : str
        Its key in the saved dictionary, like ``"model_state"``.

    Returns
    -------
    dict of str to ndarray
        Read-only, in the file's order.

    Raises
    ------
    ValidationError
        The file is of another kind, cut off, or names anything but arrays.

    Examples
    --------
    >>> read_state("pretrained.pt", "model_state")["linear.bias"].shape  # doctest: +SKIP
    (256,)
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            if _NumbersOnly(file).load() != MAGIC:
                raise pickle.UnpicklingError("it does not begin as one")
            for _ in range(2):  # protocol version, sizes of types
                _NumbersOnly(file).load()
            saved = _NumbersOnly(file).load()
            keys = [str(key) for key in _NumbersOnly(file).load()]
            state = saved[entry]
            if not isinstance(state, Mapping) or not all(
                isinstance(value, _Tensor) for value in state.values()
            ):
                raise pickle.UnpicklingError(f"its {entry!r} is no dictionary of arrays")
            storages = _storages(file, keys, _dtypes(saved))
        return {name: _array(tensor, storages) for name, tensor in state.items()}
    except (pickle.UnpicklingError, AttributeError, EOFError, LookupError) as error:
        raise _refusal(path, error) from error
    except (OverflowError, TypeError, ValueError) as error:
        raise _refusal(path, error) from error


def _refusal(path: Path, error: Exception) -> ValidationError:
    return ValidationError(
        f"{path.name} is not the file of arrays that it should be ({error}); fetch it again, with "
        "spatialdrama assets fetch --for sim, or give the file of the resemblyzer package"
    )


def _dtypes(saved: Any) -> dict[str, np.dtype]:
    """Which storage holds which numbers; the optimiser's are skipped by their size."""
    found: dict[str, np.dtype] = {}
    rest = [saved]
    while rest:
        value = rest.pop()
        if isinstance(value, _Tensor):
            found[value.storage[0]] = value.storage[1]
        elif isinstance(value, Mapping):
            rest.extend(value.values())
        elif isinstance(value, list | tuple):
            rest.extend(value)
    return found


def _storages(file: IO[bytes], keys: list[str], dtypes: dict[str, np.dtype]) -> dict[str, NDArray]:
    storages = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        size = count * dtypes[key].itemsize
        data = file.read(size)
        if len(data) != size:
            raise EOFError("it is cut off")
        storages[key] = np.frombuffer(data, dtypes[key])
    return storages


def _array(tensor: _Tensor, storages: dict[str, NDArray]) -> NDArray:
    count = int(np.prod(tensor.shape))
    flat = storages[tensor.storage[0]][tensor.offset : tensor.offset + count]
    dense = np.cumprod((1, *tensor.shape[:0:-1]))[::-1]
    steps = zip(tensor.shape, tensor.stride, dense, strict=False)
    if len(flat) != count or (count and any(n > 1 and has != wants for n, has, wants in steps)):
        raise ValueError("an array in it does not lie in one piece")
    return flat.reshape(tensor.shape)
