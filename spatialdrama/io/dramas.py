"""A drama as a folder: drama.wav, drama.json and the dry line of every turn in stems/."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from spatialdrama.errors import ValidationError
from spatialdrama.io.audio import open_binaural, read_binaural, write_binaural, write_samples
from spatialdrama.io.files import guarded, read_json, whole_folder, write_json
from spatialdrama.io.scenes import scene_from_dict, scene_to_dict
from spatialdrama.io.scripts import script_from_dict, script_to_dict
from spatialdrama.io.stored import stored_sound
from spatialdrama.types.audio import BinauralAudio
from spatialdrama.types.drama import Drama
from spatialdrama.types.script import Line
from spatialdrama.types.speech import Speech
from spatialdrama.types.validate import is_stored

SCHEMA = "spatialdrama.drama/1"
SOUND = "drama.wav"
#: s; the sound of longer dramas stays in its files when they are loaded.
LONG = 60.0


def write_drama(drama: Drama, path: Any) -> Path:
    """Write the folder, whole or not at all; drama.json comes last.

    Sound that lies in a file goes through memory in pieces; what lies in this very folder already
    stays as it is.
    """
    with whole_folder(path) as folder:
        target = Path(path)
        _write_sound(drama.audio, folder, target)
        write_json(
            folder / "drama.json",
            {
                "schema": SCHEMA,
                "audio": {
                    "file": SOUND,
                    "rate": drama.audio.rate,
                    "duration": drama.audio.duration,
                },
                "script": script_to_dict(drama.script),
                "scene": scene_to_dict(drama.scene),
                "stems": _write_stems(drama, folder, target),
                "provenance": dict(drama.provenance),
            },
        )
    return Path(path)


def _write_sound(audio: BinauralAudio, folder: Path, target: Path) -> None:
    as_it_is = audio.stored if audio.is_stored and audio.stored.factor == 1 else None
    if not _taken_over(as_it_is, target / SOUND, folder / SOUND):
        # 24 bits hold what a listener gets; a mix beyond full scale is kept as float.
        write_binaural(audio, folder / SOUND, subtype="FLOAT" if audio.peak > 1 else None)


def _write_stems(drama: Drama, folder: Path, target: Path) -> list[dict[str, Any]]:
    entries = []
    for i, (line, stem) in enumerate(zip(drama.script, drama.stems, strict=False), start=1):
        name = f"stems/{i:03d}_{_safe(line.speaker)}.flac"
        signal = stem.signal
        if _taken_over(signal if is_stored(signal) else None, target / name, folder / name):
            gain = 1.0 / signal.factor
        else:
            gain = _write_stem(stem, folder / name)
        entries.append(
            {
                "file": name,
                "gain": gain,
                "rate": stem.rate,
                "text": stem.text,
                "language": stem.language,
                "identity": stem.identity,
                "f0": None if stem.f0 is None else [round(float(v), 2) for v in stem.f0],
                "f0_hop": stem.f0_hop,
                "provenance": dict(stem.provenance),
            }
        )
    return entries


def _write_stem(stem: Speech, path: Path) -> float:
    samples = stem.samples
    peak = float(abs(samples).max())
    # Loud styles may pass full scale; FLAC holds integers, so the file's gain is stated.
    gain = 1.0 if peak <= 1 else 1.0 / peak
    write_samples(path, samples[None] * gain, stem.rate)
    return gain


def _taken_over(samples: Any, old: Path, new: Path) -> bool:
    """Whether `samples` lie in `old` as they are, which then appears as `new` too."""
    if samples is None or samples.path is None or not old.is_file():
        return False
    if not samples.path.samefile(old):
        return False
    samples.read_slice(0, 1)  # says so when another drama was written over it meanwhile
    new.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(old, new)
    except OSError:  # a file system without links
        shutil.copy2(old, new)
    return True


def read_drama(folder: Any, *, stored: bool | None = None) -> Drama:
    """Read the folder; a file that differs from its description is named.

    Parameters
    ----------
    folder : path
    stored : bool, optional
        Whether sound stays in its files until it is looked at; default for dramas longer than
        :data:`LONG`.
    """
    folder = Path(folder)
    data = read_json(folder / "drama.json", "drama")
    return guarded(lambda: _drama(data, folder, stored), f"drama {folder}")


def _drama(data: Any, folder: Path, stored: bool | None) -> Drama:
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else type(data).__name__
        raise ValidationError(f"drama.json has schema {found!r}; this version reads {SCHEMA!r}.")
    script = script_from_dict(data["script"])
    if stored is None:
        stored = data["audio"]["duration"] > LONG
    opened = open_binaural if stored else read_binaural
    audio = opened(folder / data["audio"]["file"], rate=data["audio"]["rate"])
    if len(data["stems"]) not in (0, len(script)):
        raise ValidationError(f"{len(data['stems'])} stems for {len(script)} lines.")
    stems = tuple(
        _stem(entry, line, folder, stored)
        for entry, line in zip(data["stems"], script.lines, strict=False)
    )
    return Drama(audio, script, scene_from_dict(data["scene"]), stems, data["provenance"])


def _stem(entry: dict[str, Any], line: Line, folder: Path, stored: bool) -> Speech:
    samples, rate = stored_sound(folder / entry["file"], channels=1, rate=entry["rate"])
    if entry["gain"] != 1:
        samples = samples.times(1 / entry["gain"])
    return Speech(
        samples if stored else samples.read_slice(0, len(samples)),
        rate,
        phones=line.phones,
        f0=entry["f0"],
        f0_hop=entry["f0_hop"],
        text=entry["text"],
        language=entry["language"],
        identity=entry["identity"],
        provenance=entry["provenance"],
    )


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)[:40]
