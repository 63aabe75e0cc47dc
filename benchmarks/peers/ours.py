"""The renderer ``physical``: as bare as the peers, and with everything that it does by default."""

from __future__ import annotations

import numpy as np
import reference_job

import spatialdrama as sd
from peers import Job, Render

NAME = "physical"
ORDERS = (0, 1, 2, 3)
#: Peers have no mouth, no air and no head that changes with distance.
BARE = {"near": "none", "air": "none"}
VARIANTS = {"": {"bare": True}, "defaults": {"bare": False}}


def missing() -> str | None:
    """Return None: it is what this is about."""
    return None


def prepare(job: Job, bare: bool) -> Render:
    """See :mod:`peers`."""
    renderer = sd.load_renderer("physical", order=job.order, **(BARE if bare else {}))
    room = reference_job.room() if job.order else None
    pose = reference_job.pose(job.seconds)
    directivity = "omni" if bare else "speech"

    def render(samples: np.ndarray = job.mono) -> np.ndarray:
        return renderer.render(samples, pose, room=room, directivity=directivity).samples

    render(job.mono[:4800])  # compiles what is not compiled yet, and makes the tail
    return render


def prepare_scene(mono: np.ndarray, speakers: int, order: int) -> Render:
    """Return a function that renders so many bare speakers at once, each with its own words."""
    renderer = sd.load_renderer("physical", order=order, **BARE)
    poses = reference_job.four_poses(len(mono) / reference_job.RATE)[:speakers]
    sources = {
        name: sd.Source(pose, directivity="omni") for name, pose in zip("ABCD", poses, strict=False)
    }
    scene = sd.Scene(room=reference_job.room() if order else None, speakers=sources)
    stems = [(name, 0.0, np.roll(mono, k * len(mono) // 4)) for k, name in enumerate(sources)]

    def render() -> np.ndarray:
        return renderer.render_scene(stems, scene).samples

    renderer.render_scene([(n, t, x[:4800]) for n, t, x in stems], scene)
    return render
