"""What each kind of plugin must offer, as typing protocols. Nothing here runs.

A plugin's class needs no base class from this package: it has the methods, its spec names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from spatialdrama.types import (
        BinauralAudio,
        Drama,
        Pose,
        Room,
        Scene,
        Score,
        Script,
        Speech,
    )


class Voice(Protocol):
    """Text to dry mono speech."""

    languages: tuple[str, ...]

    def identities(self) -> tuple[str, ...]:
        """Names of those it can sound like."""
        ...

    def speak(
        self,
        text: str,
        *,
        identity: str,
        language: str | None = None,
        rate: float = 1.0,
        pitch: float = 0.0,
        style: str = "",
        seed: int = 0,
    ) -> Speech:
        """Speak `text`; `rate` is a factor, `pitch` is in semitones.

        The result's provenance may hold ``gain_db``, by which a style is louder than plain speech
        (the cascade adds it to the level it sets), and ``style_unused``, the part of `style` that
        the voice could not do (the cascade warns with the line's number).
        """
        ...

    def check(self, text: str, *, identity: str, language: str | None = None) -> None:
        """Raise what :meth:`speak` would raise, without speaking."""
        ...


class Renderer(Protocol):
    """Mono sound at a pose, in a room, to two ears."""

    rate: int

    def render(
        self,
        mono: np.ndarray,
        pose: Pose,
        *,
        rate: int = 48_000,
        start: float = 0.0,
        room: Room | None = None,
        listener: Pose | None = None,
        directivity: str = "speech",
        gain_db: float = 0.0,
    ) -> BinauralAudio:
        """Render (n,) samples; the result's first sample is drama time `start`."""
        ...

    def render_scene(
        self,
        stems: Sequence[tuple[str, float, np.ndarray]],
        scene: Scene,
        *,
        rate: int = 48_000,
        progress: Any = None,
    ) -> BinauralAudio:
        """Render (speaker, start in s, samples) of a whole scene from drama time 0."""
        ...

    def check(self, scene: Scene) -> None:
        """Raise for a room that it cannot render; optional."""
        ...


class Metric(Protocol):
    """Sound to a number, with exactly the keywords that its spec's `needs` names."""

    def score(self, audio: BinauralAudio, **needs: Any) -> Score | float:
        """Score one line's cut or one item."""
        ...


class Encoder(Protocol):
    """A prompt to a pose."""

    def encode(self, prompt: Any, *, duration: float, rate: float) -> Pose:
        """Return the pose for `duration` seconds at `rate` Hz."""
        ...


class Generator(Protocol):
    """A script, a scene and voices to a drama."""

    def generate(
        self,
        script: Script,
        scene: Scene,
        *,
        voices: Mapping[str, str],
        seed: int,
        progress: bool = True,
    ) -> Drama:
        """Make the whole drama; finished lines survive an interruption."""
        ...


class Corpus(Protocol):
    """A data set on disk, opened lazily."""

    def open(self, path: Any, **options: Any) -> Any:
        """Return the items under `path`."""
        ...

    def knows(self, path: Any) -> bool:
        """Whether `path` looks like such a corpus; optional, asked where nobody named a reader."""
        ...
