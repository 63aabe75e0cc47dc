"""The schedule of segments against the rule it stands for."""

import numpy as np
import pytest
from spatialdrama_isdrama.drama.schedule import Schedule, Task, bucket_of

from spatialdrama.errors import ValidationError


def run(tasks, batch_seconds):
    schedule = Schedule(tasks, batch_seconds=batch_seconds)
    batches = []
    while not schedule.done:
        batch = schedule.next_batch()
        batches.append(batch)
        for i in batch:
            schedule.finish(i)
    return batches


def tasks_of(seed):
    rng = np.random.default_rng(seed)
    return [
        Task("ABCD"[rng.integers(4)], float(rng.uniform(0.5, 6)))
        for _ in range(rng.integers(1, 20))
    ]


@pytest.mark.parametrize("seed", range(20))
def test_every_segment_once_and_never_before_its_speakers_last_one(seed):
    tasks = tasks_of(seed)
    batches = run(tasks, batch_seconds=12.0)
    order = [i for batch in batches for i in batch]
    assert sorted(order) == list(range(len(tasks)))
    when = {i: n for n, batch in enumerate(batches) for i in batch}
    for i, one in enumerate(tasks):
        for j in range(i):
            if tasks[j].speaker == one.speaker:
                assert when[j] < when[i]


@pytest.mark.parametrize("seed", range(20))
def test_a_batch_holds_one_bucket_and_no_more_than_it_may(seed):
    tasks = tasks_of(seed)
    for batch in run(tasks, batch_seconds=12.0):
        buckets = {bucket_of(tasks[i].seconds) for i in batch}
        assert len(buckets) == 1
        assert len(batch) == 1 or len(batch) * buckets.pop() <= 12.0


def test_without_room_segments_come_one_by_one_in_script_order():
    tasks = tasks_of(3)
    assert run(tasks, 0.0) == [[i] for i in range(len(tasks))]


def test_the_earliest_line_is_never_kept_waiting_by_later_ones():
    tasks = [Task("A", 1.0), Task("B", 1.0), Task("A", 1.0), Task("B", 1.0)]
    assert run(tasks, 60.0) == [[0, 1], [2, 3]]


def test_a_batch_that_was_not_finished_is_said():
    schedule = Schedule([Task("A", 1.0), Task("A", 1.0)])
    schedule.next_batch()
    with pytest.raises(ValidationError, match="finish the batch"):
        schedule.next_batch()


def test_what_is_no_length_is_refused():
    with pytest.raises(ValidationError, match="batch_seconds"):
        Schedule([], batch_seconds=float("nan"))
