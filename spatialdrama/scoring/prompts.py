"""The voice prompt of each line: another, dry sound of its speaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Drama, Script, Speech
from spatialdrama.types.validate import unknown_name


def as_prompt(value: Any, speaker: str) -> Speech:
    """Return one voice prompt as Speech.

    Parameters
    ----------
    value : Speech, BinauralAudio or path
        Of two ears the louder one is taken; their mean would be a comb filter.
    speaker : str
        Whose it is, for messages.

    Raises
    ------
    ValidationError

    Examples
    --------
    >>> import numpy as np, spatialdrama as sd
    >>> from spatialdrama.scoring.prompts import as_prompt
    >>> ears = sd.BinauralAudio(np.outer([0.1, 0.2], np.ones(480)), 48_000)
    >>> round(float(as_prompt(ears, "ANNA").samples.max()), 3)
    0.2
    """
    if isinstance(value, Speech):
        return value
    if isinstance(value, str) or hasattr(value, "__fspath__"):
        from spatialdrama.io.audio import read_samples

        samples, rate = read_samples(value, f"prompt of {speaker}")
        return Speech(_louder(samples), rate)
    if isinstance(value, BinauralAudio):
        return Speech(_louder(value.samples), value.rate)
    raise ValidationError(
        f"the prompt of {speaker} must be a Speech, a BinauralAudio or a sound file; "
        f"got {type(value).__name__}."
    )


def _louder(samples: np.ndarray) -> np.ndarray:
    return samples[int(np.argmax(np.square(samples, dtype=np.float64).sum(axis=-1)))]


def given_prompts(prompts: Any, script: Script | None) -> dict[str, Speech]:
    """Return ``{speaker: Speech}`` of what a user gave; names that nobody has are refused."""
    if prompts is None:
        return {}
    if not isinstance(prompts, Mapping):
        raise ValidationError(
            f"prompts must be {{speaker: Speech or sound}}; got {type(prompts).__name__}."
        )
    if script is not None:
        for speaker in prompts:
            if speaker not in script.speakers:
                raise unknown_name("speaker", speaker, script.speakers)
    return {speaker: as_prompt(value, speaker) for speaker, value in prompts.items()}


def drama_prompts(drama: Drama, prompts: Any) -> tuple[list[Speech] | None, list[str]]:
    """Return one prompt for each line, and notes that say where prompts came from.

    A speaker without a given prompt speaks for himself: the longest of his other stems, or the
    line's own stem when he has no other. None when a speaker has neither prompt nor stems.
    """
    given = given_prompts(prompts, drama.script)
    speakers = [line.speaker for line in drama.script]
    missing = sorted(set(speakers) - set(given))
    if missing and not drama.stems:
        return None, []
    own = []
    chosen = []
    for i, speaker in enumerate(speakers):
        if speaker in given:
            chosen.append(given[speaker])
            continue
        others = [j for j, s in enumerate(speakers) if s == speaker and j != i]
        if not others:
            own.append(f"{i + 1:03d}")
        chosen.append(drama.stems[max(others, key=lambda j: drama.stems[j].duration, default=i)])
    notes = []
    if missing:
        notes.append(
            f"no prompt was given for {', '.join(missing)}: the longest other stem of the same "
            "speaker serves"
        )
    if own:
        notes.append(
            f"line{'s' if len(own) > 1 else ''} {', '.join(own)}: the speaker has no other line, "
            "the line's own stem serves as the prompt"
        )
    return chosen, notes
