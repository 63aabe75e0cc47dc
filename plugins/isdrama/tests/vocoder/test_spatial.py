"""One sound at two ears: delays, levels and likeness are those that were asked for.

Measured with the core's analysis or with numpy, which know nothing of how the ears were made.
"""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.vocoder.config import VocoderConfig
from spatialdrama_isdrama.vocoder.decorrelate import band_centres, spread_of, two_sided
from spatialdrama_isdrama.vocoder.gains import mid_mel, with_mels
from spatialdrama_isdrama.vocoder.spatial import own_delay, spatialise

from spatialdrama.dsp import erb_bandwidth, itd_track, mel_matrix
from spatialdrama.errors import ValidationError

RATE, HOP, FRAMES = 48_000, 256, 400
N = HOP * FRAMES
CONFIG = VocoderConfig(coherence="given")
HEARD = VocoderConfig(reference="heard")


def noise(seed=0, n=N):
    return 0.05 * torch.from_numpy(np.random.default_rng(seed).standard_normal(n))[None]


def voice(n=N):
    """Harmonics of a pitch that glides, and breath."""
    time = np.arange(n) / RATE
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 1.3 * time)) / RATE
    tones = sum(np.sin(k * phase + k * k) / k for k in range(1, 80))
    loud = 0.6 + 0.4 * np.sin(2 * np.pi * 3 * time)
    return 0.05 * torch.from_numpy(loud * (tones + 0.1 * noise(7, n)[0].numpy()))[None]


