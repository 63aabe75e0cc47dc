"""Several speakers at once: each stem by itself, added where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Scene
from spatialdrama.types.validate import finite
from spatialdrama_render.checks import checked_job
from spatialdrama_render.directivity import check_directivity
from spatialdrama_render.propagation import Track
from spatialdrama_render.talkers import Talker
from spatialdrama_render.teleports import pieces


def check_scene(scene: Any) -> Scene:
    """Return the scene, or raise for what is none, such as the dictionary of a scene file."""
    if isinstance(scene, Scene):
        return scene
    remedy = "Scene.from_dict(...)" if isinstance(scene, Mapping) else "Scene(room, {name: Pose})"
    raise ValidationError(f"scene must be a Scene; got a {type(scene).__name__}. Use {remedy}.")


def check_stems(stems: Any) -> None:
    """Refuse what is no sequence of stems, no stems at all, and stems before the drama begins."""
    form = "a list of (speaker, start in s, samples)"
    if isinstance(stems, (Mapping, str)) or not hasattr(stems, "__len__"):
        raise ValidationError(f"stems must be {form}; got a {type(stems).__name__}.")
    if not len(stems):
        raise ValidationError("render_scene needs at least one stem; got none.")
    for i, stem in enumerate(stems):
        if not isinstance(stem, (tuple, list)) or len(stem) != 3:
            size = f" of {len(stem)}" if isinstance(stem, (tuple, list)) else ""
            raise ValidationError(
                f"stems must be {form}; stems[{i}] is a {type(stem).__name__}{size}."
            )
        start = finite(stem[1], f"the start of stems[{i}]")
        if start < 0:
            raise ValidationError(
                f"the stem of {stem[0]!r} starts at {stem[1]} s; a drama begins at 0."
            )


def mix_stems(
    render: Callable[..., BinauralAudio],
    stems: Sequence[tuple[str, float, np.ndarray]],
    scene: Scene,
    *,
    rate: int,
    house_rate: int,
    progress: bool | Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Return (2, n) float32, the sum of all stems from drama time 0.

    Parameters
    ----------
    render : callable
        A renderer's ``render``.
    stems : sequence of (speaker, start in s, samples)
        Samples are (n,) float, a MonoFile or a Speech. Starts are rounded to whole samples.
    scene : Scene
    rate, house_rate : int, Hz
        Of arrays, and of the renderer.
    progress : bool or callable(done, total), optional
        True shows a bar.
    """
    check_stems(stems)
    # The end is unknown until all are rendered; stems are kept as their finished parts are short.
    out = np.zeros((2, 0), dtype=np.float32)
    for done, (speaker, start, samples) in enumerate(_shown(stems, progress)):
        source = scene.source(speaker)
        first = round(start * house_rate)
        part = render(
            samples,
            source.pose,
            rate=rate,
            start=first / house_rate,
            room=scene.room,
            listener=scene.listener,
            directivity=source.directivity,
            gain_db=source.gain_db,
        ).samples
        end = first + part.shape[1]
        if end > out.shape[1]:
            out = np.pad(out, ((0, 0), (0, end - out.shape[1])))
        out[:, first:end] += part
        if callable(progress):
            progress(done + 1, len(stems))
    return out


def _shown(stems: Sequence[Any], progress: Any) -> Any:
    if progress is True:
        from spatialdrama.runtime.progress import progress as bar

        return bar(stems, "rendering", len(stems))
    return stems


def talkers_of(
    stems: Sequence[tuple[str, float, Any]],
    scene: Scene,
    *,
    rate: int,
    house_rate: int,
    origin: float = 0.0,
) -> dict[str, Talker]:
    """Return what each speaker of a scene says when, checked, by name.

    Parameters
    ----------
    stems : sequence of (speaker, start in s, samples)
        Samples are (n,) float, a MonoFile or a Speech. Starts are rounded to whole samples.
    scene : Scene
    rate, house_rate : int, Hz
    origin : float, s
        Drama time of sample 0.
    """
    check_stems(stems)
    check_scene(scene)
    talkers: dict[str, Talker] = {}
    for speaker, start, samples in stems:
        source = scene.source(speaker)
        if speaker not in talkers:
            cut = pieces(Track(source.pose), f"speaker {speaker!r}")
            talkers[speaker] = Talker(cut, check_directivity(source.directivity))
        first = round((start - origin) * house_rate)
        job = checked_job(
            samples, talkers[speaker].pieces, rate=rate, start=origin + first / house_rate,
            room=scene.room, listener=scene.listener, gain_db=source.gain_db,
            house_rate=house_rate, who=f"speaker {speaker!r}",
        )  # fmt: skip
        talkers[speaker].add(first, job)
    return talkers
