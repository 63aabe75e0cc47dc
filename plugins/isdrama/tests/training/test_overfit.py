"""A spoken line is learned by heart: the parts fit together, and what they learned is understood.

Eight lines through the whole generator are `benchmarks/isdrama_overfit.py`; it takes some minutes.
"""

import attrs
import numpy as np
import pytest
import torch
from spatialdrama_isdrama.autoencoder.griffin_lim import griffin_lim
from spatialdrama_isdrama.parts import build
from spatialdrama_isdrama.presets import preset
from spatialdrama_isdrama.training.examples import collate, example_of
from spatialdrama_isdrama.training.joint import Joint
from spatialdrama_isdrama.transformer import sample

import spatialdrama as sd
from spatialdrama.registry import load
from spatialdrama.runtime.assets import missing
from spatialdrama.staging.stems import levelled, trimmed

RATE = 48_000
ASSETS = ["kokoro-82m-int8", "kemar", "whisper-base-ct2", "whisper-base-ct2-config",
          "whisper-base-ct2-vocabulary"]  # fmt: skip
LINES = (("A", "af_heart", "Who is there?", sd.Pose.fixed(azimuth_deg=60, distance=1.5)),)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing(ASSETS)), reason="needs kokoro, kemar and whisper"),
]


def learn(parameters, loss_of, steps, rate):
    optimiser = torch.optim.Adam(parameters, lr=rate, betas=(0.9, 0.99))
    seen = []
    for step in range(steps):
        share = step / steps
        optimiser.param_groups[0]["lr"] = (
            rate * min(1.0, (step + 1) / 20) * (0.5 + 0.5 * np.cos(np.pi * share))
        )
        loss = loss_of()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        seen.append(float(loss.detach()))
    return seen


def test_a_line_is_learned_and_understood():
    wide = {"width": 64, "latent": 24}
    config = preset("tiny", autoencoder=wide, transformer={**wide, "fan_inner": 64})
    voice, renderer = load("voice", "kokoro"), load("renderer", "physical")
    examples, lines = [], []
    for name, who, text, pose in LINES:
        speech = voice.speak(text, identity=who, seed=1).resampled(RATE)
        speech = levelled(trimmed(speech), -26.0)
        audio = renderer.render(speech.samples, pose, rate=RATE)
        lines.append(sd.Line(name, text, phones=speech.phones))
        examples.append(example_of(lines[-1], speech, audio, pose, config.mel))
    torch.manual_seed(0)
    batch, parts = collate(examples), build(config)
    autoencoder, there = parts["autoencoder"], batch.mask[:, None, None]

    def mel_error(mel, power=1):
        return ((mel - batch.mel).abs() ** power * there).sum() / (there.sum() * 160)

    def heard_again():
        return mel_error(autoencoder.reconstruct(batch.mel, batch.mask).mel, 2)

    learn(list(autoencoder.parameters()), heard_again, 300, 3e-3)
    autoencoder.eval().calibrate([(batch.mel, batch.mask)])
    joint = Joint(parts["content"], parts["pose"], parts["transformer"], autoencoder)
    latents, draw, flows = joint.latents(batch), torch.Generator().manual_seed(1), []

    def loss():
        noise = torch.randn(latents[0].shape, generator=draw)
        said = joint(batch, noise, torch.rand(len(LINES), generator=draw), latents=latents)
        flows.append(float(said.drama.flow.detach()))
        return said.total

    learn(list(joint.parameters()), loss, 300, 3e-3)
    joint.eval()
    with torch.no_grad():
        conditions, _ = joint.conditions(batch, None)
        noise = torch.randn(latents[0].shape, generator=draw)
        made = sample(parts["transformer"], attrs.evolve(conditions, f0=None), noise,
                      gamma=1.0, alpha=1.0, steps=25)  # fmt: skip
        mel = autoencoder.decode(made.latent, batch.mask)
    # A field of zero scores the mean square of x1 - x0: 2 for latents of unit deviation.
    assert np.mean(flows[:3]) > 1.5
    # A median: near t = 1 the noise has almost gone from x_t, and such draws are far off.
    assert np.median(flows[-50:]) < 0.1
    # 20 dB per unit of log10; the mels' own deviation is some 25 dB.
    assert 20 * float(mel_error(mel)) < 3.0
    # Which ear is louder is learned, too.
    side = 20 * ((mel[:, 0] - mel[:, 1]) * batch.mask[:, None]).sum((1, 2))
    want = 20 * ((batch.mel[:, 0] - batch.mel[:, 1]) * batch.mask[:, None]).sum((1, 2))
    frames = 80 * batch.mask.sum(1)
    assert float(((side - want) / frames).abs().max()) < 0.5
    cer = load("metric", "cer")
    for i, line in enumerate(lines):
        n = examples[i].length
        wave = griffin_lim(mel[i : i + 1, :, :, :n], config.mel, 32, phase="shared")[0].numpy()
        heard = sd.BinauralAudio(wave, RATE)
        asked = attrs.evolve(line, language="en", start=0.0, end=heard.duration)
        assert cer.score(heard, line=asked).value <= 0.15
