"""The cascade with a voice and a renderer of the test's own, so that sums can be told by hand."""

import warnings

import attrs
import numpy as np
import pytest
from spatialdrama_cascade.cascade import Cascade

import spatialdrama as sd
from spatialdrama.errors import (
    AssetError,
    SpatialDramaWarning,
    UnknownNameError,
    ValidationError,
)
from spatialdrama.runtime import cache

RATE = 48_000


class ToneVoice:
    """Says every word as 0.2 s of a tone, with silent ends as real voices have."""

    languages = ("en", "zh")

    def __init__(self, stop_at=None):
        self.spoken, self.stop_at = [], stop_at

    def identities(self):
        return ("low", "high")

    def speak(self, text, *, identity, language=None, rate=1.0, pitch=0.0, style="", seed=0):
        if self.stop_at is not None and len(self.spoken) == self.stop_at:
            raise KeyboardInterrupt
        self.spoken.append((text, seed))
        n = int(0.2 * len(text.split()) / rate * RATE)
        tone = 0.2 * np.sin(2 * np.pi * (200 if identity == "low" else 400) * np.arange(n) / RATE)
        quiet = np.zeros(int(0.3 * RATE))
        phones = (sd.Phone("_", 0.0, 0.3), sd.Phone("a", 0.3, 0.3 + n / RATE))
        provenance = {"style_unused": style} if style == "singing" else {}
        return sd.Speech(np.concatenate([quiet, tone, quiet]), RATE, phones=phones, text=text,
                         identity=identity, provenance=provenance)  # fmt: skip


class PlainRenderer:
    """One gain per ear from which side the speaker stands; no delay, so that timing is exact."""

    rate = RATE

    def __init__(self):
        self.calls = []

    def render(self, mono, pose, *, rate=RATE, start=0.0, room=None, listener=None,
               directivity="speech", gain_db=0.0):  # fmt: skip
        self.calls.append(start)
        left = 1.0 if pose.positions_at(start)[0, 1] > 0 else 0.5
        gain = 10 ** (gain_db / 20)
        return sd.BinauralAudio(np.stack([left * mono, (1.5 - left) * mono]) * gain, rate)


def parts(**more):
    script = sd.Script.parse("A: one two three\nB: four five\nA: six")
    scene = sd.Scene(None, {"A": sd.Pose.fixed((1, 1, 0)), "B": sd.Pose.fixed((1, -1, 0))})
    return script, scene, {"voices": {"A": "low", "B": "high"}, **more}


def cascade(voice=None, renderer=None, **options):
    return Cascade(voice=voice or ToneVoice(), renderer=renderer or PlainRenderer(), **options)


