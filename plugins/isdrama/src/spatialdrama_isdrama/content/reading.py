"""What a line became: phones, and which word and character each of them belongs to."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from spatialdrama.errors import ValidationError

from . import inventory


@attrs.frozen(kw_only=True)
class Reading:
    """A line as the model reads it.

    Parameters
    ----------
    text
        The text with numbers written out; the semantics have a row for each of its characters.
    symbols
        (k,) phones of :data:`~.inventory.PHONES`.
    tones
        (k,) numbers of :data:`~.inventory.TONES`.
    languages
        (k,) "zh" or "en".
    words
        Start and end of each word in the text; a Han character is a word, a pause has a word of the
        marks that made it, maybe empty.
    ph2word
        (k,) the word of each phone, never decreasing.

    Raises
    ------
    ValidationError
        If the parts do not fit each other, or there is no phone but pauses.
    """

    text: str
    symbols: tuple[str, ...] = attrs.field(converter=tuple)
    tones: tuple[int, ...] = attrs.field(converter=tuple)
    languages: tuple[str, ...] = attrs.field(converter=tuple)
    words: tuple[tuple[int, int], ...] = attrs.field(converter=tuple, repr=False)
    ph2word: tuple[int, ...] = attrs.field(converter=tuple, repr=False)

    def __attrs_post_init__(self) -> None:
        if not any(map(inventory.language_of, self.symbols)):
            raise ValidationError(
                f"the line {shorten(self.text)!r} has no phone to speak; write words in Mandarin "
                "or English"
            )
        k = len(self.symbols)
        if not len(self.tones) == len(self.languages) == len(self.ph2word) == k:
            raise ValidationError(
                f"a reading has one tone, language and word for each of its {k} phones; got "
                f"{len(self.tones)}, {len(self.languages)} and {len(self.ph2word)}"
            )
        if any(a > b for a, b in zip(self.ph2word, self.ph2word[1:], strict=False)) or not (
            self.ph2word[0] >= 0 and self.ph2word[-1] < len(self.words)
        ):
            raise ValidationError(
                f"ph2word must go through the {len(self.words)} words in order; got {self.ph2word}"
            )

    @property
    def phones(self) -> tuple[int, ...]:
        """(k,) numbers of the phones."""
        return tuple(map(inventory.number_of, self.symbols))

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """(k, 2) start and end of each phone's characters in the text."""
        return tuple(self.words[word] for word in self.ph2word)

    def __len__(self) -> int:
        return len(self.symbols)


@attrs.define
class Builder:
    """Collects phones of one line; pauses never follow each other."""

    text: str = ""
    symbols: list[str] = attrs.Factory(list)
    tones: list[int] = attrs.Factory(list)
    languages: list[str] = attrs.Factory(list)
    words: list[tuple[int, int]] = attrs.Factory(list)
    ph2word: list[int] = attrs.Factory(list)

    def word(
        self, written: str, phones: Iterable[tuple[str, int]], language: str, start: int = 0
    ) -> None:
        """Append written text and its phones; the word is what stands from `start` on."""
        self.words.append((len(self.text) + start, len(self.text) + len(written)))
        self.text += written
        for symbol, tone in phones:
            self.symbols.append(symbol)
            self.tones.append(tone)
            self.languages.append(language)
            self.ph2word.append(len(self.words) - 1)

    def pause(self, written: str, language: str) -> None:
        """Append marks that are heard as a pause; a pause beside a pause is one."""
        if self.symbols and self.symbols[-1] == inventory.SILENCE:
            self.text += written
            start, _ = self.words[-1]
            self.words[-1] = (start, len(self.text))
        else:
            self.word(written, [(inventory.SILENCE, 0)], language)

    def finish(self) -> Reading:
        """Return the reading."""
        return Reading(
            text=self.text,
            symbols=self.symbols,
            tones=self.tones,
            languages=self.languages,
            words=self.words,
            ph2word=self.ph2word,
        )


def shorten(text: str, length: int = 40) -> str:
    """Return the text for a message, cut if it is long.

    Example
    -------
    >>> shorten("abcdef", 4)
    'abc…'
    """
    text = text.strip()
    return text if len(text) <= length else text[: length - 1] + "…"
