"""Whole dramas with random weights: what has to hold for any weights holds for these."""

import warnings

import attrs
import numpy as np
import pytest
import torch
from spatialdrama_isdrama import checkpoints, presets
from spatialdrama_isdrama.drama import production
from spatialdrama_isdrama.drama.generator import Isdrama

import spatialdrama as sd
from spatialdrama.dsp.pose_itd import pose_itd_us
from spatialdrama.errors import SpatialDramaWarning, UnknownNameError, ValidationError
from spatialdrama.testing import check_generator

STEPS = {"steps": 2, "cache": False}


def isdrama(tiny, **more):
    return Isdrama(weights=tiny, **{**STEPS, **more})


def made(tiny, script, scene, voices, *, seed=7, **more):
    return isdrama(tiny, **more).generate(script, scene, voices=voices, seed=seed, progress=False)


def level_db(x):
    return 10 * np.log10(np.mean(np.square(x, dtype=float)) + 1e-30)


@pytest.fixture(scope="module")
def parts(tiny, voices):
    script = sd.Script.parse("ANNA: Who is there?\nBERT: A friend.\nANNA: Then come in.")
    scene = sd.Scene(None, {"ANNA": sd.Pose.fixed(azimuth_deg=70, distance=1.5),
                            "BERT": sd.Pose.fixed(azimuth_deg=-40, distance=2)})  # fmt: skip
    return script, scene, made(tiny, script, scene, voices, pause=0.5, lead_in=0.25)


class TestADrama:
    def test_lines_follow_each_other_as_the_script_says(self, parts):
        script, _, drama = parts
        assert [(x.speaker, x.text) for x in drama.script] == [(x.speaker, x.text) for x in script]
        assert drama.script[0].start == 0.25
        for before, after in zip(drama.script.lines, drama.script.lines[1:], strict=False):
            assert after.start == pytest.approx(before.end + 0.5, abs=1e-5)

    def test_each_line_sounds_while_it_is_spoken_and_never_else(self, parts):
        _, _, drama = parts
        mix = drama.audio.samples
        quiet = np.ones(mix.shape[1], bool)
        for line, stem in zip(drama.script, drama.stems, strict=True):
            first = round(line.start * drama.audio.rate)
            here = mix[:, first : first + len(stem.samples)]
            np.testing.assert_allclose(here.mean(axis=0), stem.samples, atol=1e-6)
            assert level_db(here) > -100
            quiet[first : first + len(stem.samples)] = False
        assert np.abs(mix[:, quiet]).max() == 0

    def test_phones_fill_the_line(self, parts):
        _, _, drama = parts
        for line, stem in zip(drama.script, drama.stems, strict=True):
            assert line.phones[0].start == 0
            assert line.phones[-1].end == pytest.approx(line.duration, abs=1e-4)
            for a, b in zip(line.phones, line.phones[1:], strict=False):
                assert a.end == b.start
            assert stem.f0_hop * len(stem.f0) == pytest.approx(stem.duration, abs=0.022)

    def test_the_provenance_says_what_made_it(self, parts, tiny):
        said = parts[2].provenance
        assert said["weights"]["sha256"] == tiny.fingerprint
        assert said["seed"] == 7
        assert said["device"]["scan"] == ["reference"]
        assert "cpu" in said["device"]["why_not_fused"]
        assert said["device"]["name"] == "cpu"
        assert said["options"]["gamma"] == tiny.config.transformer.gamma
        assert said["options"]["steps"] == 2
        assert said["voices"]["ANNA"]["file"] == "ANNA.wav"
        assert said["watermark"] is None

    def test_it_makes_a_round_trip_through_a_folder(self, parts, tmp_path):
        drama = parts[2]
        back = sd.Drama.load(drama.save(tmp_path / "drama"))
        assert back.script == drama.script
        assert back.provenance["weights"]["sha256"] == drama.provenance["weights"]["sha256"]


