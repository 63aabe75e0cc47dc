"""The clauses that plugins keep, and the error that names the broken one."""

from __future__ import annotations

from typing import NoReturn

#: clause -> what it asks, word for word as in docs/reference/conformance.md (a test compares)
CLAUSES = {
    "light": "The plugin module imports descriptions only: no numpy, torch or matplotlib.",
    "constructs": "The object is made without required options and has a docstring.",
    "repr": "repr() works and is short.",
    "pickles": "Copies made by pickle and deepcopy give the same result.",
    "repeats": "The same input and seed give the same result, whatever was done in between.",
    "metric-result": "score() returns a Score or a number, never an infinite one.",
    "metric-needs": "score() takes the audio and exactly the keywords that the spec's needs name.",
    "metric-bounds": "Values lie inside the spec's bounds.",
    "metric-best": "Nothing scores better against a reference than the reference itself.",
    "metric-worse": "At least one clear degradation scores worse than the reference itself.",
    "metric-odd": "Silence and a single sample give a Score (NaN allowed) or a ValidationError.",
    "metric-rate": "Audio and reference at different rates raise a ValidationError.",
    "metric-batch": "score_batch(), where there is one, gives what score() gives item by item.",
    "voice-identities": "identities() gives names, at least one, each once.",
    "voice-languages": "languages names at least one language, the same as the spec's.",
    "voice-speech": "speak() returns a Speech: sound at the spec's rate, its text and identity.",
    "voice-phones": "Phones are in order and inside the speech.",
    "voice-rate": "rate=1.5 makes speech shorter than rate=1.0.",
    "voice-unknown": "An unknown identity or language raises one of spatialdrama's errors.",
    "voice-empty": "Text without anything to say raises a ValidationError.",
    "renderer-audio": "render() returns BinauralAudio at the rate it was given, at least as long.",
    "renderer-sides": "A source on one side reaches that ear first and no softer.",
    "renderer-delay": "Sound arrives after distance / 343 m/s, within 1 ms.",
    "renderer-linear": "Twice the input gives twice the output; gain_db=20 gives ten times.",
    "renderer-distance": "Without a room, twice as far is softer, by 3 to 9 dB.",
    "renderer-start": "The pose is evaluated at drama time start + t.",
    "renderer-mix": "render_scene() is the sum of its stems rendered alone.",
    "renderer-refuses": "NaN in the input raises a ValidationError.",
    "generator-drama": "generate() returns a Drama: timed, every line with its text, in order.",
    "generator-stems": "There is one dry stem per line, as long as the line's time.",
    "generator-length": "The audio reaches to the end of the last line.",
    "generator-line": "A line's stem does not change when another line is added after it.",
    "generator-voices": "A speaker without a voice is refused before any work.",
    "generator-speakers": "More speakers than max_speakers are refused before any work.",
    "encoder-pose": "encode() returns a Pose, finite and away from the listener's head.",
    "encoder-duration": "The pose covers the duration asked for, at the rate asked for.",
}


class ConformanceError(AssertionError):
    """A plugin broke a clause. ``clause`` is its key in :data:`CLAUSES`."""

    def __init__(self, who: str, clause: str, seen: str) -> None:
        self.clause = clause
        super().__init__(
            f"{who} breaks the clause '{clause}': {CLAUSES[clause]} Seen: {seen}. "
            f"See docs/reference/conformance.md#{clause}"
        )


def fail(who: str, clause: str, seen: str) -> NoReturn:
    """Raise for a broken clause."""
    raise ConformanceError(who, clause, seen)
