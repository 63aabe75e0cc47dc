"""Every problem of a corpus, with its file and what to do; a broken item never stops the check."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.runtime.folders import sha256_of
from spatialdrama.runtime.progress import progress as shown
from spatialdrama.types import BinauralAudio, Phone, Pose, Speech

from .corpus import Corpus, Problem
from .items import PARTS, Item

#: s; sound and annotation may differ by this much: a frame of the coarsest annotation.
TOLERANCE = 0.05
#: m/s; a person who is faster was not tracked.
FASTEST = 10.0
_REMEDIES = {
    "audio": "Copy the file again, or leave the item out.",
    "mono": "Copy the file again, or leave the item out.",
    "pose": "Mend the pose, or leave the item out.",
    "listener": "Mend the pose, or leave the item out.",
    "line": "Mend the times in the annotation.",
    "video": "Copy the video again, or take it out of the annotation.",
}


def check(corpus: Corpus, *, progress: bool | None = None) -> tuple[Problem, ...]:
    """Read every part of every item, and return what is wrong.

    Looked for are files that are missing, cut off, silent or at another rate, odd annotation,
    poses that are shorter or longer than the sound, hold NaN or jump, and times of phones and
    sound that do not agree. What was wrong while the corpus was opened comes first. Broken
    quaternions that were bridged, and the like, are notes.

    Parameters
    ----------
    corpus : Corpus
    progress : bool, optional
        Show how far it is; by default as elsewhere.

    Returns
    -------
    tuple of Problem

    Examples
    --------
    >>> from spatialdrama_corpora.check import check
    >>> from spatialdrama_corpora.corpus import Corpus
    >>> from spatialdrama_corpora.items import Item
    >>> from spatialdrama_corpora.readers.sounds import load_binaural
    >>> item = Item("a", speaker="ANNA", duration=1.0,
    ...             load={"audio": lambda: load_binaural("gone.wav")})
    >>> [problem.what for problem in check(Corpus([item]), progress=False)]
    ['sound file gone.wav does not exist; check the path.']
    """
    problems = list(corpus.problems)
    for item in shown(corpus.items, "checking", show=progress):
        problems += check_item(item)
    return tuple(problems)


def check_item(item: Item) -> list[Problem]:
    """Return the problems of one item."""
    found: list[Problem] = []
    parts: dict[str, Any] = {}
    for part in PARTS:
        if not item.has(part):
            continue
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                parts[part] = item.part(part)
                found += _odd_sound(item, part, parts[part])
            except ValidationError as error:
                found.append(_problem(item, part, str(error.__cause__ or error)))
        for warning in said:
            if issubclass(warning.category, SpatialDramaWarning):
                found.append(_problem(item, part, str(warning.message), "note"))
    try:
        phones = item.phones
    except ValidationError as error:
        found.append(_problem(item, "line", str(error.__cause__ or error)))
        phones = ()
    found += _compared(item, parts, phones)
    return found + _other_bytes(item, parts.get("extra") or {})


def _other_bytes(item: Item, extra: Mapping[str, Any]) -> list[Problem]:
    """Return a problem for each file whose bytes are not those that the corpus lists."""
    listed = extra.get("sha256")
    found = []
    for part, told in (listed if isinstance(listed, Mapping) else {}).items():
        path = item.files.get(part)
        if path is not None and path.is_file() and sha256_of(path) != told:
            found.append(_problem(item, part, "its bytes are not those that the corpus lists."))
    return found


def _problem(item: Item, part: str, what: str, level: str = "problem") -> Problem:
    file = item.files.get(part, "")
    remedy = _REMEDIES.get(part, "") if level == "problem" else ""
    return Problem(item.name, str(file), what, remedy, level)


def _odd_sound(item: Item, part: str, value: Any) -> Iterator[Problem]:
    if isinstance(value, BinauralAudio):
        peaks = np.zeros(2)
        differ = False
        for block in value.blocks():
            peaks = np.maximum(peaks, np.abs(block).max(axis=1))
            differ = differ or not np.array_equal(block[0], block[1])
        for ear, peak in zip(("left", "right"), peaks, strict=True):
            if peak == 0:
                yield _problem(item, part, f"the {ear} ear is silent.")
        if not differ:
            yield _problem(item, part, "both ears hold the same sound.", "note")
    elif isinstance(value, Speech) and not np.any(value.samples):
        yield _problem(item, part, "the dry voice is silent.")


def _compared(item: Item, parts: dict[str, Any], phones: tuple[Phone, ...]) -> list[Problem]:
    """Return where the parts do not agree with the item or with each other."""
    found = []
    for part in ("audio", "mono"):
        sound = parts.get(part)
        if sound is None:
            continue
        if abs(sound.duration - item.duration) > TOLERANCE:
            found.append(
                _problem(item, part, f"the sound lasts {sound.duration:.2f} s and the annotation "
                         f"says {item.duration:.2f} s.")
            )  # fmt: skip
        if sound.rate != item.rate:
            found.append(
                _problem(item, part, f"it is at {sound.rate} Hz and the item at {item.rate} Hz.")
            )
    if phones and phones[-1].end > item.duration + 2 * TOLERANCE:
        found.append(
            _problem(item, "line", f"its phones end at {phones[-1].end:.2f} s and the sound at "
                     f"{item.duration:.2f} s.")
        )  # fmt: skip
    for part in ("pose", "listener"):
        if isinstance(parts.get(part), Pose):
            found += _odd_pose(item, part, parts[part])
    return found


def _odd_pose(item: Item, part: str, pose: Pose) -> list[Problem]:
    """Return a problem for a pose that ends early or jumps."""
    if len(pose.time) < 2:
        return []
    time, last = pose.time.values, float(pose.time[-1])
    found = []
    if last < item.duration - 0.25:
        found.append(
            _problem(item, part, f"the pose is shorter than the sound: it ends at {last:.2f} s "
                     f"and the sound at {item.duration:.2f} s.")
        )  # fmt: skip
    speed = np.linalg.norm(np.diff(pose.position.values, axis=0), axis=1) / np.diff(time)
    if speed.max() > FASTEST:
        i = int(speed.argmax())
        found.append(
            _problem(item, part, f"it moves at {speed[i]:.0f} m/s at {time[i]:.2f} s; no person "
                     "does.")
        )  # fmt: skip
    return found
