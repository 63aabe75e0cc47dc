"""The result: sound, who said what when and where, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.types import reprs
from spatialdrama.types.audio import BinauralAudio
from spatialdrama.types.scene import Scene
from spatialdrama.types.script import Script
from spatialdrama.types.speech import Speech
from spatialdrama.types.validate import FrozenMapping


@attrs.frozen(repr=False, hash=False)
class Drama:
    """A finished spatial drama.

    Parameters
    ----------
    audio : BinauralAudio
        In memory, or, when it is long, in a file: see :meth:`BinauralAudio.cut` and
        :meth:`BinauralAudio.blocks`.
    script : Script
        Timed: every line has start, end and phones.
    scene : Scene
    stems : tuple of Speech
        The dry mono line of each script line, in the same order; may be empty.
    provenance : mapping
        Seed, versions, asset hashes, options, watermark (None: there is none).

    Examples
    --------
    >>> import spatialdrama as sd
    >>> drama = sd.Drama.load("out/demo")                               # doctest: +SKIP
    >>> drama.script[0].start, drama.provenance["seed"]                 # doctest: +SKIP
    (0.4, 7)
    """

    audio: BinauralAudio
    script: Script = attrs.field()
    scene: Scene = attrs.field()
    stems: tuple[Speech, ...] = attrs.field(default=(), converter=tuple)
    provenance: Mapping[str, Any] = attrs.field(factory=dict, converter=FrozenMapping)

    def __attrs_post_init__(self) -> None:
        if not self.script.is_timed:
            raise ValidationError("a Drama needs a timed script: every line with start and end.")
        for name in self.script.speakers:
            self.scene.source(name)
        if self.stems and len(self.stems) != len(self.script):
            raise ValidationError(
                f"{len(self.stems)} stems for {len(self.script)} lines; give one each or none."
            )

    @property
    def seed(self) -> int | None:
        """The seed it was made with."""
        return self.provenance.get("seed")

    def line_audio(self, index: int, *, tail: float = 0.0) -> BinauralAudio:
        """Return the drama's sound during line `index`, plus `tail` seconds."""
        line = self.script[index]
        return self.audio.cut(line.start, line.end + tail)

    def save(self, folder: Any) -> Any:
        """Write drama.wav, drama.json and stems/ into `folder`, whole or not at all.

        What lies there already, because the drama was loaded from there, is neither copied nor
        lost.
        """
        from spatialdrama.io import dramas

        return dramas.write_drama(self, folder)

    @classmethod
    def load(cls, folder: Any, *, stored: bool | None = None) -> Drama:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        folder : path
        stored : bool, optional
            Whether the sound stays in the folder's files, which must not change meanwhile, and is
            read where it is looked at. Default: when it lasts longer than a minute.
        """
        from spatialdrama.io import dramas

        return dramas.read_drama(folder, stored=stored)

    def __repr__(self) -> str:
        n = len(self.script)
        return (
            f"Drama({self.audio.duration:.1f} s, {n} line{'s' if n != 1 else ''} by "
            f"{', '.join(self.script.speakers)}; seed {self.seed})"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from spatialdrama.io import audio

        poses = {name: s.pose for name, s in self.scene.speakers.items()}
        parts = self.script._repr_mimebundle_()["text/html"]
        fold = f"<details><summary>Script</summary>{parts}</details>"
        return reprs.bundle(
            self,
            svg=audio.player_html(self.audio) + reprs.top_view(poses, self.scene.room),
            body=fold,
        )
