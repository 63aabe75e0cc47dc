"""Random seeds that belong to a line, never to a batch.

A line's seed is a hash of the drama's seed and of what identifies the line, so the same line gets
the same noise alone, in a batch of any size, in any order, and on any number of processes.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from spatialdrama.errors import ValidationError

if TYPE_CHECKING:
    import numpy as np
    import torch

Key = int | str


def line_seed(seed: int, *keys: Key) -> int:
    """A seed in [0, 2**63) for one line.

    Parameters
    ----------
    seed : int
        The drama's seed.
    *keys : int or str
        What identifies the line: usually ``index, speaker, text``; append a purpose ("noise",
        "duration") for a further independent stream.

    Raises
    ------
    ValidationError
        A key that is neither a whole number nor text (1.0 and 1 must not silently differ).

    Example
    -------
    >>> from spatialdrama.runtime.seeding import line_seed
    >>> line_seed(7, 0, "ANNA", "Hello.") == line_seed(7, 0, "ANNA", "Hello.")
    True
    >>> line_seed(7, 0, "ANNA", "Hello.") == line_seed(7, 1, "ANNA", "Hello.")
    False
    """
    values: list[Key] = []
    for value in (seed, *keys):
        if isinstance(value, str):
            values.append(value)
            continue
        try:
            if isinstance(value, bool):
                raise TypeError
            values.append(value.__index__())  # numpy integers count as whole numbers
        except (AttributeError, TypeError):
            raise ValidationError(
                f"a seed and its keys are whole numbers or text; got {value!r}. "
                "Pass int(...) or str(...)."
            ) from None
    # JSON keeps 1 and "1", and ("a", "b") and ("ab",), apart
    text = json.dumps(values, ensure_ascii=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def rng(seed: int, *keys: Key) -> np.random.Generator:
    """A numpy generator seeded by :func:`line_seed`."""
    import numpy as np

    return np.random.Generator(np.random.PCG64(line_seed(seed, *keys)))


def torch_generator(seed: int, *keys: Key, device: str = "cpu") -> torch.Generator:
    """A torch generator seeded by :func:`line_seed`; imports torch.

    The same seed gives different numbers on different kinds of device: draw on "cpu" and move the
    result where samples must not depend on the device.
    """
    import torch

    generator = torch.Generator(device=device)
    generator.manual_seed(line_seed(seed, *keys))
    return generator
