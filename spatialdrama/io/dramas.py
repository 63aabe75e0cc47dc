"""A drama as a folder: drama.wav, drama.json and the dry line of every turn in stems/."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spatialdrama.errors import ValidationError
from spatialdrama.io.audio import read_binaural, read_mono, write_binaural, write_samples
from spatialdrama.io.files import guarded, read_json, whole_folder, write_json
from spatialdrama.io.scenes import scene_from_dict, scene_to_dict
from spatialdrama.io.scripts import script_from_dict, script_to_dict
from spatialdrama.types.drama import Drama
from spatialdrama.types.script import Line
from spatialdrama.types.speech import Speech

SCHEMA = "spatialdrama.drama/1"


def write_drama(drama: Drama, path: Any) -> Path:
    """Write the folder, whole or not at all; drama.json comes last."""
    with whole_folder(path) as folder:
        # 24 bits hold what a listener gets; a mix beyond full scale is kept as float.
        subtype = "FLOAT" if drama.audio.peak > 1 else None
        write_binaural(drama.audio, folder / "drama.wav", subtype=subtype)
        write_json(
            folder / "drama.json",
            {
                "schema": SCHEMA,
                "audio": {
                    "file": "drama.wav",
                    "rate": drama.audio.rate,
                    "duration": drama.audio.duration,
                },
                "script": script_to_dict(drama.script),
                "scene": scene_to_dict(drama.scene),
                "stems": _write_stems(drama, folder / "stems"),
                "provenance": dict(drama.provenance),
            },
        )
    return Path(path)


def _write_stems(drama: Drama, folder: Path) -> list[dict[str, Any]]:
    entries = []
    for i, (line, stem) in enumerate(zip(drama.script, drama.stems, strict=False), start=1):
        name = f"{i:03d}_{_safe(line.speaker)}.flac"
        peak = float(abs(stem.samples).max())
        # Loud styles may pass full scale; FLAC holds integers, so the file's gain is stated.
        gain = 1.0 if peak <= 1 else 1.0 / peak
        write_samples(folder / name, stem.samples[None] * gain, stem.rate)
        entries.append(
            {
                "file": f"stems/{name}",
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


def read_drama(folder: Any) -> Drama:
    """Read the folder; a file that differs from its description is named."""
    folder = Path(folder)
    data = read_json(folder / "drama.json", "drama")
    return guarded(lambda: _drama(data, folder), f"drama {folder}")


def _drama(data: Any, folder: Path) -> Drama:
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else type(data).__name__
        raise ValidationError(f"drama.json has schema {found!r}; this version reads {SCHEMA!r}.")
    script = script_from_dict(data["script"])
    audio = read_binaural(folder / data["audio"]["file"], rate=data["audio"]["rate"])
    if len(data["stems"]) not in (0, len(script)):
        raise ValidationError(f"{len(data['stems'])} stems for {len(script)} lines.")
    stems = tuple(
        _stem(entry, line, folder) for entry, line in zip(data["stems"], script.lines, strict=False)
    )
    return Drama(audio, script, scene_from_dict(data["scene"]), stems, data["provenance"])


def _stem(entry: dict[str, Any], line: Line, folder: Path) -> Speech:
    samples, rate = read_mono(folder / entry["file"], rate=entry["rate"])
    return Speech(
        samples / entry["gain"],
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
