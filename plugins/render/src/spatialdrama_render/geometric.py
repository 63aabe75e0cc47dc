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
from spatialdrama_render.checks import Job, check_listener_moves, checked_job, warn_left_out
from spatialdrama_render.mixing import check_scene, mix_stems
from spatialdrama_render.propagation import emission_times, head_matrices
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
        check_listener_moves(listener)
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
        out = np.empty((2, -(-length // BLOCK) * BLOCK), dtype=np.float32)
        with one_blas_thread():
            for first in range(0, length, BLOCK):
                out[:, first : first + BLOCK] = self._block(job, first)
        return out[:, :length]

    def _block(self, job: Job, first: int) -> np.ndarray:
        times = job.start + (first + HOP * np.arange(BLOCK // HOP + 1)) / self.rate
        emission, distance = self._ears(job, times)
        if self.relative:
            # (t - emission) is an ear's delay; take the ears' mean off both.
            emission = emission + (times[:, None] - emission).mean(axis=1, keepdims=True)
        position = (emission - job.start) * self.rate
        # Far outside the signal there is silence; drawn near, such places cost no memory.
        margin = delay.HALF + 4 * HOP
        position = np.clip(position, -margin, len(job.mono) + margin)
        first, last = int(position.min()) - 2, int(position.max()) + 3
        read = np.zeros((2, BLOCK), dtype=np.float32)
        gain = job.gain / np.maximum(distance, self.near_limit)
        delay.read_lines(
            delay.polynomials_between(job.mono, first, last), first, position, gain[..., None], read
        )
        return read

    def _ears(self, job: Job, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return when the sound at each ear left the source, and from how far; (k, 2) each."""
        ears = np.array([EAR_POSITIONS[e] for e in EARS]) * (self.ear_radius / HEAD_RADIUS)
        place = np.broadcast_to(ears, (len(times), 2, 3))
        if job.listener is not None:
            turned = np.einsum("kab,eb->kea", head_matrices(job.listener, times), ears)
            place = turned + job.listener.positions_at(times)[:, None]
        one, none = np.ones((1, 3)), np.zeros((1, 3))
        found = [emission_times(job.track, times, place[:, e], one, none) for e in (0, 1)]
        emission = np.concatenate([f[0] for f in found], axis=1)
        vector = np.concatenate([f[1] for f in found], axis=1)
        return emission, np.linalg.norm(vector, axis=2)

    def _provenance(self) -> dict[str, Any]:
        return {"renderer": "geometric", "version": VERSION, **attrs.asdict(self)}