def mels_of(samples):
    """log10 mels (e, f, t) by numpy, Hann windows of 1024 around every 256th sample."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    padded = np.pad(samples, [(0, 0), (512, 1024)])
    frames = np.stack(
        [padded[:, t * HOP : t * HOP + 1024] for t in range(samples.shape[-1] // HOP)], 1
    )
    weights = mel_matrix(rate=RATE, n_fft=1024, bands=80, low=20, high=24_000)
    return np.log10(np.maximum(np.abs(np.fft.rfft(frames * window)) @ weights.T, 1e-9)).swapaxes(
        1, 2
    )


def asked(gains_db, sound):
    """Mels (1, 2, f, t) of a sound plus gains (2, f) or (2, f, t) in dB."""
    gains = np.asarray(gains_db, float)
    gains = gains[..., None] if gains.ndim == 2 else gains
    return torch.from_numpy(mels_of(sound.numpy()) + gains / 20)[None]


def shadow():
    """Per band what a head takes from the far ear and gives to the near one, dB (2, f)."""
    band = np.arange(80) / 79
    return np.stack([3 * band, -18 * band**1.5 + 2 * np.sin(band * 9)])


def flat(sound):
    return torch.from_numpy(mels_of(sound.numpy()))[None].expand(-1, 2, -1, -1)


def delays(left, right):
    ends = [np.broadcast_to(np.asarray(x, float), FRAMES) for x in (left, right)]
    return torch.from_numpy(np.stack(ends))[None]


def likeness(pair, centres):
    """Coherence of two signals per ERB band, averaged over all their time."""
    window = np.hanning(2048)
    frames = np.lib.stride_tricks.sliding_window_view(pair, 2048, axis=-1)[:, ::512] * window
    left, right = np.fft.rfft(frames)
    bins = np.fft.rfftfreq(2048, 1 / RATE)
    found = []
    for centre in centres:
        band = np.abs(bins - centre) <= max(60, erb_bandwidth(centre) / 2)
        cross = np.sum(left[:, band] * right[:, band].conj())
        powers = [np.sum(np.abs(ear[:, band]) ** 2) for ear in (left, right)]
        found.append(abs(cross) / np.sqrt(powers[0] * powers[1]))
    return np.array(found)


@pytest.mark.parametrize("sound", [noise(), voice()], ids=["noise", "voice"])
@pytest.mark.parametrize("itd_us", [-640.0, -33.0, 250.0])
def test_delays_between_the_ears_are_heard_to_the_microsecond(sound, itd_us):
    mel = asked(shadow(), sound)
    made = spatialise(sound, mel, delays(0.004, 0.004 + itd_us * 1e-6), config=HEARD)
    track = itd_track(made[0].numpy(), rate=RATE)
    inner = slice(5, -5)
    assert np.abs(track.itd_us[inner] - itd_us).max() < 4
    assert abs(np.median(track.itd_us) - itd_us) < 1


def test_delays_that_move_are_followed():
    sound = voice()
    times = np.arange(FRAMES) * HOP / RATE
    itd = 500e-6 * np.sin(2 * np.pi * 0.4 * times)
    made = spatialise(sound, flat(sound), delays(-itd / 2, itd / 2), config=HEARD)
    track = itd_track(made[0].numpy(), rate=RATE)
    wanted = 500 * np.sin(2 * np.pi * 0.4 * track.times)
    # Within the window of 85 ms the delay curves: the mean over it differs by some microseconds.
    assert np.abs(track.itd_us - wanted)[5:-5].max() < 8


def test_decorrelation_does_not_move_the_delay():
    sound = noise()
    made = spatialise(
        sound, flat(sound), delays(0.0, 300e-6), torch.full((1, 16, FRAMES), 0.7), config=CONFIG
    )
    track = itd_track(made[0].numpy(), rate=RATE)
    assert abs(np.mean(track.itd_us[5:-5]) - 300) < 10


@pytest.mark.parametrize("sound", [noise(), voice()], ids=["noise", "voice"])
@pytest.mark.parametrize("reference", ["predicted", "heard"])
def test_levels_between_the_ears_follow_the_mels(sound, reference):
    config = VocoderConfig(reference=reference)
    mel = asked(shadow(), sound)
    made = mels_of(spatialise(sound, mel, delays(1e-4, -1e-4), config=config)[0].numpy())
    inner = slice(4, -4)
    ild = 20 * (made[0] - made[1])[:, inner].mean(-1)
    wanted = shadow()[0] - shadow()[1]
    assert np.abs(ild - wanted).max() < 0.5
    assert np.abs(ild - wanted).mean() < 0.1
    if reference == "heard":
        # Above 21.5 kHz (the last two bands) reads between samples lose level, in both ears alike.
        level = 20 * (made - mel[0].numpy())[:, :-2, inner].mean(-1)
        assert np.abs(level).max() < 0.5


def test_levels_that_move_are_followed():
    sound = noise()
    swing = 10 * np.sin(2 * np.pi * 0.7 * np.arange(FRAMES) * HOP / RATE)
    gains = np.stack([swing, -swing])[:, None] * np.ones((1, 80, 1))
    made = mels_of(spatialise(sound, asked(gains, sound), delays(0, 0), config=HEARD)[0].numpy())
    ild = 20 * (made[0] - made[1])[40:].mean(0)
    assert np.abs(ild - 2 * swing)[4:-4].max() < 0.3


def test_gains_are_bounded():
    sound = noise()
    mel = asked(np.stack([np.full(80, 0.0), np.full(80, -200.0)]), sound)
    config = VocoderConfig(gain_low_db=-30.0)
    made = spatialise(sound, mel, delays(0, 0), config=config)
    level = 20 * np.log10(made[0].std(-1).numpy() / float(sound.std()))
    # The mean power of one ear alone is 3 dB below that ear.
    np.testing.assert_allclose(level, [3.01, -30], atol=0.02)


@pytest.mark.parametrize("wished", [1.0, 0.9, 0.7, 0.4, 0.1])
def test_likeness_in_each_band_is_as_asked(wished):
    sound = noise(n=2 * N)
    coherence = torch.full((1, 16, 2 * FRAMES), wished, dtype=torch.float64)
    made = two_sided(sound, coherence, CONFIG)[0].numpy()
    found = likeness(made, band_centres(16))
    assert np.abs(found - wished).max() < 0.05
    # Each ear is as loud as the one was, in every band.
    assert np.abs(20 * (mels_of(made) - mels_of(sound.numpy())).mean(-1)).max() < 0.3


def test_likeness_may_differ_from_band_to_band_and_with_delays_and_levels():
    sound = noise(n=2 * N)
    wished = np.linspace(0.95, 0.3, 16)
    coherence = torch.from_numpy(np.repeat(wished[None, :, None], 2 * FRAMES, 2))
    still = torch.zeros(1, 2, 2 * FRAMES, dtype=torch.float64)
    made = spatialise(sound, asked(shadow(), sound), still, coherence, config=CONFIG)
    found = likeness(made[0].numpy(), band_centres(16))
    assert np.abs(found - wished).max() < 0.05


def test_a_voice_is_decorrelated_without_changing_its_levels():
    sound = voice(2 * N)
    coherence = torch.full((1, 16, 2 * FRAMES), 0.6, dtype=torch.float64)
    made = two_sided(sound, coherence, CONFIG)[0].numpy()
    # From 300 Hz on there is more than one harmonic to a band.
    found = likeness(made, band_centres(16)[3:12])
    assert np.abs(found - 0.6).max() < 0.1
    assert abs(found.mean() - 0.6) < 0.05
    ild = 20 * (mels_of(made)[0] - mels_of(made)[1])[:, 8:-8]
    assert abs(ild.mean()) < 0.1


def test_spread_is_the_inverse_of_its_sinc():
    a = np.linspace(0, np.pi, 50)
    found = spread_of(torch.from_numpy(np.sinc(a / np.pi)))
    np.testing.assert_allclose(found, a, atol=1e-5)
    value = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(spread_of, value, atol=1e-4)


def test_equal_mels_no_delay_and_full_likeness_give_equal_ears():
    for sound in (noise(), voice()):
        one = torch.ones(1, 16, FRAMES, dtype=torch.float64)
        for coherence in (None, one):
            made = spatialise(sound, flat(sound), delays(0, 0), coherence, config=CONFIG)[0]
            assert torch.equal(made[0], made[1])
            np.testing.assert_allclose(made[0], sound[0], atol=1e-5)


@pytest.mark.parametrize("coherence", [None, 1.0])
def test_exchanged_ears_are_exchanged(coherence):
    sound = voice()
    likeness = None if coherence is None else torch.full((1, 16, FRAMES), coherence)
    mel, delay = asked(shadow(), sound), delays(np.linspace(0, 4e-4, FRAMES), 1e-4)
    made = spatialise(sound, mel, delay, likeness, config=CONFIG)
    swapped = spatialise(sound, mel.flip(1), delay.flip(1), likeness, config=CONFIG)
    np.testing.assert_allclose(made.flip(1), swapped, atol=1e-9)


@pytest.mark.parametrize("common", ["removed", "motion", "kept"])
def test_doppler(common):
    # One ear's delay grows by 1 % of time, the other's does not.
    tone = torch.sin(2 * torch.pi * 2000 * torch.arange(N, dtype=torch.float64) / RATE)[None]
    growing = 0.01 * np.arange(FRAMES) * HOP / RATE
    config = VocoderConfig(common_delay=common)
    mel = torch.zeros(1, 2, 80, FRAMES, dtype=torch.float64)
    made = spatialise(tone, mel, delays(growing, 0.0), config=config)[0].numpy()
    inner = slice(4096, N - 4096)
    spectra = np.abs(np.fft.rfft(made[:, inner] * np.hanning(N - 8192), 2**20))
    heard = np.argmax(spectra, axis=1) * RATE / 2**20
    shift = {"removed": (-10, 10), "motion": (-20, 0), "kept": (-20, 0)}[common]
    np.testing.assert_allclose(heard, 2000 + np.array(shift), atol=0.3)


def test_no_clicks_where_levels_and_delays_move():
    # A 500 Hz tone through a wild ride; a click would spread to where no tone is.
    tone = 0.1 * torch.sin(2 * torch.pi * 500 * torch.arange(N, dtype=torch.float64) / RATE)[None]
    times = np.arange(FRAMES) * HOP / RATE
    swing = 8 * np.sign(np.sin(2 * np.pi * 2 * times))
    gains = np.stack([swing, -swing])[:, None] * np.ones((1, 80, 1))
    mel = torch.from_numpy(gains / 20)[None]
    itd = 6e-4 * np.sin(2 * np.pi * 2 * times)
    one = torch.full((1, 16, FRAMES), 0.8, dtype=torch.float64)
    made = spatialise(tone, mel, delays(itd / 2, -itd / 2), one, config=CONFIG)[0].numpy()
    frames = np.lib.stride_tricks.sliding_window_view(made, 1024, axis=-1)[:, 2048:-2048:256]
    power = np.abs(np.fft.rfft(frames * np.blackman(1024))) ** 2
    far = power[..., 64:].sum(-1).max()  # above 3 kHz
    assert 10 * np.log10(far / power.sum(-1).max()) < -70


@pytest.mark.parametrize("reference", ["predicted", "heard"])
def test_padding_changes_nothing(reference):
    config = VocoderConfig(reference=reference, coherence="given")
    short, long = 37, 60
    sound = noise(n=short * HOP).float()
    mel = torch.randn(1, 2, 80, short, generator=torch.Generator().manual_seed(0)) - 2
    delay = torch.linspace(-3e-4, 3e-4, short).expand(1, 2, -1) * torch.tensor([[[1.0], [-1.0]]])
    coherence = torch.linspace(0.4, 1, short).expand(1, 16, -1)
    alone = spatialise(sound, mel, delay, coherence, config=config)

    def padded(x, scale=1):
        tail = torch.full((*x.shape[:-1], (long - short) * scale), float("nan"))
        return torch.cat([x, tail], -1)

    mask = torch.arange(long)[None] < short
    both = [padded(sound, HOP), padded(mel), padded(delay), padded(coherence)]
    made = spatialise(*both, mask, config=config)
    np.testing.assert_allclose(made[..., : short * HOP], alone, atol=1e-6)
    assert bool((made[..., short * HOP :] == 0).all())


def test_a_batch_equals_its_items():
    sound = torch.cat([noise(1, 40 * HOP), noise(2, 40 * HOP)])
    mel = torch.randn(2, 2, 80, 40, generator=torch.Generator().manual_seed(0)) - 2
    delay = 1e-4 * torch.randn(2, 2, 40, generator=torch.Generator().manual_seed(1))
    coherence = torch.rand(2, 16, 40, generator=torch.Generator().manual_seed(2))
    both = spatialise(sound, mel, delay, coherence, config=CONFIG)
    for i in range(2):
        item = slice(i, i + 1)
        alone = spatialise(sound[item], mel[item], delay[item], coherence[item], config=CONFIG)
        np.testing.assert_allclose(both[item], alone, atol=1e-9)


def test_gradients_reach_everything():
    parts = [
        noise(n=12 * HOP).float(),
        torch.randn(1, 2, 80, 12, generator=torch.Generator().manual_seed(0)) - 2,
        1e-4 * torch.randn(1, 2, 12, generator=torch.Generator().manual_seed(1)),
        torch.rand(1, 16, 12, generator=torch.Generator().manual_seed(2)),
    ]
    for part in parts:
        part.requires_grad_()
    spatialise(*parts, config=CONFIG).square().sum().backward()
    for part in parts:
        assert bool(torch.isfinite(part.grad).all())
        assert float(part.grad.abs().max()) > 0


def test_the_mid_of_two_mels():
    left, right = np.array([0.0, -1.0, -5.0]), np.array([0.0, -3.0, -5.0])
    mel = torch.from_numpy(np.stack([left, right]))[None, ..., None]
    power = np.log10(np.sqrt((10 ** (2 * left) + 10 ** (2 * right)) / 2))
    wanted = {"power": power, "mean": (left + right) / 2, "louder": np.maximum(left, right)}
    for how, value in wanted.items():
        np.testing.assert_allclose(mid_mel(mel, how)[0, :, 0], value, atol=1e-12)
        assert torch.equal(mid_mel(mel, how), mid_mel(mel.flip(1), how))


def test_no_change_asked_is_no_change():
    sound = noise()[:, None].expand(-1, 2, -1)
    made = with_mels(sound, torch.zeros(1, 2, 80, FRAMES), CONFIG)
    np.testing.assert_allclose(made, sound, atol=1e-12)


def test_what_cannot_be():
    sound, mel = noise(n=8 * HOP), torch.zeros(1, 2, 80, 8)
    with pytest.raises(ValidationError, match="delay must have shape"):
        spatialise(sound, mel, torch.zeros(1, 2, 7))
    with pytest.raises(ValidationError, match="mid must have shape"):
        spatialise(sound[:, 1:], mel, torch.zeros(1, 2, 8))
    with pytest.raises(ValidationError, match="coherence lies in"):
        spatialise(sound, mel, torch.zeros(1, 2, 8), torch.full((1, 16, 8), 1.5))
    with pytest.raises(ValidationError, match="see coherence_bands"):
        spatialise(sound, mel, torch.zeros(1, 2, 8), torch.ones(1, 3, 8))
    assert torch.equal(own_delay(torch.ones(1, 2, 3), "kept"), torch.ones(1, 2, 3))


@pytest.mark.parametrize("coherence", [0.0, 0.4, 0.9])
def test_what_has_no_phase_is_left_alone(coherence):
    """A constant, and the alternation of signs: they have no side, on whatever device."""
    n = 6 * 4096
    for sound in (torch.ones(n), torch.ones(n) - 2.0 * (torch.arange(n) % 2)):
        ask = torch.full((1, VocoderConfig().coherence_bands, n // 256), coherence)
        both = two_sided(0.1 * sound[None], ask)
        inside = slice(2 * 4096, 4 * 4096)
        wanted = (0.1 * sound[inside]).expand(2, -1)
        torch.testing.assert_close(both[0, :, inside], wanted, atol=2e-4, rtol=0)
