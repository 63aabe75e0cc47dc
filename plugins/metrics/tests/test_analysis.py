"""What is kept of a sound: found again by content, bounded, never stale."""

import threading

import numpy as np
import pytest
from spatialdrama_metrics.functional import (
    analysis,
    coherence_error,
    ild_error,
    ipd_error,
    itd_error,
)

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio

RATE = 48_000
ALL = (itd_error, ild_error, ipd_error, coherence_error)


@pytest.fixture(autouse=True)
def _nothing_kept():
    analysis.forget()
    yield
    analysis.forget()


def ears(seed=0, n=12_000):
    return np.random.default_rng(seed).standard_normal((2, n)).astype(np.float32) / 10


def counted(monkeypatch):
    """Count the transforms of whole clips."""
    calls = []
    for name in ("ear_bands", "itd_track"):
        made = getattr(analysis, name)

        def wrapped(*args, made=made, name=name, **options):
            calls.append(name)
            return made(*args, **options)

        wrapped.__name__ = name
        monkeypatch.setattr(analysis, name, wrapped)
    return calls


def test_four_metrics_share_two_analyses_of_each_sound(monkeypatch):
    calls = counted(monkeypatch)
    a, b, c = (BinauralAudio(ears(k), RATE).samples for k in range(3))
    for error in ALL:
        error(a, b, rate=RATE)
    assert sorted(calls) == ["ear_bands", "ear_bands", "itd_track", "itd_track"]
    for error in ALL:  # a copy of one, the reference of another system
        error(c, b.copy(), rate=RATE)
    assert len(calls) == 6


def test_other_options_and_lengths_are_other_analyses(monkeypatch):
    calls = counted(monkeypatch)
    a, b = ears(1), ears(2)
    values = [
        ild_error(a, b, rate=RATE).value,
        ild_error(a, b, rate=RATE, window_s=0.02).value,
        ild_error(a[:, :-500], b, rate=RATE).value,
        ild_error(a, b, rate=RATE // 2).value,
    ]
    assert len(calls) == 8
    assert len(set(values)) == 4


def test_an_array_that_was_written_to_is_heard_anew():
    a, b = ears(1), ears(2)
    before = [error(a, b, rate=RATE).value for error in ALL]
    a[0] *= 0.3
    a[1] = np.roll(a[1], 9)
    after = [error(a, b, rate=RATE).value for error in ALL]
    assert all(x != y for x, y in zip(before, after, strict=True))
    fresh = a.copy()
    analysis.forget()
    assert after == [error(fresh, b, rate=RATE).value for error in ALL]


def test_a_read_only_view_of_what_can_change_is_heard_anew():
    base = ears(1)
    view = base[:]
    view.flags.writeable = False
    before = analysis.digest(view)
    base[0, 0] += 1
    assert analysis.digest(view) != before


def test_a_new_array_in_an_old_place_is_another():
    seen = set()
    for seed in range(50):  # each may lie where the last one lay
        array = ears(seed, 100)
        array.flags.writeable = False
        seen.add(analysis.digest(array))
        del array
    assert len(seen) == 50
    assert len(analysis._DIGESTS) == 0


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(analysis._KEPT, "limit", 200_000)
    b = ears(0)
    for seed in range(1, 30):
        for error in ALL:
            error(ears(seed), b, rate=RATE)
        assert analysis._KEPT.size <= 200_000
    sizes = sum(size for _, size in analysis._KEPT.entries.values())
    assert 0 < sizes == analysis._KEPT.size


def test_sound_larger_than_all_that_is_kept_has_its_value(monkeypatch):
    a, b = ears(1), ears(2)
    want = [error(a, b, rate=RATE) for error in ALL]
    analysis.forget()
    monkeypatch.setattr(analysis._KEPT, "limit", 10)
    assert [error(a, b, rate=RATE) for error in ALL] == want
    assert analysis._KEPT.size == 0


def test_threads_get_the_same_values():
    pairs = [(ears(k), ears(k + 1)) for k in range(6)]
    want = [[error(a, b, rate=RATE) for error in ALL] for a, b in pairs]
    analysis.forget()
    found = [None] * 24

    def work(i):
        a, b = pairs[i % 6]
        found[i] = [error(a, b, rate=RATE) for error in ALL]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == want * 4


@pytest.mark.parametrize("error", ALL)
def test_single_precision_is_double_within_a_millionth(error):
    # Both ears' common source and noise of their own, in a candidate and a reference.
    source, rest = ears(1, 48_000)[0], ears(2, 48_000)
    b = np.stack([source, np.roll(source, 12) / 2]) + rest / 5
    a = np.stack([source, np.roll(source, -7) / 3]) + rest[::-1] / 3
    single = error(a, b, rate=RATE).value
    double = error(a.astype(np.float64), b.astype(np.float64), rate=RATE).value
    assert single == pytest.approx(double, rel=1e-6)


def test_low_rates_have_levels_and_no_phases():
    a, b = ears(1, 2000), ears(2, 2000)
    assert ild_error(a, b, rate=2500).value > 0
    assert coherence_error(a, b, rate=2500).value > 0
    with pytest.raises(ValidationError, match="half the rate"):
        ipd_error(a, b, rate=2500)
