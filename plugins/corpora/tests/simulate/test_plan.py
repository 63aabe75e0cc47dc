"""What will be made: the same for the same seed, in its ranges, and nothing in two splits."""

import re
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spatialdrama_corpora.scripts.library import library
from spatialdrama_corpora.simulate import SegmentPlan, SimulationConfig, forecast, plan
from spatialdrama_corpora.simulate.heads import HEADS
from spatialdrama_corpora.simulate.plan import LONGEST
from spatialdrama_corpora.simulate.stage import KINDS

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import Scene

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def six_hours():
    """A plan long enough for shares to show."""
    config = SimulationConfig(hours=6, seed=11)
    return config, list(plan(config))


def dramas(segments):
    out = defaultdict(list)
    for segment in segments:
        out[segment.drama].append(segment)
    return out


class TestDeterminism:
    @settings(deadline=None, max_examples=12)
    @given(st.integers(0, 2**40))
    def test_the_same_configuration_gives_the_same_plan(self, seed):
        config = SimulationConfig(hours=0.02, seed=seed)
        one, two = list(plan(config)), list(plan(SimulationConfig.from_dict(config.to_dict())))
        assert one == two
        about = {"program": 1}
        assert [s.key(about) for s in one] == [s.key(about) for s in two]
        assert all(SegmentPlan.from_dict(s.to_dict()) == s for s in one)

    def test_a_longer_plan_begins_as_a_shorter_one(self):
        short = list(plan(SimulationConfig(hours=0.3, seed=2)))
        long = list(plan(SimulationConfig(hours=0.9, seed=2)))
        assert long[: len(short)] == short

    def test_another_seed_gives_another_plan(self):
        one, two = (next(plan(SimulationConfig(hours=0.02, seed=s))) for s in (1, 2))
        assert one.text != two.text
        assert one.path != two.path

    def test_keys_differ_by_all_that_is_heard_or_seen(self, six_hours):
        import attrs

        segment = six_hours[1][5]
        key = segment.key({})
        assert attrs.evolve(segment, gap=0.77, seconds=9.0).key({}) == key
        for change in ({"text": "Other."}, {"rate": 1.01}, {"head": "kemar-x"}, {"seed": 1}):
            assert attrs.evolve(segment, **change).key({}) != key
        assert segment.key({"voice": 2}) != key


class TestRanges:
    @settings(deadline=None, max_examples=10)
    @given(st.integers(0, 2**40), st.sampled_from(["en", "zh"]), st.floats(0.7, 0.95),
           st.floats(1.0, 1.3))  # fmt: skip
    def test_every_segment_keeps_to_the_configuration(self, seed, language, slow, fast):
        config = SimulationConfig(
            hours=0.02, seed=seed, languages={language: 1}, rate=(slow, fast), pitch=(-3, 1),
            movements={"walk": 1, "sit": 1},
        )  # fmt: skip
        texts = {text for s in library() if s.language == language for _, text in s.lines}
        for s in plan(config):
            assert s.text in texts
            assert s.language == language
            assert slow <= s.rate <= max(fast, 1.5)
            assert -3 <= s.pitch <= 1
            assert s.path.kind in ("walk", "sit", "stand")  # the last where no walk has room
            assert s.seconds <= LONGEST
            assert s.head in HEADS
            assert 0.1 <= s.gap <= 1.6
            Scene(s.room, {s.speaker: s.path.pose(s.seconds)})
            assert s.room.contains(s.camera["position"]).all()

    def test_hours_are_what_was_asked_for(self, six_hours):
        hours = sum(s.seconds for s in six_hours[1]) / 3600
        assert 6 <= hours < 6.15

    def test_all_movements_come_about_as_often_as_asked(self, six_hours):
        segments = six_hours[1]
        for kind, weight in KINDS.items():
            share = np.mean([s.path.kind == kind for s in segments])
            assert share == pytest.approx(weight, abs=0.05), kind

    def test_names_are_different_and_in_order(self, six_hours):
        names = [s.name for s in six_hours[1]]
        assert len(set(names)) == len(names)
        assert names == sorted(names)


