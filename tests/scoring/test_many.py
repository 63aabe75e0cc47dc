"""Many items: names, references, failures, batches, chance and mono."""

import numpy as np
import pytest

import spatialdrama as sd
from spatialdrama.errors import PluginError, SpatialDramaError, UnknownNameError, ValidationError
from spatialdrama.scoring.items import gather

RATE = 16_000


def louder_by(audio, reference):
    """Level difference of the left ears, dB."""
    power = [np.mean(a.samples[0].astype(float) ** 2) for a in (audio, reference)]
    return 10 * np.log10(power[0] / power[1]) if power[0] else -200.0


def ear_ratio(audio, reference):
    """Squared error of the ratio of the ears' powers."""
    ratios = [np.divide(*np.mean(a.samples.astype(float) ** 2, axis=1)) for a in (audio, reference)]
    return abs(np.log2(ratios[0] / ratios[1]))


@pytest.fixture
def corpus(make):
    """Items 1, 2 and 3 dB louder at the left ear than their references."""
    pairs = {f"clip {g}": make.pair(g, seed=g) for g in (1, 2, 3)}
    return {k: p[0] for k, p in pairs.items()}, {k: p[1] for k, p in pairs.items()}


class TestNames:
    def names(self, items, **given):
        given = {"reference": None, "transcript": None, "language": None, "prompts": None} | given
        found, several = gather(items, **given)
        return {item.name: item for item in found}, several

    def test_folders_of_dramas_and_of_sounds(self, make, tmp_path):
        for name in ("night", "acts/one"):
            make.drama().save(tmp_path / "dramas" / name)
        items, several = self.names(tmp_path / "dramas")
        assert (list(items), several) == (["acts/one", "night"], True)
        audio, reference = make.pair()
        (tmp_path / "clips").mkdir()
        (tmp_path / "recorded").mkdir()
        audio.save(tmp_path / "clips" / "a.wav")
        reference.save(tmp_path / "recorded" / "a.flac")
        items, _ = self.names(tmp_path / "clips", reference=tmp_path / "recorded")
        assert items["a"].reference == tmp_path / "recorded" / "a.flac"
        with pytest.raises(ValidationError, match=r"no reference for 'a': no a\.wav"):
            self.names(tmp_path / "clips", reference=tmp_path)

    def test_one_folder_is_one_drama(self, make, tmp_path):
        make.drama().save(tmp_path / "night")
        items, several = self.names(str(tmp_path / "night"))
        assert (list(items), several) == (["night"], False)

    def test_paths_in_a_list_are_named_by_what_tells_them_apart(self, tmp_path):
        items, _ = self.names([tmp_path / "a" / "x.wav", tmp_path / "b" / "x.wav"])
        assert list(items) == ["a/x", "b/x"]
        items, _ = self.names([tmp_path / "a" / "x.wav", tmp_path / "a" / "v1.2"])
        assert list(items) == ["x", "v1.2"]

    def test_sounds_in_a_list_are_numbered(self, make):
        assert list(self.names([make.pair()[0], make.pair()[1]])[0]) == ["0001", "0002"]

    @pytest.mark.parametrize(
        ("items", "given", "message"),
        [
            ([], {}, "nothing to score"),
            (3, {}, "takes a Drama or BinauralAudio, a path"),
            ({"a": 3}, {}, "item 'a' must be"),
            ("nowhere", {}, "nowhere does not exist"),
            (["x.wav", "./x.wav"], {}, "two items have one path"),
            ({"a": "a.wav", "b": "b.wav"}, {"reference": 3}, "must be a BinauralAudio or a path"),
            ({"a": "a.wav"}, {"transcript": {"b": "hi"}}, "'b'"),
        ],
    )
    def test_what_is_refused(self, items, given, message):
        with pytest.raises(SpatialDramaError, match=message):
            self.names(items, **given)

    def test_one_reference_for_several(self, corpus):
        with pytest.raises(ValidationError, match="one reference for several items"):
            self.names(corpus[0], reference=corpus[1]["clip 1"])
        with pytest.raises(UnknownNameError, match="clip 1"):
            self.names(corpus[0], reference={"clip": corpus[1]["clip 1"]})

    def test_prompts_by_item_or_for_all(self, make):
        speech = sd.Speech(np.ones(100), RATE)
        two = {"x": make.pair()[0], "y": make.pair()[1]}
        items, _ = self.names(two, prompts={"x": {"any": speech}})
        assert items["x"].prompts == {"any": speech}
        assert items["y"].prompts is None
        items, _ = self.names(two, prompts={"any": speech})
        assert items["y"].prompts == {"any": speech}


@pytest.mark.parametrize("workers", [1, 3])
def test_a_mapping_with_references(corpus, mine, workers):
    mine(louder_by, needs=("reference",), unit="dB")
    table = sd.score(corpus[0], ["louder_by"], reference=corpus[1], workers=workers)
    assert table.items == ("clip 1", "clip 2", "clip 3")
    assert table.rows == table.items
    assert [v for v, _ in table.by_item("louder_by").values()] == pytest.approx([1, 2, 3], abs=1e-3)
    assert table["louder_by"] == pytest.approx(2.0, abs=1e-3)


