"""What there is to annotate: a recording with its script, pose and room, from files or an item.

Beside ``take.wav`` may lie ``take.TextGrid``, ``take.json`` or ``take.txt`` (who says what),
``take.nc`` (pose) or ``take_tracks.npy`` with ``take_session.json`` (rows of a tracker, and the
listener's ``ear_position`` and ``ear_orientation``), and ``take_room.json`` (a Room's options).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import existing, guarded, read_json
from spatialdrama.runtime.cache import key_of
from spatialdrama.types import BinauralAudio, Line, Pose, Room, Script, Speech
from spatialdrama_corpora.annotate.textgrid import read_textgrid
from spatialdrama_corpora.annotate.tracks import pose_from_tracks

SOUNDS: Final = (".wav", ".flac")
#: Endings of what may lie beside a recording, and what it is.
BESIDE: Final = {
    "script": (".TextGrid", ".json", ".txt"),
    "pose": (".nc", "_tracks.npy"),
    "session": ("_session.json",),
    "room": ("_room.json",),
}


@attrs.frozen(kw_only=True)
class Recording:
    """One thing to annotate; sound and pose are read when they are needed.

    Attributes
    ----------
    name : str
    audio : callable -> BinauralAudio
    script : callable -> Script or str or None
        Text alone, without speakers, is what the whole recording says.
    pose, listener : callable -> Pose or None
    room : callable -> Room or None
    speech : callable -> Speech or None
        The dry voice with the times of its phones, of a simulated item.
    whole : bool
        It is one segment already and is not cut into turns.
    digest : callable -> str
        Hash of everything that it is made of.
    """

    name: str
    audio: Callable[[], BinauralAudio]
    script: Callable[[], Script | str | None] = lambda: None
    pose: Callable[[], Pose | None] = lambda: None
    listener: Callable[[], Pose | None] = lambda: None
    room: Callable[[], Room | None] = lambda: None
    speech: Callable[[], Speech | None] = lambda: None
    whole: bool = False
    digest: Callable[[], str] = lambda: ""


def recordings(what: Any) -> tuple[Recording, ...]:
    """Return what can be annotated in a file, a folder, an item, or several of them.

    Parameters
    ----------
    what : path, BinauralAudio, Item, or iterable of these
        An item of a corpus is one segment already.

    Raises
    ------
    ValidationError
        When there is nothing, or two recordings have one name.

    Examples
    --------
    >>> import numpy as np
    >>> recordings(BinauralAudio(np.ones((2, 480)), 48_000))[0].name
    'recording'
    """
    many = isinstance(what, Iterable) and not isinstance(what, (str, Path, BinauralAudio))
    parts = list(what) if many and not _is_item(what) else [what]
    found = tuple(r for part in parts for r in _one(part))
    if not found:
        raise ValidationError(
            f"nothing to annotate in {what}: name a two-channel WAV or FLAC file, a folder of "
            "them, or items of a corpus."
        )
    names = [r.name for r in found]
    double = next((n for n in names if names.count(n) > 1), None)
    if double is not None:
        raise ValidationError(f"two recordings are called {double!r}; rename one of them.")
    return found


def _one(what: Any) -> list[Recording]:
    if isinstance(what, Recording):
        return [what]
    if isinstance(what, BinauralAudio):
        return [Recording(name="recording", audio=lambda: what, digest=lambda: _sound_digest(what))]
    if _is_item(what):
        return [_of_item(what)]
    path = Path(what)
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in SOUNDS)
        return [_of_file(p) for p in files]
    return [_of_file(existing(path, "recording"))]


def _is_item(what: Any) -> bool:
    # Asked of the type: an item loads its sound when the attribute itself is looked at.
    return hasattr(type(what), "audio") or "audio" in getattr(what, "__dict__", {})


def _of_file(path: Path) -> Recording:
    if path.suffix.lower() not in SOUNDS:
        raise ValidationError(f"recording {path} is not WAV or FLAC; convert it first.")
    beside = {
        kind: next((p for e in ends if (p := path.with_name(path.stem + e)).exists()), None)
        for kind, ends in BESIDE.items()
    }
    files = [path, *(p for p in beside.values() if p is not None)]
    return Recording(
        name=path.stem,
        audio=lambda: BinauralAudio.load(path),
        script=lambda: read_words(beside["script"]) if beside["script"] else None,
        pose=lambda: _read_pose(beside["pose"], beside["session"]) if beside["pose"] else None,
        room=lambda: _read_room(beside["room"]) if beside["room"] else None,
        digest=lambda: key_of({"files": [[p.name, _file_digest(p)] for p in files]}),
    )


def _of_item(item: Any) -> Recording:
    def line() -> Line | None:
        found = getattr(item, "line", None)
        return found if isinstance(found, Line) else None

    def script() -> Script | None:
        # Times of an item's line are the drama's; the segment is cut out of it.
        said = line()
        if said is None:
            return None
        return Script([attrs.evolve(said, start=None, end=None, phones=(), gap=None)])

    def speech() -> Speech | None:
        mono, said = getattr(item, "mono", None), line()
        if (mono is not None and mono.phones) or said is None or not said.phones:
            return mono
        # The corpus itself knows when each phone sounds: nothing is estimated again.
        audio = item.audio
        return Speech(
            audio.samples[0], audio.rate, phones=said.phones, text=said.text,
            language=said.language or "",
        )  # fmt: skip

    def digest() -> str:
        said = line()
        words = [said.speaker, said.text] if said else []
        phones = [[p.symbol, p.start, p.end] for p in said.phones] if said else []
        sound = _sound_digest(item.audio)
        return key_of({"name": item.name, "sound": sound, "line": words, "phones": phones})

    return Recording(
        name=item.name,
        audio=lambda: item.audio,
        script=script,
        pose=lambda: getattr(item, "pose", None),
        listener=lambda: getattr(item, "listener", None),
        room=lambda: getattr(item, "room", None),
        speech=speech,
        whole=True,
        digest=digest,
    )


def read_words(path: Path) -> Script | str:
    """Return a script, or plain text where nobody is named."""
    if path.suffix == ".TextGrid":
        return guarded(lambda: read_textgrid(path).script(), f"script {path}")
    if path.suffix == ".json":
        return Script.read(path)
    text = existing(path, "script").read_text(encoding="utf-8-sig").strip()
    if not text:
        raise ValidationError(f"script {path} is empty; write what is said, or remove it.")
    first = next(row for row in text.splitlines() if row.strip())
    named = any(c in first[:60] for c in ":：")
    return Script.read(path) if named else " ".join(text.split())


def _read_pose(path: Path, session: Path | None) -> Pose:
    if path.suffix == ".nc":
        return Pose.read(path)
    if session is None:
        raise ValidationError(
            f"{path} holds rows of a tracker; write the listener's ear_position and "
            f"ear_orientation into {path.name.replace('_tracks.npy', '_session.json')} beside it."
        )
    about = read_json(session, "session")
    if not isinstance(about, dict) or "ear_position" not in about:
        raise ValidationError(f"session {session} has no ear_position, three numbers.")
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValidationError(f"tracker rows {path} cannot be read: {error}") from None
    options = {
        k: about[k]
        for k in ("ear_position", "ear_orientation", "identity", "unit", "start", "time_unit")
        if k in about
    }
    return guarded(lambda: pose_from_tracks(rows, **options), f"tracker rows {path}")


def _read_room(path: Path) -> Room:
    about = read_json(path, "room")
    if not isinstance(about, dict):
        raise ValidationError(f'room {path} must be like {{"size": [6, 5, 3], "rt60": 0.4}}.')
    size = about.pop("size", None)
    return guarded(lambda: Room(tuple(size) if size else None, **about), f"room {path}")


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sound_digest(audio: BinauralAudio) -> str:
    found = hashlib.sha256(str(audio.rate).encode())
    for block in audio.blocks():
        found.update(np.ascontiguousarray(block).tobytes())
    return found.hexdigest()
