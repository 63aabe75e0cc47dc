"""Script, scene and voices to a drama; mono and a pose to two ears. What a notebook calls.

This module composes plugins by their names and protocols; it makes no sound of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.registry import load
from spatialdrama.types import BinauralAudio, Drama, Pose, Room, Scene, Script, Speech


def generate(
    script: Script | str,
    scene: Scene,
    *,
    voices: Mapping[str, Any],
    seed: int = 0,
    generator: Any = "cascade",
    out: Any = None,
    progress: bool | None = None,
    **options: Any,
) -> Drama:
    """Make a drama.

    What is longer than a minute lies in nameless files on the disk while it is made, so that an
    hour takes no more memory than a scene.

    Parameters
    ----------
    script : Script or str
        Text in the plain form of :meth:`Script.parse` is parsed.
    scene : Scene
    voices : mapping of speaker to identity
        For `isdrama` a voice prompt: a sound file, a Speech or (samples, rate).
    seed : int
    generator : str or object
        A name from ``sd.generators``.
    out : path, optional
        A folder to write the drama into, whole or not at all; what is returned is then
        ``Drama.load(out)``, whose sound stays in that folder when it is long.
    progress : bool, optional
        Show bars; default on, unless ``SPATIALDRAMA_PROGRESS=0``.
    **options
        Handed to the generator, for example ``renderer="geometric"``.

    Returns
    -------
    Drama

    Raises
    ------
    ValidationError, UnknownNameError, AssetError
        Before any work, in one sentence.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> script = sd.Script.parse("BERNARDO: Who's there?")
    >>> scene = sd.Scene(speakers={"BERNARDO": sd.Pose.fixed(azimuth_deg=40, distance=2)})
    >>> drama = sd.generate(script, scene, voices={"BERNARDO": "am_michael"},
    ...                     seed=7)                                       # doctest: +SKIP
    """
    if isinstance(script, str):
        script = Script.parse(script)
    if out is not None and Path(out).is_file():
        raise ValidationError(f"out={str(out)!r} is a file; name a folder.")
    made = load("generator", generator, **options) if isinstance(generator, str) else generator
    drama = made.generate(script, scene, voices=voices, seed=seed, progress=progress)
    return drama if out is None else Drama.load(drama.save(out))


def render(
    mono: Any,
    pose: Pose,
    *,
    rate: int = 48_000,
    room: Room | None = None,
    listener: Pose | None = None,
    renderer: Any = "physical",
    directivity: str = "speech",
    gain_db: float = 0.0,
    start: float = 0.0,
    **options: Any,
) -> BinauralAudio:
    """Place mono sound, (n,) samples or a Speech, along `pose`, in `room`, at two ears.

    Examples
    --------
    >>> import numpy as np, spatialdrama as sd
    >>> click = np.zeros(4800); click[0] = 1.0
    >>> audio = sd.render(click, sd.Pose.fixed(azimuth_deg=90, distance=1.0),
    ...                   renderer="geometric")
    >>> bool(np.argmax(np.abs(audio.samples[0])) < np.argmax(np.abs(audio.samples[1])))
    True
    """
    if isinstance(mono, Speech):
        mono, rate = mono.samples, mono.rate
    if isinstance(mono, str):
        raise ValidationError(
            f"render takes samples; read {mono!r} with spatialdrama.io.audio.read_mono first."
        )
    scene = Scene(room, {"source": pose}, listener=listener)  # says what is wrong with the place
    made = load("renderer", renderer, **options) if isinstance(renderer, str) else renderer
    return made.render(
        np.asarray(mono), pose, rate=rate, start=start, room=scene.room, listener=listener,
        directivity=directivity, gain_db=gain_db,
    )  # fmt: skip
