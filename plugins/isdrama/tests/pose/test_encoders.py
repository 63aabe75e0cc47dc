"""The registered encoders on a checkpoint of random weights: conformance, prompts, refusals."""

import pickle

import numpy as np
import pytest

import spatialdrama as sd
from spatialdrama.errors import AssetError, ValidationError
from spatialdrama.testing import check_encoder
from spatialdrama.types import GeometricPrompt, TextPrompt, VideoPrompt

WALK = sd.Pose.line((1, 1, 0), (1, -1, 0), duration=2.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from spatialdrama_isdrama import checkpoints, presets

    model = checkpoints.random(presets.preset("tiny"), seed=1)
    return checkpoints.save(tmp_path_factory.mktemp("weights") / "tiny", model.config, model.parts)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    generator = np.random.default_rng(0)
    picture = generator.integers(0, 255, (48, 64, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("film") / "film.npy"
    np.save(path, np.stack([np.roll(picture, k // 8, axis=1) for k in range(72)]))
    return path


def prompts(film):
    return {
        "geometric": GeometricPrompt(WALK),
        "text": TextPrompt("walks from left to right"),
        "video": VideoPrompt(film, rate=24.0, speaker_pixel=(32, 24)),
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["geometric", "text", "video"])
def test_conformance(kind, folder, film):
    check_encoder(
        f"isdrama/{kind}", prompt=prompts(film)[kind],
        options={"weights": str(folder), "device": "cpu"},
    )  # fmt: skip


def test_a_pose_is_read_where_the_encoder_puts_it(folder):
    import torch
    from spatialdrama_isdrama import checkpoints
    from spatialdrama_isdrama.pose import geometry

    encoder = sd.load_encoder("isdrama/geometric", weights=folder, device="cpu")
    pose = encoder.encode(GeometricPrompt(WALK), duration=1.0, rate=187.5)
    assert len(pose.time) == 189
    # By hand: features, branch, reading, the mean of what the ears say.
    network = checkpoints.load(folder, device="cpu").pose
    seen = torch.from_numpy(geometry.features(WALK, geometry.frame_times(189)))[None]
    with torch.no_grad():
        mask = torch.ones(1, 189, dtype=torch.bool)
        reading = network.read_back(network.geometric(seen, mask))
    gap = reading.log_distance.exp()[..., None] * reading.direction
    place = (gap[0, 0] + gap[0, 1]) / 2  # the ears' own places cancel
    np.testing.assert_allclose(pose.position.values, place.numpy(), atol=1e-5)


def test_the_variable_names_the_weights(folder, monkeypatch):
    monkeypatch.setenv("SPATIALDRAMA_ISDRAMA", str(folder))
    encoder = sd.load_encoder("isdrama/text", device="cpu")
    one = encoder.encode(TextPrompt("坐在左前方"), duration=0.5, rate=20)
    two = encoder.encode(TextPrompt("站在右后方"), duration=0.5, rate=20)
    assert len(one.time) == 11
    assert np.abs(one.position.values - two.position.values).max() > 1e-6


def test_copies_carry_the_name_of_the_weights_alone(folder):
    encoder = sd.load_encoder("isdrama/text", weights=str(folder), device="cpu")
    encoder.encode(TextPrompt("left"), duration=0.1, rate=50)
    assert encoder._encoder is not None
    assert len(pickle.dumps(encoder)) < 1000


def test_without_weights(monkeypatch):
    monkeypatch.delenv("SPATIALDRAMA_ISDRAMA", raising=False)
    encoder = sd.load_encoder("isdrama/text")
    with pytest.raises(AssetError, match=r"weights=FOLDER.*SPATIALDRAMA_ISDRAMA"):
        encoder.encode(TextPrompt("left"), duration=1.0, rate=50)


def test_no_checkpoint_there(tmp_path):
    encoder = sd.load_encoder("isdrama/text", weights=tmp_path)
    with pytest.raises(ValidationError, match=r"config\.json"):
        encoder.encode(TextPrompt("left"), duration=1.0, rate=50)


@pytest.mark.parametrize("kind", ["geometric", "text", "video"])
def test_other_prompts_are_refused(kind, folder):
    wrong = TextPrompt("left") if kind != "text" else GeometricPrompt(WALK)
    encoder = sd.load_encoder(f"isdrama/{kind}", weights=folder, device="cpu")
    with pytest.raises(ValidationError, match=f"'isdrama/{kind}' reads a .*Prompt; got"):
        encoder.encode(wrong, duration=1.0, rate=50)


def test_videos_that_do_not_do(folder, film):
    encoder = sd.load_encoder("isdrama/video", weights=folder, device="cpu")
    with pytest.raises(ValidationError, match="speaker_pixel"):
        encoder.encode(VideoPrompt(film), duration=1.0, rate=50)
    with pytest.raises(ValidationError, match="Give a longer video"):
        encoder.encode(VideoPrompt(film, speaker_pixel=(32, 24)), duration=9.0, rate=50)


@pytest.mark.parametrize(("duration", "rate"), [(0.0, 50), (1.0, -1)])
def test_lengths_that_cannot_be(duration, rate, folder):
    encoder = sd.load_encoder("isdrama/geometric", weights=folder, device="cpu")
    with pytest.raises(ValidationError, match="must be more than zero"):
        encoder.encode(GeometricPrompt(WALK), duration=duration, rate=rate)
