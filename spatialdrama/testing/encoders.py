"""Conformance of encoders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spatialdrama.conventions import HEAD_CLEARANCE
from spatialdrama.types import Pose

from .clauses import fail
from .common import check_copies, made, same, who_is

DURATION = 2.0
RATE = 50.0


def check_encoder(name: str, *, prompt: Any, options: Mapping[str, Any] | None = None) -> None:
    """Check an encoder against all clauses for encoders.

    Parameters
    ----------
    name : str
        As for ``sd.load_encoder``.
    prompt : GeometricPrompt, TextPrompt or VideoPrompt
        A prompt of the kind that its spec names.
    options : mapping, optional
        Options to construct it with.

    Raises
    ------
    ConformanceError
        The first clause that it breaks.
    """
    entry, encoder = made("encoder", name, options)

    def encode(obj: Any = encoder, duration: float = DURATION) -> Any:
        return obj.encode(prompt, duration=duration, rate=RATE)

    pose = encode()
    who = who_is(entry)
    if not isinstance(pose, Pose):
        fail(who, "encoder-pose", f"{type(pose).__name__}")
    distance = np.asarray(pose.distance)
    if not np.isfinite(distance).all() or distance.min() < HEAD_CLEARANCE:
        fail(who, "encoder-pose", f"{distance.min():g} m from the listener's head")
    time = np.asarray(pose.time)
    steps = np.diff(time)
    covered = time[-1] - time[0]
    if abs(covered - DURATION) > 1.5 / RATE or abs(np.median(steps) - 1 / RATE) > 1e-6:
        fail(
            who,
            "encoder-duration",
            f"{covered:.3f} s in steps of {1000 * np.median(steps):.1f} ms; asked for "
            f"{DURATION} s in steps of {1000 / RATE} ms",
        )

    def numbers(obj: Any) -> list[np.ndarray]:
        found = encode(obj)
        return [np.asarray(found.position), np.asarray(found.orientation)]

    before = numbers(encoder)
    encode(duration=1.0)
    if not same(before, numbers(encoder)):
        fail(who, "repeats", "another pose for the same prompt")
    check_copies(entry, encoder, numbers)
