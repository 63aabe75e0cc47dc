"""What will be made, drama by drama, from a seed and without speaking or rendering anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.io.scenes import room_from_dict, room_to_dict
from spatialdrama.runtime.cache import key_of
from spatialdrama.runtime.seeding import line_seed, rng
from spatialdrama.types import Room
from spatialdrama_corpora.scripts.castings import STYLES, Pool, cast, identity_pool, style_of
from spatialdrama_corpora.scripts.lengths import spoken_seconds
from spatialdrama_corpora.scripts.library import TextScene, library
from spatialdrama_corpora.simulate.cameras import draw_camera
from spatialdrama_corpora.simulate.config import SPLITS, SimulationConfig
from spatialdrama_corpora.simulate.paths import Path, path_from_dict
from spatialdrama_corpora.simulate.rooms import FREE, make_room
from spatialdrama_corpora.simulate.stage import Stage

#: s; no segment is longer. Lines that would be are spoken faster.
LONGEST = 16.0
#: s of silence that an estimate leaves for the room's tail.
_TAIL = 1.0
#: s between two lines, and what a change of scene takes.
_GAP, _SCENE_GAP = (0.1, 0.9), 1.6


@attrs.frozen(kw_only=True)
class SegmentPlan:
    """One line of a drama, and all that makes its sound, its pictures and its words.

    Attributes
    ----------
    name, drama : str
    index : int
        Place in the drama.
    split : "train", "validation" or "test"
    work, author, scene : str
        Where the text is from.
    speaker, identity, language, text, style : str
    rate, pitch : float
        Of the voice: factor of speed, semitones.
    gap : float, s
        Silence before the line.
    seconds : float
        Estimate of the line's length.
    seed : int
        Of the voice's noise and of the choice of words in prompts.
    path : Path
    family, room_name : str
    room : Room
    head : str
    camera : mapping
        position (m), orientation (xyzw), focal_px, size; see :mod:`.cameras`.
    """

    name: str
    drama: str
    index: int
    split: str
    work: str
    author: str
    scene: str
    speaker: str
    identity: str
    language: str
    text: str
    style: str
    rate: float
    pitch: float
    gap: float
    seconds: float
    seed: int
    path: Path
    family: str
    room_name: str
    room: Room
    head: str
    camera: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description; :meth:`from_dict` gives an equal plan back."""
        fields = attrs.asdict(self, recurse=False)
        fields["path"] = self.path.to_dict()
        fields["room"] = room_to_dict(self.room)
        fields["camera"] = dict(self.camera)
        return fields

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SegmentPlan:
        """Build from :meth:`to_dict`."""
        fields = dict(data)
        fields["path"] = path_from_dict(fields["path"])
        fields["room"] = room_from_dict(fields["room"])
        return cls(**fields)

    def key(self, about: Mapping[str, Any]) -> str:
        """sha256 of the plan and of `about`: the programs and options that make it.

        What only says where the segment stands among others (its estimate, the pause before it)
        is left out.
        """
        made = {k: v for k, v in self.to_dict().items() if k not in ("gap", "seconds")}
        return key_of({"segment": made, "about": dict(about)})


def plan(config: SimulationConfig) -> Iterator[SegmentPlan]:
    """Yield all segments of a corpus, drama after drama; the same configuration, the same plan.

    Parameters
    ----------
    config : SimulationConfig

    Yields
    ------
    SegmentPlan
        Whole dramas until the hours are reached. A drama has one language, one room, one head,
        one camera and one cast, and belongs to one split. Held-out identities and rooms are in
        validation and test only, the test's head in the test only, and a scene of the texts in
        one split only. When a split has used all its scenes, it plays them again with other casts
        and places.

    Examples
    --------
    >>> first = next(plan(SimulationConfig(hours=0.05, seed=3, languages={"en": 1})))
    >>> first.drama, first.index, first.language
    ('d00000', 0, 'en')
    """
    texts = _Texts(library(config.texts or None), config)
    pools = {
        language: identity_pool(
            config.identities[language],
            blends=config.blends,
            held_out=config.held_out,
            seed=config.seed,
        )
        for language, weight in config.languages.items()
        if weight
    }
    wanted, seconds, number = 3600.0 * config.hours, 0.0, 0
    splits = _Turns(config.splits)
    languages = {split: _Turns(config.languages) for split in config.splits}
    while seconds < wanted:
        split = splits.take(1.0)
        language = languages[split].take(0.0)
        scenes = texts.take(split, language, number)
        some = list(_drama(config, number, split, scenes, pools[language]))
        length = sum(segment.seconds for segment in some)
        languages[split].add(language, length)
        seconds += length
        number += 1
        yield from some


def _drama(
    config: SimulationConfig, number: int, split: str, scenes: Sequence[TextScene], pool: Pool
) -> Iterator[SegmentPlan]:
    drama = f"d{number:05d}"
    draw = rng(config.seed, drama, "place")
    family, room_name, room = _room(config, split, draw)
    head = _head(config, split, draw)
    camera = draw_camera(room, draw, config.video_size)
    speakers = [speaker for scene in scenes for speaker in scene.speakers]
    people = cast(
        speakers,
        pool.of(split),
        rate=config.rate,
        pitch=config.pitch,
        seed=config.seed,
        drama=drama,
    )
    kinds = [k for k, w in config.movements.items() if w]
    weights = np.array([config.movements[k] for k in kinds])
    index = 0
    for scene in scenes:
        stage = Stage(room, rng(config.seed, drama, scene.name, "stage"))
        last: dict[str, int] = {}
        for line, (speaker, text) in enumerate(scene.lines):
            lot = rng(config.seed, drama, index, "line")
            who = people[speaker]
            style = style_of(text, who, lot) if config.styles else ""
            rate, pitch, seconds = _delivery(config, text, style, who, lot)
            if line - last.get(speaker, line) > 2 and lot.random() < 0.3:
                stage.move(speaker, lot)  # while others spoke
            last[speaker] = line
            kind = kinds[int(lot.choice(len(kinds), p=weights / weights.sum()))]
            yield SegmentPlan(
                name=f"{drama}-s{index:04d}", drama=drama, index=index, split=split,
                work=scene.work, author=scene.author, scene=scene.name, speaker=speaker,
                identity=who.identity, language=scene.language, text=text, style=style,
                rate=rate, pitch=pitch,
                gap=round(float(lot.uniform(*_GAP)), 3) if line else _SCENE_GAP,
                seconds=round(seconds, 3),
                seed=line_seed(config.seed, drama, index, speaker, text),
                path=stage.path(speaker, kind, seconds, lot), family=family, room_name=room_name,
                room=room, head=head, camera=camera,
            )  # fmt: skip
            index += 1


