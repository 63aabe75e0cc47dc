"""What may be generated when: only a speaker's own segment before has to be finished (eq. 5).

The order in which segments are made is free otherwise; it never shows in the samples, because
noise belongs to a segment and not to a batch.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import attrs

from spatialdrama.errors import ValidationError

#: s; segments of one batch are no longer than the bucket of the first of them. About a fifth
#: apart, so that padding costs a fifth at most.
BUCKETS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.5, 16.0)


@attrs.frozen
class Task:
    """A segment as the schedule sees it.

    Attributes
    ----------
    speaker : str
    seconds : float
    """

    speaker: str
    seconds: float


class Schedule:
    """Hands out segments in script order, with those beside them that nothing waits for.

    Parameters
    ----------
    tasks : sequence of Task
        In script order.
    batch_seconds : float, s
        How many seconds of sound, padding included, a batch may hold; 0 is one segment at a time.
        The first segment of a batch is always taken.

    Examples
    --------
    >>> tasks = [Task("A", 3.0), Task("A", 3.0), Task("B", 2.9)]
    >>> schedule = Schedule(tasks, batch_seconds=60)
    >>> schedule.next_batch()                  # the second of A needs the first
    [0, 2]
    >>> schedule.finish(0), schedule.finish(2), schedule.next_batch()
    (None, None, [1])
    """

    def __init__(self, tasks: Sequence[Task], *, batch_seconds: float = 0.0) -> None:
        if not batch_seconds >= 0:
            raise ValidationError(f"batch_seconds must be 0 or more; got {batch_seconds!r}.")
        self._tasks = list(tasks)
        self._limit = batch_seconds
        self._before = predecessors([task.speaker for task in self._tasks])
        self._waiting = list(range(len(self._tasks)))
        self._finished: set[int] = set()

    @property
    def done(self) -> bool:
        """Whether every segment was handed out."""
        return not self._waiting

    def before(self, index: int) -> int | None:
        """Return the segment whose sound `index` needs: the same speaker's last one."""
        return self._before[index]

    def finish(self, index: int) -> None:
        """Say that a segment has sound."""
        self._finished.add(index)

    def ready(self) -> list[int]:
        """Return those that wait for nothing, in script order."""
        return [
            i for i in self._waiting
            if self._before[i] is None or self._before[i] in self._finished
        ]  # fmt: skip

    def next_batch(self) -> list[int]:
        """Take the earliest segment that is ready, and what fits beside it, out of the schedule.

        Raises
        ------
        ValidationError
            Nothing is ready: a batch that was handed out has not been finished.
        """
        ready = self.ready()
        if not ready:
            raise ValidationError("no segment is ready; finish the batch that was handed out.")
        bucket = bucket_of(self._tasks[ready[0]].seconds)
        room = int(self._limit / bucket)
        batch = [ready[0]]
        batch += [i for i in ready[1:] if bucket_of(self._tasks[i].seconds) == bucket][
            : max(room - 1, 0)
        ]
        self._waiting = [i for i in self._waiting if i not in batch]
        return batch


def predecessors(speakers: Sequence[str]) -> list[int | None]:
    """Return for each segment the one before it by the same speaker.

    Examples
    --------
    >>> predecessors(["A", "B", "A", "A"])
    [None, None, 0, 2]
    """
    last: dict[str, int] = {}
    out = []
    for i, speaker in enumerate(speakers):
        out.append(last.get(speaker))
        last[speaker] = i
    return out


def bucket_of(seconds: float) -> float:
    """Return the bucket that a length belongs to; beyond the last one each length is its own.

    Examples
    --------
    >>> bucket_of(2.6), bucket_of(3.0), bucket_of(20.0)
    (3.0, 3.0, 20.0)
    """
    at = bisect.bisect_left(BUCKETS, seconds - 1e-9)
    return BUCKETS[at] if at < len(BUCKETS) else seconds