class TestTheSameSamples:
    def test_of_the_same_seed_and_others_of_another(self, tiny, script, scene, voices):
        one, two = (made(tiny, script, scene, voices) for _ in range(2))
        np.testing.assert_array_equal(one.audio.samples, two.audio.samples)
        other = made(tiny, script, scene, voices, seed=8)
        n = min(other.audio.length, one.audio.length)
        assert not np.allclose(one.audio.samples[:, :n], other.audio.samples[:, :n], atol=1e-5)

    def test_whatever_else_is_in_the_script(self, tiny, script, scene, voices):
        """To the bit: alone, and with others beside it and behind it."""
        whole = made(tiny, script, scene, voices)
        part = made(tiny, sd.Script(script.lines[:1]), scene, voices)
        np.testing.assert_array_equal(part.stems[0].samples, whole.stems[0].samples)

    def test_whatever_the_batch(self, tiny, scene, voices, monkeypatch):
        """Batches sum in another order: equal to -60 dB."""
        script = sd.Script(
            sd.Line(who, "Who is there?", start=2.0 * i, end=2.0 * i + length)
            for i, (who, length) in enumerate(
                [("ANNA", 0.8), ("BERT", 0.9), ("ANNA", 0.85), ("BERT", 0.8)]
            )
        )
        sizes, flow = [], production.sample

        def sample(transformer, jobs, settings):
            sizes.append(len(jobs))
            return flow(transformer, jobs, settings)

        monkeypatch.setattr(production, "sample", sample)
        alone = made(tiny, script, scene, voices, batch_seconds=0)
        together = made(tiny, script, scene, voices, batch_seconds=60)
        assert sizes == [1, 1, 1, 1, 2, 2]
        for one, two in zip(alone.stems, together.stems, strict=True):
            assert level_db(one.samples - two.samples) < level_db(one.samples) - 60

    def test_of_a_listener_who_turned_and_a_speaker_who_moved(self, tiny, voices):
        script = sd.Script.parse("ANNA: Who is there?")
        turned = sd.Pose.fixed((0, 0, 0), facing=(0, 1, 0))
        one = made(tiny, script, sd.Scene(None, {"ANNA": sd.Pose.fixed((2, 0, 0))},
                                          listener=turned), voices)  # fmt: skip
        two = made(tiny, script, sd.Scene(None, {"ANNA": sd.Pose.fixed((0, -2, 0))}), voices)
        error = level_db(one.audio.samples - two.audio.samples)
        assert error < level_db(one.audio.samples) - 60


class TestContext:
    def test_alpha_says_nothing_to_a_speakers_first_line(self, tiny, script, scene, voices):
        one, two = (made(tiny, script, scene, voices, alpha=a) for a in (0.1, 0.9))
        for i in (0, 1):
            np.testing.assert_allclose(one.stems[i].samples, two.stems[i].samples, atol=1e-5)
        last = [d.stems[2].samples for d in (one, two)]
        assert level_db(last[0] - last[1]) > level_db(last[0]) - 40

    def test_a_later_line_listens_to_the_one_before(self, tiny, scene, voices):
        first = [sd.Script.parse(f"ANNA: {text}\nANNA: Then come in.")
                 for text in ("Who is there?", "Is it you?")]  # fmt: skip
        timed = [
            sd.Script([
                attrs.evolve(s[0], start=0.0, end=1.0), attrs.evolve(s[1], start=2.0, end=3.0)
            ])
            for s in first
        ]  # fmt: skip
        one, two = (made(tiny, s, scene, voices).stems[1].samples for s in timed)
        assert level_db(one - two) > level_db(one) - 80
        alone = [made(tiny, s, scene, voices, alpha=1.0).stems[1].samples for s in timed]
        np.testing.assert_array_equal(alone[0], alone[1])

    def test_a_last_line_that_is_silent_is_told(self, tiny, scene, voices):
        """Its alpha is 1, as that of a first line."""

        class Mute(torch.nn.Module):
            def forward(self, mel, f0, delay, *, noise):
                return torch.zeros(1, 2, 256 * mel.shape[-1])

        script = sd.Script.parse("ANNA: Who is there?\nBERT: Ah.\nANNA: Then come in.")
        heard = made(tiny, script, scene, voices).provenance["context"]
        assert heard == {"first": 2, "last": 1, "silent": []}
        mute = attrs.evolve(tiny, vocoder=Mute(), fingerprint="mute")
        for _ in range(2):  # made, and found on the shelf
            told = made(mute, script, scene, voices, cache=True).provenance["context"]
            assert told == {"first": 2, "last": 0, "silent": ["line 3 of ANNA"]}


