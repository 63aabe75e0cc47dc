"""Importing what not everybody installs; the error says what to type."""

from __future__ import annotations

import importlib
from types import ModuleType

from spatialdrama.errors import PluginImportError


def optional(module: str, *, who: str, extra: str) -> ModuleType:
    """Import a module of an optional extra.

    Parameters
    ----------
    module : str
        Import name, like ``"funasr"``.
    who : str
        What needs it, as it stands in a sentence.
    extra : str
        What to type after ``pip install``.

    Returns
    -------
    module

    Raises
    ------
    PluginImportError
        It is not installed, or broken.

    Examples
    --------
    >>> optional("math", who="counting", extra="counting").floor(1.5)
    1
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = (error.name or "").split(".")[0] == module.split(".")[0]
        what = f"{module!r}, which is not installed" if missing else f"{module!r} ({error})"
        raise PluginImportError(
            f"{who} needs the package {what}; type: pip install '{extra}'", name=error.name
        ) from error


def first_line(error: Exception) -> str:
    """A foreign error as it fits into a sentence: its kind and the first line of its text.

    Examples
    --------
    >>> first_line(OSError("gone" + chr(10) + "and 40 lines of advice"))
    'OSError: gone'
    """
    lines = str(error).strip().splitlines()
    kind = type(error).__name__
    return f"{kind}: {lines[0][:300]}" if lines else kind
