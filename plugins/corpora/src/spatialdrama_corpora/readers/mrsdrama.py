"""MRSDrama (and MRSAudio's drama part): folders of dramas, each with one JSON of annotation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spatialdrama.errors import ValidationError

from ..corpus import Corpus, Problem
from ..items import Item
from ..splits import check_shares, split_of
from .annotations import read_entries
from .files import Files, corpus_folder
from .poses import say_centimetres, unit_of
from .segments import Segment, item_of, segment_of
from .sounds import SOUNDS

LICENCE = "CC-BY-NC-SA-4.0"


class MRSDrama:
    """Reads the layout of MRSDrama: drama folders with sound, poses, a video and one JSON.

    Below the folder that is opened, every JSON file with segments counts, however deep it lies.
    Sound, poses and video are found by the path it gives, else by their name; poses without one
    by the item's name, with or without ``_v``. The makers document no key of their JSON; those of
    their own processing scripts are read, and others that mean the same
    (:data:`spatialdrama_corpora.readers.aliases.ALIASES`). The official release was never at hand
    here: the reader is tested against files that its tests write in several forms.

    A role's letter is a person in one drama only, so ``item.speaker`` is ``drama/A``, and
    ``item.line.speaker`` the letter. The video is the whole drama's: the segment begins in it at
    ``item.extra["video_start"]`` s. ``item.extra`` also holds "words" with their times, "motion"
    ("dynamic" or "static", the mark in front of the text prompt), "scene" (its number), and what
    else the JSON said.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> corpus = sd.corpora["mrsdrama"].open("MRSDrama")        # doctest: +SKIP
    >>> corpus.split("train")[0].pose                            # doctest: +SKIP
    Pose(84 samples, 0.00-4.15 s, 1.12-1.53 m from the listener)
    """

    name = "mrsdrama"

    def knows(self, path: Any) -> bool:
        """Return whether there is an annotation file with segments that have poses."""
        root = Path(path)
        if not root.is_dir() or (root / "corpus.json").exists():  # the mark of a simulated one
            return False
        for file in Files(root).ending(".json")[:50]:
            try:
                entries, _ = read_entries(file)
            except ValidationError:
                continue
            if entries and any("pose" in e.fields or "text_prompts" in e.fields for e in entries):
                return True
        return False

    def open(
        self,
        path: Any,
        *,
        rate: int | None = 48_000,
        unit: str = "auto",
        pose_rate: float | None = None,
        shares: Mapping[str, float] | None = None,
    ) -> Corpus:
        """Return the items under `path`.

        Parameters
        ----------
        path : path
        rate : int, Hz, optional
            Of the sound; files at another rate are problems. None takes each at its own.
        unit : "auto", "m" or "cm"
            Of the poses; "auto" looks at each drama and says so when it finds centimetres.
        pose_rate : float, Hz, optional
            Rows a second of all poses; by default 20 or 187.5, whichever lasts as long as the
            sound.
        shares : mapping of split to share, optional
            Of dramas in train, validation and test, where the JSON names no split.

        Raises
        ------
        ValidationError
            When there is no such folder, or no annotation in it. What is wrong with single files
            and entries is left out, counted, and told by ``corpus.check()``.
        """
        if unit not in ("auto", "m", "cm"):
            raise ValidationError(f"unit must be 'auto', 'm' or 'cm'; got {unit!r}.")
        if shares is not None:
            check_shares(shares)
        root = corpus_folder(path)
        files = Files(root)
        problems: list[Problem] = []
        segments = _segments(files, problems)
        if not segments:
            raise ValidationError(
                f"{root} holds no JSON with segments"
                + (f" ({problems[0]})" if problems else "")
                + "; give the folder that holds the dramas, or read plain files with "
                "sd.corpora['folder'].open(path)."
            )
        units = _units(root, segments, unit)
        splits = _splits(segments, shares, problems)
        _name_apart(segments, problems)
        items: list[Item] = []
        for segment in segments:
            with _left_out(segment.name, segment.file, problems):
                made = item_of(
                    segment, corpus=self.name, split=splits[segment.drama], rate=rate,
                    unit=units[segment.drama], pose_rate=pose_rate, problems=problems,
                )  # fmt: skip
                items += [made] if made is not None else []
        problems += _unnamed_sound(files, segments)
        return Corpus(items, name=self.name, licence=LICENCE, path=root, problems=problems)


@contextmanager
def _left_out(name: str, file: Path, problems: list[Problem]) -> Iterator[None]:
    """Keep what is wrong with one entry as a problem, whatever its makers wrote into it."""
    try:
        yield
    except ValidationError as error:
        problems.append(Problem(name, str(file), str(error), "Mend the entry; it is left out."))
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        what = f"its entry holds a value of an odd kind ({error})."
        problems.append(Problem(name, str(file), what, "Mend the entry; it is left out."))


def _segments(files: Files, problems: list[Problem]) -> list[Segment]:
    found: list[Segment] = []
    for file in files.ending(".json"):
        try:
            entries, odd = read_entries(file)
        except ValidationError as error:
            problems.append(Problem("", str(file), str(error), "Mend or remove the file."))
            continue
        problems += odd
        for entry in entries:
            with _left_out(entry.name, file, problems):
                found.append(segment_of(entry, file, files))
    return found


def _units(root: Path, segments: list[Segment], unit: str) -> dict[str, str]:
    paths: dict[str, list[Path]] = defaultdict(list)
    for segment in segments:
        paths[segment.drama] += [segment.pose] if segment.pose is not None else []
    if unit != "auto":
        return dict.fromkeys(paths, unit)
    units = {drama: unit_of(found) or "m" for drama, found in paths.items()}
    say_centimetres(root, [drama for drama, found in units.items() if found == "cm"])
    return units


def _splits(
    segments: list[Segment], shares: Mapping[str, float] | None, problems: list[Problem]
) -> dict[str, str]:
    given: dict[str, set[str]] = defaultdict(set)
    file: dict[str, Path] = {}
    for segment in segments:
        given[segment.drama].add(segment.split)
        file[segment.drama] = segment.file
    out = {}
    for drama, names in given.items():
        out[drama] = next(iter(names)) if len(names) == 1 else ""
        if len(names) > 1:
            problems.append(
                Problem("", str(file[drama]), f"the segments of {drama} are in several splits.",
                        "Splits are of whole dramas, so this one's is drawn from its name.",
                        "note")
            )  # fmt: skip
        out[drama] = out[drama] or split_of(drama, shares)
    return out


def _name_apart(segments: list[Segment], problems: list[Problem]) -> None:
    """Put the drama in front of names that two dramas use; drop a second one of the same drama."""
    dramas: dict[str, set[str]] = defaultdict(set)
    for segment in segments:
        dramas[segment.name].add(segment.drama)
    seen: set[str] = set()
    for segment in list(segments):
        if len(dramas[segment.name]) > 1:
            segment.name = f"{segment.drama}/{segment.name}"
        if segment.name in seen:
            problems.append(
                Problem(segment.name, str(segment.file), "a second segment has this name.",
                        "Give each its own; the first one is kept.")
            )  # fmt: skip
            segments.remove(segment)
        seen.add(segment.name)


def _unnamed_sound(files: Files, segments: list[Segment]) -> list[Problem]:
    used = {p for s in segments for p in (s.audio, s.mono) if p is not None}
    return [
        Problem("", str(path), "no annotation names this sound.",
                "Annotate it or take it away.", "note")
        for path in files.ending(*SOUNDS) if path not in used
    ]  # fmt: skip