class TestGenerate:
    def test_lines_follow_each_other_and_sound_where_the_script_says(self):
        script, scene, more = parts()
        drama = cascade(pause=0.5, lead_in=0.25).generate(script, scene, seed=7, **more)
        starts = [line.start for line in drama.script]
        assert starts[0] == 0.25
        for line, stem in zip(drama.script, drama.stems, strict=True):
            assert line.end - line.start == pytest.approx(stem.duration)
        for before, after in zip(drama.script, list(drama.script)[1:], strict=False):
            assert after.start == pytest.approx(before.end + 0.5, abs=1e-5)
        # 0.6 s of tone plus a margin of 0.04 s at both ends, on a grid of 0.02 s frames
        assert drama.script[0].duration == pytest.approx(0.68, abs=0.021)
        mix = drama.audio.samples
        for line, stem in zip(drama.script, drama.stems, strict=True):
            at = round(line.start * RATE)
            ear = 0 if line.speaker == "A" else 1
            np.testing.assert_allclose(
                mix[ear, at : at + len(stem.samples)], stem.samples, atol=1e-6
            )
        gap = slice(round((drama.script[0].end + 0.05) * RATE), round(drama.script[1].start * RATE))
        assert np.abs(mix[:, gap]).max() == 0

    def test_phones_move_with_the_trim(self):
        script, scene, more = parts()
        drama = cascade().generate(script, scene, **more)
        (pad, tone) = drama.script[0].phones
        assert tone.start == pytest.approx(0.04, abs=0.021)
        assert tone.end == pytest.approx(tone.start + 0.6, abs=1e-6)
        assert pad.start == 0.0

    def test_an_overlap_sums_both_speakers(self):
        script = sd.Script.parse("A: one two three four\nB [overlap 0.3]: five six")
        _, scene, more = parts()
        drama = cascade().generate(script, scene, **more)
        a, b = drama.script
        assert b.start == pytest.approx(a.end - 0.3, abs=1e-5)
        both = round((b.start + 0.1) * RATE)
        alone = [s.samples[both - round(line.start * RATE)] for s, line in
                 zip(drama.stems, drama.script, strict=True)]  # fmt: skip
        assert drama.audio.samples[0, both] == pytest.approx(alone[0] + 0.5 * alone[1], abs=1e-6)

    def test_the_seed_of_a_line_does_not_depend_on_the_others(self):
        script, scene, more = parts()
        one, two = ToneVoice(), ToneVoice()
        cascade(one).generate(script, scene, seed=7, **more)
        longer = sd.Script([*script.lines[:1], *script.lines[1:], sd.Line("B", "seven")])
        cascade(two).generate(longer, scene, seed=7, **more)
        assert one.spoken == two.spoken[:3]
        assert len({seed for _, seed in two.spoken}) == 4

    def test_same_input_same_samples(self):
        script, scene, more = parts()
        a, b = (cascade().generate(script, scene, seed=3, **more) for _ in range(2))
        assert a.audio == b.audio
        assert dict(a.provenance) == dict(b.provenance)

    def test_a_timed_script_keeps_its_times(self):
        script, scene, more = parts()
        first = cascade().generate(script, scene, **more)
        moved = sd.Script(attrs.evolve(x, start=x.start + 1, end=x.end + 1) for x in first.script)
        again = cascade().generate(moved, scene, **more)
        assert [x.start for x in again.script] == pytest.approx([x.start + 1 for x in first.script])

    def test_an_unused_style_is_said_once_per_line(self):
        _, scene, more = parts()
        script = sd.Script.parse("A: one\nB [singing]: two")
        with pytest.warns(
            SpatialDramaWarning, match="line 2 of B: the voice has no style 'singing'"
        ):
            cascade().generate(script, scene, **more)


class TestRefusals:
    @pytest.mark.parametrize(
        ("script", "voices", "error", "message"),
        [
            ("C: hi", {"C": "low"}, UnknownNameError, "no speaker in the scene named 'C'"),
            ("A: hi", {}, ValidationError, "speaker 'A' has no voice"),
            ("A: hi", {"a": "low"}, ValidationError, "did you mean 'a'"),
            ("A: Привет", {"A": "low"}, ValidationError, "line 1 of A: the voice speaks en, zh"),
            ("A: one\nA [overlap 1]: two", {"A": "low"}, ValidationError, "line 2 of A overlaps"),
        ],
    )  # fmt: skip
    def test_before_any_work(self, script, voices, error, message):
        _, scene, _ = parts()
        voice = ToneVoice()
        with pytest.raises(error, match=message):
            cascade(voice).generate(sd.Script.parse(script), scene, voices=voices)
        assert voice.spoken == []

    def test_a_missing_asset_stops_before_any_work(self, tmp_path, monkeypatch):
        monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path))
        script, scene, more = parts()
        voice = ToneVoice()
        with pytest.raises(AssetError, match="spatialdrama assets fetch kemar"):
            Cascade(voice=voice, renderer="physical").check(script, scene, more["voices"])
        assert voice.spoken == []

    def test_a_voice_keeps_its_other_warnings(self):
        class Hoarse(ToneVoice):
            def speak(self, text, **options):
                warnings.warn("hoarse today, whatever the style", SpatialDramaWarning, stacklevel=2)
                return super().speak(text, **options)

        script, scene, more = parts()
        with pytest.warns(SpatialDramaWarning, match="hoarse today"):
            cascade(Hoarse()).generate(script, scene, **more)

    def test_a_renderer_is_asked_about_the_scene_before_anybody_speaks(self):
        class Choosy(PlainRenderer):
            def check(self, scene):
                raise ValidationError(f"no rooms like {scene.room!r} here")

        voice = ToneVoice()
        _, scene, more = parts()
        made = cascade(voice=voice, renderer=Choosy())
        for start in (made.check, made.generate):
            with pytest.raises(ValidationError, match=r"no rooms like Room\("):
                start(sd.Script.parse("A: one"), scene, voices=more["voices"])
        assert not voice.spoken

    def test_unknown_parts_name_the_nearest(self):
        with pytest.raises(UnknownNameError, match="'geometric'"):
            Cascade(voice=ToneVoice(), renderer="geometrical")


