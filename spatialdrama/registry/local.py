"""Registration from a notebook cell: for this kernel only, replaced when the cell runs again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .manager import manager
from .specs import MetricSpec


def register_local(kind: str, spec: Any, obj: Any) -> None:
    """Make ``obj`` available under ``spec.name`` until this kernel ends.

    Its provider is ``local``; a second registration under the same kind and name replaces the
    first. The spec's ``target`` only documents where the object came from.

    Parameters
    ----------
    kind : str
        "encoder", "generator", "metric", "voice", "renderer", "corpus" or "asset".
    spec : Spec
        Its description.
    obj : object
        A class or factory function, made anew by each ``load``; an object, used as it is; for a
        metric also a plain function ``f(audio, **needs)``.

    Example
    -------
    >>> from spatialdrama.registry import VoiceSpec, load, register_local, unregister_local
    >>> class Silence:
    ...     languages = ("en",)
    >>> register_local("voice", VoiceSpec("silence", "__main__:Silence"), Silence)
    >>> type(load("voice", "silence")).__name__
    'Silence'
    >>> unregister_local("voice", "silence")
    """
    manager.register_local(kind, spec, obj)


def unregister_local(kind: str, name: str) -> None:
    """Forget what :func:`register_local` put there; nothing happens when it holds no such name."""
    manager.unregister_local(kind, name)


def metric(name: str, **fields: Any) -> Callable:
    """Turn a function, or a class with ``score``, into a metric of this kernel.

    Parameters
    ----------
    name : str
        Name to score under.
    **fields
        Any field of :class:`MetricSpec` but ``target``: ``direction``, ``unit``, ``needs``,
        ``per``, ``chance``, ``bounds``, ``summary`` (default: first line of the docstring).

    Returns
    -------
    callable
        A decorator that returns the function or class unchanged.

    Example
    -------
    >>> from spatialdrama.registry import load, metric, unregister_local
    >>> @metric("peak", direction="down", unit="", per="item")
    ... def peak(audio):
    ...     return float(abs(audio.samples).max())
    >>> load("metric", "peak")
    FunctionMetric(peak)
    >>> unregister_local("metric", "peak")
    """

    def decorate(obj: Any) -> Any:
        summary = fields.pop("summary", None)
        if summary is None:
            lines = (getattr(obj, "__doc__", None) or "").strip().splitlines()
            summary = lines[0].strip() if lines else ""
        # '<locals>' is not an identifier, so a nested function is named by its last part
        where = getattr(obj, "__qualname__", type(obj).__qualname__).rsplit(".", 1)[-1]
        module = getattr(obj, "__module__", "__main__")
        target = f"{module}:{where if where.isidentifier() else 'function'}"
        spec = MetricSpec(name, target, summary=summary, **fields)
        manager.register_local("metric", spec, obj)
        return obj

    return decorate
