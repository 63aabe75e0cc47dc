"""Who speaks from where, in which room, to whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from spatialdrama.conventions import HEAD_CLEARANCE
from spatialdrama.errors import ValidationError
from spatialdrama.types import reprs
from spatialdrama.types.pose import Pose
from spatialdrama.types.room import Room
from spatialdrama.types.validate import FrozenMapping, finite, unknown_name

DIRECTIVITIES = ("speech", "omni")


@attrs.frozen
class Source:
    """One speaker's place in a scene: a pose, a gain and how the mouth radiates.

    Parameters
    ----------
    pose : Pose
    gain_db : float
    directivity : "speech" or "omni"

    Examples
    --------
    >>> from spatialdrama.types import Pose, Source
    >>> Source(Pose.fixed((1, 0, 0)), gain_db=-3.0).directivity
    'speech'
    """

    pose: Pose = attrs.field()
    gain_db: float = attrs.field(
        default=0.0, kw_only=True, converter=lambda v: finite(v, "gain_db")
    )
    directivity: str = attrs.field(default="speech", kw_only=True)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return reprs.bundle(self, svg=reprs.top_view({"speaker": self.pose}))

    @pose.validator
    def _check_pose(self, _: Any, value: Any) -> None:
        if not isinstance(value, Pose):
            raise ValidationError(
                f"a speaker needs a Pose; got {type(value).__name__}. "
                "Try Pose.fixed(azimuth_deg=30, distance=1.5)."
            )

    @directivity.validator
    def _check_directivity(self, _: Any, value: str) -> None:
        if value not in DIRECTIVITIES:
            raise unknown_name("directivity", value, DIRECTIVITIES)


def _as_sources(speakers: Any) -> Mapping[str, Source]:
    if not isinstance(speakers, Mapping) or not speakers:
        raise ValidationError(
            "Scene needs speakers={name: Pose}; got "
            f"{'none' if not speakers else type(speakers).__name__}."
        )
    return FrozenMapping(
        {str(k): v if isinstance(v, Source) else Source(v) for k, v in speakers.items()}
    )


@attrs.frozen(repr=False, hash=False)
class Scene:
    """Speakers with their poses, a room, a listener.

    Every pose, the listener's too, is in the scene frame: the listener at rest sits at the
    origin and looks along x.

    Parameters
    ----------
    room : Room, optional
        None is the free field.
    speakers : mapping of name to Pose or Source
    listener : Pose, optional
        None is a listener at rest.
    description : str
        Words about the place, for models that read them.

    Raises
    ------
    ValidationError
        When a speaker leaves the room or passes through the listener's head (0.12 m); the
        message names the speaker, the time and the place.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> scene = sd.Scene(room=sd.Room(size=(6, 5, 3), rt60=0.35),
    ...                  speakers={"ANNA": sd.Pose.fixed(azimuth_deg=30, distance=1.5)})
    >>> scene
    Scene(1 speaker: ANNA; Room(6 x 5 x 3 m, RT60 0.35 s))
    """

    room: Room = attrs.field(
        default=None, converter=lambda r: Room.free_field() if r is None else r
    )
    speakers: Mapping[str, Source] = attrs.field(default=None, converter=_as_sources)
    listener: Pose | None = attrs.field(default=None, kw_only=True)
    description: str = attrs.field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.room, Room):
            raise ValidationError(f"room must be a Room or None; got {type(self.room).__name__}.")
        if self.listener is not None:
            if not isinstance(self.listener, Pose):
                raise ValidationError(
                    f"listener must be a Pose or None; got {type(self.listener).__name__}."
                )
            _check_inside("the listener", self.listener, self.room)
        for name, source in self.speakers.items():
            _check_inside(f"speaker {name!r}", source.pose, self.room)
            _check_head(name, source.pose, self.listener)

    def source(self, speaker: str) -> Source:
        """Return the source of `speaker`, or raise with the nearest names."""
        if speaker not in self.speakers:
            raise unknown_name("speaker in the scene", speaker, self.speakers)
        return self.speakers[speaker]

    def dry(self) -> Scene:
        """Return the same scene with the room off.

        Examples
        --------
        >>> from spatialdrama.types import Pose, Room, Scene
        >>> scene = Scene(Room((6, 5, 3), rt60=0.35), {"A": Pose.fixed((1, 0, 0))})
        >>> scene.dry().room.is_free_field
        True
        """
        return attrs.evolve(self, room=Room.free_field())

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description; :meth:`from_dict` gives an equal scene back."""
        from spatialdrama.io import scenes

        return scenes.scene_to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Scene:
        """Build from :meth:`to_dict` or from a scene file written by hand."""
        from spatialdrama.io import scenes

        return scenes.scene_from_dict(data)

    def save(self, path: Any) -> Any:
        """Write JSON."""
        from spatialdrama.io import scenes

        return scenes.write_scene(self, path)

    @classmethod
    def load(cls, path: Any) -> Scene:
        """Read JSON; the format is described in the reference, "Scene files"."""
        from spatialdrama.io import scenes

        return scenes.read_scene(path)

    def __repr__(self) -> str:
        n = len(self.speakers)
        names = ", ".join(self.speakers)
        return f"Scene({n} speaker{'s' if n != 1 else ''}: {names}; {self.room!r})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        poses = {name: s.pose for name, s in self.speakers.items()}
        walls = self.room if self.room.is_shoebox else None
        return reprs.bundle(self, svg=reprs.top_view(poses, walls))


