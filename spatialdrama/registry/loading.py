"""From a description to the object: import the target, construct it, explain what is missing."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
from collections.abc import Callable
from typing import Any

from spatialdrama.errors import PluginError, PluginImportError, SpatialDramaError, ValidationError


class FunctionMetric:
    """A plain function ``f(audio, **needs)`` given the ``score`` method that metrics have.

    Options passed to ``load`` are bound to the function's keywords of the same names.
    """

    def __init__(self, function: Callable, **options: Any) -> None:
        self.function = function
        self.options = options
        functools.update_wrapper(self, function)

    def score(self, audio: Any, **needs: Any) -> Any:
        """Call the function with the audio, what the metric needs, and the bound options."""
        return self.function(audio, **needs, **self.options)

    def __call__(self, audio: Any, **needs: Any) -> Any:
        return self.score(audio, **needs)

    def __reduce__(self):
        # copyreg would rebuild without the wrapped function's keyword options
        return functools.partial(FunctionMetric, **self.options), (self.function,)

    def __repr__(self) -> str:
        bound = "".join(f", {key}={value!r}" for key, value in self.options.items())
        return f"FunctionMetric({self.function.__qualname__}{bound})"


def load_target(entry: Any, options: dict[str, Any]) -> Any:
    """The object behind an entry, made with ``options``.

    A class or a factory function is called; for a metric, a plain function is the metric itself.
    An object that is already made is returned as it is and takes no options.

    Raises
    ------
    PluginImportError
        The target, or something it imports, is not installed; names what to install.
    ValidationError
        An option it does not take.
    """
    if not hasattr(entry.spec, "target"):
        raise PluginError(
            f"a {entry.spec.kind} is a file, not code. "
            f"Use spatialdrama.runtime.assets.locate({entry.name!r})."
        )
    found = import_target(entry) if entry.obj is None else entry.obj
    made = _make(entry, found, options)
    if entry.spec.kind == "metric" and not callable(getattr(made, "score", None)):
        raise PluginError(
            f"{_label(entry)}: {entry.spec.target} has no method score(audio, **needs). "
            "Write one, or name a plain function as the target."
        )
    return made


def _make(entry: Any, found: Any, options: dict[str, Any]) -> Any:
    # any callable without `score` serves as a metric: a function, a partial, a ufunc
    is_class = inspect.isclass(found)
    if entry.spec.kind == "metric" and not is_class and not hasattr(found, "score"):
        if not callable(found):
            return found
        _check_options(entry, found, options, skip=("audio", *entry.spec.needs))
        return FunctionMetric(found, **options)
    if is_class or inspect.isroutine(found) or isinstance(found, functools.partial):
        _check_options(entry, found, options)
        return _construct(entry, found, options)
    if options:
        raise ValidationError(
            f"{_label(entry)} is an object that is already made and takes no options; "
            f"got {', '.join(map(repr, options))}."
        )
    return found


def _construct(entry: Any, found: Any, options: dict[str, Any]) -> Any:
    """Make it; an option of the wrong type is the caller's mistake, and said as one."""
    try:
        return found(**options)
    except SpatialDramaError:
        raise
    except (TypeError, ValueError) as error:
        if not options:
            raise
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise ValidationError(f"{_label(entry)} cannot be made with {given}: {error}") from error


def _check_options(entry: Any, found: Any, options: dict, skip: tuple[str, ...] = ()) -> None:
    """Refuse an option before the constructor runs, so that its own errors keep their meaning."""
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):  # builtins without a signature
        return
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    takes = [p.name for p in parameters if p.kind is not p.POSITIONAL_ONLY and p.name not in skip]
    for option in options:
        if option not in takes:
            listed = ", ".join(takes) or "no options"
            raise ValidationError(
                f"{_label(entry)} does not take the option {option!r}; it takes {listed}."
            )


def import_target(entry: Any) -> Any:
    """Import ``package.module:Object``; errors say for what, from whom, and what to install."""
    module_name, _, path = entry.spec.target.partition(":")
    try:
        found = importlib.import_module(module_name)
    except ImportError as error:
        raise PluginImportError(_import_message(entry, error)) from error
    except Exception as error:
        raise PluginImportError(
            f"{_label(entry)} could not be imported: {module_name} raised "
            f"{type(error).__name__}: {error}. Report it to the authors of "
            f"{entry.distribution or entry.provider}."
        ) from error
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise PluginImportError(
                f"{_label(entry)} could not be imported: module {module_name!r} has no {path!r}. "
                f"Correct the target {entry.spec.target!r} in its description."
            ) from error
    return found


def _import_message(entry: Any, error: ImportError) -> str:
    lacking = (error.name or "").split(".")[0]
    text = f"{_label(entry)} could not be imported: {error}."
    own = entry.spec.target.split(":")[0].split(".")[0]
    if lacking and lacking == own:
        return text + f" Install it with: pip install '{entry.distribution or own}'"
    hint = entry.spec.extra or lacking
    return text + (f" Install it with: pip install '{hint}'" if hint else "")


def _label(entry: Any) -> str:
    return f"{entry.spec.kind} {entry.name!r} from plugin {entry.provider!r}"


@functools.lru_cache(maxsize=256)
def _installed(top_level: str) -> bool:
    # find_spec of a top-level name looks at the file system and imports nothing
    try:
        return importlib.util.find_spec(top_level) is not None
    except (ImportError, ValueError):
        return False


def missing_imports(spec: Any) -> tuple[str, ...]:
    """Those of ``spec.requires`` that are not installed, without importing any."""
    requires = getattr(spec, "requires", ())
    return tuple(name for name in requires if not _installed(name.split(".")[0]))