class TestAblations:
    def without(self, **changes):
        config = presets.preset("tiny").changed(**changes)
        return checkpoints.random(config, seed=5)

    def test_a_model_without_pitch_says_that_it_whispers(self, tiny, script, scene, voices):
        first = sd.Script(script.lines[:1])
        with pytest.warns(SpatialDramaWarning, match="every line is whispered") as said:
            drama = made(self.without(f0=False), script, scene, voices)
        assert len([w for w in said if "whispered" in str(w.message)]) == 1
        assert drama.provenance["pitch"] == "none"
        assert all(not stem.f0.any() for stem in drama.stems)
        with warnings.catch_warnings():
            warnings.simplefilter("error", SpatialDramaWarning)
            assert made(tiny, first, scene, voices).provenance["pitch"] == "predicted"

    def test_guidance_that_the_model_has_not_is_refused(self, script, scene, voices):
        model = self.without(cfg=False)
        for asked in ({"gamma": 3.0}, {"alpha": 0.4}, {"gamma": 1.0, "alpha": 0.4}):
            with pytest.raises(ValidationError, match=r"without guidance \(cfg=False\)"):
                isdrama(model, **asked).check(script, scene, voices)
        first = sd.Script(script.lines[:1])
        plain = made(model, first, scene, voices, cache=True)
        again = made(model, first, scene, voices, cache=True, gamma=1.0, alpha=1.0)
        assert again.provenance["segments"] == {"sampled": 0, "kept": 1}
        for drama in (plain, again):
            assert (drama.provenance["options"]["gamma"], drama.provenance["options"]["alpha"]) == (
                1.0, 1.0,
            )  # fmt: skip

    def test_a_vocoder_that_waits_for_coherence_is_refused(self, tiny, script, scene, voices):
        vocoder = attrs.evolve(tiny.config.vocoder, coherence="given")
        model = checkpoints.random(attrs.evolve(tiny.config, vocoder=vocoder))
        with pytest.raises(ValidationError, match="coherence='given'"):
            isdrama(model).check(script, scene, voices)


class TestPlace:
    def test_the_vocoder_gets_the_delays_of_the_path_when_the_line_is_heard(self, tiny, voices):
        seen = []

        class Recorder(torch.nn.Module):
            def forward(self, mel, f0, delay, *, noise):
                seen.append(delay[0].double().numpy())
                return torch.full((1, 2, 256 * mel.shape[-1]), 0.1)

        walk = sd.Pose.walk([(2, -1.5, 0), (2, 1.5, 0)], speed=1.0)
        listener = sd.Pose.fixed((0.5, 0, 0), facing=(0, 1, 0))
        scene = sd.Scene(None, {"ANNA": walk}, listener=listener)
        script = sd.Script([sd.Line("ANNA", "Who is there?", start=1.0, end=2.0)])
        made(attrs.evolve(tiny, vocoder=Recorder()), script, scene, voices)
        times = 1.0 + np.arange(188) / 187.5
        x, y = 1.5 + 0 * times, -1.5 + times  # from the listener, in the scene's axes
        # A listener who looks along y has y in front and x on the right.
        heard = np.stack([y, -x, 0 * x], axis=1)
        wanted = 1e-6 * pose_itd_us(heard)
        np.testing.assert_allclose(seen[0][1] - seen[0][0], wanted, atol=3e-6)

    def test_a_speakers_gain_is_one_factor_for_both_ears(self, tiny, script, scene, voices):
        soft = sd.Scene(scene.room, {
            "ANNA": sd.types.Source(scene.source("ANNA").pose, gain_db=-12.0),
            "BERT": scene.source("BERT"),
        })  # fmt: skip
        one, two = (made(tiny, script, s, voices) for s in (scene, soft))
        factor = 10 ** (-12 / 20)
        for i in (0, 2):
            np.testing.assert_allclose(two.stems[i].samples, factor * one.stems[i].samples,
                                       atol=1e-6)  # fmt: skip
        np.testing.assert_allclose(two.stems[1].samples, one.stems[1].samples, atol=1e-6)


