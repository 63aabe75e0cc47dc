"""Overfitting real segments: spoken by the voice ``kokoro``, placed by ``physical``."""

import attrs
import numpy as np
import pytest
import torch
from spatialdrama_isdrama.autoencoder.config import AutoencoderConfig, MelConfig
from spatialdrama_isdrama.autoencoder.mel import mel_of, stacked
from spatialdrama_isdrama.autoencoder.training import AutoencoderTraining

import spatialdrama as sd
from spatialdrama.registry import load
from spatialdrama.runtime.assets import missing

ASSETS = ["kokoro-82m-int8", "kemar"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(missing(ASSETS)), reason=f"type: spatialdrama assets fetch {' '.join(ASSETS)}"
    ),
]
FRAMES = 96


@pytest.fixture(scope="module")
def segments():
    """Half a second of speech from the left and from the right: mel (2, 2, 80, 96) and mask."""
    voice, renderer = load("voice", "kokoro", threads=1), load("renderer", "physical")
    mels = []
    for identity, place, text in [
        ("bm_george", (1.0, 1.0, 0.0), "Who's there?"),
        ("af_heart", (1.0, -2.0, 0.0), "Nay, answer me."),
    ]:
        speech = voice.speak(text, identity=identity)
        sound = renderer.render(speech, sd.Pose.fixed(place))
        assert sound.rate == MelConfig().rate
        mel = mel_of(torch.tensor(np.asarray(sound.samples))[None].float(), MelConfig())[0]
        loudest = int(mel.mean((0, 1)).unfold(0, FRAMES, 1).mean(1).argmax())
        mels.append(mel[..., loudest : loudest + FRAMES])
    return stacked(mels, MelConfig())


def broadband_ild(mel):
    """Level of the left ear over the right one's in dB, frame by frame (b, t): energies summed."""
    energy = (10 ** (2 * mel.double())).sum(2)
    return 10 * (energy[:, 0] / energy[:, 1]).log10()


def test_two_segments_come_back_with_their_level_between_the_ears(segments):
    mel, mask = segments
    config = AutoencoderConfig(width=64, learning_rate=2e-3, warm_up=20, adversarial=0.0)
    training = AutoencoderTraining(config, seed=0)
    for rate, until in [(2e-3, 400), (5e-4, 600), (1e-4, 700)]:
        training.config = attrs.evolve(config, learning_rate=rate)
        list(training.run([(mel, mask)] * 400, until))
    with torch.no_grad():
        made = training.model.decode(training.model.latent(mel, mask), mask)
    error = (made - mel).square().mean().item()
    found, wanted = broadband_ild(made), broadband_ild(mel)
    clips = (found.mean(1) - wanted.mean(1)).abs().max().item()
    frames = (found - wanted).abs().mean().item()
    seen = f"mel {error:.4f}, level of a clip {clips:.3f} dB, of a frame {frames:.3f} dB"
    assert wanted[0].mean() > 3 > -3 > wanted[1].mean()
    assert error < 0.03, seen  # of a variance of 1.7
    assert clips < 0.2, seen
    assert frames < 0.8, seen
