"""True mels of real speech: a small vocoder learns two seconds of it in about a minute."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.autoencoder.griffin_lim import griffin_lim
from spatialdrama_isdrama.autoencoder.mel import mel_of
from spatialdrama_isdrama.vocoder.config import VocoderConfig
from spatialdrama_isdrama.vocoder.geometry import delays_of
from spatialdrama_isdrama.vocoder.spatial import spatialise
from spatialdrama_isdrama.vocoder.training import TrainingConfig, VocoderBatch, VocoderTraining

import spatialdrama as sd
from spatialdrama.dsp import f0_yin, itd_track
from spatialdrama.registry import load
from spatialdrama.runtime.assets import missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(missing(["kokoro-82m-int8"])),
        reason="type: spatialdrama assets fetch kokoro-82m-int8",
    ),
]
RATE, HOP, FRAMES, STEPS = 48_000, 256, 384, 200
CONFIG = VocoderConfig.sized("tiny", source="shaped", coherence="none")
HOW = TrainingConfig(
    learning_rate=2e-3, adversarial_start=None, ipd=0.0, itd=0.0, coherence=0.0, critic_width=2
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    # Small convolutions lose by threads, and lose a lot where other tests run beside.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def speech():
    spoken = load("voice", "kokoro", threads=1).speak(
        "Nay, answer me: stand, and unfold yourself.", identity="bm_george"
    )
    start = int(0.35 * RATE)
    return np.array(spoken.resampled(RATE).samples[start : start + FRAMES * HOP])


@pytest.fixture(scope="module")
def batch(speech):
    """Two ears by what the vocoder does not learn; the shadow of a head on the right one."""
    times = np.arange(FRAMES) * HOP / RATE
    track = f0_yin(speech, rate=RATE, low=60, high=400)
    f0 = track.f0[np.clip(np.rint(times / track.times[1]).astype(int), 0, len(track.f0) - 1)]
    pose = sd.Pose.line((1.0, 0.8, 0.0), (1.0, 0.2, 0.0), duration=2.0)
    delay = torch.from_numpy(delays_of(pose, times).T[None]).float()
    mono = torch.from_numpy(speech)[None]
    band = torch.arange(80) / 79
    shadow = torch.stack([2 * band, -10 * band])[None, ..., None] / 20
    mel = mel_of(mono[:, None].expand(-1, 2, -1), CONFIG.mel) + shadow
    wave = spatialise(mono, mel, delay, config=VocoderConfig(reference="heard"))
    return VocoderBatch(
        wave=wave,
        mel=mel_of(wave, CONFIG.mel),
        f0=torch.from_numpy(f0).float()[None],
        delay=delay,
    )


def trained(batch, steps):
    training = VocoderTraining(CONFIG, HOW)
    for _ in range(steps):
        crops = [batch.crop(32, HOP, training.generator) for _ in range(2)]
        parts = {
            name: torch.cat([getattr(crop, name) for crop in crops])
            for name in ("wave", "mel", "f0", "delay")
        }
        training.train_step(VocoderBatch(**parts))
    return training.model.eval().fold()


@torch.no_grad()
def made_by(model, batch):
    noise = torch.Generator().manual_seed(1)
    return model(batch.mel, batch.f0, batch.delay, noise=noise)


def mel_error(wave, batch):
    """Mean distance in dB."""
    return 20 * float((mel_of(wave, CONFIG.mel) - batch.mel).abs().mean())


@pytest.fixture(scope="module")
def made(batch):
    return made_by(trained(batch, STEPS), batch)


def test_the_mels_come_out_again(made, batch):
    # Noise with the right magnitudes in every bin: what knowing the mel, and no more, gives.
    noise = mel_error(griffin_lim(batch.mel, CONFIG.mel, 0), batch)
    untrained = mel_error(made_by(trained(batch, 0), batch), batch)
    found = mel_error(made, batch)
    assert found < 0.5 * noise
    assert found < 0.95 * untrained


def test_the_pitch_is_the_speaker_s(made, speech):
    wanted = f0_yin(speech, rate=RATE, low=60, high=400).f0
    found = f0_yin(made[0].mean(0).numpy(), rate=RATE, low=60, high=400).f0
    both = (wanted > 0) & (found > 0)
    assert np.median(np.abs(1200 * np.log2(found[both] / wanted[both]))) < 15
    assert ((wanted > 0) != (found > 0)).mean() < 0.15


def test_the_delay_is_the_pose_s(made, batch):
    found, real = (itd_track(x[0].numpy(), rate=RATE) for x in (made, batch.wave))
    loud = real.level_db > real.level_db.max() - 20
    loud[[0, 1, 2, -3, -2, -1]] = False  # half a window of nothing
    wanted = 1e6 * np.interp(
        found.times, np.arange(FRAMES) * HOP / RATE, (batch.delay[0, 1] - batch.delay[0, 0]).numpy()
    )
    assert np.abs(found.itd_us - wanted)[loud].max() < 15
    assert found.coherence[loud].min() > 0.95
