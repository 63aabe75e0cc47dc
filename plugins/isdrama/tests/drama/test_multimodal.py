"""Speakers who are placed by words, by silent video or by a pose of their own."""

import copy
import hashlib

import attrs
import numpy as np
import pytest
import torch
from spatialdrama_isdrama import checkpoints
from spatialdrama_isdrama.content.bert import Bert
from spatialdrama_isdrama.drama.encoding import Encoding
from spatialdrama_isdrama.drama.frozen import fingerprints
from spatialdrama_isdrama.drama.generator import Isdrama
from spatialdrama_isdrama.pose.flan_t5 import FlanT5
from spatialdrama_isdrama.pose.images import ClipImages
from spatialdrama_isdrama.pose.trackers import Path2d

import spatialdrama as sd
from spatialdrama.errors import SpatialDramaError, UnknownNameError, ValidationError
from spatialdrama.testing import check_encoder
from spatialdrama.types import GeometricPrompt, TextPrompt, VideoPrompt

LINE = sd.Script([sd.Line("ANNA", "Who is there?", start=0.2, end=0.9)])
AHEAD = sd.Scene(None, {"ANNA": sd.Pose.fixed((2, 0, 0))})


def said(tiny, voices, prompt=None, scene=AHEAD, **more):
    prompts = None if prompt is None else {"ANNA": prompt}
    generator = Isdrama(weights=tiny, steps=1, cache=False, prompts=prompts, **more)
    return generator.generate(LINE, scene, voices=voices, progress=False)


@pytest.fixture
def video(tmp_path):
    """Noise that slides to the right, 30 frames of it."""
    wide = np.random.default_rng(0).integers(0, 255, (32, 120, 3), np.uint8)
    np.save(tmp_path / "take.npy", np.stack([wide[:, 60 - i : 108 - i] for i in range(30)]))
    return tmp_path / "take.npy"


def test_a_pose_of_its_own_is_as_good_as_the_scenes(tiny, voices):
    pose = sd.Pose.fixed((1, 1, 0))
    one = said(tiny, voices, GeometricPrompt(pose))
    two = said(tiny, voices, scene=sd.Scene(None, {"ANNA": pose}))
    np.testing.assert_array_equal(one.audio.samples, two.audio.samples)


def test_other_words_are_another_place(tiny, voices):
    left, again, right = (
        said(tiny, voices, TextPrompt(text)).audio.samples
        for text in ("sits at the left", "sits at the left", "walks to the far right")
    )
    np.testing.assert_array_equal(left, again)
    assert np.abs(left - right).max() > 1e-4


def test_the_delays_are_those_of_the_pose_that_the_words_were_read_as(tiny):
    # A reader that sees one place: both ears 1 m away from the mouth, ahead and above.
    still = copy.deepcopy(tiny.pose)
    with torch.no_grad():
        still.reader.second.weight.zero_()
        still.reader.second.bias[:4] = torch.tensor([0.6, 0.0, 0.8, 0.0])
    encoding = Encoding(attrs.evolve(tiny, pose=still), {"ANNA": TextPrompt("sits at the left")})
    planned = Isdrama(weights=tiny).plan(LINE)
    with torch.inference_mode():
        _, delay = encoding.conditions(planned.segments[0], AHEAD)
    assert delay.shape == (2, planned.segments[0].total)
    torch.testing.assert_close(delay[0], delay[1], rtol=0, atol=1e-6)
    # The middle of the head is as far as the ears but for 4 mm.
    np.testing.assert_allclose(delay.mean(), 1.0 / 343.0, atol=3e-5)


def test_a_video_places_a_speaker(tiny, voices, video):
    prompt = VideoPrompt(video, rate=24.0, speaker_pixel=(24, 16))
    one = said(tiny, voices, prompt)
    far = VideoPrompt(video, rate=24.0, speaker_pixel=(24, 16), camera_position=(3, 0, 1))
    two = said(tiny, voices, far)
    assert np.abs(one.audio.samples - two.audio.samples).max() > 1e-5


def test_what_is_wrong_with_a_video_is_said_before_any_work(tiny, voices, video, tmp_path):
    def refused(prompt, match):
        with pytest.raises(SpatialDramaError, match=match):
            Isdrama(weights=tiny, prompts={"ANNA": prompt}).check(LINE, AHEAD, voices)

    refused(VideoPrompt(video), "the video of ANNA needs speaker_pixel")
    refused(VideoPrompt(tmp_path / "no.npy", speaker_pixel=(1, 1)), "there is no video")
    refused(
        VideoPrompt(video, rate=60.0, speaker_pixel=(1, 1)),
        r"the video of ANNA lasts 0\.50 s and the last line of ANNA ends at 0\.90 s",
    )
    with pytest.raises(UnknownNameError, match="BERT"):
        Isdrama(weights=tiny, prompts={"BERT": TextPrompt("left")}).check(LINE, AHEAD, voices)


