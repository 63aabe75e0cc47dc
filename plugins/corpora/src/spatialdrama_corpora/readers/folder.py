"""A plain folder of files: what belongs together is found by its name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from spatialdrama.conventions import POSE_FORMATS
from spatialdrama.errors import ValidationError
from spatialdrama.types import Line, Pose, TextPrompt, VideoPrompt
from spatialdrama.types.script import languages_in
from spatialdrama.types.validate import unknown_name

from ..corpus import Corpus, Problem
from ..items import Item
from ..splits import check_shares, split_of
from .files import Files, corpus_folder
from .folder_roles import gathered
from .folder_scripts import lines_in
from .poses import SLACK
from .sounds import SOUNDS, Header, header, load_binaural, load_mono


class Folder:
    """Reads sound files with whatever lies beside them under the same name.

    Two layouts, which may be mixed:

    - files that share a stem are an item: ``a.wav`` (two channels: the ears; one: the dry voice),
      ``a_mono.wav``, ``a.nc`` or ``a_pose.npy``, ``a.TextGrid``, ``a.json`` or ``a.txt``,
      ``a.mp4``, ``a_prompt.txt``, ``a_scene.txt``. The word may also be a folder: ``mono/a.wav``
      belongs to ``wav/a.wav``.
    - a folder with ``binaural.wav`` or ``mono.wav`` in it is an item: beside it
      ``tx_positions.txt``, ``rx_positions.txt``, ``script.TextGrid``, ``video.mp4``,
      ``prompt.txt``, ``scene.txt``. Other files in it are left alone.

    A script of several timed lines makes several items of one sound, each cut to its line. The
    drama is the folder that the item lies in; an item-folder directly under `path` is its own.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> corpus = sd.corpora["folder"].open("clips", pose_format="mrsdrama-120hz") # doctest: +SKIP
    """

    name = "folder"

    def knows(self, path: Any) -> bool:
        """Return whether there is any sound: this reader takes what no other one knows."""
        root = Path(path)
        return root.is_dir() and bool(Files(root).ending(*SOUNDS))

    def open(
        self,
        path: Any,
        *,
        rate: int | None = None,
        pose_format: str | None = None,
        unit: str = "auto",
        speaker: str | None = None,
        language: str | None = None,
        drama: str | None = None,
        licence: str = "",
        shares: Mapping[str, float] | None = None,
    ) -> Corpus:
        """Return the items under `path`.

        Parameters
        ----------
        path : path
        rate : int, Hz, optional
            Files at another rate are problems. Default: the rate that most files have.
        pose_format : str, optional
            Convention of ``.npy`` and ``.txt`` poses, one of
            :data:`spatialdrama.conventions.POSE_FORMATS`; ``.nc`` and ``.zarr`` say their own.
        unit : "auto", "m" or "cm"
            Of such poses.
        speaker : str, optional
            Who speaks where the script does not say. Default: the drama.
        language : str, optional
            Of the scripts that do not say. Default: by their writing.
        drama : str, optional
            A regular expression with one group that takes the drama out of the item's name, such
            as ``"(.+?)_[0-9]+$"``.
        licence : str
        shares : mapping of split to share, optional
            Of dramas in train, validation and test.

        Raises
        ------
        ValidationError
            When there is no such folder, no sound in it, or an option is not understood.
        """
        if pose_format is not None and pose_format not in POSE_FORMATS:
            raise unknown_name("pose format", pose_format, POSE_FORMATS)
        if shares is not None:
            check_shares(shares)
        root = corpus_folder(path)
        found = gathered(root, Files(root).paths)
        problems: list[Problem] = []
        headers = _headers(found, problems)
        if not headers:
            raise ValidationError(
                f"{root} holds no sound that can be read"
                + (f" ({problems[0]})" if problems else "")
                + f"; give a folder with {', '.join(SOUNDS)} files."
            )
        common = Counter(seen.rate for seen in headers.values()).most_common(1)[0][0]
        options = _Options(
            root, rate or common, pose_format, unit, speaker, language, _pattern(drama), shares
        )
        items: list[Item] = []
        for name, seen in headers.items():
            items += _items(name, found[name], seen, options, problems)
        problems += _strays(found, headers)
        return Corpus(items, name=self.name, licence=licence, path=root, problems=problems)


@attrs.frozen
class _Options:
    root: Path
    rate: int
    pose_format: str | None
    unit: str
    speaker: str | None
    language: str | None
    drama: re.Pattern[str] | None
    shares: Mapping[str, float] | None

    def drama_of(self, name: str, roles: Mapping[str, Path]) -> str:
        if self.drama is not None and (match := self.drama.search(name)):
            return match[1]
        above = name.rpartition("/")[0]
        # An item that is a folder of its own directly under the root is its own drama.
        own_folder = any(p.parent == self.root / name for p in roles.values())
        return above or (name if own_folder else self.root.resolve().name)


def _pattern(text: str | None) -> re.Pattern[str] | None:
    if text is None:
        return None
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ValidationError(f"drama={text!r} is no regular expression: {error}.") from None
    if pattern.groups < 1:
        raise ValidationError(f"drama={text!r} needs one group, such as '(.+?)_[0-9]+$'.")
    return pattern


def _headers(found: dict[str, dict[str, Path]], problems: list[Problem]) -> dict[str, Header]:
    """Return the header of each item's sound; settles which sounds are the ears and which dry."""
    headers = {}
    for name, roles in found.items():
        if "sound" in roles:
            path = roles.pop("sound")
            try:
                channels = header(path).channels
            except ValidationError:
                channels = 2  # told below
            roles.setdefault("mono" if channels == 1 else "audio", path)
        path = roles.get("audio", roles.get("mono"))
        if path is None:
            continue
        try:
            headers[name] = header(path)
        except ValidationError as error:
            problems.append(
                Problem(name, str(path), str(error), "Restore the file; the item is left out.")
            )
    return headers


