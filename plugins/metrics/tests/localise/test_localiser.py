"""The localiser: features in closed form, one network in numpy and torch, and what it hears."""

import pickle

import numpy as np
import pytest
from spatialdrama_metrics.localise import decode, features, network
from spatialdrama_metrics.localise.localiser import ACTIVE_DB, Localiser, read_weights

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio

RATE = features.RATE


def noise(seconds=1.0, seed=0, rate=RATE):
    return np.random.default_rng(seed).standard_normal(round(seconds * rate)) / 10


def delayed(samples, count):
    """Both ears, the left one `count` samples first."""
    return np.stack([samples[count:], samples[: len(samples) - count]])


@pytest.mark.parametrize("channel", [4, 5])
@pytest.mark.parametrize("lag", [0, 6, 12, -9])
def test_cross_correlation_peaks_at_the_delay(channel, lag):
    ears = delayed(noise(), abs(lag))
    pictures, _ = features.features(ears if lag >= 0 else ears[::-1])
    delays = np.linspace(-1e-3, 1e-3, features.BANDS)
    found = delays[pictures[channel, 5:-5].mean(axis=0).argmax()]
    assert abs(found - lag / RATE) < 1.0 * (delays[1] - delays[0])


def test_level_difference_and_coherence_in_closed_form():
    mono = noise()
    pictures, level = features.features(np.stack([2 * mono, mono]))
    assert np.allclose(pictures[1], np.log10(4) / 2, atol=1e-3)
    assert np.allclose(pictures[2], 1, atol=1e-3)
    assert np.allclose(pictures[3], 0, atol=1e-3)
    assert level.max() == pytest.approx(0, abs=1e-4)


def test_phase_of_the_coherence_is_that_of_the_delay():
    pictures, _ = features.features(delayed(noise(), 6))
    bands = features.band_matrix()
    hertz = np.fft.rfftfreq(features.FRAME, 1 / RATE) @ bands
    low = (hertz > 300) & (hertz < 1200)
    angle = np.angle(pictures[2, 5:-5].mean(axis=0) + 1j * pictures[3, 5:-5].mean(axis=0))[low]
    assert np.allclose(angle, 2 * np.pi * hertz[low] * 6 / RATE, atol=0.12)


def test_gain_changes_no_picture():
    ears = delayed(noise(), 5)
    for a, b in zip(features.features(ears), features.features(7.3 * ears), strict=True):
        assert np.allclose(a, b, atol=1e-4)


def test_bands_are_means():
    assert np.allclose(features.band_matrix().sum(axis=0), 1, atol=1e-5)


def network_with_odd_normalisations():
    torch = pytest.importorskip("torch")
    from spatialdrama_metrics.localise.training.model import LocaliserNet

    torch.manual_seed(3)
    net = LocaliserNet().eval()
    for part in net.modules():
        if isinstance(part, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
            part.weight.data.uniform_(0.5, 1.5)
            part.bias.data.normal_()
    return net


def test_numpy_and_torch_are_one_network():
    torch = pytest.importorskip("torch")
    from spatialdrama_metrics.localise.training.signals import Features

    net = network_with_odd_normalisations()
    ears = delayed(noise(1.5), 7).astype(np.float32)
    ears[:, 9_000:15_000] *= 1e-5
    pictures, level = features.features(ears)
    there, level_there = Features()(torch.from_numpy(ears)[None])
    assert np.allclose(pictures, there[0].numpy(), atol=1e-4)
    assert np.allclose(level, level_there[0].numpy(), atol=1e-3)
    weights = {k: v.numpy() for k, v in net.folded().items()}
    here = network.forward(weights, pictures, level > ACTIVE_DB)
    with torch.no_grad():
        wanted = net(there, level_there > ACTIVE_DB)
    for head, value in here.items():
        assert np.allclose(value, wanted[head][0].numpy(), atol=1e-4)


def test_convolution_against_a_loop():
    rng = np.random.default_rng(1)
    x, w, b = rng.standard_normal((2, 5, 4)), rng.standard_normal((3, 2, 3, 3)), rng.random(3)
    slow = np.zeros((3, 5, 4))
    for o, t, f in np.ndindex(slow.shape):
        total = b[o]
        for c, i, j in np.ndindex(2, 3, 3):
            if 0 <= t + i - 1 < 5 and 0 <= f + j - 1 < 4:
                total += w[o, c, i, j] * x[c, t + i - 1, f + j - 1]
        slow[o, t, f] = max(total, 0)
    assert np.allclose(network._conv2d(x, w, b), slow)


def test_a_clip_does_not_hear_its_batch():
    torch = pytest.importorskip("torch")
    from spatialdrama_metrics.localise.training.signals import Features

    net, front = network_with_odd_normalisations(), Features()
    ears = torch.from_numpy(np.stack([delayed(noise(1, s), s + 1)[:, :20_000] for s in range(3)]))
    pictures, level = front(ears.float())
    with torch.no_grad():
        together = net(pictures, level > ACTIVE_DB)
        for i in range(3):
            alone = net(pictures[i : i + 1], level[i : i + 1] > ACTIVE_DB)
            for head, value in alone.items():
                assert torch.allclose(value[0], together[head][i], atol=1e-4)


def test_azimuth_is_never_between_two_peaks():
    belief = np.zeros(decode.AZIMUTHS)
    front, back = 38, 70  # 10 and 170 degrees
    belief[front], belief[back] = 0.4, 0.6
    assert decode.azimuth_deg(belief) == pytest.approx(decode.AZIMUTH_CENTRES[back])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5])
