"""Hours, speakers, phones, places, speeds and durations of a corpus, counted."""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.runtime.progress import progress as shown
from spatialdrama.types import Line
from spatialdrama.types.pose import VELOCITY_SPAN

from ..corpus import Corpus
from ..items import Item
from .description import Description

#: Hz; how often a path is looked at, the tracker's rate of MRSDrama.
_RATE = 20.0
#: m; side of a cell of the plane.
CELL = 0.1
#: m; the plane reaches at most this far, what is beyond counts in its last cells.
_FARTHEST = 10.0
#: m/s; width of a class of speeds, the last class, and what counts as moving: below it is the
#: jitter of a tracker.
SPEED_STEP, FASTEST, MOVING = 0.05, 3.0, 0.05
#: s; width of a class of durations.
DURATION_STEP = 0.5


def describe(corpus: Corpus, *, progress: bool | None = None) -> Description:
    """Count what a corpus holds, as the paper's Figures 3 and 5 do.

    Poses are read and sampled at 20 Hz, as the listener's head sees them; sound is not read. A
    pose that cannot be read is left out and counted.

    Parameters
    ----------
    corpus : Corpus
    progress : bool, optional
        Show how far it is; by default as elsewhere.

    Returns
    -------
    Description

    Raises
    ------
    ValidationError
        For a corpus without items.

    Notes
    -----
    Speed is that of the mouth in space, a central difference over 0.2 s as for
    :meth:`spatialdrama.Pose.radial_velocity`; below 0.05 m/s a speaker stands or sits.

    Examples
    --------
    >>> from spatialdrama.types import Pose
    >>> from spatialdrama_corpora.corpus import Corpus
    >>> from spatialdrama_corpora.describe import describe
    >>> from spatialdrama_corpora.items import Item
    >>> walk = Pose.line((1, -1, 0), (1, 1, 0), duration=4.0)
    >>> item = Item("a", speaker="ANNA", duration=4.0, load={"pose": walk})
    >>> about = describe(Corpus([item], name="one"), progress=False)
    >>> about
    Description(one: 1 item, 4 s, 1 speaker, 1 drama)
    >>> about.facts["median_speed_m_s"], about.facts["moving_share"]
    (0.5, 1.0)
    """
    if not len(corpus):
        raise ValidationError(f"corpus {corpus.name} holds no items; there is nothing to describe.")
    places, speeds, weights, lines, unread = [], [], [], [], 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpatialDramaWarning)  # check() tells them with their file
        for item in shown(corpus.items, "describing", show=progress):
            with contextlib.suppress(ValidationError):
                lines += [item.line] if item.line is not None else []
            if not item.has("pose"):
                continue
            try:
                place, speed = _path(item)
            except ValidationError:
                unread += 1
                continue
            places.append(place)
            speeds.append(speed)
            weights.append(np.full(len(place), item.duration / len(place)))
    place = np.concatenate(places) if places else np.zeros((0, 3))
    speed = np.concatenate(speeds) if speeds else np.zeros(0)
    weight = np.concatenate(weights) if weights else np.zeros(0)
    durations = np.array([item.duration for item in corpus])
    data = xr.merge(
        [_by("speaker", corpus), _by("drama", corpus), _by("split", corpus), _phones(lines),
         _plane(place, weight), _classes(speed, weight, durations)],
        combine_attrs="drop",
    )  # fmt: skip
    facts = {
        **_totals(corpus, lines, durations), "with_pose": len(places), "unread_poses": unread,
        **_moving(place, speed, weight),
    }  # fmt: skip
    return Description(data, facts)


def _path(item: Item) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, 3) m and (n,) m/s over the item's duration, at 20 Hz."""
    pose = item.pose.relative_to(item.listener) if item.has("listener") else item.pose
    n = max(round(item.duration * _RATE), 1)
    times = (np.arange(n) + 0.5) * item.duration / n
    # Held outside the path, so that its ends are differences over less time.
    ends = float(pose.time[0]), float(pose.time[-1])
    before = np.clip(times - VELOCITY_SPAN / 2, *ends)
    after = np.clip(times + VELOCITY_SPAN / 2, *ends)
    gap = after - before
    step = np.linalg.norm(pose.positions_at(after) - pose.positions_at(before), axis=1)
    return pose.positions_at(times), np.divide(step, gap, out=np.zeros(n), where=gap > 1e-6)


