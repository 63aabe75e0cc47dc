"""Where speakers of a scene stand and how each line is moved: seeded, kept off the head and walls.

As in MRSDrama, 5 to 12 marks lie in a room; speakers stand on them, sit at some, and walk between
them with pauses. Harder movements are added: past the head, behind it, round it, a sudden turn.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from spatialdrama.types import Room
from spatialdrama_corpora.simulate.paths import Path

#: Kinds of movement, and how often each is drawn unless the configuration says otherwise.
KINDS: Mapping[str, float] = {
    "stand": 0.30,
    "sit": 0.14,
    "walk": 0.18,
    "pause": 0.10,  # a walk that stops at marks
    "rise": 0.05,  # getting up from a chair, or sitting down
    "behind": 0.07,  # out of sight of the listener: front and back are easily confused
    "turn": 0.05,  # the mouth swings away or back within half a second
    "pass": 0.06,  # a straight walk close by the head
    "circle": 0.05,
}
#: m; how near and far a mouth may be, and how close a walk may come to the middle of the head.
NEAREST, FARTHEST = 0.3, 5.0
#: m/s; nobody on a stage runs.
FASTEST = 2.0
#: m between a mouth and a wall; between marks.
_WALL, _APART = 0.25, 0.5
#: m; mouths above the floor, standing and sitting, and how much two people differ.
_STANDING, _SITTING, _DIFFER = 1.52, 1.12, 0.12
#: m; the listener's ears above the floor, where there is no room that says so.
EARS = 1.2
#: rad; where a circle is looked at.
_TURN = np.linspace(0.0, 2 * np.pi, 73)
#: How often a drawing that leaves the room or meets the head is tried anew.
_TRIES = 40


@attrs.define
class Stage:
    """The floor of one scene.

    Parameters
    ----------
    room : Room
    draw : numpy Generator
        What the marks and the people's heights are drawn from.
    """

    room: Room
    draw: np.random.Generator
    marks: np.ndarray = attrs.field(init=False)
    _heights: dict[str, float] = attrs.field(init=False, factory=dict)
    _places: dict[str, np.ndarray] = attrs.field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        wanted = int(self.draw.integers(5, 13))
        marks: list[np.ndarray] = []
        apart = _APART
        while len(marks) < wanted:
            point = self._free_point(self.draw)
            if all(np.linalg.norm(point - m) >= apart for m in marks):
                marks.append(point)
            else:
                apart *= 0.97  # small rooms get closer marks
        self.marks = np.array(marks)

    @property
    def floor(self) -> float:
        """m; height of the floor in the scene frame."""
        return -self.room.listener[2] if self.room.is_shoebox else -EARS

    def path(self, speaker: str, kind: str, seconds: float, draw: np.random.Generator) -> Path:
        """Draw a movement of about `seconds` for a speaker, who goes on from where he was.

        Returns
        -------
        Path
            Of another kind where the room has no place for the wished one.
        """
        seated = kind == "sit"
        for _ in range(_TRIES):
            path = _MAKERS[kind](self, self._place(speaker, draw), speaker, seconds, draw)
            if path is not None and self.allows(path):
                break
        else:
            kind, seated = "stand", False
            path = self._standing(self._place(speaker, draw), speaker, seconds, draw)
        end = path.positions(np.array([seconds]))[0]
        self._places[speaker] = end[:2] if not seated else self._places[speaker]
        return path

    def allows(self, path: Path) -> bool:
        """Whether a path keeps to the room, the distances and the speeds, however long the line.

        Rounded corners are means of the path's points, so a room and a ball that hold the points
        hold the path, and no leg's speed is exceeded; only the way to the head must be walked.
        """
        corners = np.array(path.points) if path.points else path.positions(_TURN / abs(path.arc[2]))
        if np.linalg.norm(corners, axis=1).max() > FARTHEST:
            return False
        if self.room.is_shoebox and not self._inside(corners).all():
            return False
        fastest = abs(path.arc[0] * path.arc[2]) if path.arc else max(path.speeds, default=0.0)
        points = path.positions(np.arange(0.0, path.length + path.window, 0.04))
        # Between two looks at 2 m/s 0.3 m are at least 0.297 m.
        return fastest <= FASTEST and bool(np.linalg.norm(points, axis=1).min() >= 1.02 * NEAREST)

    def move(self, speaker: str, draw: np.random.Generator) -> None:
        """Let a speaker be somewhere else when the next line begins."""
        self._places[speaker] = self.marks[int(draw.integers(len(self.marks)))]

    # -- places -------------------------------------------------------------------------------

    def _place(self, speaker: str, draw: np.random.Generator) -> np.ndarray:
        if speaker not in self._places:
            self.move(speaker, draw)
        return self._places[speaker]

    def _height(self, speaker: str, *, seated: bool = False) -> float:
        if speaker not in self._heights:
            self._heights[speaker] = float(self.draw.uniform(-_DIFFER, _DIFFER))
        tall = self._heights[speaker]
        return self.floor + (_SITTING + tall / 2 if seated else _STANDING + tall)

    def _inside(self, points: np.ndarray) -> np.ndarray:
        low, high = self.room.bounds
        return np.all((points >= low + _WALL) & (points <= high - _WALL), axis=1)

    def _free_point(self, draw: np.random.Generator, rear: bool = False) -> np.ndarray:
        """Draw a place on the floor, (2,) m: any direction, near ones as often as far ones."""
        for _ in range(400):
            azimuth = np.pi + draw.uniform(-1.0, 1.0) if rear else draw.uniform(-np.pi, np.pi)
            distance = np.exp(draw.uniform(np.log(0.35), np.log(0.95 * FARTHEST)))
            point = distance * np.array([np.cos(azimuth), np.sin(azimuth)])
            tall = np.array([[*point, 0.0]])
            if not self.room.is_shoebox or self._inside(tall).all():
                return point
        return np.array([-0.6, 0.0] if rear else [0.6, 0.0])

    def _points(self, places: np.ndarray, speaker: str) -> np.ndarray:
        height = self._height(speaker)
        return np.column_stack([places, np.full(len(places), height)])

    # -- kinds --------------------------------------------------------------------------------

    def _standing(self, place, speaker, seconds, draw) -> Path:
        point = (*place, self._height(speaker))
        return Path(kind="stand", points=[point], stays=[0.0], facing=self._facing(draw))

    def _sitting(self, place, speaker, seconds, draw) -> Path:
        point = (*place, self._height(speaker, seated=True))
        return Path(kind="sit", points=[point], stays=[0.0], facing=self._facing(draw))

    def _walking(self, place, speaker, seconds, draw, *, pauses=False) -> Path:
        count = int(draw.integers(5, 13))
        places, walked = [place], 0.0
        speed = float(draw.uniform(0.3, 1.6))
        while len(places) < count:
            near = self._ways(places[-1])
            places.append(near[int(draw.integers(len(near)))])
            walked += float(np.linalg.norm(places[-1] - places[-2]))
        speeds = np.clip(speed * draw.uniform(0.8, 1.2, count - 1), 0.2, 0.98 * FASTEST)
        stays = np.zeros(count)
        stays[0] = draw.uniform(0.0, min(0.8, seconds / 4))
        if pauses:
            stays[1:-1] = draw.uniform(0.3, 1.5, count - 2) * (draw.random(count - 2) < 0.6)
            stays[1] = draw.uniform(0.3, 1.5)
        facing = "motion" if draw.random() < 0.75 else "listener"
        return Path(
            kind="pause" if pauses else "walk",
            points=self._points(np.array(places), speaker),
            speeds=speeds.round(3).tolist(),
            stays=stays.round(3).tolist(),
            facing=facing,
        )

    def _ways(self, place: np.ndarray) -> np.ndarray:
        """Return the marks that a straight walk reaches without passing the head too closely."""
        step = self.marks - place
        length2 = np.maximum(np.sum(step**2, axis=1), 1e-9)
        share = np.clip(-(step @ place) / length2, 0.0, 1.0)
        gap = np.linalg.norm(place + share[:, None] * step, axis=1)
        good = (gap >= 1.3 * NEAREST) & (length2 > 0.2**2)
        return self.marks[good] if good.any() else self.marks[[int(np.argmax(length2))]]

    def _rising(self, place, speaker, seconds, draw) -> Path:
        low = (*place, self._height(speaker, seated=True))
        high = (*place, self._height(speaker))
        ends = [low, high] if draw.random() < 0.5 else [high, low]
        wait = float(draw.uniform(0.1, 0.6)) * seconds
        speed = float(draw.uniform(0.25, 0.6))
        return Path(
            kind="rise", points=ends, speeds=[round(speed, 3)], stays=[round(wait, 3), 0.0],
            facing="listener",
        )  # fmt: skip

    def _behind(self, place, speaker, seconds, draw) -> Path:
        first, last = (self._free_point(draw, rear=True) for _ in range(2))
        points = self._points(np.array([first, last]), speaker)
        if draw.random() < 0.5 or np.linalg.norm(last - first) < 0.4:
            return Path(kind="behind", points=points[:1], stays=[0.0], facing=self._facing(draw))
        speed = float(draw.uniform(0.3, 1.4))
        return Path(
            kind="behind", points=points, speeds=[round(speed, 3)], stays=[0.2, 0.0],
            facing="motion",
        )  # fmt: skip

    def _turning(self, place, speaker, seconds, draw) -> Path:
        turns, at = [], float(draw.uniform(0.1, 0.35)) * seconds
        for _ in range(int(draw.integers(1, 4))):
            angle = float(draw.uniform(1.6, np.pi) * draw.choice([-1.0, 1.0]))
            took = float(draw.uniform(0.25, 0.6))
            turns.append((round(at, 3), round(angle, 3), round(took, 3)))
            at += took + float(draw.uniform(0.4, 1.5))
        point = (*place, self._height(speaker))
        return Path(kind="turn", points=[point], stays=[0.0], turns=turns)

    def _passing(self, place, speaker, seconds, draw) -> Path:
        """A straight line whose nearest point is 0.3 to 0.7 m from the head, any way round."""
        near, way = float(draw.uniform(0.31, 0.7)), float(draw.uniform(-np.pi, np.pi))
        speed = float(draw.uniform(0.8, 0.98 * FASTEST))
        height = float(draw.uniform(-0.1, 0.1)) + (0.0 if draw.random() < 0.7 else 0.25)
        along = np.array([np.cos(way), np.sin(way), 0.0])
        aside = np.array([-along[1], along[0], 0.0]) * draw.choice([-1.0, 1.0])
        reach = min(0.5 * speed * seconds, 4.0) * draw.uniform(0.8, 1.0, 2)
        middle = near * aside + np.array([0.0, 0.0, height])
        ends = [middle - reach[0] * along, middle + reach[1] * along]
        if self.room.is_shoebox:
            ends = [self._pulled_in(middle, end) for end in ends]
        wait = float(draw.uniform(0.0, 0.2)) * seconds
        return Path(
            kind="pass", points=ends, speeds=[round(speed, 3)], stays=[round(wait, 3), 0.0],
            facing="motion" if draw.random() < 0.6 else "listener", window=0.2,
        )  # fmt: skip

    def _pulled_in(self, middle: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Return the point farthest towards `end` that still lies in the room."""
        shares = np.linspace(1.0, 0.0, 51)
        points = middle + shares[:, None] * (end - middle)
        inside = self._inside(points) & (np.linalg.norm(points, axis=1) <= FARTHEST)
        return points[int(np.argmax(inside))] if inside.any() else end

    def _circling(self, place, speaker, seconds, draw) -> Path:
        radius = float(np.exp(draw.uniform(np.log(0.35), np.log(2.5))))
        if self.room.is_shoebox:
            low, high = self.room.bounds
            most = float(min(-low[:2].max(), high[:2].min()) - _WALL)
            radius = min(radius, most)
        height = self._height(speaker) if radius > 0.5 else 0.1
        speed = float(draw.uniform(0.3, 1.9))
        turn = speed / radius * float(draw.choice([-1.0, 1.0]))
        # Slower on small circles: a full turn takes two seconds or more.
        turn = float(np.sign(turn)) * min(abs(turn), np.pi)
        first = float(draw.uniform(-np.pi, np.pi))
        facing = "motion" if draw.random() < 0.5 else "listener"
        arc = (round(radius, 3), round(first, 3), round(turn, 4), round(height, 3))
        return Path(kind="circle", arc=arc, facing=facing)

    def _facing(self, draw: np.random.Generator) -> str | tuple[float, ...]:
        """To the listener, or to somebody else on the stage."""
        if draw.random() < 0.6:
            return "listener"
        mark = self.marks[int(draw.integers(len(self.marks)))]
        return (*mark.round(3).tolist(), round(self.floor + _STANDING, 3))


def _pausing(stage, place, speaker, seconds, draw) -> Path:
    return stage._walking(place, speaker, seconds, draw, pauses=True)


_MAKERS = {
    "stand": Stage._standing, "sit": Stage._sitting, "walk": Stage._walking, "pause": _pausing,
    "rise": Stage._rising, "behind": Stage._behind, "turn": Stage._turning,
    "pass": Stage._passing, "circle": Stage._circling,
}  # fmt: skip
