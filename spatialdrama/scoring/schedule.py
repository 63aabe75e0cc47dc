"""Where tasks run: in this thread, in threads, in processes, or on a Dask cluster.

At any moment only a few tasks are under way and only their results come back, so that memory does
not grow with their number.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

from spatialdrama.errors import ValidationError

#: Tasks under way for each worker: one running, one waiting.
AHEAD = 2
LOCAL = ("threads", "processes")
#: s; how often a cluster is asked whether it still has workers, and how long it may have none: a
#: worker that died is back in seconds, on a busy machine in half a minute.
POLL_S, DESERTED_S = 5.0, 120.0


def check_scheduler(scheduler: Any) -> None:
    """Raise for a scheduler that is neither a word, an address nor a Dask object."""
    if scheduler is None or not isinstance(scheduler, str):
        if scheduler is None or hasattr(scheduler, "submit") or hasattr(scheduler, "scheduler"):
            return
    elif scheduler in LOCAL or "://" in scheduler:
        return
    raise ValidationError(
        "scheduler must be None, 'threads', 'processes', an address like 'tcp://host:8786', or a "
        f"Dask Client or cluster; got {scheduler!r}."
    )


def run(
    function: Callable[[Any], Any],
    tasks: Iterable[Any],
    *,
    scheduler: Any = None,
    workers: int | None = None,
    lost: Callable[[Any, BaseException], Any] | None = None,
) -> Iterator[Any]:
    """Yield ``function(task)`` of all tasks, as they end.

    Parameters
    ----------
    function : callable
    tasks : iterable
    scheduler : None, "threads", "processes", address, Client or cluster
        None is threads.
    workers : int, optional
        Default: one for each core.
    lost : callable, optional
        What stands for a task whose worker died more than once; default: the error is raised.
    """
    check_scheduler(scheduler)
    count = workers or os.cpu_count() or 1
    if scheduler not in (None, "threads"):
        yield from _on_dask(function, tasks, scheduler, count, lost)
    elif count == 1:
        yield from map(function, tasks)
    else:
        yield from _in_threads(function, tasks, count)


def _in_threads(function: Callable, tasks: Iterable[Any], count: int) -> Iterator[Any]:
    rest = iter(tasks)
    pool = ThreadPoolExecutor(count, thread_name_prefix="spatialdrama-score")
    under_way = set()
    try:
        while True:
            for task in rest:
                under_way.add(pool.submit(function, task))
                if len(under_way) >= AHEAD * count:
                    break
            if not under_way:
                return
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        # After an error or Ctrl-C nothing new starts; what runs ends by itself.
        pool.shutdown(wait=False, cancel_futures=True)


def _on_dask(
    function: Callable, tasks: Iterable[Any], scheduler: Any, count: int, lost: Any
) -> Iterator[Any]:
    with _client(scheduler, count) as client:
        rest, suspects = iter(tasks), []
        running: dict[Any, Any] = {}
        width = AHEAD * max(count, sum(client.nthreads().values()))
        try:
            while True:
                for task in rest:
                    running[client.submit(function, task, pure=False, retries=1)] = task
                    if len(running) >= width:
                        break
                if not running:
                    break
                for future in _ended(client, running):
                    task = running.pop(future)
                    if _died(future):
                        # Dask blames all that was on a worker when it died; who did it shows alone.
                        suspects.append(task)
                    else:
                        yield future.result()
            for task in suspects:
                yield _alone(client, function, task, lost)
        finally:
            client.cancel(list(running), force=True)


def _ended(client: Any, running: Iterable[Any]) -> list[Any]:
    """Wait until something ends, and return what has; raises as :func:`_workers` does."""
    from distributed import wait as wait_for

    while True:
        with contextlib.suppress(TimeoutError):
            return list(wait_for(list(running), timeout=POLL_S, return_when="FIRST_COMPLETED").done)
        _workers(client)


def _alone(client: Any, function: Callable, task: Any, lost: Any) -> Any:
    """Return the result of a task that has a worker to itself, or what stands for it.

    It stays on that one worker, so that it is over when the worker is: tasks that Dask moves on
    kill the next worker while it starts, after which nobody restarts it.
    """
    worker = _workers(client)[0]
    future = client.submit(function, task, pure=False, workers=[worker])
    while not future.done():
        with contextlib.suppress(TimeoutError):
            future.exception(timeout=1.0)
        if not future.done() and worker not in client.nthreads():
            client.cancel([future], force=True)
            error = RuntimeError(f"the worker died while it did {task!r}, alone")
            if lost is None:
                raise error
            return lost(task, error)
    return lost(task, future.exception()) if lost and _died(future) else future.result()


def _workers(client: Any) -> list[str]:
    """Return the addresses of the cluster's workers; wait for the first.

    Raises
    ------
    ValidationError
        When there has been none for :data:`DESERTED_S`; Dask itself would wait for ever.
    """
    began = time.monotonic()
    while not (found := list(client.nthreads())):
        if time.monotonic() - began > DESERTED_S:
            raise ValidationError(
                f"the Dask cluster has had no worker for {DESERTED_S:.0f} s; start one and run the "
                "same again: finished scores are kept."
            )
        time.sleep(0.2)
    return found


def _died(future: Any) -> bool:
    """Whether a task has no result because workers died with it."""
    return type(future.exception()).__name__ == "KilledWorker"


@contextlib.contextmanager
def _client(scheduler: Any, count: int) -> Iterator[Any]:
    """Give a Dask client; what was made here is closed here."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise ValidationError(
            f"scheduler={scheduler!r} needs Dask; install it with: "
            "pip install 'spatialdrama[scale]'"
        ) from None
    if hasattr(scheduler, "submit"):
        yield scheduler
    elif scheduler == "processes":
        with (
            LocalCluster(
                n_workers=count, threads_per_worker=1, dashboard_address=None, processes=True
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client
    else:
        try:
            client = Client(scheduler, timeout=10)
        except (OSError, TimeoutError) as error:
            raise ValidationError(
                f"no Dask scheduler answers at {scheduler}: {error}; start one with: dask scheduler"
            ) from None
        with client:
            yield client