class TestScene:
    def test_words_about_the_place_are_heard(self, tiny, voices):
        def at(text):
            return sd.Scene(None, {"ANNA": sd.Pose.fixed((2, 0, 0))}, description=text)

        cave, shed = (said(tiny, voices, scene=at(t)) for t in ("A huge cave.", "A wooden shed."))
        assert np.abs(cave.audio.samples - shed.audio.samples).max() > 1e-6

    def test_a_reader_of_ones_own_and_none(self, tiny, voices):
        def reader(texts):
            return torch.ones(1, 3, tiny.config.transformer.scene_width), torch.ones(1, 3).bool()

        drama = said(tiny, voices, scene_encoder=reader)
        assert drama.provenance["encoders"]["scene"] == "function"
        assert said(tiny, voices, scene_encoder="none").provenance["encoders"]["scene"] == "none"

    def test_tokens_of_another_width_are_refused(self, tiny, voices):
        def reader(texts):
            return torch.ones(1, 3, 5), torch.ones(1, 3, dtype=torch.bool)

        with pytest.raises(ValidationError, match=r"must be \(1, s, 16\)"):
            said(tiny, voices, scene_encoder=reader)
        for given, match in [
            (torch.ones(1, 3, 16), "gives two tensors.*it gave Tensor"),
            (None, "gives two tensors.*it gave NoneType"),
            ((torch.ones(1, 3, 16), torch.ones(1, 3)), r"must be \(1, 3\) of bool"),
            ((torch.ones(1, 3, 16) / 0, torch.ones(1, 3).bool()), "NaN or infinite"),
        ]:
            with pytest.raises(ValidationError, match=match):
                Isdrama(weights=tiny, scene_encoder=lambda texts, given=given: given).check(
                    LINE, AHEAD, voices
                )
        with pytest.raises(ValidationError, match="scene_encoder must be"):
            Isdrama(weights=tiny, scene_encoder="t5").check(LINE, AHEAD, voices)


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("geometric", GeometricPrompt(sd.Pose.walk([(2, -1.5, 0), (2, 1.5, 0)], speed=1.0))),
        ("text", TextPrompt("walks from left to right")),
    ],
)
def test_the_kit_for_encoders_is_content(tiny, tmp_path, name, prompt):
    folder = checkpoints.save(tmp_path / "tiny", tiny.config, tiny.parts)
    check_encoder(f"isdrama/{name}", prompt=prompt, options={"weights": str(folder)})


class TestWhatIsKept:
    """Segments on the shelf are found again for what they were made of, and for nothing else."""

    def sampled(self, tiny, voices, prompt=None, scene=AHEAD, **more):
        prompts = None if prompt is None else {"ANNA": prompt}
        generator = Isdrama(weights=tiny, steps=1, cache=True, prompts=prompts, **more)
        drama = generator.generate(LINE, scene, voices=voices, progress=False)
        return drama.provenance["segments"]["sampled"]

    def test_two_scene_encoders_of_one_type(self, tiny, voices):
        width = tiny.config.transformer.scene_width

        def reader(value, tokens=3):
            return lambda texts: (
                torch.full((1, tokens, width), value), torch.ones(1, tokens, dtype=torch.bool)
            )  # fmt: skip

        def sampled(*given):
            return self.sampled(tiny, voices, scene_encoder=reader(*given))

        assert [sampled(1.0), sampled(1.0)] == [1, 0]
        assert [sampled(2.0), sampled(1.0, 2), sampled(1.0)] == [1, 1, 0]

    def test_a_camera_seen_by_another_listener(self, tiny, voices, video):
        prompt = VideoPrompt(video, rate=24.0, speaker_pixel=(24, 16))
        turned = attrs.evolve(AHEAD, listener=sd.Pose.fixed((0, 0, 0), facing=(0, 1, 0)))
        seen = [self.sampled(tiny, voices, prompt, scene) for scene in (AHEAD, turned, AHEAD)]
        assert seen == [1, 1, 0]

    def test_one_generator_for_two_listeners(self, tiny, voices, video):
        prompt = VideoPrompt(video, rate=24.0, speaker_pixel=(24, 16))
        turned = attrs.evolve(AHEAD, listener=sd.Pose.fixed((0, 0, 0), facing=(0, 1, 0)))
        generator = Isdrama(weights=tiny, steps=1, cache=False, prompts={"ANNA": prompt})
        one, two = (
            generator.generate(LINE, scene, voices=voices, progress=False).audio.samples
            for scene in (AHEAD, turned)
        )
        fresh = said(tiny, voices, prompt, turned).audio.samples
        np.testing.assert_array_equal(two, fresh)
        assert np.abs(one - two).max() > 1e-5

    def test_another_tracker(self, tiny, voices, video):
        prompt = VideoPrompt(video, rate=24.0, speaker_pixel=(24, 16))
        seen = [
            self.sampled(tiny, voices, prompt, tracker=tracker)
            for tracker in ("lucas-kanade", Still(), "lucas-kanade", Still())
        ]
        assert seen == [1, 1, 0, 0]