def test_dramas_in_folders_line_by_line(make, mine, tmp_path):
    def left_level(audio):
        return 20 * np.log10(np.sqrt(np.mean(audio.samples[0].astype(float) ** 2)))

    mine(left_level, unit="dB", direction="up")
    for i, gain in enumerate((0.0, 6.0)):
        make.drama(i, gain_db=gain).save(tmp_path / f"d{i}")
    table = sd.score(tmp_path, ["left_level"])
    assert table.rows[:3] == ("d0/001 A", "d0/002 B", "d0/003 A")
    means = [mean for mean, _ in table.by_item("left_level").values()]
    assert means[1] - means[0] == pytest.approx(6.0, abs=0.3)
    alone = sd.score(tmp_path / "d1", ["left_level"])
    assert alone.rows == ("001 A", "002 B", "003 A")
    assert list(alone.lines("left_level").values()) == list(
        table.lines("left_level", "d1").values()
    )


class TestFailures:
    def test_an_item_that_breaks_a_metric_is_reported_and_the_others_scored(self, corpus, mine):
        def touchy(audio, reference):
            if louder_by(audio, reference) > 1.5 and louder_by(audio, reference) < 2.5:
                raise RuntimeError("out of cheese")
            return 1.0

        mine(touchy, needs=("reference",))
        table = sd.score(corpus[0], ["touchy"], reference=corpus[1])
        assert table["touchy"] == 1.0
        assert any("touchy on clip 2" in n and "out of cheese" in n for n in table.notes)
        assert "out of cheese" in table.details["clip 2", "touchy"]["error"]

    def test_a_missing_file_is_reported(self, corpus, mine, tmp_path):
        mine(lambda audio: 1.0, "one")
        table = sd.score({**corpus[0], "gone": tmp_path / "gone.wav"}, ["one"])
        assert np.isnan(table.by_item("one")["gone"][0])
        assert table["one"] == 1.0
        assert any("one on gone" in note and "gone.wav" in note for note in table.notes)

    def test_an_item_without_what_a_metric_needs(self, corpus, mine):
        mine(louder_by, needs=("reference",))
        two = dict(list(corpus[1].items())[:2])
        table = sd.score(corpus[0], ["louder_by"], reference=two)
        assert table["louder_by"] == pytest.approx(1.5, abs=1e-3)
        assert any("louder_by on clip 3" in note and "needs a reference" in note
                   for note in table.notes)  # fmt: skip

    def test_what_nobody_has_is_said_before_any_work(self, corpus, mine):
        def seen(audio, reference):
            raise AssertionError("worked")

        mine(seen, needs=("reference",))
        with pytest.raises(ValidationError, match=r"^metric 'seen' needs a reference; pass"):
            sd.score(corpus[0], ["seen"])

    def test_many_failures_are_counted(self, make, mine):
        def odd(audio):
            if audio.peak > 0:
                raise ValidationError("no")
            return 0.0

        mine(odd)
        items = {f"{i:02d}": make.pair(seed=i)[0] for i in range(9)}
        items["silent"] = sd.BinauralAudio(np.zeros((2, 100)), RATE)
        table = sd.score(items, ["odd"])
        assert sum("odd on" in note for note in table.notes) == 5
        assert any("odd failed on 4 more rows" in note for note in table.notes)

    def test_of_one_item_a_broken_metric_ends_it(self, corpus, mine):
        mine(lambda audio: 1 / 0, "broken")
        with pytest.raises(PluginError, match="'broken' failed on recording: ZeroDivision"):
            sd.score(corpus[0]["clip 1"], ["broken"])
        with pytest.raises(ValidationError, match="no value on clip 1"):
            sd.score(corpus[0], ["broken"])

    @pytest.mark.parametrize(
        ("given", "message"),
        [({"workers": 0}, "workers"), ({"batch": 1.5}, "batch"), ({"scheduler": "fast"}, "'fast'")],
    )
    def test_odd_options(self, corpus, mine, given, message):
        mine(lambda audio: 1.0, "one")
        with pytest.raises(ValidationError, match=message):
            sd.score(corpus[0], ["one"], **given)


class Batched:
    """A metric that counts how it is called."""

    def __init__(self):
        self.lots, self.singles = [], 0

    def score(self, audio, *, reference):
        self.singles += 1
        return louder_by(audio, reference)

    def score_batch(self, audios, *, reference):
        self.lots.append(len(audios))
        if any(a.peak == 0 for a in audios):
            raise ValidationError("one of them is silent")
        return [louder_by(*both) for both in zip(audios, reference, strict=True)]


