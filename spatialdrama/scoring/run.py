"""``sd.score``: one drama or recording, or thousands of them, to one table."""

from __future__ import annotations

import functools
import inspect
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.registry import entry, load
from spatialdrama.runtime.device import resolve
from spatialdrama.runtime.progress import progress as progress_bar
from spatialdrama.scoring.calls import release
from spatialdrama.scoring.chance import CHANCE_SHIFTS
from spatialdrama.scoring.content import described
from spatialdrama.scoring.cuts import lacking
from spatialdrama.scoring.items import Item, gather
from spatialdrama.scoring.measure import measure
from spatialdrama.scoring.schedule import check_scheduler, run
from spatialdrama.scoring.sheets import Plan, Task, Wanted
from spatialdrama.types import Score, ScoreTable
from spatialdrama.types.scores import weighted_mean

#: Items from which chance is measured with one pairing instead of three, and from which it is
#: measured on every second, third... item: its error is then far below the systems' intervals.
FEW_ITEMS, MANY_ITEMS = 20, 1000
#: Cuts that a metric with ``score_batch`` gets at once, unless told.
BATCH = 16
#: Failures of one metric that notes tell one by one.
TOLD = 5


def score(
    items: Any,
    metrics: Sequence[str] | Mapping[str, Mapping[str, Any]],
    *,
    reference: Any = None,
    transcript: str | Mapping[str, str] | None = None,
    language: str | Mapping[str, str] | None = None,
    prompts: Any = None,
    pose: Any = None,
    pose_format: str | None = None,
    scheduler: Any = None,
    workers: int | None = None,
    batch: int | None = None,
    device: str | None = None,
    cache: bool | None = None,
    progress: bool | None = None,
) -> ScoreTable:
    """Score a drama line by line, a recording as a whole, or many of them.

    Parameters
    ----------
    items : Drama, BinauralAudio, path, or a mapping or iterable of them
        A path is a drama's folder, a two-channel sound file, or a folder of either. Of several
        items one may be broken or missing: it is reported in the table's notes, and the others
        are scored. Files are opened where they are scored, and only scores are kept.
    metrics : sequence of str, or mapping of name to options
        Names from ``sd.metrics``; ``{"itd_mae": {"gate_db": 10}}`` gives options.
    reference : BinauralAudio or path, optional
        A recording of the same length; for several items ``{name: sound or path}``, or a folder
        with ``name.wav``, ``name.flac`` or ``name/drama.wav`` for each. A drama without one is
        compared with the dry rendering of its own stems along its poses, and the table's notes
        say so.
    transcript, language : str or mapping of item to str, optional
        What a recording says, for metrics that need it.
    prompts : mapping of speaker to Speech, BinauralAudio or path, optional
        A voice prompt of each speaker, for metrics that need one; ``{item: {speaker: prompt}}``
        where items differ. A speaker of a drama without one is compared with the longest other
        stem of his own, and the table's notes say so. The speaker of a recording has any name:
        ``{"speaker": prompt}``.
    pose : Pose, path, or mapping of item to either, optional
        Where the voice of a recording is, in the listener's frame; time 0 is the first sample, and
        before its first and after its last moment a pose stays where it is. For several items
        also a folder with ``name.nc``, ``.zarr``, ``.npy`` or ``.txt`` for each. A drama has
        poses of its own and takes none.
    pose_format : str, optional
        Convention of pose files that do not say it, such as ``"mrsdrama-120hz"``; see
        :meth:`spatialdrama.Pose.read`.
    scheduler : optional
        Where several items are scored. Default: threads of this process. ``"processes"`` starts a
        local Dask cluster; an address (``"tcp://host:8786"``), a Dask ``Client`` or cluster is
        used as it is: its workers must see the same files, and share finished scores where
        ``SPATIALDRAMA_HOME`` is on a shared disk. In a script, ``"processes"`` belongs under
        ``if __name__ == "__main__":``, because each process imports the script again.
    workers : int, optional
        Threads or processes; default one for each core.
    batch : int, optional
        Cuts that a metric with ``score_batch`` gets at once; default 16. 1: item by item.
    device : {"auto", "cpu", "cuda", "cuda:N"}, optional
        For all metrics that take an option ``device`` and were given none. Default: what each says,
        which for most is the first GPU there is. Metrics without a network run on the CPU.
    cache : bool, optional
        Keep finished scores on the disk by content, and take those that are there, so that a
        run that was stopped goes on where it was. Default: for several items. Metrics registered
        in a notebook are never kept.
    progress : bool, optional
        Show a bar; default on, unless ``SPATIALDRAMA_PROGRESS=0``.

    Returns
    -------
    ScoreTable

    Raises
    ------
    ValidationError, UnknownNameError, AssetError
        Before any work; afterwards when a metric has no value at all. Of a single item also what
        a metric raises.

    Examples
    --------
    >>> import numpy as np, spatialdrama as sd
    >>> noise = np.random.default_rng(0).normal(0, 0.1, (2, 48_000))
    >>> audio = sd.BinauralAudio(noise, 48_000)
    >>> quieter = sd.BinauralAudio(noise * [[1.0], [0.5]], 48_000)
    >>> table = sd.score(quieter, ["ild_mae"], reference=audio)
    >>> round(table["ild_mae"], 1)
    6.0
    >>> both = sd.score({"same": audio, "quieter": quieter}, ["ild_mae"], progress=False,
    ...                 reference={"same": audio, "quieter": audio})
    >>> {item: round(value, 1) for item, (value, _) in both.by_item("ild_mae").items()}
    {'same': 0.0, 'quieter': 6.0}
    """
    check_scheduler(scheduler)
    for name, number in (("workers", workers), ("batch", batch)):
        if number is not None and (not isinstance(number, int) or number < 1):
            raise ValidationError(f"{name} must be a whole number from 1; got {number!r}.")
    wanted = wanted_metrics(metrics, device)
    found, several = gather(
        items, reference=reference, transcript=transcript, language=language, prompts=prompts,
        pose=pose, pose_format=pose_format,
    )  # fmt: skip
    for w in wanted if several else ():  # a single one says what is wrong when it is opened
        for need in sorted(w.spec.needs):
            if not any(item.could(need) for item in found):
                raise lacking(w.name, need)
    plan = Plan(
        wanted,
        shifts=CHANCE_SHIFTS if len(found) <= FEW_ITEMS else 1,
        batch=BATCH if batch is None else batch,
        strict=not several,
        cached=several if cache is None else cache,
    )
    if several:
        sheets = _many(found, plan, scheduler, workers, progress)
    else:
        sheets = _single(found[0], plan, progress)
    return table_of(sheets, plan, several)


