"""Annotating many recordings: kept results, a progress bar, problems that stop nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

import spatialdrama
from spatialdrama.errors import SpatialDramaError
from spatialdrama.io.files import read_json, whole_folder, write_json
from spatialdrama.runtime.cache import key_of
from spatialdrama.runtime.progress import progress as bar
from spatialdrama_corpora.annotate.recordings import Recording, recordings
from spatialdrama_corpora.annotate.segments import STEPS, Segment, Settings, segments_of
from spatialdrama_corpora.annotate.textgrid import write_textgrid

SCHEMA = "spatialdrama.annotation/1"
_NAME = "annotation.json"


@attrs.frozen(kw_only=True)
class Annotated:
    """What was done.

    Attributes
    ----------
    segments : tuple of Segment
        Of what was made now; without a folder all of it.
    items : dict of str to dict
        Every segment's annotation by name, kept ones included.
    made, kept : tuple of str
        Names of recordings.
    problems : dict of str to str
        Recordings that could not be annotated, and why.
    plan : tuple of dict
        Of a dry run: what would be done.
    """

    segments: tuple[Segment, ...] = attrs.field(default=(), repr=False)
    items: dict[str, dict[str, Any]] = attrs.field(factory=dict, repr=False)
    made: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    problems: dict[str, str] = attrs.field(factory=dict)
    plan: tuple[dict[str, Any], ...] = attrs.field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        if self.plan:
            return {"plan": list(self.plan), "problems": dict(self.problems)}
        return {
            "made": list(self.made),
            "kept": list(self.kept),
            "problems": dict(self.problems),
            "items": self.items,
        }


def annotate(
    what: Any,
    steps: Sequence[str] = STEPS,
    *,
    out: Any = None,
    dry_run: bool = False,
    progress: bool | None = None,
    anew: bool = False,
    **options: Any,
) -> Annotated:
    """Annotate recordings: sound files, folders of them, or items of a corpus.

    Parameters
    ----------
    what : path, BinauralAudio, Item, or iterable of these
        What may lie beside a file is told in ``recordings.py``.
    steps : sequence of str
        Of "denoise", "loudness", "turns", "phones", "align", "pose", "text_prompts",
        "scene_prompts". A step without what it needs (a text, a pose, a room) is noted and passed
        over.
    out : path, optional
        A folder that gets one folder a recording: its segments as FLAC (WAV where FLAC would
        clip), TextGrid and pose, and ``annotation.json``. A recording whose input and options are
        unchanged is kept from the last run; each folder appears whole or not at all.
    dry_run : bool
        Say what would be done and what each recording lacks; nothing is written.
    progress : bool, optional
        Default as everywhere: unless ``SPATIALDRAMA_PROGRESS=0``.
    anew : bool
        Do not keep anything.
    **options
        Of :class:`.segments.Settings`: ``target=-23``, ``denoiser="spectral"``,
        ``aligner="auto"``, ``language=``, ``prompt_languages=("en", "zh")``, ``prompts=3``,
        ``seed=0``, ``longest=16``, ``reduction_db=15``, ``ear_height=1.2``.

    Returns
    -------
    Annotated
        A recording that fails is in ``problems``; the others are annotated.

    Raises
    ------
    ValidationError
        For options and for `what`, before anything is done.

    Examples
    --------
    >>> import numpy as np
    >>> import spatialdrama as sd
    >>> t = np.arange(96_000) / 48_000
    >>> voice = np.sin(2 * np.pi * 200 * t) * ((t > 0.3) & (t < 1.6)) * 0.1
    >>> sound = sd.BinauralAudio(np.stack([voice, voice / 2]), 48_000)
    >>> done = annotate(sound, ["loudness", "turns"], progress=False)
    >>> done.made, [(s.turn.start, s.turn.end) for s in done.segments]
    (('recording',), [(0.0, 2.0)])
    """
    settings = Settings(steps=steps, **options)
    found = recordings(what)
    folder = None if out is None else Path(out)
    if dry_run:
        rows, problems = [], {}
        for recording in bar(found, "looking", show=progress):
            try:
                rows.append(_planned(recording, settings, folder))
            except (SpatialDramaError, OSError) as error:
                problems[recording.name] = str(error)
        return Annotated(plan=tuple(rows), problems=problems)
    segments: list[Segment] = []
    items: dict[str, dict[str, Any]] = {}
    made, kept, problems = [], [], {}
    with bar(label="annotating", total=len(found), show=progress) as shown:
        for recording in found:
            try:
                key = _key(recording, settings)
                old = (
                    None
                    if anew or folder is None
                    else _kept(folder / _as_file(recording.name), key)
                )
                if old is None:
                    new = segments_of(recording, settings)
                    described = {s.name: s.to_dict() for s in new}
                    if folder is not None:
                        described = _write(folder / _as_file(recording.name), new, key, settings)
                    segments += new
                    made.append(recording.name)
                else:
                    described = old
                    kept.append(recording.name)
                items |= described
            except (SpatialDramaError, OSError) as error:
                problems[recording.name] = str(error)
            shown.update(note=recording.name)
    return Annotated(
        segments=tuple(segments), items=items, made=tuple(made), kept=tuple(kept), problems=problems
    )


def _as_file(name: str) -> str:
    """Names of items may hold what names of files may not."""
    return re.sub(r"[^\w.\-]+", "_", name)


def _key(recording: Recording, settings: Settings) -> str:
    said = attrs.asdict(settings)
    return key_of({"input": recording.digest(), "settings": said, "schema": SCHEMA})


def _kept(folder: Path, key: str) -> dict[str, dict[str, Any]] | None:
    """The items of a finished folder, if its input is the same and its files are there."""
    if not (folder / _NAME).exists():
        return None
    try:
        about = read_json(folder / _NAME, "annotation")
        if about.get("key") != key:
            return None
        files = [f for item in about["items"].values() for f in item["files"].values()]
        whole = all((folder / f).exists() for f in files)
    except (SpatialDramaError, KeyError, AttributeError, TypeError):
        return None  # a damaged description is made anew
    return about["items"] if whole else None


def _write(
    folder: Path, segments: Sequence[Segment], key: str, settings: Settings
) -> dict[str, dict[str, Any]]:
    stale = [p.name for p in folder.iterdir() if p.is_file()] if folder.is_dir() else []
    items: dict[str, dict[str, Any]] = {}
    with whole_folder(folder, stale=stale) as making:
        for segment in segments:
            # Beyond full scale only floating point holds it; nothing is turned down for a file.
            loud = segment.audio.peak > 1.0
            name = _as_file(segment.name)
            files = {"wav_fn": f"{name}.{'wav' if loud else 'flac'}"}
            segment.audio.save(making / files["wav_fn"], subtype="FLOAT" if loud else "PCM_24")
            if segment.aligned is not None:
                files["tg_fn"] = f"{name}.TextGrid"
                write_textgrid(segment.aligned.textgrid(), making / files["tg_fn"])
            if segment.pose is not None and "pose" in settings.steps:
                files["pos_fn"] = f"{name}.nc"
                segment.pose.save(making / files["pos_fn"])
            items[segment.name] = {**segment.to_dict(), "files": files}
        write_json(
            making / _NAME,
            {
                "schema": SCHEMA,
                "key": key,
                "version": spatialdrama.__version__,
                "settings": attrs.asdict(settings),
                "items": items,
            },
        )
    return items


def _planned(recording: Recording, settings: Settings, folder: Path | None) -> dict[str, Any]:
    """What there is of a recording, what will be done and what cannot."""
    audio, script = recording.audio(), recording.script()
    there = {
        "text": script is not None,
        "pose": recording.pose() is not None,
        "room": recording.room() is not None,
    }
    needs = {
        **{"phones": "text", "align": "text", "pose": "pose", "text_prompts": "pose"},
        "scene_prompts": "room",
    }
    lacking = {s: needs[s] for s in settings.steps if s in needs and not there[needs[s]]}
    kept = folder is not None and _kept(
        folder / _as_file(recording.name), _key(recording, settings)
    )
    return {
        "name": recording.name,
        "duration": round(audio.duration, 3),
        "rate": audio.rate,
        "steps": [s for s in settings.steps if s not in lacking],
        "lacking": lacking,
        "kept": bool(kept),
    }