class TestDramas:
    def test_a_drama_is_one_place_one_cast_one_split(self, six_hours):
        for some in dramas(six_hours[1]).values():
            for field in ("split", "language", "work", "room", "head", "camera"):
                assert len({repr(getattr(s, field)) for s in some}) == 1, field
            voices = {(s.speaker, s.identity) for s in some}
            assert len(voices) == len({s.speaker for s in some})
            assert len({s.speaker for s in some}) >= 2

    def test_lines_follow_their_text(self, six_hours):
        order = {(s.name, t): i for s in library() for i, (_, t) in enumerate(s.lines)}
        for some in dramas(six_hours[1]).values():
            for a, b in pairwise(some):
                if a.scene == b.scene:
                    assert order[b.scene, b.text] == order[a.scene, a.text] + 1

    def test_splits_have_their_shares(self, six_hours):
        found = dramas(six_hours[1]).values()
        for split, share in zip(SPLITS, (0.8, 0.1, 0.1), strict=True):
            some = [d for d in found if d[0].split == split]
            assert len(some) / len(found) == pytest.approx(share, abs=0.03)
            assert {s.language for d in some for s in d} == {"en", "zh"}

    def test_nothing_of_training_is_in_validation_or_test(self, six_hours):
        def seen(field, *splits):
            return {repr(getattr(s, field)) for s in six_hours[1] if s.split in splits}

        def natives(*splits):
            found = set()
            for name in seen("identity", *splits):
                found |= set(re.sub(r":[\d.]+", "", name.strip("'")).split("+"))
            return found

        for other in ("validation", "test"):
            assert not seen("scene", "train") & seen("scene", other)
            assert not seen("text", "train") & seen("text", other)
            shared = seen("room_name", "train") & seen("room_name", other)
            assert shared <= {"'free'"}
            assert not natives("train") & natives(other)
        assert seen("head", "test") == {"'sphere-87mm'"}
        assert "'sphere-87mm'" not in seen("head", "train", "validation")

    def test_texts_are_used_once_before_any_is_used_again(self):
        # There are ten hours of Mandarin: four of them need none twice.
        config = SimulationConfig(hours=4, seed=4, splits={"train": 1}, languages={"zh": 1})
        texts = [s.text for s in plan(config)]
        assert len(set(texts)) == len(texts)


class TestConfig:
    def test_a_file_comes_back(self, tmp_path):
        config = SimulationConfig(hours=3, rooms={"hall": 1}, text_prompts=1)
        assert SimulationConfig.read(config.save(tmp_path / "c.json")) == config

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            ({"hours": 0}, "hours"),
            ({"rooms": {"halls": 1}}, "hall"),
            ({"movements": {"fly": 1}}, "fly"),
            ({"heads": {"kemar": -1}}, "negative"),
            ({"splits": {"train": 0}}, "zero weights"),
            ({"rate": (1.2, 1.0)}, "low and high"),
            ({"identities": {"en": ["af_sky"]}}, "two identities"),
            ({"heads": {"kemar": 1}, "test_head": "kemar"}, "held out"),
            ({"video_size": (321, 240)}, "even"),
            ({"test_head": "kermit"}, "kemar"),
        ],
    )
    def test_what_cannot_be_is_said_with_what_can(self, options, told):
        with pytest.raises((ValidationError, UnknownNameError), match=told):
            SimulationConfig(**options)

    def test_an_unknown_option_is_named_with_the_file(self, tmp_path):
        (tmp_path / "c.json").write_text('{"hour": 2}')
        with pytest.raises((ValidationError, UnknownNameError), match=r"c\.json.*hours"):
            SimulationConfig.read(tmp_path / "c.json")

    def test_the_key_is_of_the_content(self):
        assert SimulationConfig(seed=1).key == SimulationConfig(seed=1).key
        assert SimulationConfig(seed=1).key != SimulationConfig(seed=2).key


class TestForecast:
    def test_it_adds_up(self, tmp_path):
        told = forecast(SimulationConfig(hours=0.3, video=False), tmp_path, workers=2)
        assert told.segments == sum(told.splits.values()) == sum(told.languages.values())
        assert 0.3 <= told.hours < 0.45  # tails of rooms are sound too
        assert told.seconds > told.seconds_spoken > 0
        assert "2 workers" in str(told)
