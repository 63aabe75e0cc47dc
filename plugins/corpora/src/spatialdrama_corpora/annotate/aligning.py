"""When each phone of a line sounds: the best aligner that is here, and which one that was."""

from __future__ import annotations

from typing import Any, Final

import attrs
import numpy as np

from spatialdrama.dsp.stft import as_samples
from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Speech
from spatialdrama.types.validate import unknown_name
from spatialdrama_corpora.annotate import sphinx, whisper_words
from spatialdrama_corpora.annotate.aligned import Aligned
from spatialdrama_corpora.annotate.phones import FrontEnd, Reading, phones_of
from spatialdrama_corpora.annotate.spread import by_energy
from spatialdrama_corpora.annotate.voiced import from_voice

METHODS: Final = ("auto", "voice", "pocketsphinx", "whisper", "energy")


def align(
    sound: Speech | BinauralAudio | np.ndarray,
    text: str = "",
    language: str | None = None,
    *,
    rate: int | None = None,
    method: str = "auto",
    front_end: FrontEnd | None = None,
) -> Aligned:
    """Return the phones and words of one line with their times.

    Parameters
    ----------
    sound : Speech, BinauralAudio, or (n,) or (2, n) float with `rate`
        One line. Of two ears the louder one is listened to.
    text : str
        What is said; default that of a Speech.
    language : str, optional
        "zh" or "en"; read off the writing by default.
    rate : int, Hz
        Of an array.
    method : str
        ``voice``: the times a Speech carries, exact. ``pocketsphinx``: English phones (package
        pocketsphinx). ``whisper``: words of both languages by the metrics' recogniser (its package
        and weights), phones within them by energy. ``energy``: always there, rough. ``auto`` takes
        the first of these that can be used; ``note`` says why not the better ones.
    front_end : callable, optional
        See :func:`.phones.phones_of`.

    Raises
    ------
    ValidationError
        When the text is missing, the line is silent, or a named method cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.arange(48_000) / 48_000
    >>> line = np.sin(2 * np.pi * 200 * t) * ((t > 0.2) & (t < 0.8))
    >>> found = align(line, "我要", rate=48_000, method="energy")
    >>> found.method, [p.symbol for p in found.phones]
    ('energy', ['<SP>', 'uo', 'iao', '<SP>'])
    """
    if method not in METHODS:
        raise unknown_name("alignment method", method, METHODS)
    said = text or (sound.text if isinstance(sound, Speech) else "")
    if not said.strip():
        raise ValidationError("align needs the words that are said: give text='...'.")
    reading = phones_of(said, language, front_end=front_end)
    carried = isinstance(sound, Speech) and bool(sound.phones)
    if method == "voice" and not carried:
        raise ValidationError(
            "method='voice' takes a Speech with phones, as a voice gives it; use method='auto'."
        )
    if carried and method in ("auto", "voice"):
        return from_voice(sound, reading, front_end=front_end)
    samples, rate = _samples(sound, rate)
    mono = _louder_ear(samples)
    if not np.any(mono):
        raise ValidationError("the line is silent: there is nothing to align its phones with.")
    if method == "energy":
        return by_energy(samples, rate, reading)
    if method == "pocketsphinx":
        return sphinx.by_sphinx(mono, rate, reading)
    main = _main_language(reading, language)
    if method == "whisper":
        return whisper_words.by_whisper(mono, rate, reading, main)
    return _best(samples, mono, rate, reading, main)


def _best(
    samples: np.ndarray, mono: np.ndarray, rate: int, reading: Reading, language: str
) -> Aligned:
    """The first aligner that works, with the reasons why better ones did not."""
    reasons: list[str] = []
    if reading.languages == ("en",):
        if sphinx.is_there():
            try:
                return sphinx.by_sphinx(mono, rate, reading)
            except ValidationError as error:
                reasons.append(str(error))
        else:
            reasons.append("pocketsphinx is not installed")
    why = whisper_words.why_not()
    if not why:
        try:
            found = whisper_words.by_whisper(mono, rate, reading, language)
            return attrs.evolve(found, note="; ".join([*reasons, found.note]))
        except ValidationError as error:
            why = str(error)
    reasons.append(why)
    return by_energy(samples, rate, reading, note="; ".join(reasons))


def _samples(sound: Any, rate: int | None) -> tuple[np.ndarray, int]:
    if isinstance(sound, Speech | BinauralAudio):
        return sound.samples, sound.rate
    if rate is None:
        raise ValidationError("an array has no rate of its own: give rate=48000 (Hz).")
    samples = as_samples(sound)
    if samples.ndim > 2 or (samples.ndim == 2 and samples.shape[0] != 2):
        raise ValidationError(f"a line has shape (n,) or (2, n); got {samples.shape}.")
    return samples, rate


def _louder_ear(samples: np.ndarray) -> np.ndarray:
    if samples.ndim == 1:
        return samples
    return samples[int(np.argmax((samples.astype(np.float64) ** 2).sum(axis=1)))]


def _main_language(reading: Reading, language: str | None) -> str:
    found = reading.languages
    return "zh" if "zh" in found else (language or found[0]).split("-")[0]
