"""The renderer ``geometric``: the plain warp, a straight line and a gain to each ear.

What binaural synthesis papers call the geometric warp (Richard et al., 2021; BinauralGrad, 2022),
with two repairs: delays run in straight lines between control points 1.3 ms apart instead of
stepping at the tracker's rate, and samples are read by a band-limited interpolation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from spatialdrama.conventions import EAR_POSITIONS, EARS, HEAD_RADIUS, HOUSE_RATE, SPEED_OF_SOUND
from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Pose, Room, Scene
from spatialdrama_render import delay
from spatialdrama_render.checks import (
    Job,
    check_finite,
    checked_job,
    listener_pieces,
    warn_left_out,
)
from spatialdrama_render.mixing import check_scene, mix_stems
from spatialdrama_render.propagation import emission_times, head_matrices
from spatialdrama_render.teleports import Piece
from spatialdrama_render.threads import one_blas_thread

VERSION = 1
HOP = 64
BLOCK = 128 * HOP


@attrs.frozen
class GeometricRenderer:
    """Delay and 1 / r gain along the straight line to each ear; no head, room or mouth.

    Parameters
    ----------
    relative : bool
        Subtract at each moment the mean delay of both ears, so that sound stays in step with the
        mono signal and only the difference between the ears is left. For recordings whose mono is
        the mean of both ears, which the absolute delay would misalign.
    ear_radius : float, m
        Half the distance between the ears, which lie on the head's y axis.
    near_limit : float, m
        Distance below which a source gets no louder.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import Pose
    >>> from spatialdrama_render.geometric import GeometricRenderer
    >>> click = np.zeros(480, np.float32); click[0] = 1
    >>> audio = GeometricRenderer().render(click, Pose.fixed((0, 1, 0)))
    >>> np.abs(audio.samples).argmax(axis=1).tolist()          # 0.9125 m and 1.0875 m
    [128, 152]
    """

    relative: bool = attrs.field(default=False, kw_only=True)
    ear_radius: float = attrs.field(default=HEAD_RADIUS, kw_only=True)
    near_limit: float = attrs.field(default=0.05, kw_only=True)

    def __attrs_post_init__(self) -> None:
        for name in ("ear_radius", "near_limit"):
            if not getattr(self, name) > 0:
                raise ValidationError(f"{name} must be more than 0 m; got {getattr(self, name)!r}.")

    @property
    def rate(self) -> int:
        """Hz; the rate of everything it takes and gives."""
        return HOUSE_RATE

    def render(
        self,
        mono: np.ndarray,
        pose: Pose,
        *,
        rate: int = HOUSE_RATE,
        start: float = 0.0,
        room: Room | None = None,
        listener: Pose | None = None,
        directivity: str = "speech",
        gain_db: float = 0.0,
    ) -> BinauralAudio:
        """Render one source; parameters as in :meth:`PhysicalRenderer.render`.

        `directivity` is accepted and has no effect. A room that reflects is left out with a
        warning.
        """
        job = checked_job(
            mono, pose, rate=rate, start=start, room=room, listener=listener, gain_db=gain_db,
            house_rate=self.rate,
        )  # fmt: skip
        if job.room is not None:
            warn_left_out("geometric", f"the room {job.room!r}")
        return BinauralAudio(self._render(job), self.rate, provenance=self._provenance())

    def render_scene(
        self,
        stems: Sequence[tuple[str, float, np.ndarray]],
        scene: Scene,
        *,
        rate: int = HOUSE_RATE,
        progress: bool | Callable[[int, int], None] | None = None,
    ) -> BinauralAudio:
        """Render (speaker, start in s, samples) of a whole scene from drama time 0."""
        if not check_scene(scene).room.is_free_field:
            warn_left_out("geometric", f"the room {scene.room!r}")
        samples = mix_stems(
            self.render, stems, scene.dry(), rate=rate, house_rate=self.rate, progress=progress
        )
        return BinauralAudio(samples, self.rate, provenance=self._provenance())

    def _render(self, job: Job) -> np.ndarray:
        longest = (job.reach + self.ear_radius) / SPEED_OF_SOUND
        extra = delay.HALF if self.relative else int(np.ceil(longest * self.rate)) + delay.HALF
        length = len(job.mono) + extra
        out = np.zeros((2, -(-length // BLOCK) * BLOCK), dtype=np.float32)
        places = listener_pieces(job.listener) or [None]
        with one_blas_thread():
            for piece in job.pieces:
                # A source that jumps is one source for each piece, which fades what it emits.
                alone = attrs.evolve(job, mono=self._emitted(job, piece), pieces=[piece])
                for first in range(0, length, BLOCK):
                    for place in places:
                        out[:, first : first + BLOCK] += self._block(alone, place, first)
        return out[:, :length]

    def _emitted(self, job: Job, piece: Piece) -> np.ndarray:
        """Return what one piece of a source's track emits, all of it."""
        mono = job.mono
        if not isinstance(mono, np.ndarray):
            mono = check_finite(mono.read_slice(0, len(mono)))
        if piece.whole:
            return mono
        return mono * piece.gain(job.start + np.arange(len(mono)) / self.rate)

    def _block(self, job: Job, place: Piece | None, first: int) -> np.ndarray | float:
        """Return what both ears hear in one block, from one of the listener's places."""
        gain: Any = 1.0
        if place is not None and not place.whole:
            gain = place.gain(job.start + (first + np.arange(BLOCK)) / self.rate)
            if not gain.any():
                return 0.0
        times = job.start + (first + HOP * np.arange(BLOCK // HOP + 1)) / self.rate
        emission, distance = self._ears(job, place, times)
        if self.relative:
            # (t - emission) is an ear's delay; take the ears' mean off both.
            emission = emission + (times[:, None] - emission).mean(axis=1, keepdims=True)
        position = (emission - job.start) * self.rate
        # Far outside the signal there is silence; drawn near, such places cost no memory.
        margin = delay.HALF + 4 * HOP
        position = np.clip(position, -margin, len(job.mono) + margin)
        first, last = int(position.min()) - 2, int(position.max()) + 3
        read = np.zeros((2, BLOCK), dtype=np.float32)
        loud = job.gain / np.maximum(distance, self.near_limit)
        delay.read_lines(
            delay.polynomials_between(job.mono, first, last), first, position, loud[..., None], read
        )
        return read * gain

    def _ears(
        self, job: Job, listener: Piece | None, times: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return when the sound at each ear left the source, and from how far; (k, 2) each."""
        ears = np.array([EAR_POSITIONS[e] for e in EARS]) * (self.ear_radius / HEAD_RADIUS)
        place = np.broadcast_to(ears, (len(times), 2, 3))
        if listener is not None:
            at = times if listener.whole else listener.held(times)
            turned = np.einsum("kab,eb->kea", head_matrices(job.listener, at), ears)
            place = turned + job.listener.positions_at(at)[:, None]
        one, none = np.ones((1, 3)), np.zeros((1, 3))
        found = [emission_times(job.track, times, place[:, e], one, none) for e in (0, 1)]
        emission = np.concatenate([f[0] for f in found], axis=1)
        vector = np.concatenate([f[1] for f in found], axis=1)
        return emission, np.linalg.norm(vector, axis=2)

    def _provenance(self) -> dict[str, Any]:
        return {"renderer": "geometric", "version": VERSION, **attrs.asdict(self)}
