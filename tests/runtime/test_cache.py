"""The cache: keys by content, entries that are whole or absent, eviction of the oldest."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from spatialdrama.errors import AssetError, ValidationError
from spatialdrama.runtime import cache as module
from spatialdrama.runtime.cache import Cache, key_of


@pytest.fixture
def cache(tmp_path):
    return Cache("speech", home=tmp_path / "cache")


def fill(cache, key, text="x", used=None):
    with cache.put(key) as folder:
        (folder / "data").write_text(text)
    if used is not None:
        os.utime(cache.path(key), (used, used))
    return cache.path(key)


class TestKeys:
    def test_a_key_is_the_hash_of_canonical_json(self):
        import hashlib

        expected = hashlib.sha256(b'{"a":[1,2.5,null,true],"b":"\\u4f60"}').hexdigest()
        assert key_of({"b": "你", "a": (1, 2.5, None, True)}) == expected

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (1, 1.0),
            (0.0, -0.0),
            (1, True),
            ("1", 1),
            ([1, [2]], [[1], 2]),
            (np.zeros(4), np.zeros((2, 2))),
            (np.zeros(4, "f4"), np.zeros(4, "f8")),
            (np.array([0.0]), np.array([-0.0])),
            ({"a": None}, {}),
        ],
    )
    def test_different_inputs_differ(self, one, other):
        assert key_of({"x": one}) != key_of({"x": other})

    def test_layout_in_memory_does_not_count(self):
        array = np.arange(12.0).reshape(3, 4)
        assert key_of({"x": array}) == key_of({"x": np.asfortranarray(array)})
        assert key_of({"x": array}) == key_of({"x": array.astype(">f8")})

    @pytest.mark.parametrize(
        ("value", "says"),
        [
            (float("nan"), r"inputs\['x'\] must be finite; got nan"),
            ({1: 2}, "must be text; got 1"),
            ([object()], r"inputs\['x'\]\[0\] must be text, a number"),
            (np.array([object()]), "a plain array; got dtype object"),
        ],
    )
    def test_what_has_no_stable_text_is_refused(self, value, says):
        with pytest.raises(ValidationError, match=says):
            key_of({"x": value})

    def test_paths_take_keys_only(self, cache):
        with pytest.raises(ValidationError, match="which is not one"):
            cache.path("../../etc")

    def test_kinds_are_words(self):
        with pytest.raises(ValidationError, match="plain word"):
            Cache("a/b")


class TestEntries:
    def test_round_trip(self, cache):
        key = cache.key(text="Hello")
        assert cache.get(key) is None
        assert key not in cache
        fill(cache, key, "12345")
        assert (cache.get(key) / "data").read_text() == "12345"
        assert cache.get({"text": "Hello"}) == cache.path(key)
        assert key in cache
        assert len(cache) == 1
        assert cache.size() == 5
        assert repr(cache) == "Cache('speech', 1 entries, 0.0 MB)"
        cache.clear()
        assert len(cache) == cache.size() == 0

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_an_interrupted_entry_leaves_nothing(self, cache, error):
        key = cache.key(a=1)

        def make(folder):
            (folder / "data").write_text("half")
            raise error

        with pytest.raises(error):
            cache.get_or_make(key, make)
        assert cache.get(key) is None
        assert [p for p in cache.home.rglob("*") if p.is_file()] == []

    def test_the_first_of_two_makers_wins(self, cache):
        key = cache.key(a=1)
        with cache.put(key) as slow:
            (slow / "data").write_text("second")
            fill(cache, key, "first")
        assert (cache.get(key) / "data").read_text() == "first"
        assert len(list(cache.folder.rglob("data"))) == 1

    def test_get_or_make_makes_once(self, cache):
        made = []

        def make(folder):
            made.append(folder)
            (folder / "data").write_text("x")

        first = cache.get_or_make({"a": 1}, make)
        assert cache.get_or_make({"a": 1}, make) == first
        assert len(made) == 1

    def test_a_full_disk_is_an_asset_error_and_leaves_nothing(self, cache):
        def make(folder):
            (folder / "data").write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

        with pytest.raises(AssetError, match=r"no space left in .* a speech entry of the cache"):
            cache.get_or_make(cache.key(a=1), make)
        assert [p for p in cache.home.rglob("*") if p.is_file()] == []

    def test_a_killed_process_leaves_no_entry(self, cache):
        code = textwrap.dedent(
            f"""
            import os, signal
            from pathlib import Path
            from spatialdrama.runtime.cache import Cache
            cache = Cache("speech", home=Path({str(cache.home)!r}))
            with cache.put(cache.key(a=1)) as folder:
                (folder / "data").write_text("half")
                os.kill(os.getpid(), signal.SIGKILL)
            """
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
        assert cache.get(cache.key(a=1)) is None
        assert len(cache) == 0

    def test_processes_that_make_the_same_entries_agree(self, cache):
        code = textwrap.dedent(
            f"""
            from pathlib import Path
            from spatialdrama.runtime.cache import Cache
            cache = Cache("speech", home=Path({str(cache.home)!r}))
            for number in range(40):
                with cache.put(cache.key(n=number)) as folder:
                    (folder / "a").write_text(str(number))
                    (folder / "b").write_text(str(number))
                assert (cache.get(cache.key(n=number)) / "b").read_text() == str(number)
            """
        )
        runs = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
        assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]
        assert len(cache) == 40
        assert len([p for p in cache.home.rglob("*") if p.is_file()]) == 80


class TestEviction:
    def test_the_least_recently_used_go_first_across_kinds(self, tmp_path):
        home = tmp_path / "cache"
        speech = Cache("speech", home=home, max_bytes=10**9)
        render = Cache("render", home=home, max_bytes=5_000)
        old = time.time() - 10_000
        keys = [speech.key(n=n) for n in range(5)]
        for n, key in enumerate(keys):
            fill(speech, key, "x" * 1000, used=old + n)
        speech.get(keys[0])  # used just now
        other = render.key(n=9)
        fill(render, other, "x" * 1000)  # 6000 bytes now, above the cap of 5000
        # goes down to 80 % of the cap: 4000 bytes, so the two oldest are gone
        assert [key in speech for key in keys] == [True, False, False, True, True]
        assert other in render

    def test_entries_in_use_are_never_evicted(self, tmp_path):
        cache = Cache("speech", home=tmp_path, max_bytes=0)
        key = cache.key(a=1)
        fill(cache, key)
        assert cache.evict() == 0
        assert key in cache
        os.utime(cache.path(key), (1, time.time() - module.GRACE_S - 5))
        assert cache.evict() == 1
        assert key not in cache

    def test_leftovers_of_killed_processes_are_swept_after_a_day(self, cache):
        path = fill(cache, cache.key(a=1))
        leftover = path.with_name(".half.tmp")
        leftover.mkdir()
        cache.evict()
        assert leftover.exists()
        day_ago = time.time() - 90_000
        os.utime(leftover, (day_ago, day_ago))
        cache.evict()
        assert not leftover.exists()

    def test_measuring_happens_at_most_once_a_minute(self, cache, monkeypatch):
        calls = []
        monkeypatch.setattr(cache, "evict", lambda: calls.append(1))
        for n in range(5):
            fill(cache, cache.key(n=n))
        assert len(calls) == 1

    def test_the_cap_comes_from_the_environment(self, monkeypatch):
        monkeypatch.setenv("SPATIALDRAMA_CACHE_GB", "0.5")
        assert Cache("speech").max_bytes == 500_000_000
        monkeypatch.setenv("SPATIALDRAMA_CACHE_GB", "much")
        with pytest.raises(ValidationError, match="number of gigabytes, like 5; got 'much'"):
            Cache("speech")


def test_the_default_place_is_below_the_home(own_home):
    assert Cache("speech").folder == own_home / "cache" / "speech"
    assert Cache("speech").max_bytes == 5_000_000_000