class TestTime:
    def test_a_line_with_times_lasts_exactly_that(self, tiny, scene, voices):
        script = sd.Script([sd.Line("ANNA", "Who is there?", start=0.5, end=1.7345)])
        drama = made(tiny, script, scene, voices)
        line = drama.script[0]
        assert (line.start, line.end) == (0.5, pytest.approx(1.7345, abs=1e-5))
        assert len(drama.stems[0].samples) == round(1.2345 * 48_000)

    def test_its_phones_share_it_as_predicted_and_not_as_rounded(self, tiny):
        """Each is less than a frame away from its share of what the predictor itself says."""
        script = sd.Script([sd.Line("ANNA", "Who is there?", start=0.0, end=4.0)])
        segment = isdrama(tiny).plan(script).segments[0]
        batch = tiny.content.batch([segment.reading])
        with torch.inference_mode():
            logs = tiny.content.durations(tiny.content(batch), batch.mask)[0].double()
        share = torch.expm1(logs) / torch.expm1(logs).sum() * segment.total
        assert torch.expm1(logs).frac().abs().max() > 0.01  # else nothing is rounded
        assert np.abs(segment.frames - share.numpy()).max() < 1

    @pytest.mark.slow
    def test_a_long_line_is_made_in_pieces_and_comes_back_as_one(self, tiny, scene, voices):
        text = ", ".join(["and then he went away again"] * 8)
        script = sd.Script([sd.Line("ANNA", text, start=0.0, end=20.0)])
        generator = isdrama(tiny, steps=1)
        segments = generator.plan(script).segments
        assert len(segments) == 2
        assert all(s.total / 187.5 <= 16.0 for s in segments)
        assert sum(s.total for s in segments) == 3752
        drama = generator.generate(script, scene, voices=voices, progress=False)
        assert len(drama.stems) == 1
        assert drama.stems[0].duration == pytest.approx(20.0)
        assert drama.provenance["segments"]["sampled"] == len(segments)


class TestStopAndGo:
    def stopped(self, monkeypatch, after):
        """Let the flow run `after` times, then press Ctrl-C."""
        calls, flow = [], production.sample

        def sample(*args):
            if len(calls) == after:
                raise KeyboardInterrupt
            calls.append(1)
            return flow(*args)

        monkeypatch.setattr(production, "sample", sample)
        return calls

    def test_what_was_finished_is_kept_and_the_whole_is_the_same(
        self, tiny, script, scene, voices, monkeypatch
    ):
        whole = made(tiny, script, scene, voices)
        with monkeypatch.context() as patch:
            self.stopped(patch, after=2)
            with pytest.raises(KeyboardInterrupt):
                made(tiny, script, scene, voices, cache=True)
        with monkeypatch.context() as patch:
            calls = self.stopped(patch, after=9)
            drama = made(tiny, script, scene, voices, cache=True)
        assert len(calls) == 1
        assert drama.provenance["segments"] == {"sampled": 1, "kept": 2}
        np.testing.assert_array_equal(drama.audio.samples, whole.audio.samples)
        for one, two in zip(drama.stems, whole.stems, strict=True):
            np.testing.assert_array_equal(one.f0, two.f0)

    @pytest.mark.parametrize("change", [
        {"seed": 8}, {"steps": 3}, {"gamma": 2.0}, {"solver": "midpoint"}, {"batch_seconds": 1.0},
        {"level_db": -20.0},
    ])  # fmt: skip
    def test_nothing_is_kept_across_a_change(self, tiny, script, scene, voices, change):
        first = sd.Script(script.lines[:1])
        made(tiny, first, scene, voices, cache=True)
        again = made(tiny, first, scene, voices, cache=True)
        assert again.provenance["segments"] == {"sampled": 0, "kept": 1}
        other = made(tiny, first, scene, voices, **{"cache": True, **change})
        assert other.provenance["segments"] == {"sampled": 1, "kept": 0}

    def test_a_moved_speaker_another_voice_and_another_room_are_made_anew(
        self, tiny, script, scene, voices
    ):
        first = sd.Script(script.lines[:1])
        made(tiny, first, scene, voices, cache=True)
        moved = attrs.evolve(scene, speakers={**scene.speakers, "ANNA": sd.Pose.fixed((1, 1, 0))})
        dry = sd.Scene(None, scene.speakers)
        for where, who in ((moved, voices), (dry, voices), (scene, {"ANNA": voices["BERT"]})):
            drama = made(tiny, first, where, who, cache=True)
            assert drama.provenance["segments"] == {"sampled": 1, "kept": 0}

    def test_a_stream_gives_the_lines_of_the_drama_one_by_one(
        self, tiny, script, scene, voices, monkeypatch
    ):
        drama = made(tiny, script, scene, voices)
        calls = self.stopped(monkeypatch, after=99)
        seen = []
        for one in isdrama(tiny).stream(script, scene, voices=voices, seed=7, progress=False):
            seen.append(one)
            assert len(calls) == len(seen)  # a line is handed out before the next is made
        assert [one.line for one in seen] == list(drama.script)
        for one, stem in zip(seen, drama.stems, strict=True):
            np.testing.assert_array_equal(one.stem.samples, stem.samples)
            first = round(one.line.start * 48_000)
            part = drama.audio.samples[:, first : first + one.audio.length]
            np.testing.assert_allclose(part, one.audio.samples, atol=1e-7)

    def test_a_closed_stream_makes_nothing_more(self, tiny, script, scene, voices, monkeypatch):
        calls = self.stopped(monkeypatch, after=99)
        lines = isdrama(tiny).stream(script, scene, voices=voices, progress=False)
        next(lines)
        lines.close()
        assert len(calls) == 1

    def test_a_stream_is_checked_before_its_first_line(self, tiny, script, scene):
        with pytest.raises(ValidationError, match="has no voice"):
            isdrama(tiny).stream(script, scene, voices={})


