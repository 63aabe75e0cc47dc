"""Speakers who are placed by words, by silent video or by a pose of their own."""

import copy

import attrs
import numpy as np
import pytest
import torch
from spatialdrama_isdrama import checkpoints
from spatialdrama_isdrama.drama.encoding import Encoding
from spatialdrama_isdrama.drama.generator import Isdrama

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