def models_of(found: Any, options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the assets that a metric loads with these options.

    That is what its description says, unless its class has a class method ``models(**options)``:
    that returns their names, and raises an AssetError where the user must bring something.
    """
    asked = getattr(_target(found), "models", None) if found.obj is None else None
    return tuple(asked(**options)) if callable(asked) else found.spec.assets


def _on(device: str | None, found: Any, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options with the device, for a class that takes one and was given none."""
    if device is None or "device" in options:
        return options
    target = _target(found) if found.obj is None else found.obj
    takes = inspect.isclass(target) and "device" in inspect.signature(target).parameters
    return {**options, "device": device} if takes else options


def _target(found: Any) -> Any:
    from spatialdrama.registry.loading import import_target

    return import_target(found)


def wanted_metrics(metrics: Any, device: str | None = None) -> tuple[Wanted, ...]:
    """Check names and options, and that models are at hand, before any work."""
    from spatialdrama.runtime.assets import require

    if isinstance(metrics, str):
        raise ValidationError(f"metrics is a list of names; write metrics=[{metrics!r}].")
    named = metrics if isinstance(metrics, Mapping) else {name: {} for name in metrics}
    if not named:
        raise ValidationError("no metric was named; sd.metrics lists them.")
    # A device that is not there is said before any work.
    if device is not None:
        resolve(device)
    wanted = []
    for name, options in named.items():
        found = entry("metric", name)
        options = _on(device, found, options)
        require(models_of(found, options), f"metric {name!r}")
        # What a notebook registered is known to this process alone, so it travels itself.
        made = load("metric", name, **options) if found.obj is not None else None
        fingerprint = described("metric", name, options)
        wanted.append(Wanted(name, found.spec, dict(options), made, fingerprint))
    return tuple(wanted)


def _single(item: Item, plan: Plan, progress: bool | None) -> list[dict[str, Any]]:
    bars: list[Any] = []

    def tick(name: str, total: int) -> None:
        if not bars:
            bars.append(progress_bar(label="scoring", total=total, unit="score", show=progress))
        bars[0].update(1, note=name)

    try:
        return measure(Task((item,), ((),), (True,)), attrs.evolve(plan, progress=progress), tick)
    finally:
        for bar in bars:
            bar.close()
        release()


def _many(
    items: Sequence[Item], plan: Plan, scheduler: Any, workers: int | None, progress: bool | None
) -> list[dict[str, Any]]:
    sheets = []
    try:
        with progress_bar(label="scoring", total=len(items), unit="item", show=progress) as bar:
            for done in run(
                functools.partial(measure, plan=plan),
                _tasks(items, plan, workers or os.cpu_count() or 1),
                scheduler=scheduler,
                workers=workers,
                lost=_lost,
            ):
                sheets += done
                bar.update(len(done), note=done[-1]["name"])
    finally:
        release()
    order = {item.name: i for i, item in enumerate(items)}
    return sorted(sheets, key=lambda sheet: order[sheet["name"]])


def _lost(task: Task, error: BaseException) -> list[dict[str, Any]]:
    says = "its worker died more than once, of too little memory or a broken library"
    return [{"name": item.name, "error": says} for item in task.items]


def _tasks(items: Sequence[Item], plan: Plan, workers: int) -> Iterator[Task]:
    """Yield items with the strangers that lend single lines a wrong reference."""
    count = len(items)
    shifts = min(plan.shifts, count - 1)
    every = math.ceil(count / MANY_ITEMS)
    batched = plan.batch > 1 and any(_has_batch(wanted) for wanted in plan.wanted)
    # Where there are few items every worker gets some.
    size = min(plan.batch, math.ceil(count / workers)) if batched else 1
    for low in range(0, count, size):
        lot = range(low, min(low + size, count))
        contrast = tuple(i % every == 0 for i in lot)
        yield Task(
            tuple(items[i] for i in lot),
            tuple(
                tuple(items[(i + s) % count] for s in range(1, shifts + 1)) if used else ()
                for i, used in zip(lot, contrast, strict=True)
            ),
            contrast,
        )


def _has_batch(wanted: Wanted) -> bool:
    made = _target(entry("metric", wanted.name)) if wanted.made is None else wanted.made
    return callable(getattr(made, "score_batch", None))


def table_of(sheets: Sequence[Mapping[str, Any]], plan: Plan, several: bool) -> ScoreTable:
    """Return the table of all sheets, and what failed as notes."""
    scores: dict[str, dict[tuple[str, str], Score]] = {w.name: {} for w in plan.wanted}
    notes = _shared_notes(sheets, plan, several)
    for sheet in sheets:
        for w in plan.wanted:
            if "error" in sheet:
                failed = Score(np.nan, 0.0, {"error": sheet["error"]})
                scores[w.name][sheet["name"], ""] = failed
                continue
            for label, value, weight, details in sheet["columns"][w.name]["lines"]:
                made = Score(np.nan if value is None else value, weight, details)
                scores[w.name][sheet["name"], label] = made
    for w in plan.wanted:
        notes += _failures(w.name, scores[w.name], several)
    chance, mono = {}, {}
    for w in plan.wanted:
        chance[w.name] = _level(sheets, w.name, "chance")
        mono[w.name] = _level(sheets, w.name, "mono")
        if w.spec.chance is not None and w.spec.chance != "shuffle":
            chance[w.name] = float(w.spec.chance)
    return ScoreTable.from_scores(
        scores,
        direction={w.name: w.spec.direction for w in plan.wanted},
        unit={w.name: w.spec.unit for w in plan.wanted},
        chance=chance,
        mono=mono,
        notes=tuple(notes),
    )


def _level(sheets: Sequence[Mapping[str, Any]], metric: str, kind: str) -> float:
    pairs = [p for s in sheets for p in s.get("columns", {}).get(metric, {}).get(kind, ())]
    if not pairs:
        return np.nan
    value, weight = np.array(pairs, dtype=float).T
    return weighted_mean(value, weight)[0]


def _shared_notes(sheets: Sequence[Mapping[str, Any]], plan: Plan, several: bool) -> list[str]:
    """Return each note once; of several items with how many, or which, it is true of."""
    owners: dict[str, dict[str, None]] = {}
    for sheet in sheets:
        for column in sheet.get("columns", {}).values():
            for note in column["notes"]:
                owners.setdefault(note, {})[sheet["name"]] = None
    if not several:
        return list(owners)
    return [
        f"{next(iter(names))}: {note}" if len(names) == 1 else f"{note} ({len(names)} items)"
        for note, names in owners.items()
    ]


def _failures(metric: str, rows: Mapping[tuple[str, str], Score], several: bool) -> list[str]:
    failed = [
        ("/".join(part for part in key if part) if several else key[1] or key[0], score)
        for key, score in rows.items()
        if "error" in score.details
    ]
    if failed and len(failed) == len(rows):
        where = f" on {failed[0][0]}" if several else ""
        raise ValidationError(
            f"metric {metric!r} has no value{where}: {failed[0][1].details['error']}"
        )
    notes = [f"{metric} on {place}: {score.details['error']}" for place, score in failed[:TOLD]]
    if len(failed) > TOLD:
        notes.append(
            f"{metric} failed on {len(failed) - TOLD} more rows; table.details says why on each"
        )
    return notes
