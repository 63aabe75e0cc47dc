"""Mels against numpy and scipy in float64, against librosa's numbers, and alone or in a batch."""

import numpy as np
import pytest
import torch
from scipy import signal
from spatialdrama_isdrama.autoencoder.config import AutoencoderConfig, MelConfig
from spatialdrama_isdrama.autoencoder.mel import frames_of, mel_of, padded, stacked, two_ears

from spatialdrama.errors import ValidationError

CONFIG = MelConfig()


def signals(n=12_800):
    """Two ears of tones and a chirp: closed forms, so that any library can make them again."""
    t = np.arange(n) / 48_000
    left = 0.3 * np.sin(2 * np.pi * 440 * t) + 0.05 * np.sin(2 * np.pi * 7000 * t * (1 + 2 * t))
    right = 0.1 * np.sin(2 * np.pi * 440 * (t - 0.0004)) + 0.2 * np.sin(2 * np.pi * 100 * t)
    return np.stack([left, right])


def slow_mel(sound, config=CONFIG):
    """(e, n) to (e, f, t): one frame and one band after the other, triangles from their corners."""
    window = signal.get_window("hann", config.window)  # periodic
    whole = -(-sound.shape[-1] // config.hop) * config.hop
    half = config.window // 2
    sound = np.pad(sound, ((0, 0), (0, whole - sound.shape[-1])))
    sound = np.pad(sound, ((0, 0), (half, half)), mode="reflect")
    bins = np.arange(half + 1) * config.rate / config.window

    def mel(hz):
        return hz * 3 / 200 if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)

    def hertz(mels):
        return mels * 200 / 3 if mels < 15 else 1000 * 6.4 ** ((mels - 15) / 27)

    corners = [hertz(m) for m in np.linspace(mel(config.low), mel(config.high), config.bands + 2)]
    out = np.empty((len(sound), config.bands, whole // config.hop))
    for ear, x in enumerate(sound):
        for t in range(out.shape[-1]):
            piece = x[t * config.hop : t * config.hop + config.window]
            magnitude = np.abs(np.fft.rfft(piece * window))
            for f in range(config.bands):
                low, top, high = corners[f : f + 3]
                weights = np.interp(bins, [low, top, high], [0, 2 / (high - low), 0])
                out[ear, f, t] = np.log10(max(weights @ magnitude, config.floor))
    return out


class TestNumbers:
    def test_equal_a_slow_float64_computation(self):
        sound = signals()[:, :5000]  # not a whole number of hops
        mel = mel_of(torch.from_numpy(sound)[None], CONFIG)
        assert mel.dtype == torch.float64
        np.testing.assert_allclose(mel[0].numpy(), slow_mel(sound), atol=1e-9)

    def test_float32_is_within_a_thousandth_where_there_is_sound(self):
        sound = signals()
        mel = mel_of(torch.from_numpy(sound)[None].float(), CONFIG)[0].numpy()
        expected = slow_mel(sound)
        assert mel.dtype == np.float32
        loud = expected > -4
        assert loud.mean() > 0.2
        np.testing.assert_allclose(mel[loud], expected[loud], atol=1e-3)

    def test_are_librosas(self):
        # librosa 0.11.0, numpy float64, y = signals()[ear]: log10(maximum(1e-5,
        # feature.melspectrogram(y=y, sr=48000, n_fft=1024, hop_length=256, n_mels=80, fmin=20,
        # fmax=24000, power=1.0, center=True, pad_mode="reflect", window="hann")))
        bands, frames = [0, 4, 8, 19, 40, 60, 79], [0, 1, 25, 49]
        left = [
            [-0.635718, -0.433104, -0.111499, -1.324182, -2.670425, -2.244845, -3.144907],
            [-0.939540, -0.735598, 0.046583, -1.624547, -2.970380, -2.545867, -3.445940],
            [-2.895141, -1.927228, 0.069728, -3.611324, -5.0, -5.0, -5.0],
            [-1.289541, -1.073042, 0.028193, -1.934908, -2.838003, -3.128975, -3.202798],
        ]
        right = [
            [-0.183702, -1.198563, -0.305320, -1.868133, -2.841729, -3.703029, -4.252820],
            [-0.095461, -1.302511, -0.365071, -2.168097, -3.142684, -4.004057, -4.553852],
            [-0.122164, -2.167926, -0.407248, -4.124601, -5.0, -5.0, -5.0],
            [-0.140632, -1.171102, -0.383572, -2.475787, -3.523993, -4.394040, -4.944829],
        ]
        mel = mel_of(torch.from_numpy(signals())[None], CONFIG)[0].numpy()
        picked = mel[:, bands][:, :, frames].transpose(0, 2, 1)
        # librosa keeps its mel matrix in float32, hence not nearer.
        np.testing.assert_allclose(picked, [left, right], atol=2e-6)

    def test_one_gain_for_both_ears_adds_one_number(self):
        sound = torch.from_numpy(signals())[None]
        soft, loud = mel_of(sound, CONFIG), mel_of(10 * sound, CONFIG)
        heard = soft > CONFIG.silence
        torch.testing.assert_close(loud[heard], soft[heard] + 1)

    def test_silence_is_the_floor(self):
        mel = mel_of(torch.zeros(1, 2, 2048), CONFIG)
        assert torch.equal(mel, torch.full_like(mel, CONFIG.silence))

    def test_autocast_does_not_make_them_coarse(self):
        sound = torch.from_numpy(signals())[None].float()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mel = mel_of(sound, CONFIG)
        assert torch.equal(mel, mel_of(sound, CONFIG))

    def test_a_first_call_in_inference_mode_does_not_stop_training_later(self):
        odd = MelConfig(bands=33)  # not yet in the cache
        with torch.inference_mode():
            mel_of(torch.randn(1, 2, 2048), odd)
        sound = torch.randn(1, 2, 2048, requires_grad=True)
        mel_of(sound, odd).sum().backward()
        assert sound.grad.abs().sum() > 0

    def test_gradient_is_that_of_differences(self):
        small = MelConfig(rate=8000, window=16, hop=4, bands=3, low=500, high=4000)
        sound = torch.randn(1, 2, 24, dtype=torch.float64, generator=torch.manual_seed(1))
        torch.autograd.gradcheck(lambda x: mel_of(x, small), sound.requires_grad_())


class TestLengths:
    @pytest.mark.parametrize(
        ("samples", "frames"), [(768, 3), (1024, 4), (1025, 5), (1279, 5), (48_000, 188)]
    )
    def test_frames_are_hops_rounded_up(self, samples, frames):
        assert frames_of(samples, CONFIG) == frames
        assert mel_of(torch.zeros(1, 2, samples), CONFIG).shape == (1, 2, 80, frames)

    def test_an_item_of_a_batch_is_the_item_alone(self):
        sound = torch.from_numpy(signals())
        lengths = torch.tensor([12_800, 5000, 700])
        batch = torch.full((3, 2, 12_800), torch.nan, dtype=torch.float64)
        for row, n in zip(batch, lengths, strict=True):
            row[:, :n] = sound[:, :n]
        mel = mel_of(batch, CONFIG, lengths)
        for row, n in zip(mel, lengths.tolist(), strict=True):
            alone = mel_of(sound[None, :, :n], CONFIG)[0]
            frames = alone.shape[-1]
            torch.testing.assert_close(row[..., :frames], alone, atol=1e-9, rtol=0)
            assert (row[..., frames:] == CONFIG.silence).all()

    def test_padding_is_silence_and_masked(self):
        mel = torch.randn(2, 2, 80, 10)
        longer, mask = padded(mel, CONFIG)
        assert longer.shape == (2, 2, 80, 12)
        assert torch.equal(longer[..., :10], mel)
        assert (longer[..., 10:] == -5).all()
        assert mask.tolist() == [[True] * 10 + [False] * 2] * 2
        same, mask = padded(longer, CONFIG)
        assert torch.equal(same, longer)
        assert mask.all()

    def test_stacked_mels_keep_their_frames(self):
        mels = [torch.randn(2, 80, 7), torch.randn(2, 80, 13)]
        batch, mask = stacked(mels, CONFIG)
        assert batch.shape == (2, 2, 80, 16)
        for row, there, mel in zip(batch, mask, mels, strict=True):
            assert there.sum() == mel.shape[-1]
            assert torch.equal(row[..., there], mel)
            assert (row[..., ~there] == -5).all()

    def test_a_mono_prompt_is_as_loud_at_both_ears(self):
        mono = torch.from_numpy(signals()[0])
        for sound in (mono, mono[None], mono[None, None]):
            mel = mel_of(two_ears(sound), CONFIG)
            np.testing.assert_allclose(mel[0, 0].numpy(), slow_mel(signals()[:1])[0], atol=1e-9)
            assert torch.equal(mel[:, 0], mel[:, 1])


class TestMistakes:
    def test_sound_without_ears(self):
        with pytest.raises(ValidationError, match=r"\(b, ears, samples\), got \(2, 4800\)"):
            mel_of(torch.zeros(2, 4800), CONFIG)

    def test_sound_too_short_to_reflect(self):
        with pytest.raises(ValidationError, match=r"at least 513 samples .* got 400"):
            mel_of(torch.zeros(1, 2, 400), CONFIG)
        with pytest.raises(ValidationError, match=r"at least 513 samples .* got 400"):
            mel_of(torch.zeros(2, 2, 4000), CONFIG, torch.tensor([4000, 400]))

    def test_lengths_beyond_the_sound(self):
        with pytest.raises(ValidationError, match=r"at most 4000 samples, got \[4001\]"):
            mel_of(torch.zeros(1, 2, 4000), CONFIG, torch.tensor([4001]))

    def test_two_ears_of_two_ears(self):
        with pytest.raises(ValidationError, match=r"got \(1, 2, 480\); take one channel"):
            two_ears(torch.zeros(1, 2, 480))

    def test_no_mels_to_stack(self):
        with pytest.raises(ValidationError, match="at least one mel"):
            stacked([], CONFIG)

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"high": 30_000}, "rate / 2 = 24000 Hz; got low 20 and high 30000"),
            ({"low": 9000, "high": 8000}, "low < high"),
            ({"hop": 600}, "two hops long.* window 1024 and hop 600"),
            ({"bands": 0}, "MelConfig.bands must be a whole number from 1 on; got 0"),
            ({"floor": 0.0}, "MelConfig.floor must be a finite number above 0; got 0.0"),
            ({"rate": 48e3}, "MelConfig.rate must be a whole number .* got 48000.0"),
        ],
    )
    def test_mels_that_cannot_be(self, wrong, message):
        with pytest.raises(ValidationError, match=message):
            MelConfig(**wrong)

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"kernel": 4}, "kernel must be an odd whole number from 3 on; got 4"),
            ({"layers": 1}, "layers must be a whole number from 2 on; got 1"),
            ({"stereo": "mono"}, "stereo must be one of 'equivariant', 'joint'; got 'mono'"),
            ({"reconstruction": "l3"}, "reconstruction must be one of 'l2', 'l1'; got 'l3'"),
            ({"latent": 41}, "latent must be even"),
            ({"crop": 3001}, "crop must be a multiple of 4 from 4 on; got 3001"),
            ({"windows": (4,)}, r"windows must be a tuple of whole numbers from 8 on; got \(4,\)"),
            ({"kl": float("nan")}, "kl must be a finite number from 0 on; got nan"),
            ({"centre": "low"}, "centre must be a finite number; got 'low'"),
            ({"midside": 1}, "midside must be True or False; got 1"),
        ],
    )
    def test_autoencoders_that_cannot_be(self, wrong, message):
        with pytest.raises(ValidationError, match=message):
            AutoencoderConfig(**wrong)

    def test_an_odd_latent_is_fine_when_the_ears_are_one(self):
        assert AutoencoderConfig(stereo="joint", latent=41).streams == 1