class TestBatches:
    def test_equal_to_one_by_one(self, corpus, mine):
        metric = mine(Batched(), "batched", needs=("reference",))
        many = sd.score(corpus[0], ["batched"], reference=corpus[1], workers=1)
        assert (metric.lots, metric.singles) == ([3], 0)
        single = sd.score(corpus[0], ["batched"], reference=corpus[1], batch=1, workers=1)
        assert metric.singles == 3
        assert single == many

    def test_after_an_error_one_by_one(self, corpus, mine):
        metric = mine(Batched(), "batched", needs=("reference",))
        silent = sd.BinauralAudio(np.zeros((2, 8000)), RATE)
        table = sd.score({**corpus[0], "silent": silent}, ["batched"], workers=1, batch=4,
                         reference={**corpus[1], "silent": corpus[1]["clip 1"]})  # fmt: skip
        assert (metric.lots, metric.singles) == ([4], 4)
        assert table.lines("batched")["clip 3"] == pytest.approx(3.0, abs=1e-3)

    def test_no_batch_holds_more_sound_than_memory_should(self, make, mine, monkeypatch):
        from spatialdrama.scoring import calls

        monkeypatch.setattr(calls, "BATCH_SECONDS", 1.2)
        metric = mine(Batched(), "batched", needs=("reference",))
        audio, reference = make.pair(seconds=0.5)
        items = {str(i): audio for i in range(5)}
        sd.score(items, ["batched"], reference=dict.fromkeys(items, reference), workers=1)
        assert metric.lots == [2, 2]  # and a single one, which is not a lot
        assert metric.singles == 1


class TestChanceAndMono:
    def test_single_clips_borrow_the_references_of_others(self, corpus, mine):
        """Noise of equal power at both ears: a wrong reference has the right ratio of 1."""
        mine(ear_ratio, needs=("reference",), chance="shuffle")
        table = sd.score(corpus[0], ["ear_ratio"], reference=corpus[1])
        want = np.mean([1, 2, 3]) / (10 * np.log10(2))
        assert table["ear_ratio"] == pytest.approx(want, rel=0.01)
        assert float(table.data["chance"][0]) == pytest.approx(want, rel=0.1)

    def test_mono_is_measured_where_the_metric_does_not_say_it(self, make, mine):
        mine(ear_ratio, needs=("reference",), chance="shuffle")
        drama = make.drama()
        table = sd.score(drama, ["ear_ratio"], reference=drama.audio)
        assert table["ear_ratio"] == pytest.approx(0.0, abs=1e-6)
        # Mono has equal ears. So have A's lines; the right ear of B's is 6 dB down: 2 octaves.
        assert float(table.data["mono"][0]) == pytest.approx(2 / 3, abs=1e-3)
        # A against B and B against A: two of three pairings with a shift of one, and of two.
        assert float(table.data["chance"][0]) == pytest.approx(2 * 2 / 3, abs=1e-3)

    def test_mono_is_taken_from_details(self, corpus, mine):
        def told(audio, reference):
            return sd.Score(1.0, weight=reference.duration, details={"mono": 7.0})

        mine(told, needs=("reference",), chance="shuffle")
        table = sd.score(corpus[0], ["told"], reference=corpus[1])
        assert float(table.data["mono"][0]) == pytest.approx(7.0)

    def test_a_metric_that_is_not_spatial_has_neither(self, corpus, mine):
        mine(louder_by, needs=("reference",))
        table = sd.score(corpus[0], ["louder_by"], reference=corpus[1])
        assert np.isnan(table.data["mono"][0])
        assert np.isnan(table.data["chance"][0])

    def test_a_stated_chance_level_is_shown(self, corpus, mine):
        mine(ear_ratio, needs=("reference",), chance=1.57, spatial=True)
        table = sd.score(corpus[0], ["ear_ratio"], reference=corpus[1])
        assert float(table.data["chance"][0]) == 1.57
        assert np.isfinite(table.data["mono"][0])

    def test_poses_are_shuffled_too(self, make, mine):
        """A metric that hears the pose alone: right by construction, wrong for the other side."""

        def side_error(audio, pose):
            left = audio.samples[0].std() > 1.5 * audio.samples[1].std()
            return abs(float(left) - float(pose.position[0, 1] < 0))

        mine(side_error, needs=("pose",), chance="shuffle")
        table = sd.score(make.drama(), ["side_error"])  # B is louder at the left, and stands right
        assert table["side_error"] == 0.0
        assert float(table.data["chance"][0]) == pytest.approx(2 / 3)

    def test_a_speakers_own_prompt_is_no_strangers(self, make, mine):
        def same_voice(audio, line, prompt):
            own = {"A": 1.0, "B": 2.0}[line.speaker]
            return float(prompt.duration == own)

        mine(same_voice, needs=("line", "prompt"), direction="up", chance="shuffle")
        prompts = {s: sd.Speech(np.ones(int(d * RATE)), RATE) for s, d in (("A", 1), ("B", 2))}
        table = sd.score(make.drama(lines=4), ["same_voice"], prompts=prompts)
        assert table["same_voice"] == 1.0
        assert float(table.data["chance"][0]) == 0.0


def test_two_links_to_one_file_are_two_items(make, mine, tmp_path):
    make.pair()[0].save(tmp_path / "sound.wav")
    for name in ("x.wav", "y.wav"):
        (tmp_path / name).symlink_to(tmp_path / "sound.wav")
    mine(lambda audio: 1.0, "one")
    assert sd.score([tmp_path / "x.wav", tmp_path / "y.wav"], ["one"]).items == ("x", "y")
