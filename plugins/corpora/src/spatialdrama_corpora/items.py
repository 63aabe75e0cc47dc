"""One segment of a corpus, whose sound, pose and video are read when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from spatialdrama.errors import SpatialDramaError, ValidationError
from spatialdrama.types import (
    BinauralAudio,
    Line,
    Phone,
    Pose,
    Room,
    Speech,
    TextPrompt,
    VideoPrompt,
    reprs,
)
from spatialdrama.types.validate import FrozenMapping, check_positive

#: What an item can hold beside its line, in the order in which it is read and checked.
PARTS = (
    "audio", "mono", "pose", "listener", "room", "video", "text_prompts", "scene_prompt", "extra",
)  # fmt: skip
#: What an item without such a part answers; None for all others.
_EMPTY: Mapping[str, Any] = {"text_prompts": (), "scene_prompt": "", "extra": FrozenMapping()}

SPLITS = ("train", "validation", "test", "")


def _files(value: Mapping[str, Any]) -> FrozenMapping:
    return FrozenMapping({part: Path(path) for part, path in value.items()})


@attrs.frozen(eq=False, repr=False)
class Item:
    """One segment: who says what, and where the rest of it lies.

    Made by readers. The parts named in `load` are read anew at each access and never kept, so
    that a corpus of a hundred hours takes the memory of the item that is looked at. Times inside
    an item (of sound, phones and poses) start at its own first sample; ``line.start`` and
    ``line.end`` say when it sounds in its drama.

    Parameters
    ----------
    name : str
        Unique in its corpus.
    corpus, drama : str
        Where it comes from. Splits are made of whole dramas.
    split : "train", "validation", "test" or ""
    speaker : str, optional
        Who is heard, the same in all of its corpus; default: that of the line, which is the role.
    line : Line, or a function without arguments that gives it, optional
        Words, language, phones with times, start and end in the drama; None where the corpus has
        no words. With a function, name the speaker.
    duration : float, s
    rate : int, Hz
        Of the sound.
    load : mapping of part to a function without arguments, or to the value itself
        Parts are those of :data:`PARTS`. Functions that can be pickled, such as
        ``functools.partial``, let items travel to other processes.
    files : mapping of part to path
        Where each part lies, for messages.

    Raises
    ------
    ValidationError
        For a part that is not known, an odd split, a duration that is not positive; and, at the
        access of a part that cannot be read, naming the item and the file.

    Examples
    --------
    >>> from spatialdrama.types import Line, Pose
    >>> from spatialdrama_corpora.items import Item
    >>> item = Item("scene1_001", line=Line("ANNA", "Who's there?"), duration=1.5,
    ...             load={"pose": lambda: Pose.fixed((1, 0, 0))})
    >>> item
    Item('scene1_001', ANNA, 1.50 s, with pose)
    >>> item.pose.is_static, item.video
    (True, None)
    """

    name: str = attrs.field()
    corpus: str = attrs.field(default="", kw_only=True)
    drama: str = attrs.field(default="", kw_only=True)
    split: str = attrs.field(default="", kw_only=True)
    _line: Line | Callable[[], Line] | None = attrs.field(default=None, kw_only=True)
    speaker: str = attrs.field(kw_only=True)
    duration: float = attrs.field(kw_only=True)
    rate: int = attrs.field(default=48_000, converter=int, kw_only=True)
    load: Mapping[str, Callable[[], Any] | Any] = attrs.field(
        factory=dict, converter=FrozenMapping, kw_only=True
    )
    files: Mapping[str, Path] = attrs.field(factory=dict, converter=_files, kw_only=True)

    @speaker.default
    def _of_the_line(self) -> str:
        return self._line.speaker if isinstance(self._line, Line) else ""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValidationError(f"an item needs a name; got {self.name!r}.")
        if self.split not in SPLITS:
            raise ValidationError(
                f"the split of item {self.name!r} must be train, validation, test or ''; "
                f"got {self.split!r}."
            )
        check_positive(self.duration, f"the duration of item {self.name!r}", unit="s")
        for part in self.load:
            if part not in PARTS:
                raise ValidationError(
                    f"item {self.name!r} has no part {part!r}; parts: {', '.join(PARTS)}."
                )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Item):
            return NotImplemented
        return (self.corpus, self.name) == (other.corpus, other.name)

    def __hash__(self) -> int:
        return hash((self.corpus, self.name))

    # -- parts --------------------------------------------------------------------------------

    def has(self, part: str) -> bool:
        """Return whether the corpus has this part of the item, without reading it."""
        return part in self.load

    def part(self, name: str) -> Any:
        """Return a part by its name, as the properties do.

        Raises
        ------
        ValidationError
            For a part that cannot be read; names the item, the file and why.
        """
        if name not in PARTS:
            raise ValidationError(f"an item has no part {name!r}; parts: {', '.join(PARTS)}.")
        return self._read(name, self.load[name]) if name in self.load else _EMPTY.get(name)

    def _read(self, name: str, source: Any) -> Any:
        try:
            return source() if callable(source) else source
        except Exception as error:  # whatever a file holds: the item must be named
            file = self.files.get(name)
            where = f" ({file})" if file is not None and str(file) not in str(error) else ""
            of = f" of {self.corpus}" if self.corpus else ""
            raise ValidationError(
                f"item {self.name!r}{of}: its {name.replace('_', ' ')}{where} cannot be used: "
                f"{error if isinstance(error, (SpatialDramaError, OSError)) else repr(error)}"
            ) from error

    @property
    def line(self) -> Line | None:
        """Words, language, phones, and when they sound in the drama."""
        return self._read("line", self._line)

    @property
    def audio(self) -> BinauralAudio | None:
        """Sound at two ears."""
        return self.part("audio")

    @property
    def mono(self) -> Speech | None:
        """Dry speech, with phones and F0 where they are known."""
        return self.part("mono")

    @property
    def pose(self) -> Pose | None:
        """Where the mouth is, in the scene frame, from the item's first sample on."""
        return self.part("pose")

    @property
    def listener(self) -> Pose | None:
        """The listener's head; None at the origin, facing x."""
        return self.part("listener")

    @property
    def room(self) -> Room | None:
        """The room, where its measures are known."""
        return self.part("room")

    @property
    def video(self) -> VideoPrompt | None:
        """Silent video with its camera."""
        return self.part("video")

    @property
    def text_prompts(self) -> tuple[TextPrompt, ...]:
        """Descriptions of the pose in words."""
        return self.part("text_prompts")

    @property
    def scene_prompt(self) -> str:
        """The room in words."""
        return self.part("scene_prompt")

    @property
    def extra(self) -> Mapping[str, Any]:
        """What the source said beyond all that."""
        return self.part("extra")

    @property
    def text(self) -> str:
        """The words, "" where there are none."""
        line = self.line
        return line.text if line is not None else ""

    @property
    def phones(self) -> tuple[Phone, ...]:
        """Sounds with times from the item's first sample."""
        line = self.line
        return line.phones if line is not None else ()

    # -- showing ------------------------------------------------------------------------------

    def __repr__(self) -> str:
        parts = ", ".join(part.replace("_", " ") for part in PARTS if part in self.load)
        who = f", {self.speaker}" if self.speaker else ""
        return f"Item({self.name!r}{who}, {self.duration:.2f} s{parts and f', with {parts}'})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from html import escape

        from spatialdrama.io import audio

        svg = body = ""
        try:
            body = f"<p>{escape(self.text)}</p>" if self.text else ""
            if self.has("pose"):
                svg = reprs.top_view({self.speaker or "speaker": self.pose})
            if self.has("audio"):
                body += audio.player_html(self.audio)
        except ValidationError as error:
            # A broken item is looked at to see what is wrong with it.
            body += f"<p><em>{escape(str(error))}</em></p>"
        return reprs.bundle(self, svg=svg, body=body, picture=False)
