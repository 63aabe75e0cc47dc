"""Models that others trained, by transformers: loaded when first used, with a clear word if not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spatialdrama.errors import PluginImportError, ValidationError


def load_pretrained(model: str, classes: tuple[str, ...], instead: str) -> tuple[Any, ...]:
    """Return what each transformers class makes of a local folder or a hub name.

    Parameters
    ----------
    model
        A folder that exists is read as it is; anything else is a hub's name, which transformers
        looks up in its own cache and then on the hub. Pickled weights are refused.
    classes
        Names in transformers, such as ("AutoTokenizer", "T5EncoderModel").
    instead
        The option that needs none of this, for the messages.

    Raises
    ------
    PluginImportError
        Without transformers.
    ValidationError
        Where nothing can be loaded.
    """
    try:
        import transformers
    except ImportError as error:
        raise PluginImportError(
            f"{model!r} needs transformers; type pip install 'spatialdrama-isdrama[transformers]', "
            f"or take {instead}."
        ) from error
    where = str(Path(model).expanduser()) if Path(model).expanduser().is_dir() else model
    loaded = []
    for name in classes:
        options = {"use_safetensors": True} if name.endswith("Model") else {}
        try:
            loaded.append(getattr(transformers, name).from_pretrained(where, **options))
        except (OSError, ValueError) as error:
            first = str(error).strip().splitlines()[0]
            raise ValidationError(
                f"{model!r} cannot be loaded as {name}: {first} Give a local folder with its "
                f"files (safetensors), or take {instead}."
            ) from error
    return tuple(loaded)


def missing_width(model: str, field: str, width: int) -> str:
    """The message for a config that expects another width of a model."""
    return f"{model!r} gives {width} numbers a token; set {field}={width} in PoseConfig."