class TestResume:
    @pytest.fixture(autouse=True)
    def _fresh_cache(self, tmp_path, monkeypatch):
        monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path))

    @pytest.fixture
    def named(self, monkeypatch):
        """The test's voice and renderer under names, as plugins have them."""
        from spatialdrama.registry import RendererSpec, VoiceSpec, register_local, unregister_local

        voice, renderer = ToneVoice(), PlainRenderer()
        register_local("voice", VoiceSpec("tone", "x:Y"), lambda: voice)
        register_local("renderer", RendererSpec("plain", "x:Y"), lambda: renderer)
        # As if a distribution had brought them: what comes from a cell is never kept.
        monkeypatch.setattr("spatialdrama_cascade.part.LOCAL", "another provider")
        yield voice, renderer
        unregister_local("voice", "tone")
        unregister_local("renderer", "plain")

    def test_finished_lines_survive_ctrl_c(self, named):
        voice, renderer = named
        script, scene, more = parts()
        voice.stop_at = 2
        with pytest.raises(KeyboardInterrupt):
            Cascade(voice="tone", renderer="plain").generate(script, scene, seed=7, **more)
        assert [text for text, _ in voice.spoken] == ["one two three", "four five"]
        voice.stop_at = None
        drama = Cascade(voice="tone", renderer="plain").generate(script, scene, seed=7, **more)
        assert [text for text, _ in voice.spoken] == ["one two three", "four five", "six"]
        fresh = cascade(cache=False).generate(script, scene, seed=7, **more)
        assert drama.audio == fresh.audio
        assert len(renderer.calls) == 3
        Cascade(voice="tone", renderer="plain").generate(script, scene, seed=7, **more)
        assert len(renderer.calls) == 3

    def test_moving_a_speaker_renders_again_but_does_not_speak_again(self, named):
        voice, renderer = named
        script, scene, more = parts()
        Cascade(voice="tone", renderer="plain").generate(script, scene, **more)
        moved = attrs.evolve(scene, speakers=dict(scene.speakers) | {"A": sd.Pose.fixed((2, 1, 0))})
        Cascade(voice="tone", renderer="plain").generate(script, moved, **more)
        assert len(voice.spoken) == 3
        assert len(renderer.calls) == 3 + 2  # both lines of A, not the one of B

    def test_code_from_a_cell_is_never_kept(self, named, monkeypatch):
        monkeypatch.undo()
        script, scene, more = parts()
        for _ in range(2):
            Cascade(voice="tone", renderer="plain").generate(script, scene, **more)
        assert len(named[0].spoken) == 6

    def test_an_option_without_a_hash_is_never_kept(self):
        from spatialdrama_cascade.part import Part

        assert Part.of("renderer", "geometric", {"relative": True}).can_be_kept
        assert not Part.of("renderer", "physical", {"hrtf": np.zeros(3)}).can_be_kept

    def test_a_file_that_changes_is_another_renderer(self, tmp_path):
        from spatialdrama_cascade.part import Part

        (tmp_path / "head.sofa").write_bytes(b"one")
        part = Part.of("renderer", "physical", {"hrtf": str(tmp_path / "head.sofa")})
        before = part.fingerprint()
        (tmp_path / "head.sofa").write_bytes(b"two")
        assert part.fingerprint() != before

    def test_a_damaged_entry_is_made_again(self, named):
        voice, _ = named
        script, scene, more = parts()
        first = Cascade(voice="tone", renderer="plain").generate(script, scene, **more)
        for kind in ("speech", "binaural"):
            for path in cache.Cache(kind).folder.rglob("samples.npy"):
                path.write_bytes(path.read_bytes()[:100])
        again = Cascade(voice="tone", renderer="plain").generate(script, scene, **more)
        assert again.audio == first.audio
        assert len(voice.spoken) == 6

    def test_nothing_is_kept_for_objects_without_a_name(self):
        script, scene, more = parts()
        cascade().generate(script, scene, **more)
        assert len(cache.Cache("speech")) == 0


class TestTimetable:
    def test_a_shortened_overlap_is_said(self):
        script = sd.Script.parse("A: one\nB [overlap 50]: two")
        _, scene, more = parts()
        with pytest.warns(SpatialDramaWarning, match=r"line 2 of B overlaps by 0\.\d+ s and not"):
            cascade().generate(script, scene, **more)
