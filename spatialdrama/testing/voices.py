"""Conformance of voices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from spatialdrama.errors import SpatialDramaError, ValidationError
from spatialdrama.registry.manager import Entry
from spatialdrama.types import Speech

from .clauses import fail
from .common import made, same, who_is

#: A short sentence per language; others are tested with the English one.
SENTENCES = {"en": "Who is there?", "zh": "谁在那里？"}


def check_voice(
    name: str,
    *,
    options: Mapping[str, Any] | None = None,
    sentences: Mapping[str, str] | None = None,
) -> None:
    """Check a voice against all clauses for voices; it speaks about five short sentences.

    Parameters
    ----------
    name : str
        As for ``sd.load_voice``.
    options : mapping, optional
        Options to construct it with.
    sentences : mapping of language to text, optional
        What to say in languages other than English and Mandarin.

    Raises
    ------
    ConformanceError
        The first clause that it breaks.
    """
    entry, voice = made("voice", name, options)
    who = who_is(entry)
    identities = tuple(voice.identities())
    if not identities or len(set(identities)) < len(identities):
        fail(who, "voice-identities", f"{identities!r}")
    languages = tuple(voice.languages)
    if not languages or set(languages) != set(entry.spec.languages):
        fail(who, "voice-languages", f"{languages!r}, the spec says {entry.spec.languages!r}")
    texts = {**SENTENCES, **(sentences or {})}
    for language in languages:
        text = texts.get(language, SENTENCES["en"])
        _check_speech(
            entry, voice.speak(text, identity=identities[0], language=language), text, identities[0]
        )
    text = texts.get(languages[0], SENTENCES["en"])
    _check_repeats(entry, voice, text, identities[0], languages[0])
    _check_refusals(entry, voice, text, identities[0])


def _check_speech(entry: Entry, speech: Any, text: str, identity: str) -> None:
    who = who_is(entry)
    if not isinstance(speech, Speech):
        fail(who, "voice-speech", f"{type(speech).__name__}")
    if entry.spec.rate is not None and speech.rate != entry.spec.rate:
        fail(who, "voice-speech", f"{speech.rate} Hz, the spec says {entry.spec.rate}")
    if not np.abs(speech.samples).max() > 1e-4:
        fail(who, "voice-speech", "silence")
    if speech.text != text or speech.identity != identity:
        fail(who, "voice-speech", f"text {speech.text!r}, identity {speech.identity!r}")
    before = 0.0
    for phone in speech.phones:
        if phone.start < before - 1e-6 or phone.end > speech.duration + 1e-3:
            fail(who, "voice-phones", f"{phone} in {speech.duration:.3f} s of speech")
        before = phone.start


def _check_repeats(entry: Entry, voice: Any, text: str, identity: str, language: str) -> None:
    def speak(**how: Any) -> Speech:
        return voice.speak(text, identity=identity, language=language, seed=3, **how)

    first, quick, again = speak(), speak(rate=1.5), speak()
    if not same(first.samples, again.samples):
        fail(who_is(entry), "repeats", "other samples for the same text and seed")
    if not quick.duration < first.duration:
        fail(who_is(entry), "voice-rate", f"{quick.duration:.2f} s and {first.duration:.2f} s")


def _check_refusals(entry: Entry, voice: Any, text: str, identity: str) -> None:
    who = who_is(entry)

    def refused(clause: str, kind: type, what: str, call: Callable[[], Any]) -> None:
        try:
            call()
        except kind:
            return
        except Exception as error:
            fail(who, clause, f"{type(error).__name__}: {error} for {what}")
        fail(who, clause, f"no error for {what}")

    refused(
        "voice-unknown",
        SpatialDramaError,
        "an unknown identity",
        lambda: voice.speak(text, identity="no such identity"),
    )
    refused(
        "voice-unknown",
        SpatialDramaError,
        "an unknown language",
        lambda: voice.speak(text, identity=identity, language="xx"),
    )
    refused(
        "voice-empty", ValidationError, "empty text", lambda: voice.speak(" ", identity=identity)
    )
