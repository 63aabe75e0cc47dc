"""Several speakers at once: each stem by itself, added where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Scene


def mix_stems(
    render: Callable[..., BinauralAudio],
    stems: Sequence[tuple[str, float, np.ndarray]],
    scene: Scene,
    *,
    rate: int,
    progress: bool | Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Return (2, n) float32, the sum of all stems from drama time 0.

    Parameters
    ----------
    render : callable
        A renderer's ``render``.
    stems : sequence of (speaker, start in s, (n,) samples)
        Starts are rounded to whole samples.
    scene : Scene
    rate : int, Hz
    progress : bool or callable(done, total), optional
        True shows a bar.
    """
    if not len(stems):
        raise ValidationError("render_scene needs at least one stem; got none.")
    early = [(who, start) for who, start, _ in stems if not start >= 0]
    if early:
        raise ValidationError(
            f"the stem of {early[0][0]!r} starts at {early[0][1]} s; a drama begins at 0."
        )
    # The end is unknown until all are rendered; stems are kept as their finished parts are short.
    out = np.zeros((2, 0), dtype=np.float32)
    for done, (speaker, start, samples) in enumerate(_shown(stems, progress)):
        source = scene.source(speaker)
        first = round(start * rate)
        part = render(
            samples,
            source.pose,
            rate=rate,
            start=first / rate,
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
