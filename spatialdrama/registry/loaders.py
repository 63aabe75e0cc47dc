"""``sd.load_voice`` and its siblings: one function per kind, so that each has its own help."""

from __future__ import annotations

from typing import Any

from .manager import manager


def load_encoder(name: str, **options: Any) -> Any:
    """Make an encoder (prompt -> pose): ``name`` or ``provider/name``, options to its constructor.

    Raises
    ------
    UnknownNameError
        No plugin, or more than one, provides it; the message gives the nearest names.
    PluginImportError
        Its code cannot be imported; the message says what to install.
    ValidationError
        An option it does not take.
    """
    return manager.load("encoder", name, **options)


def load_generator(name: str, **options: Any) -> Any:
    """Make a generator (script + scene + voices -> drama); errors as for :func:`load_encoder`.

    Example
    -------
    >>> import spatialdrama as sd
    >>> sd.load_generator("cascade", renderer="physical")       # doctest: +SKIP
    """
    return manager.load("generator", name, **options)


def load_metric(name: str, **options: Any) -> Any:
    """Make a metric: an object with ``score(audio, **needs)``; errors as for :func:`load_encoder`.

    A plugin may give a plain function; it comes wrapped, with the options bound.
    """
    return manager.load("metric", name, **options)


def load_voice(name: str, **options: Any) -> Any:
    """Make a voice (text -> mono speech); errors as for :func:`load_encoder`."""
    return manager.load("voice", name, **options)


def load_renderer(name: str, **options: Any) -> Any:
    """Make a renderer (mono + pose + room -> binaural); errors as for :func:`load_encoder`."""
    return manager.load("renderer", name, **options)


def load_corpus(name: str, **options: Any) -> Any:
    """Make a corpus reader; errors as for :func:`load_encoder`."""
    return manager.load("corpus", name, **options)
