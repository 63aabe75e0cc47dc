"""Words beside a sound file: scripts, TextGrids of this project and of aligners, plain text."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import existing
from spatialdrama.types import Line, Phone, Script
from spatialdrama.types.script import languages_in

#: Names that aligners give to tiers, which are no speakers.
_WORD_TIERS = ("words", "word")
_PHONE_TIERS = ("phones", "phone", "phonemes")
_SILENCE = ("", "sp", "sil", "spn", "<sp>", "<ap>", "<eps>")
_TURN = re.compile(r"^[^:：\[\]\n]{1,60}?\s*(?:\[[^\]\n]*\]\s*)*[:：]\s*\S")


def lines_in(path: Path, speaker: str, language: str | None, duration: float) -> list[Line]:
    """Return the lines of a script file for one sound.

    One line stands for all of the sound, its phones at times from the sound's start; several have
    their own times, and phones at times from their own starts.

    Parameters
    ----------
    path : path
        ``.TextGrid`` (tiers named by speakers, or an aligner's "words" and "phones"), ``.json``,
        or text: ``SPEAKER: words``, or the words alone.
    speaker : str
        Who speaks where the file does not say.
    language : str, optional
    duration : float, s
        Of the sound.

    Raises
    ------
    ValidationError
        When the file cannot be read, or has several lines without times.
    """
    path = existing(path, "script")
    script = _plain(path, speaker) if path.suffix.lower() == ".txt" else Script.read(path)
    if {name.lower() for name in script.speakers} <= {*_WORD_TIERS, *_PHONE_TIERS}:
        script = Script([_aligned(script, speaker, path)])
    lines = [line if line.language else attrs.evolve(line, language=language) for line in script]
    if len(lines) > 1 and not script.is_timed:
        raise ValidationError(
            f"script {path} has {len(lines)} lines without times for one sound; give times "
            "(.TextGrid or .json), or one file a line."
        )
    if len(lines) == 1:
        return [_whole(lines[0], duration)]
    return lines


def _plain(path: Path, speaker: str) -> Script:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise ValidationError(f"script {path} is not UTF-8 text; save it as UTF-8.") from None
    rows = [row for row in text.splitlines() if row.strip() and not row.startswith("#")]
    if rows and not _TURN.match(rows[0].strip()):
        return Script([Line(speaker, " ".join(" ".join(rows).split()))])
    return Script.parse(text)


def _aligned(script: Script, speaker: str, path: Path) -> Line:
    """Return one line from the tiers of an aligner, such as the Montreal Forced Aligner's."""
    heard = [line for line in script if line.text.lower() not in _SILENCE]
    words = [line.text for line in heard if line.speaker.lower() in _WORD_TIERS]
    phones = [line for line in script if line.speaker.lower() in _PHONE_TIERS]
    if not words:
        raise ValidationError(f"script {path} has no words in its tiers.")
    han = all("zh" in languages_in(word) for word in words)
    return Line(
        speaker, ("" if han else " ").join(words),
        phones=tuple(Phone(p.text, p.start, p.end) for p in phones),
    )  # fmt: skip


def _whole(line: Line, duration: float) -> Line:
    """Return the only line of a sound, with phones at times from the sound's start."""
    if not line.is_timed:
        return attrs.evolve(line, start=0.0, end=duration)
    shift = line.start
    phones = (Phone(p.symbol, p.start + shift, p.end + shift) for p in line.phones)
    return attrs.evolve(line, start=0.0, end=duration, phones=tuple(phones))