def _by(what: str, corpus: Corpus) -> xr.Dataset:
    seconds: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for item in corpus:
        seconds[getattr(item, what)] += item.duration
        count[getattr(item, what)] += 1
    names = sorted(seconds, key=lambda name: (-seconds[name], name))
    return xr.Dataset(
        {
            f"{what}_seconds": (what, [float(seconds[n]) for n in names], {"units": "s"}),
            f"{what}_items": (what, [count[n] for n in names]),
        },
        coords={what: names},
    )


def _phones(lines: list[Line]) -> xr.Dataset:
    count: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for line in lines:
        for phone in line.phones:
            count[phone.symbol] += 1
            seconds[phone.symbol] += phone.end - phone.start
    names = [name for name, _ in sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))]
    return xr.Dataset(
        {
            "phone_count": ("phone", np.array([count[n] for n in names], dtype=int)),
            "phone_seconds": (
                "phone", np.array([seconds[n] for n in names], dtype=float), {"units": "s"}
            ),
        },
        coords={"phone": np.array(names, dtype=str)},
    )  # fmt: skip


def _plane(place: np.ndarray, weight: np.ndarray) -> xr.Dataset:
    far = np.abs(place[:, :2]).max(initial=0.9)
    reach = min(float(np.ceil(far + 0.1)), _FARTHEST)
    n = round(2 * reach / CELL)
    edges = np.linspace(-reach, reach, n + 1)
    # A hair inside: what lies on the outer edge belongs to the last cell.
    xy = np.clip(place[:, :2], -reach + 1e-9, reach - 1e-9)
    seconds, _, _ = np.histogram2d(xy[:, 0], xy[:, 1], bins=(edges, edges), weights=weight)
    middle = (edges[:-1] + edges[1:]) / 2
    return xr.Dataset(
        {"plane_seconds": (("x", "y"), seconds, {"units": "s"})},
        coords={"x": ("x", middle, {"units": "m"}), "y": ("y", middle, {"units": "m"})},
    )


def _classes(speed: np.ndarray, weight: np.ndarray, durations: np.ndarray) -> xr.Dataset:
    edges = np.arange(0.0, FASTEST + SPEED_STEP / 2, SPEED_STEP)
    seconds, _ = np.histogram(np.minimum(speed, FASTEST - 1e-9), bins=edges, weights=weight)
    longest = np.ceil(durations.max() / DURATION_STEP - 1e-9) * DURATION_STEP
    durations = np.minimum(durations, longest)
    limits = np.arange(0.0, longest + DURATION_STEP / 2, DURATION_STEP)
    if len(limits) > 200:  # recordings of many minutes
        limits = np.linspace(0.0, longest, 101)
    count, _ = np.histogram(durations, bins=limits)
    return xr.Dataset(
        {
            "speed_seconds": ("speed", seconds, {"units": "s"}),
            "duration_items": ("duration", count),
        },
        coords={
            "speed": ("speed", (edges[:-1] + edges[1:]) / 2, {"units": "m/s"}),
            "duration": ("duration", (limits[:-1] + limits[1:]) / 2, {"units": "s"}),
        },
    )


def _totals(corpus: Corpus, lines: list[Line], durations: np.ndarray) -> dict[str, Any]:
    languages = Counter(language for line in lines for language in line.languages)
    return {
        "corpus": corpus.name,
        "licence": corpus.licence,
        "items": len(corpus),
        "hours": float(durations.sum() / 3600),
        "speakers": len(corpus.speakers),
        "dramas": len(corpus.dramas),
        "lines": len({line.text for line in lines}),
        "languages": dict(languages.most_common()),
        "longest_s": float(durations.max()),
        "mean_duration_s": float(durations.mean()),
        "median_duration_s": float(np.median(durations)),
        "problems": sum(problem.level == "problem" for problem in corpus.problems),
    }


def _moving(place: np.ndarray, speed: np.ndarray, weight: np.ndarray) -> Mapping[str, Any]:
    if not len(speed):
        return {"moving_share": None, "median_speed_m_s": None, "fastest_m_s": None,
                "median_distance_m": None, "nearest_m": None, "farthest_m": None}  # fmt: skip
    moves = speed > MOVING
    distance = np.linalg.norm(place, axis=1)
    share = float(weight[moves].sum() / weight.sum())
    return {
        "moving_share": round(share, 4),
        "median_speed_m_s": round(float(np.median(speed[moves])), 4) if moves.any() else 0.0,
        "fastest_m_s": round(float(speed.max()), 4),
        "median_distance_m": round(float(np.median(distance)), 4),
        "nearest_m": round(float(distance.min()), 4),
        "farthest_m": round(float(distance.max()), 4),
    }
