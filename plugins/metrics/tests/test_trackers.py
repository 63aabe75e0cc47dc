"""Every tracker on sounds of known pitch; those that need a package run where it is installed."""

import copy
import os
import pickle
import subprocess
import sys
import types
from importlib.util import find_spec

import numpy as np
import pytest
from spatialdrama_metrics.pitch import swift, tracker
from spatialdrama_metrics.pitch.table import TRACKERS
from spatialdrama_metrics.pitch.track import grid_frames

from spatialdrama.errors import PluginImportError, UnknownNameError, ValidationError
from spatialdrama.runtime.assets import missing

RATE = 24_000
OPTIONS = {"rate": RATE, "hop_s": 0.01, "low": 60.0, "high": 600.0}
PACKAGES = {"world": "pyworld", "world:harvest": "pyworld", "praat": "parselmouth"}
PACKAGES |= {"crepe:tiny": "torchcrepe"}


def _here(name):
    if name == "swift-f0":
        return not missing((swift.ASSET,))
    module = PACKAGES.get(name)
    return module is None or find_spec(module) is not None


HERE = [
    pytest.param(name, marks=pytest.mark.skipif(not _here(name), reason=f"{name} is not here"))
    for name in ("yin", "swift-f0", *PACKAGES)
]


def glide(low, high, seconds=1.0, rate=RATE):
    """Samples of a voice-like tone whose pitch moves evenly, and that pitch at every sample."""
    f0 = np.linspace(low, high, int(seconds * rate))
    phase = 2 * np.pi * np.cumsum(f0) / rate
    return sum(np.sin(k * phase) / k for k in range(1, 11)) / 3, f0


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize(("low", "high"), [(80, 120), (150, 220), (300, 250)])
def test_a_glide_is_followed(name, low, high):
    samples, f0 = glide(low, high)
    got = tracker(name).track(samples, **OPTIONS)
    assert got.shape == (grid_frames(len(samples), rate=RATE, hop_s=0.01),)
    wanted = np.append(f0[:: RATE // 100], f0[-1])[: len(got)]
    inner = slice(8, -8)
    assert (got[inner] > 0).all()
    np.testing.assert_allclose(got[inner], wanted[inner], rtol=0.03)


@pytest.mark.parametrize("name", HERE)
def test_pauses_and_hiss_are_unvoiced(name):
    samples, _ = glide(140, 160)
    samples[RATE // 2 :] = 0
    hiss = np.random.default_rng(0).standard_normal(RATE)
    got = tracker(name).track(samples, **OPTIONS)
    assert (got[10:44] > 0).all()
    assert np.mean(got[56:] > 0) < 0.05
    if name != "world:harvest":  # it calls noise voiced; that is why it is no default
        assert np.mean(tracker(name).track(hiss, **OPTIONS) > 0) < 0.1


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("count", [1, 50, 240, 700])
def test_very_short_sounds(name, count):
    got = tracker(name).track(np.full(count, 0.5), **OPTIONS)
    assert got.shape == (grid_frames(count, rate=RATE, hop_s=0.01),)
    assert (got >= 0).all()


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_rates_and_hops(name, rate):
    samples, _ = glide(180, 180, rate=rate)
    got = tracker(name).track(samples, rate=rate, hop_s=0.016, low=60.0, high=600.0)
    assert got.shape == (63,)
    assert np.median(got) == pytest.approx(180, rel=0.02)


@pytest.mark.skipif(not _here("swift-f0"), reason="type: spatialdrama assets fetch swift-f0")
def test_long_sound_has_no_seams(monkeypatch):
    samples, _ = glide(120, 260, seconds=4)
    samples += 0.05 * np.random.default_rng(0).standard_normal(len(samples))
    whole = tracker("swift-f0").track(samples, **OPTIONS)
    monkeypatch.setattr(swift, "_BLOCK", 40)
    np.testing.assert_allclose(tracker("swift-f0").track(samples, **OPTIONS), whole, rtol=1e-4)


@pytest.mark.skipif(not _here("praat"), reason="praat-parselmouth is not installed")
@pytest.mark.parametrize("name", HERE)
def test_close_to_praat(name):
    """Praat as an independent judge, on vowels with a melody, pauses and a little noise."""
    from spatialdrama_metrics.pitch import pitch_errors

    rng = np.random.default_rng(0)
    t = np.arange(4 * RATE) / RATE
    f0 = 170 * 2 ** (0.4 * np.sin(2 * np.pi * 0.7 * t))
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    voice = sum(np.cos(k * phase + k) / k for k in range(1, 16)) * (
        np.sin(2 * np.pi * 1.1 * t) > -0.6
    )
    sound = 0.2 * voice + 0.002 * rng.standard_normal(len(t))
    judged = tracker("praat").track(sound, **OPTIONS)
    errors = pitch_errors(tracker(name).track(sound, **OPTIONS), judged)
    assert 0.5 < np.mean(judged > 0) < 0.9
    assert errors.gpe < 0.02
    assert errors.vde < (0.3 if name == "world:harvest" else 0.1)


def test_names():
    assert tracker("crepe:tiny").model == "tiny"
    for name in TRACKERS:
        made = tracker(name)
        assert pickle.loads(pickle.dumps(copy.deepcopy(made))) == made
        assert hash(made) == hash(tracker(name))
        assert tracker(made) is made
    with pytest.raises(
        UnknownNameError, match=r"no tracker is called 'rapt'.*swift-f0.*crepe:tiny"
    ):
        tracker("rapt")
    with pytest.raises(UnknownNameError, match="'yin:fast'"):
        tracker("yin:fast")
    with pytest.raises(ValidationError, match="with track"):
        tracker(3)


@pytest.mark.parametrize("name", ["world", "praat", "crepe"])
def test_a_missing_package_says_what_to_type(monkeypatch, name):
    module = {"world": "pyworld", "praat": "parselmouth", "crepe": "torchcrepe"}[name]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(PluginImportError, match=rf"'{name}'.*{module}.*pip install.*\[{name}\]"):
        tracker(name).track(np.ones(RATE), **OPTIONS)


def test_crepe_is_asked_at_16_khz_and_gated(monkeypatch):
    """A stand-in with torchcrepe's documented interface: what it is asked, what is made of it."""
    torch = pytest.importorskip("torch")
    asked = {}

    def predict(audio, sample_rate, hop_length, fmin, fmax, **options):
        asked.update(options, shape=tuple(audio.shape), rate=sample_rate, hop=hop_length)
        frames = 1 + audio.shape[1] // hop_length
        periodicity = torch.full((1, frames), 0.9)
        periodicity[0, :20] = 0.1
        return torch.full((1, frames), 200.0), periodicity

    monkeypatch.setitem(sys.modules, "torchcrepe", types.SimpleNamespace(predict=predict))
    samples = np.random.default_rng(0).standard_normal(RATE)
    samples[RATE // 2 :] *= 1e-4
    got = tracker("crepe:tiny").track(samples, **OPTIONS)
    assert (asked["shape"], asked["rate"], asked["hop"]) == ((1, 16000), 16000, 160)
    assert (asked["model"], asked["return_periodicity"]) == ("tiny", True)
    assert not got[:20].any()
    np.testing.assert_allclose(got[21:46], 200)
    assert not got[55:].any()


def test_no_gpl_library_is_imported_before_it_is_asked_for():
    code = (
        "import sys, spatialdrama_metrics.ffe as f; f.Ffe(); f.Ffe(tracker='praat');"
        "sys.exit(any(m in sys.modules for m in ('parselmouth', 'pyworld', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0