def _check_inside(who: str, pose: Pose, room: Room) -> None:
    points = pose.position.values[pose.valid.values]
    inside = room.contains(points)
    if not inside.all():
        i = int(np.argmin(inside))
        time = float(pose.time.values[pose.valid.values][i])
        low, high = room.bounds
        where = points[i]
        if i > 0:  # a shoebox is convex: the path leaves it once between two samples
            step = points[i] - points[i - 1]
            with np.errstate(divide="ignore", invalid="ignore"):
                shares = np.where(step > 0, high - points[i - 1], low - points[i - 1]) / step
            share = float(np.min(np.where(step == 0, np.inf, shares)))
            before = float(pose.time.values[pose.valid.values][i - 1])
            time, where = before + share * (time - before), points[i - 1] + share * step
        place = ", ".join(f"{v:.2f}" for v in where)
        reach = "; ".join(
            f"{a} {lo:.2f} to {hi:.2f}" for a, lo, hi in zip("xyz", low, high, strict=True)
        )
        raise ValidationError(
            f"{who} is outside the room at t = {time:.2f} s: ({place}) m, where the walls are at "
            f"{reach}. Move the pose, enlarge the room or set Room(listener=...)."
        )


def _check_head(name: str, pose: Pose, listener: Pose | None) -> None:
    seen = pose.relative_to(listener)
    points, times = seen.position.values, seen.time.values
    a = points if len(points) == 1 else points[:-1]
    step = np.zeros_like(a) if len(points) == 1 else np.diff(points, axis=0)
    length2 = np.maximum(np.sum(step**2, axis=1), 1e-12)
    # The nearest point of each straight piece to the head.
    share = np.clip(-np.sum(a * step, axis=1) / length2, 0.0, 1.0)
    gap = np.linalg.norm(a + share[:, None] * step, axis=1)
    if gap.min() < HEAD_CLEARANCE:
        i = int(np.argmin(gap))
        when = times[i] + (share[i] * (times[i + 1] - times[i]) if len(times) > 1 else 0.0)
        raise ValidationError(
            f"speaker {name!r} passes through the listener's head: {gap[i]:.2f} m from its centre "
            f"at t = {when:.2f} s; keep {HEAD_CLEARANCE:.2f} m or more."
        )
