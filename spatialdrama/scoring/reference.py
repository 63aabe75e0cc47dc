"""What a candidate is compared with: a recording of the same length, or its own dry rendering."""

from __future__ import annotations

import threading
from typing import Any

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.errors import ValidationError
from spatialdrama.registry import entry, load
from spatialdrama.runtime import folders
from spatialdrama.types import BinauralAudio, Drama

#: s; renderings of one moment may differ by a tail, not by more.
LENGTH_TOLERANCE = 2.0
#: A renderer spreads over all cores by itself, and need not bear to be called from two threads.
_one_at_a_time = threading.Lock()


def check_pair(audio: BinauralAudio, reference: BinauralAudio) -> None:
    """Raise when two sounds cannot be renderings of one moment."""
    if audio.rate != reference.rate:
        raise ValidationError(
            f"the sound is at {audio.rate} Hz and its reference at {reference.rate} Hz; resample "
            "one of them, both ears alike, for example with soxr.resample."
        )
    if abs(audio.duration - reference.duration) > LENGTH_TOLERANCE:
        raise ValidationError(
            f"the sound lasts {audio.duration:.2f} s and its reference {reference.duration:.2f} s; "
            "they must be renderings of the same moment, with the same length."
        )


def _rendered(drama: Drama, renderer: Any) -> BinauralAudio:
    stems = [
        (line.speaker, line.start, stem.resampled(HOUSE_RATE).signal)
        for line, stem in zip(drama.script, drama.stems, strict=True)
    ]
    if not hasattr(renderer, "blocks"):
        return renderer.render_scene(stems, drama.scene.dry(), rate=HOUSE_RATE)
    # The same samples as render_scene gives, never all of them in memory.
    blocks = renderer.blocks(stems, drama.scene.dry(), rate=HOUSE_RATE)
    return BinauralAudio.from_blocks(blocks, HOUSE_RATE, folder=folders.cache_home())


def dry_reference(drama: Drama) -> tuple[BinauralAudio, str]:
    """Return the drama's stems along its poses with the room off, and a note that says so.

    Raises
    ------
    ValidationError
        When the drama has no stems, or does not say which renderer made it.
    """
    if not drama.stems:
        raise ValidationError(
            "this drama has no stems to render dry; pass reference='recording.wav'."
        )
    made = drama.provenance.get("renderer") or {}
    name, options = made.get("name"), made.get("options", {})
    if name is None or any(str(v).startswith("<") for v in options.values()):
        # Another head would be scored as an error of this one.
        raise ValidationError(
            "this drama does not say which renderer made it, so its dry reference cannot be made "
            "again; pass reference=, for example render_scene of that renderer in scene.dry()."
        )
    with _one_at_a_time:
        audio = _rendered(drama, load("renderer", name, **options))
    found = entry("renderer", name)
    return audio, (
        "no recording was given: the reference is the dry rendering of the drama's own stems "
        f"along its poses, by {found.full_name} {found.distribution_version}"
    )