class Still:
    """A tracker that sees everybody stand still."""

    def track(self, frames, pixel, start=0):
        return Path2d(
            np.tile(np.asarray(pixel, float), (len(frames), 1)), np.ones(len(frames), bool)
        )


class TestTrackers:
    def test_it_is_named_in_the_provenance(self, tiny, voices, video):
        prompt = VideoPrompt(video, rate=24.0, speaker_pixel=(24, 16))
        about = said(tiny, voices, prompt, tracker=Still()).provenance
        assert about["encoders"]["tracker"] == "Still"
        options = {"window": 9}
        about = said(tiny, voices, prompt, tracker_options=options).provenance
        assert about["encoders"]["tracker"] == "LucasKanade"
        assert about["options"]["tracker"] == "lucas-kanade"
        assert about["options"]["tracker_options"] == options
        assert "tracker" not in said(tiny, voices).provenance["encoders"]

    def test_co_tracker_is_within_reach(self, tiny, voices, video):
        asked = []

        def predictor(frames, queries, backward_tracking):
            asked.append(queries[0, 0].tolist())
            count = frames.shape[1]
            return queries[:, :, None, 1:].expand(1, 1, count, 2).permute(0, 2, 1, 3), torch.ones(
                1, count, 1
            )

        prompt = VideoPrompt(video, rate=24.0, speaker_pixel=(24, 16))
        more = {"tracker": "co-tracker", "tracker_options": {"predictor": predictor}}
        drama = said(tiny, voices, prompt, **more)
        assert asked[-1] == [0.0, 23.5, 15.5]
        still = said(tiny, voices, prompt, tracker=Still())
        np.testing.assert_array_equal(drama.audio.samples, still.audio.samples)

    def test_what_is_wrong_is_said_before_any_work(self, tiny, voices, video, tmp_path):
        prompt = VideoPrompt(video, rate=24.0, speaker_pixel=(24, 16))

        def refused(match, **more):
            with pytest.raises(SpatialDramaError, match=match):
                Isdrama(weights=tiny, prompts={"ANNA": prompt}, **more).check(LINE, AHEAD, voices)

        refused("tracker", tracker="eyes")
        refused("something with a method track; got 7", tracker=7)
        refused("tracker_options do not fit 'opencv'", tracker="opencv",
                tracker_options={"wings": 2})  # fmt: skip
        refused("give the options to Still itself", tracker=Still(), tracker_options={"a": 1})
        refused("no copy of facebookresearch", tracker="co-tracker",
                tracker_options={"repository": str(tmp_path)})  # fmt: skip


class TestFrozenReaders:
    def folder(self, path, byte=0):
        path.mkdir(exist_ok=True)
        (path / "config.json").write_text("{}")
        (path / "model.safetensors").write_bytes(bytes([byte] * 64))
        return path

    def test_the_hash_is_that_of_the_files_that_are_read(self, tmp_path):
        path = self.folder(tmp_path / "t5")
        reader = FlanT5(str(path))
        first = fingerprints(reader)
        names = [("config.json", b"{}"), ("model.safetensors", bytes(64))]
        said = "".join(f"{name}:{hashlib.sha256(data).hexdigest()}\n" for name, data in names)
        assert first == {str(path): hashlib.sha256(said.encode()).hexdigest()}
        (path / "README.md").write_text("another word")
        assert fingerprints(reader) == first
        self.folder(path, 1)
        assert fingerprints(reader) != first

    def test_each_reader_that_is_named_is_found(self, tmp_path):
        zh, en, clip = (str(self.folder(tmp_path / name, i)) for i, name in enumerate("abc"))
        found = fingerprints(Bert(zh=zh, en=en), ClipImages(clip), torch.nn.Linear(1, 1), "none")
        assert list(found) == [zh, en, clip]
        assert len(set(found.values())) == 3

    def test_what_is_not_there_has_none(self):
        assert fingerprints(FlanT5("nobody/has-this-model")) == {"nobody/has-this-model": None}

    def test_other_weights_in_the_same_folder_are_another_key(self, tiny, tmp_path, voices):
        """The reader says the same here: only the files tell."""
        path, width = self.folder(tmp_path / "t5"), tiny.config.transformer.scene_width

        class Reader:
            model = str(path)

            def __call__(self, texts):
                return torch.ones(1, 2, width), torch.ones(1, 2, dtype=torch.bool)

        def drama():
            generator = Isdrama(weights=tiny, steps=1, cache=True, scene_encoder=Reader())
            return generator.generate(LINE, AHEAD, voices=voices, progress=False).provenance

        one, again = drama(), drama()
        self.folder(path, 1)
        two = drama()
        assert [d["segments"]["sampled"] for d in (one, again, two)] == [1, 0, 1]
        known = [d["encoders"]["frozen"][str(path)] for d in (one, again, two)]
        assert known[0] == known[1] != known[2]
