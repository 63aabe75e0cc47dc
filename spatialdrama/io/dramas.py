"""A drama as a folder: drama.wav, drama.json and the dry line of every turn in stems/."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from spatialdrama.errors import ValidationError
from spatialdrama.io.audio import read_binaural, read_mono, write_binaural, write_samples
from spatialdrama.io.files import guarded, read_json, write_json
from spatialdrama.io.scenes import scene_from_dict, scene_to_dict
from spatialdrama.io.scripts import script_from_dict, script_to_dict
from spatialdrama.types.drama import Drama
from spatialdrama.types.speech import Speech

SCHEMA = "spatialdrama.drama/1"


def write_drama(drama: Drama, folder: Any) -> Path:
    """Write the folder; drama.json comes last, so a folder that has one is whole."""
    folder = Path(folder)
    (folder / "drama.json").unlink(missing_ok=True)
    wav = folder / "drama.wav"
    # 24 bits hold what a listener gets; a mix beyond full scale is kept as float, not turned down.
    write_binaural(drama.audio, wav, subtype="FLOAT" if drama.audio.peak > 1 else None)
    stems = _write_stems(drama, folder / "stems")
    write_json(
        folder / "drama.json",
        {
            "schema": SCHEMA,
            "audio": {"file": wav.name, "rate": drama.audio.rate, "duration": drama.audio.duration},
            "script": script_to_dict(drama.script),
            "scene": scene_to_dict(drama.scene),
            "stems": stems,
            "provenance": dict(drama.provenance),
        },
    )
    return folder


def _write_stems(drama: Drama, folder: Path) -> list[dict[str, Any]]:
    shutil.rmtree(folder, ignore_errors=True)
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
    where = f"drama {folder}"
    data = read_json(folder / "drama.json", "drama")
    if data.get("schema") != SCHEMA:
        raise ValidationError(
            f"{where} has schema {data.get('schema')!r}; this version reads {SCHEMA!r}."
        )
    script = guarded(lambda: script_from_dict(data["script"]), where)
    scene = guarded(lambda: scene_from_dict(data["scene"]), where)
    audio = read_binaural(folder / data["audio"]["file"], rate=data["audio"]["rate"])
    stems = []
    for entry, line in zip(data["stems"], script, strict=False):
        samples, rate = read_mono(folder / entry["file"], rate=entry["rate"])
        stems.append(
            Speech(
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
        )
    return Drama(audio, script, scene, tuple(stems), data["provenance"])


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)[:40]