def _delivery(config, text, style, who, lot) -> tuple[float, float, float]:
    """Return rate, pitch and estimated length of a line."""
    wish = who.rate * (1 + 0.06 * who.lively * lot.uniform(-1, 1))
    rate = float(np.clip(round(wish, 3), *config.rate))
    wish = who.pitch + 0.8 * who.lively * lot.uniform(-1, 1)
    pitch = float(np.clip(round(wish, 2), *config.pitch))
    natural = spoken_seconds(text) / STYLES[style][0]
    # A fifth longer than estimated still fits.
    rate = max(rate, round(1.2 * natural / (LONGEST - _TAIL), 3))
    return rate, pitch, natural / rate


def _room(config: SimulationConfig, split: str, draw: np.random.Generator):
    family = _drawn(config.rooms, draw)
    if family == FREE:
        return family, FREE, make_room(FREE, 0)
    known = config.rooms_each - max(round(config.held_out * config.rooms_each), 1)
    low, high = (0, known) if split == "train" else (known, config.rooms_each)
    number = int(draw.integers(low, high))
    return family, f"{family}-{number:02d}", make_room(family, number, seed=config.seed)


def _head(config: SimulationConfig, split: str, draw: np.random.Generator) -> str:
    if config.test_head and split == "test":
        return config.test_head
    return _drawn({k: v for k, v in config.heads.items() if k != config.test_head}, draw)


def _drawn(weights: Mapping[str, float], draw: np.random.Generator) -> str:
    names, share = list(weights), np.array(list(weights.values()))
    return names[int(draw.choice(len(names), p=share / share.sum()))]


@attrs.define
class _Turns:
    """Whose turn it is, so that the shares of the weights are met from the first drama on."""

    weights: Mapping[str, float]
    _had: dict[str, float] = attrs.field(init=False, factory=dict)

    def take(self, amount: float) -> str:
        """Return the name that has least of what it should have; ties go to the first."""
        had, all_ = sum(self._had.values()), sum(self.weights.values())
        lack = {
            name: (had + max(amount, 1e-9)) * weight / all_ - self._had.get(name, 0.0)
            for name, weight in self.weights.items()
            if weight
        }
        name = max(lack, key=lambda n: lack[n])
        self.add(name, amount)
        return name

    def add(self, name: str, amount: float) -> None:
        self._had[name] = self._had.get(name, 0.0) + amount


class _Texts:
    """Scenes of each split and language, in an order of their own, each used before any again."""

    #: Scenes that follow each other and stay together in one split.
    STRETCH = 8

    def __init__(self, scenes: Sequence[TextScene], config: SimulationConfig) -> None:
        self._config = config
        self._runs: dict[tuple[str, str], list[tuple[int, TextScene]]] = {}
        self._next: dict[tuple[str, str], int] = {}
        names = [s for s in SPLITS if config.splits.get(s)]
        share = np.cumsum([config.splits[s] for s in names])
        stretches: dict[tuple[str, int], list[tuple[int, TextScene]]] = {}
        for i, scene in enumerate(scenes):
            stretches.setdefault((scene.work, i // self.STRETCH), []).append((i, scene))
        order = rng(config.seed, "order of scenes").permutation(len(stretches))
        keys = list(stretches)
        for k in order:
            key = keys[k]
            lot = rng(config.seed, "split of scenes", *key).random() * share[-1]
            split = names[int(np.searchsorted(share, lot, side="right"))]
            some = stretches[key]
            self._runs.setdefault((split, some[0][1].language), []).extend(some)
        for language in config.languages:
            for split in names:
                # A table with few scenes may leave a split without any.
                run = self._runs.setdefault((split, language), [])
                every = [(i, s) for i, s in enumerate(scenes) if s.language == language]
                run.extend([] if run else every)
                if not run and config.languages[language]:
                    raise ValidationError(f"the table of lines has no scene in {language!r}.")

    def take(self, split: str, language: str, number: int) -> list[TextScene]:
        """Return the scenes of drama `number`: neighbours, as many as its length asks for."""
        draw = rng(self._config.seed, "length of drama", number)
        wanted = 60.0 * float(draw.uniform(*self._config.drama_minutes))
        run, key = self._runs[split, language], (split, language)
        taken: list[TextScene] = []
        seconds, before = 0.0, None
        while seconds < wanted:
            i, scene = run[self._next.get(key, 0) % len(run)]
            if before is not None and i != before + 1:
                break
            lines = []
            for speaker, text in scene.lines:
                if seconds >= wanted and lines:
                    break
                lines.append((speaker, text))
                seconds += spoken_seconds(text)
            taken.append(attrs.evolve(scene, lines=lines))
            before = i
            self._next[key] = self._next.get(key, 0) + 1
        return taken
