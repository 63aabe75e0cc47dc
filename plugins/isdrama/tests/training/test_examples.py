"""Examples: F0 and phones on mel frames, and batches whose padding is marked (paper C.1)."""

import attrs
import numpy as np
import pytest
import torch
from spatialdrama_isdrama.autoencoder.config import MelConfig
from spatialdrama_isdrama.training.examples import collate, example_of, f0_on_frames

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Line, Phone, Pose, Speech

RATE = 48_000
MEL = MelConfig()
PHONES = (Phone("uo", 0.0, 0.1), Phone("<SP>", 0.1, 0.15), Phone("iao", 0.15, 0.24))


def speech(f0=(100.0, 110.0, 0.0, 0.0, 200.0), hop=0.05, seconds=0.24):
    samples = 0.1 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE)
    return Speech(samples, RATE, phones=PHONES, f0=np.array(f0), f0_hop=hop)


def example(tail=0, prompt=None, line=None, **changes):
    said = speech(**changes)
    rng = np.random.default_rng(0)
    both = np.stack([said.samples, 0.5 * said.samples])
    both = np.concatenate([both, rng.normal(0, 0.1, (2, tail))], axis=1)
    audio = BinauralAudio(both, RATE)
    pose = Pose.fixed(azimuth_deg=90, distance=2.0)
    return example_of(line or Line("A", "我要"), said, audio, pose, MEL, prompt=prompt)


def test_f0_is_linear_between_voiced_values_and_zero_where_unvoiced():
    # Frames of 1/187.5 s on values every 8 frames: by hand.
    said = speech((100.0, 180.0, 0.0, 300.0), hop=8 / 187.5)
    got = f0_on_frames(said, 32, MEL)
    np.testing.assert_allclose(got[:9], 100 + 10 * np.arange(9), atol=1e-4)
    # Half of the way to the unvoiced value is nearest to the voiced one; from there on silence.
    assert (got[9:12] > 180).all()
    assert not got[13:20].any()
    # Behind the last value it stays.
    np.testing.assert_allclose(got[24:], 300.0)
    # A line through the voiced values on both sides of the gap: 180 at 8, 300 at 24.
    np.testing.assert_allclose(got[[10, 22]], [180 + 2 * 7.5, 180 + 14 * 7.5], rtol=1e-6)


def test_without_any_voice_there_is_no_f0():
    got = f0_on_frames(speech((0.0, 0.0)), 7, MEL)
    assert got.dtype == np.float32
    assert got.tolist() == [0.0] * 7


def test_an_example_has_one_number_of_frames():
    e = example()
    # .24 s are 45 hops and so 46 centred frames, padded to a multiple of 4.
    assert e.length == 48
    assert e.reading.symbols == ("uo", "<SP>", "iao")
    # Phones end before frames 18.75, 28.125; frame i lies at i hops. The last has the rest.
    assert e.frames.tolist() == [19, 10, 19]
    assert e.mel.shape == (2, 80, 48)
    assert e.features.shape == (48, 12)
    assert e.f0.shape == (48,)
    # The right ear has half of the left's amplitude.
    loud = e.mel[0, :, 5:40] > -2.5
    assert (e.mel[0] - e.mel[1])[:, 5:40][loud].numpy() == pytest.approx(np.log10(2), abs=1e-3)
    # On the left at 2 m, seen from ears at .09 m: 1.91 and 2.09 m (x front, y left).
    gaps = e.features[0, :6].reshape(2, 3).norm(dim=-1)
    assert sorted(gaps.tolist()) == pytest.approx([1.91, 2.09], abs=1e-3)


def test_what_rings_on_behind_the_speech_is_left_out():
    assert torch.equal(example(tail=4000).mel, example().mel)


def test_a_line_s_own_phones_go_first():
    own = Line("A", "我要", phones=(Phone("uo", 0.0, 0.12), Phone("iao", 0.12, 0.24)))
    assert example(line=own).reading.symbols == ("uo", "iao")


def test_a_batch_is_its_items_with_padding_behind_each():
    long = example(prompt=torch.full((2, 80, 12), -2.0))
    short = attrs.evolve(
        long,
        mel=long.mel[..., :32], features=long.features[:32], f0=long.f0[:32],
        frames=torch.tensor([20, 12]), prompt=torch.full((2, 80, 8), -1.0),
    )  # fmt: skip
    batch = collate([short, long], silence=-5.0)
    assert batch.mask.sum(1).tolist() == [32, 48]
    assert batch.prompt_mask.sum(1).tolist() == [8, 12]
    assert batch.frames.tolist() == [[20, 12, 0], [19, 10, 19]]
    assert batch.frames.sum(1).tolist() == batch.mask.sum(1).tolist()
    for row, item in enumerate((short, long)):
        n, p = item.length, item.prompt.shape[-1]
        assert torch.equal(batch.mel[row, ..., :n], item.mel)
        assert (batch.mel[row, ..., n:] == -5.0).all()
        assert torch.equal(batch.prompt[row, ..., :p], item.prompt)
        assert (batch.prompt[row, ..., p:] == -5.0).all()
        assert torch.equal(batch.features[row, :n], item.features)
        assert torch.equal(batch.f0[row, :n], item.f0)
        assert not batch.features[row, n:].any()
        assert not batch.f0[row, n:].any()
    assert batch.readings == (short.reading, long.reading)
    assert batch.scene is None


def test_a_batch_goes_to_another_device_whole():
    batch = attrs.evolve(collate([example()]), scene=torch.zeros(1, 2, 3))
    moved = batch.to("meta")
    assert moved.mel.device.type == moved.scene.device.type == "meta"
    assert moved.readings == batch.readings
    assert moved.prompt is None


def test_what_cannot_be_learned_from_is_refused():
    said, pose = speech(), Pose.fixed(azimuth_deg=90, distance=2.0)
    line, both = Line("A", "我要"), np.zeros((2, 4800))
    with pytest.raises(ValidationError, match="44100 Hz and the mels 48000"):
        example_of(line, said, BinauralAudio(both, 44_100), pose, MEL)
    mute = attrs.evolve(said, f0=None, f0_hop=0.0)
    with pytest.raises(ValidationError, match="no F0"):
        example_of(line, mute, BinauralAudio(both, RATE), pose, MEL)
    bare = attrs.evolve(said, phones=())
    with pytest.raises(ValidationError, match="no phones with times"):
        example_of(line, bare, BinauralAudio(both, RATE), pose, MEL)
    with pytest.raises(ValidationError, match="got none"):
        collate([])
    with pytest.raises(ValidationError, match="have a prompt or none"):
        collate([example(), example(prompt=torch.zeros(2, 80, 8))])
