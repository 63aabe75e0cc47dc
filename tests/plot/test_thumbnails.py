"""Small static pictures for notebook output."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import spatialdrama as sd
from spatialdrama.plot import png


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["audio", "pose", "scene", "drama"])
def test_pictures_are_small_and_not_blank(drama, kind, theme):
    value = {
        "audio": drama.audio,
        "pose": drama.scene.source("BEN").pose,
        "scene": drama.scene,
        "drama": drama,
    }[kind]
    data = png(value, theme)
    assert len(data) < 60_000
    image = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    assert 200 < image.shape[1] < 1000
    assert np.ptp(image) > 150
    dark = theme == "dark"
    assert (np.median(image) < 60) == dark


def test_others_have_none(drama):
    assert png(drama.script) is None
    assert png(42) is None


def test_a_listeners_own_pose_can_be_shown():
    assert png(sd.Pose.fixed((0, 0, 0), facing=(0, 1, 0)))[1:4] == b"PNG"


def test_the_louder_ear_looks_louder():
    noise = np.random.default_rng(0).normal(0, 0.1, 48_000)
    data = png(sd.BinauralAudio([noise, 0.1 * noise], 48_000))
    image = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    middle = image[:, image.shape[1] // 2]
    third = len(middle) // 3
    assert (middle[:third] < 80).sum() > 2 * (middle[third : 2 * third] < 80).sum()


def test_types_put_them_into_their_bundle(drama):
    bundle = drama.audio._repr_mimebundle_()
    assert bundle["image/png"][1:4] == b"PNG"


def test_one_sample_of_sound():
    assert png(sd.BinauralAudio(np.zeros((2, 1)), 48_000))[1:4] == b"PNG"