def test_what_the_model_has_no_input_for_is_said(tiny, scene, voices):
    script = sd.Script.parse("ANNA [whispering]: Ah.")
    with pytest.warns(SpatialDramaWarning, match="line 1 of ANNA: the model has no styles"):
        made(tiny, script, scene, voices)
    omni = sd.Scene(None, {"ANNA": sd.types.Source(sd.Pose.fixed((1, 1, 0)), directivity="omni")})
    with pytest.warns(SpatialDramaWarning, match="directivity='omni' of ANNA is not obeyed"):
        made(tiny, sd.Script.parse("ANNA: Ah."), omni, voices)


class TestWhatIsWrong:
    def refused(self, tiny, script, scene, voices, match, error=ValidationError, **more):
        with pytest.raises(error, match=match):
            isdrama(tiny, **more).check(script, scene, voices)

    def test_people_without_place_or_voice(self, tiny, script, scene, voices):
        only = sd.Scene(None, {"ANNA": scene.source("ANNA")})
        self.refused(tiny, script, only, voices, "BERT", UnknownNameError)
        self.refused(tiny, script, scene, {"ANNA": voices["ANNA"]}, "'BERT' has no voice")
        named = {"ANNA": voices["ANNA"], "BRET": voices["BERT"]}
        self.refused(tiny, script, scene, named, "did you mean 'BRET'")

    def test_a_prompt_that_says_nothing(self, tiny, script, scene, voices):
        bad = {**voices, "BERT": (np.zeros(96_000, np.float32), 48_000)}
        self.refused(tiny, script, scene, bad, "voice prompt of BERT is silent")

    def test_a_text_without_phones(self, tiny, scene, voices):
        script = sd.Script([sd.Line("ANNA", "Ah."), sd.Line("ANNA", "Привет", language="ru")])
        self.refused(tiny, script, scene, voices, "line 2 of ANNA")

    def test_a_stretch_longer_than_the_model_speaks(self, tiny, scene, voices):
        text = " ".join(["away"] * 200)
        script = sd.Script([sd.Line("ANNA", text, start=0.0, end=50.0)])
        self.refused(tiny, script, scene, voices, r"line 1 of ANNA.*50\.01 s without a pause")

    def test_a_line_too_short_for_its_phones(self, tiny, scene, voices):
        script = sd.Script([sd.Line("ANNA", "Who is there?", start=0.0, end=0.01)])
        self.refused(tiny, script, scene, voices, r"line 1 of ANNA.*too few for")

    def test_no_weights(self, script, scene, voices):
        with pytest.raises(ValidationError, match="needs weights; give weights=FOLDER"):
            Isdrama().check(script, scene, voices)

    @pytest.mark.parametrize(("option", "value", "said"), [
        ("solver", "heun", "solver must be one of euler, midpoint, few; got 'heun'"),
        ("steps", 0, "steps must be a whole number"),
        ("gamma", float("nan"), "gamma must be"),
        ("alpha", 1.5, "alpha must be 0 to 1"),
        ("pause", -1, "pause must be"),
        ("batch_seconds", -1, "batch_seconds must be"),
        ("prompt_seconds", 0.5, "prompt_seconds must be 1 or more"),
        ("level_db", 3.0, "level_db must be"),
        ("cache", "yes", "cache must be true or false"),
        ("dtype", "bfloat16", "a model that is loaded has its device"),
        ("prompts", {"ANNA": "walks"}, "prompts must be"),
    ])  # fmt: skip
    def test_options(self, tiny, option, value, said):
        with pytest.raises(ValidationError, match=said):
            isdrama(tiny, **{option: value})


def test_the_kit_for_generators_is_content(tiny, voices):
    check_generator("isdrama", voices=voices, options={"weights": tiny, **STEPS})
