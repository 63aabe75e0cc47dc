"""Lists of words, written as a line of text."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """Split at spaces: ``words("thou thee")`` is ``("thou", "thee")``."""
    return tuple(text.split())
