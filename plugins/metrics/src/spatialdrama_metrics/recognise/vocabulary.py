"""Token numbers to text: the byte alphabet of GPT-2, which Whisper's vocabulary is written in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import attrs

from spatialdrama.errors import AssetError


def _alphabet() -> dict[str, int]:
    """Printable stand-ins for the 256 bytes: themselves where printable, else from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [b for b in range(256) if b not in printable]
    table = {chr(b): b for b in printable}
    table |= {chr(0x100 + i): b for i, b in enumerate(hidden)}
    return table


_BYTES = _alphabet()


@attrs.frozen
class Vocabulary:
    """Whisper's tokens, one a line of ``vocabulary.txt``; a token's number is its line.

    Examples
    --------
    >>> words = Vocabulary(("ä½ł", "Ġhi", "<|endoftext|>"))
    >>> words.text([0, 1, 2])
    '你 hi'
    """

    tokens: tuple[str, ...] = attrs.field(converter=tuple, repr=False)

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read ``vocabulary.txt``; AssetError when it is not Whisper's."""
        tokens = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        if "<|startoftranscript|>" not in tokens:
            raise AssetError(
                f"{path} is not the vocabulary of a Whisper model ({len(tokens)} lines, no "
                "<|startoftranscript|>); type: spatialdrama assets verify"
            )
        return cls(tokens)

    def number(self, token: str) -> int:
        """Number of a special token such as ``<|zh|>``."""
        return self.tokens.index(token)

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes that have a token, like ``en``."""
        first = self.number("<|startoftranscript|>") + 1
        return tuple(t[2:-2] for t in self.tokens[first : self.number("<|translate|>")])

    def text(self, numbers: Iterable[int]) -> str:
        """Ordinary tokens joined and decoded; special ones and broken characters left out."""
        end = self.number("<|endoftext|>")
        joined = "".join(self.tokens[n] for n in numbers if n < end)
        return bytes(_BYTES[c] for c in joined).decode("utf-8", errors="ignore")
