"""Many renderings at once: on all cores of a CPU, or side by side on a CUDA device."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import attrs

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.errors import SpatialDramaError, ValidationError
from spatialdrama.runtime.device import Device, resolve
from spatialdrama.types import BinauralAudio, Pose, Room
from spatialdrama_render.checks import checked_job
from spatialdrama_render.directivity import check_directivity
from spatialdrama_render.talkers import Talker
from spatialdrama_render.threads import one_blas_thread

if TYPE_CHECKING:
    import numpy as np

    from spatialdrama_render.physical import PhysicalRenderer
    from spatialdrama_render.plan import Plan

Progress = bool | Callable[[int, int], None] | None


@attrs.frozen(eq=False)
class RenderItem:
    """One source to render; the arguments of :meth:`PhysicalRenderer.render`.

    Parameters
    ----------
    mono : (n,) float
        What the mouth emits, as recorded at 1 m on its axis.
    pose : Pose
        The source, in the scene frame and drama time. Where it jumps, it is faded over.
    room : Room, optional
        None is the free field.
    listener : Pose, optional
        None is at rest at the scene's origin.
    start : float, s
        Drama time of the first sample, in and out.
    directivity : "speech" or "omni"
    gain_db : float
    rate : int, Hz

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import Pose
    >>> from spatialdrama_render.batch import RenderItem
    >>> RenderItem(np.zeros(480), Pose.fixed((1, 0, 0))).directivity
    'speech'
    """

    mono: Any
    pose: Pose
    room: Room | None = None
    listener: Pose | None = None
    start: float = 0.0
    directivity: str = "speech"
    gain_db: float = 0.0
    rate: int = HOUSE_RATE


def render_batch(
    renderer: PhysicalRenderer,
    items: Iterable[RenderItem | Mapping[str, Any]],
    *,
    device: str | Device = "auto",
    progress: Progress = None,
) -> list[BinauralAudio]:
    """Render many items with one renderer.

    Parameters
    ----------
    renderer : PhysicalRenderer
    items : iterable of RenderItem or mapping
        In any order, of any lengths, in any rooms; a mapping holds the arguments of one item.
    device : "auto", "cpu", "cuda", "cuda:N" or Device
        See :func:`spatialdrama.runtime.device.resolve`. The CPU renders one item per core. A CUDA
        device renders all that fit its memory at once.
    progress : bool or callable(done, total), optional
        True shows a bar; a callable is told how many items are done.

    Returns
    -------
    list of BinauralAudio
        In the order of the items. The samples of an item do not depend on the others. Those of a
        CUDA device differ from the CPU's by less than -60 dB; their provenance names the device.

    Raises
    ------
    ValidationError
        For something that is no item, and whatever :meth:`PhysicalRenderer.render` refuses, with
        the number of the item; on CUDA also for rooms given by a measured response.
    DeviceError
        When the device is not there.

    Examples
    --------
    >>> items = [RenderItem(voice, pose, room) for voice in voices]       # doctest: +SKIP
    >>> render_batch(renderer, items, device="cuda")                      # doctest: +SKIP
    """
    where = resolve(device)
    items = [RenderItem(**item) if isinstance(item, Mapping) else item for item in items]
    for i, item in enumerate(items):
        if not isinstance(item, RenderItem):
            raise ValidationError(
                f"items[{i}] is a {type(item).__name__}; give RenderItem(mono, pose, ...)."
            )
    render = _on_cpu if where.kind == "cpu" else _on_cuda
    out: list[BinauralAudio | None] = [None] * len(items)
    with _Told(progress, len(items)) as told:
        for i, audio in render(renderer, items, where):
            out[i] = audio
            told()
    return out


def plan_of(renderer: PhysicalRenderer, item: RenderItem) -> Plan:
    """Check an item as :meth:`PhysicalRenderer.render` does, and return what is to be rendered."""
    job = checked_job(
        item.mono, item.pose, rate=item.rate, start=item.start, room=item.room,
        listener=item.listener, gain_db=item.gain_db, house_rate=renderer.rate,
    )  # fmt: skip
    talker = Talker(job.pieces, check_directivity(item.directivity))
    talker.add(0, job)
    return renderer.plan([talker], item.room, item.listener, item.start)


class _Told:
    """A bar or a callable that is told of each item."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._bar = self._call = None
        self._done, self._total = 0, total
        if callable(progress):
            self._call = progress
        elif progress:
            from spatialdrama.runtime.progress import progress as bar

            self._bar = bar(label="rendering", total=total)

    def __enter__(self) -> _Told:
        if self._bar is not None:
            self._bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        if self._bar is not None:
            self._bar.__exit__(*error)

    def __call__(self) -> None:
        self._done += 1
        if self._bar is not None:
            self._bar.update()
        elif self._call is not None:
            self._call(self._done, self._total)


def _numbered(i: int, error: SpatialDramaError) -> SpatialDramaError:
    """Return the error with the number of its item in front."""
    return type(error)(f"items[{i}]: {error}")


def _on_cpu(
    renderer: PhysicalRenderer, items: list[RenderItem], _: Device
) -> Iterator[tuple[int, BinauralAudio]]:
    """Yield each item's number and sound; kernels let go of the interpreter, so threads do."""

    def one(item: RenderItem) -> BinauralAudio:
        options = attrs.asdict(item, recurse=False)
        return renderer.render(options.pop("mono"), options.pop("pose"), **options)

    # One limit round all threads: limits that begin and end in turns would not be undone.
    with one_blas_thread(), ThreadPoolExecutor(_cores()) as pool:
        waiting = [pool.submit(one, item) for item in items]
        try:
            for i, future in enumerate(waiting):
                yield i, future.result()
        except SpatialDramaError as error:
            raise _numbered(i, error) from error
        finally:
            for future in waiting:
                future.cancel()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _plan_on_cuda(renderer: PhysicalRenderer, item: RenderItem) -> Plan:
    """Return the plan of an item, or raise for what the kernels of the device do not do."""
    plan = plan_of(renderer, item)
    if len(plan.heard_from) > 1:
        raise ValidationError(
            "a listener who jumps is not faded on CUDA; use device='cpu', or render the parts on "
            "either side apart."
        )
    return plan


def _on_cuda(
    renderer: PhysicalRenderer, items: list[RenderItem], where: Device
) -> Iterator[tuple[int, BinauralAudio]]:
    """Yield each item's number and sound, lot by lot; the next is packed while one runs."""
    from spatialdrama_render.cuda.pack import Rendering, cut
    from spatialdrama_render.cuda.render import render_all

    def checked(i: int) -> Rendering:
        try:
            return cut(_plan_on_cuda(renderer, items[i]))
        except SpatialDramaError as error:
            raise _numbered(i, error) from error

    def wrapped(i: int, samples: np.ndarray) -> BinauralAudio:
        provenance = renderer._provenance(items[i].room, items[i].directivity)
        provenance["device"] = where.name or str(where)
        return BinauralAudio(samples, renderer.rate, provenance=provenance)

    # Checks of poses hold the interpreter, and threads only get into their way: they stay here,
    # while the device runs the lot before. Copies and checks of samples let go of it.
    with ThreadPoolExecutor(min(4, _cores())) as pool:
        before: list[tuple[int, Any]] = []
        for members, samples in render_all(map(checked, range(len(items))), where):
            wrapping = [
                (i, pool.submit(wrapped, i, some)) for i, some in zip(members, samples, strict=True)
            ]
            for i, future in before:
                yield i, future.result()
            before = wrapping
        for i, future in before:
            yield i, future.result()