def _strays(
    found: Mapping[str, Mapping[str, Path]], headers: Mapping[str, Header]
) -> list[Problem]:
    return [
        Problem(name, str(path), f"this {role} belongs to no sound.",
                "Name it after its sound, or take it away.", "note")
        for name, roles in found.items()
        if name not in headers and not {"audio", "mono"} & set(roles)
        for role, path in roles.items()
    ]  # fmt: skip


def _items(
    name: str, roles: Mapping[str, Path], seen: Header, options: _Options, problems: list[Problem]
) -> list[Item]:
    drama = options.drama_of(name, roles)
    lines: list[Line] = []
    if "script" in roles:
        try:
            lines = lines_in(
                roles["script"], options.speaker or drama, options.language, seen.duration
            )
        except ValidationError as error:
            problems.append(
                Problem(name, str(roles["script"]), str(error), "Mend it; the item has no line.")
            )
    if len(lines) < 2:
        line = lines[0] if lines else None
        return [_item(name, drama, roles, seen.duration, options, line)]
    items = []
    for i, line in enumerate(lines, start=1):
        end = min(line.end, seen.duration)
        if end <= line.start:
            problems.append(
                Problem(name, str(roles["script"]), f"line {i} starts at {line.start:.2f} s and "
                        f"the sound ends at {seen.duration:.2f} s.", "Mend the times.")
            )  # fmt: skip
            continue
        items.append(
            _item(f"{name}#{i:03d}", drama, roles, end - line.start, options, line,
                  (line.start, end))
        )  # fmt: skip
    return items


def _item(
    name: str, drama: str, roles: Mapping[str, Path], duration: float, options: _Options,
    line: Line | None, span: tuple[float, float] | None = None,
) -> Item:  # fmt: skip
    start, end = span or (0.0, None)
    speaker = line.speaker if line is not None else options.speaker or drama
    load: dict[str, Any] = {}
    if "audio" in roles:
        load["audio"] = partial(load_binaural, roles["audio"], options.rate, start, end)
    if "mono" in roles:
        load["mono"] = partial(
            load_mono, roles["mono"], options.rate, line, start, end, identity=speaker
        )
    for part in ("pose", "listener"):
        if part in roles:
            load[part] = partial(
                _pose, roles[part], options.pose_format, options.unit, start, duration
            )
    if "video" in roles:
        load["video"] = partial(VideoPrompt, roles["video"])
    if "prompt" in roles:
        load["text_prompts"] = partial(_prompts, roles["prompt"])
    if "scene" in roles and roles["scene"].suffix == ".txt":
        load["scene_prompt"] = partial(_text, roles["scene"])
    elif "scene" in roles:
        load["room"] = partial(_room, roles["scene"])
    if span and "video" in roles:
        load["extra"] = {"video_start": start}
    files = {("text_prompts" if role == "prompt" else role): p for role, p in roles.items()}
    return Item(
        name, corpus=Folder.name, drama=drama, split=split_of(drama, options.shares), line=line,
        speaker=speaker, duration=duration, rate=options.rate, load=load, files=files,
    )  # fmt: skip


def _pose(
    path: Path, pose_format: str | None, unit: str, start: float, duration: float
) -> Pose | None:
    if path.suffix not in (".nc", ".zarr") and pose_format is None:
        raise ValidationError(
            f"pose file {path} does not say its convention; open the corpus with pose_format=, "
            f"one of {', '.join(POSE_FORMATS)}."
        )
    ours = path.suffix in (".nc", ".zarr")
    pose = Pose.read(path) if ours else Pose.read(path, pose_format, unit=unit)
    moving = len(pose.time) > 1
    last = float(pose.time[-1])
    if moving and last < start + duration - SLACK:
        raise ValidationError(
            f"pose file {path} is shorter than the sound: it ends at {last:.2f} s and the sound "
            f"at {start + duration:.2f} s."
        )
    return pose.shifted(-start) if start and moving else pose


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise ValidationError(f"{path} is not UTF-8 text; save it as UTF-8.") from None


def _prompts(path: Path) -> tuple[TextPrompt, ...]:
    rows = (row.strip() for row in _text(path).splitlines())
    return tuple(TextPrompt(row, language=(languages_in(row) or ("en",))[0]) for row in rows if row)


def _room(path: Path) -> Any:
    from spatialdrama.io.files import guarded, read_json
    from spatialdrama.io.scenes import room_from_dict

    data = read_json(path, "scene")
    entry = data.get("room", data) if isinstance(data, Mapping) else data
    return guarded(lambda: room_from_dict(entry, path.parent), f"scene {path}")