def test_azimuth_lies_between_neighbours_by_their_share_and_wraps(share):
    belief = np.zeros(decode.AZIMUTHS)
    belief[0], belief[1] = 1 - share, share
    belief[-1] = 0
    off = (decode.azimuth_deg(belief) + 180) % 360
    assert off == pytest.approx(5 * share, abs=0.02)


def test_distance_is_a_geometric_mean():
    belief = np.zeros(decode.DISTANCES)
    belief[3] = belief[9] = 0.5
    wanted = np.sqrt(decode.DISTANCE_CENTRES[3] * decode.DISTANCE_CENTRES[9])
    assert decode.distance_m(belief) == pytest.approx(wanted)


def test_long_sound_in_pieces_is_what_it_is_at_once(monkeypatch):
    from spatialdrama_metrics.localise import localiser

    ears = delayed(noise(14), 8)
    whole = Localiser().track(BinauralAudio(ears, RATE))
    monkeypatch.setattr(localiser, "PIECE_S", 5.0)
    parts = Localiser().track(BinauralAudio(ears, RATE))
    assert parts.times.shape == whole.times.shape
    # The summary of the clip is that of a piece, so only nearly.
    assert np.median(np.abs(parts.azimuth_deg - whole.azimuth_deg)) < 2


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_any_rate_hears_the_same_side(rate):
    lag = round(5e-4 * rate)
    track = Localiser().track(BinauralAudio(delayed(noise(1, rate=rate), lag), rate))
    assert np.median(track.azimuth_deg) > 25
    assert track.times[-1] == pytest.approx(1, abs=0.06)


def test_silence_is_not_active():
    track = Localiser().track(BinauralAudio(np.zeros((2, 12_000)), RATE))
    assert not track.active.any()
    assert np.isfinite(track.azimuth_deg).all()


def test_short_slow_and_foreign_sound_is_refused():
    with pytest.raises(ValidationError, match="80 ms"):
        Localiser().track(BinauralAudio(np.ones((2, 700)), RATE))
    with pytest.raises(ValidationError, match="16 kHz"):
        Localiser().track(BinauralAudio(np.ones((2, 8000)), 8000))
    with pytest.raises(ValidationError, match="BinauralAudio"):
        Localiser().track(np.ones((2, 8000)))


def test_copies_hear_the_same():
    audio = BinauralAudio(delayed(noise(), 4), RATE)
    one = Localiser()
    other = pickle.loads(pickle.dumps(one))
    assert np.array_equal(one.track(audio).azimuth_deg, other.track(audio).azimuth_deg)


def shipped():
    rng = np.random.default_rng(0)
    return {n: rng.standard_normal(s).astype(np.float16) / 10 for n, s in network.shapes().items()}


@pytest.mark.parametrize("what", ["missing", "unknown", "shape", "NaN"])
def test_other_weights_are_refused_by_name(tmp_path, what):
    from safetensors.numpy import save_file

    arrays = shipped()
    if what == "missing":
        del arrays["conv1.bias"]
    elif what == "unknown":
        arrays["conv9.bias"] = np.zeros(3, np.float16)
    elif what == "shape":
        arrays["summary.weight"] = np.zeros((3, 3), np.float16)
    else:
        arrays["project.bias"][0] = np.nan
    save_file(arrays, tmp_path / "w.safetensors")
    with pytest.raises(ValidationError, match=what):
        read_weights(tmp_path / "w.safetensors")


def test_weights_of_ones_own_are_used(tmp_path):
    from safetensors.numpy import save_file

    save_file(shipped(), tmp_path / "w.safetensors")
    audio = BinauralAudio(delayed(noise(), 4), RATE)
    own = Localiser(tmp_path / "w.safetensors").track(audio)
    assert not np.array_equal(own.azimuth_deg, Localiser().track(audio).azimuth_deg)


@pytest.mark.parametrize("text", [b"", b"not safetensors", b"\x00" * 64])
def test_damaged_files_are_refused(tmp_path, text):
    (tmp_path / "w.safetensors").write_bytes(text)
    with pytest.raises(ValidationError, match=r"w\.safetensors"):
        read_weights(tmp_path / "w.safetensors")
    with pytest.raises(ValidationError, match="no file"):
        read_weights(tmp_path / "nothing.safetensors")


def test_the_network_is_small():
    assert sum(np.prod(s) for s in network.shapes().values()) < 5e6
