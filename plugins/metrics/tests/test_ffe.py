"""FFE, GPE and VDE as metrics: tones of known pitch, tempo, silence, and what they refuse."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from spatialdrama_metrics import ffe as module
from spatialdrama_metrics.ffe import Ffe, Gpe, Vde
from spatialdrama_metrics.pitch import swift

from spatialdrama import registry
from spatialdrama.errors import PluginError, ValidationError
from spatialdrama.runtime.assets import missing
from spatialdrama.testing import cases, check_metric
from spatialdrama.types import BinauralAudio

RATE = 24_000
NAMES = {"ffe": Ffe, "gpe": Gpe, "vde": Vde}
TRACKERS = [
    "yin",
    pytest.param(
        "swift-f0",
        marks=pytest.mark.skipif(
            bool(missing((swift.ASSET,))), reason="type: spatialdrama assets fetch swift-f0"
        ),
    ),
]


@pytest.fixture(autouse=True)
def fresh():
    module._KEPT.clear()


def voice(f0, seconds=1.0, rate=RATE, ild_db=0.0):
    """A voice-like tone at two ears; `f0` is Hz, or Hz at every sample."""
    f0 = np.broadcast_to(np.asarray(f0, float), (int(seconds * rate),))
    phase = 2 * np.pi * np.cumsum(f0) / rate
    mono = 0.1 * sum(np.sin(k * phase) / k for k in range(1, 11))
    return BinauralAudio(np.stack([mono, mono * 10 ** (-ild_db / 20)]), rate)


def changed(audio, samples):
    return BinauralAudio(samples, audio.rate)


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize(("factor", "gross"), [(1.0, 0), (1.1, 0), (0.9, 0), (1.3, 1), (2, 1)])
def test_a_tone_beside_another(tracker, factor, gross):
    audio, reference = voice(150 * factor), voice(150)
    scores = {
        name: kind(tracker=tracker).score(audio, reference=reference)
        for name, kind in NAMES.items()
    }
    # The ends of a tone are nobody's business.
    assert scores["gpe"].value == pytest.approx(gross, abs=0.04)
    assert scores["vde"].value == pytest.approx(0, abs=0.04)
    assert scores["ffe"].value == pytest.approx(gross, abs=0.04)
    if factor == 1:
        assert [score.value for score in scores.values()] == [0, 0, 0]


@pytest.mark.parametrize("tracker", TRACKERS)
def test_half_muted(tracker):
    reference = voice(150)
    samples = reference.samples.copy()
    samples[:, RATE // 2 :] = 0
    score = Vde(tracker=tracker).score(changed(reference, samples), reference=reference)
    assert score.value == pytest.approx(0.5, abs=0.04)
    assert score.details["invented"] == 0
    assert score.details["gpe"] == 0
    assert score.details["ffe"] == score.value
    back = Vde(tracker=tracker).score(reference, reference=changed(reference, samples))
    assert back.value == pytest.approx(0.5, abs=0.04)
    assert back.details["missed"] == 0


@pytest.mark.parametrize("tracker", TRACKERS)
def test_more_noise_more_errors(tracker):
    f0 = 160 * 2 ** (0.3 * np.sin(2 * np.pi * 1.5 * np.arange(2 * RATE) / RATE))
    reference = voice(f0, seconds=2)
    noise = np.random.default_rng(0).standard_normal(reference.samples.shape)
    values = [
        Ffe(tracker=tracker)
        .score(changed(reference, reference.samples + gain * noise), reference=reference)
        .value
        for gain in (0, 0.15, 0.4, 2)
    ]
    assert values[0] == 0
    assert all(a <= b for a, b in itertools.pairwise(values))
    assert values[-1] > 0.5


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize("gain_db", [-60, -20, 12])
def test_gain_changes_nothing(tracker, gain_db):
    f0 = np.linspace(110, 240, RATE)
    reference, audio = voice(f0), voice(f0 * 1.1)
    audio = changed(audio, audio.samples * np.repeat([1.0, 0.0], RATE // 2))
    plain = Ffe(tracker=tracker).score(audio, reference=reference)
    louder = changed(audio, audio.samples * 10 ** (gain_db / 20))
    other = Ffe(tracker=tracker).score(louder, reference=reference)
    assert other.value == pytest.approx(plain.value, abs=0.011)  # rounding may turn one frame
    assert plain.value > 0.3


def test_the_louder_ear_is_heard():
    reference = voice(150)
    noise = 1e-3 * np.random.default_rng(0).standard_normal(RATE)
    for ears in ([reference.samples[0], noise], [noise, reference.samples[1]]):
        score = Ffe(tracker="yin").score(changed(reference, np.stack(ears)), reference=reference)
        assert score.value < 0.02
    delayed = changed(
        reference, np.stack([reference.samples[0], np.roll(reference.samples[1], 12)])
    )
    for method in ("aligned", "mean"):
        score = Ffe(tracker="yin", downmix=method).score(delayed, reference=reference)
        assert score.value < 0.06


def line(seconds, notes=(150, 190, 120, 210), rate=RATE):
    """Four vowels with a melody, different timbres, and pauses; the same at every tempo."""
    place = np.arange(int(seconds * rate)) / (seconds * rate)
    which = np.minimum((place * 4).astype(int), 3)
    within = place * 4 - which
    f0 = np.asarray(notes, float)[which] * (1 + 0.1 * within)
    phase = 2 * np.pi * np.cumsum(f0) / rate
    formant = np.array([400, 900, 2000, 1400])[which]
    mono = sum(
        np.sin(k * phase) * np.exp(-(((k * f0 - formant) / 350) ** 2)) + 0.1 * np.sin(k * phase) / k
        for k in range(1, 25)
    )
    mono = 0.05 * mono * ((within > 0.15) & (within < 0.85))
    return BinauralAudio(np.stack([mono, mono]), rate)


@pytest.mark.parametrize("tempo", [0.8, 1.2])
def test_warping_forgives_another_tempo_and_nothing_else(tempo):
    reference, audio = line(2), line(2 / tempo)
    warped = Ffe(tracker="yin", alignment="dtw")
    with pytest.raises(ValidationError, match="cut both to the same stretch"):
        Ffe(tracker="yin").score(audio, reference=reference)
    assert warped.score(audio, reference=reference).value < 0.06
    wrong = line(2 / tempo, notes=(210, 120, 190, 150))
    score = warped.score(wrong, reference=reference)
    assert score.details["gpe"] > 0.9
    assert score.details["alignment"] == "dtw"
    assert warped.score(reference, reference=reference).value == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_silent_reference_has_no_weight(name):
    silence = BinauralAudio(np.zeros((2, RATE)), RATE)
    for alignment in ("time", "dtw"):
        metric = NAMES[name](tracker="yin", alignment=alignment)
        score = metric.score(voice(150), reference=silence)
        assert np.isnan(score.value)
        assert score.weight == 0
        assert score.details["note"] == "the reference is silent here"
        assert metric.score(silence, reference=voice(150)).details["vde"] > 0.95


def test_weights_are_the_frames_that_a_value_is_a_share_of():
    reference = voice(150)
    samples = reference.samples.copy()
    samples[:, : RATE // 4] = 0
    audio = changed(reference, samples)
    ffe, gpe, vde = (k(tracker="yin").score(audio, reference=reference) for k in NAMES.values())
    assert ffe.weight == vde.weight == pytest.approx(1.01)
    assert gpe.weight == pytest.approx(0.75, abs=0.03)
    assert ffe.value * ffe.weight == pytest.approx(vde.value * vde.weight + gpe.value * gpe.weight)
    whisper = changed(reference, np.random.default_rng(0).standard_normal((2, RATE)))
    none = Gpe(tracker="yin").score(whisper, reference=reference)
    assert np.isnan(none.value)
    assert (none.weight, none.details["note"]) == (0, "no frame is voiced in both")


def test_lengths_and_rates():
    metric = Ffe(tracker="yin")
    assert metric.score(voice(150, seconds=1.08), reference=voice(150)).value < 0.03
    with pytest.raises(ValidationError, match="24000 Hz and reference at 48000 Hz"):
        metric.score(voice(150), reference=voice(150, rate=48_000))
    with pytest.raises(ValidationError, match=r"more than 0\.1 s apart"):
        metric.score(voice(150, seconds=1.2), reference=voice(150))
    with pytest.raises(ValidationError, match="audio must be a BinauralAudio, got ndarray"):
        metric.score(voice(150).samples, reference=voice(150))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"low": 300.0, "high": 200.0}, "20 <= low < high <= 2000"),
        ({"hop_s": 1.0}, "hop_s must lie"),
        ({"tolerance": -1}, "tolerance must be a positive number, got -1"),
        ({"band": 3}, "band must be a share"),
        ({"alignment": "phase"}, "alignment"),
        ({"downmix": "stereo"}, "downmix"),
        ({"tracker": "rapt"}, "no tracker is called 'rapt'"),
    ],
)
def test_options_refused(options, match):
    with pytest.raises((ValidationError, ValueError, LookupError), match=match):
        Ffe(**options)


class Constant:
    """A tracker that counts how often it is asked."""

    def __init__(self, frames=None):
        self.asked, self.frames = 0, frames

    def track(self, mono, *, rate, hop_s, low, high):
        self.asked += 1
        assert np.abs(mono).max() == 1
        return np.full(self.frames or 1 + int(len(mono) / rate / hop_s + 1e-9), 100.0)


def test_anybodys_tracker_can_take_the_place():
    mine = Constant()
    assert Ffe(tracker=mine).score(voice(150), reference=voice(300)).value == 0
    assert mine.asked == 2
    with pytest.raises(PluginError, match=r"Constant returned shape \(7,\) instead of \(101,\)"):
        Ffe(tracker=Constant(frames=7)).score(voice(150), reference=voice(300))


def test_the_three_metrics_of_a_line_share_their_tracks(monkeypatch):
    from spatialdrama_metrics.pitch.yin import Yin

    asked = []
    original = Yin.track
    monkeypatch.setattr(
        Yin, "track", lambda self, *a, **k: asked.append(1) or original(self, *a, **k)
    )
    values = [
        k(tracker="yin").score(voice(150), reference=voice(200)).value for k in NAMES.values()
    ]
    assert len(asked) == 2
    assert values[0] > 0.9
    Ffe(tracker="yin", high=500.0).score(voice(150), reference=voice(200))
    assert len(asked) == 4  # another range is another track
    for hz in range(100, 100 + module._MOST_KEPT):
        Ffe(tracker="yin").score(voice(hz, seconds=0.2), reference=voice(150, seconds=0.2))
    assert len(module._KEPT) == module._MOST_KEPT


@pytest.mark.parametrize("name", NAMES)
def test_spec_and_copies(name):
    spec = registry.get("metric", name)
    assert (spec.direction, spec.per, spec.needs) == ("down", "line", ("reference",))
    assert (spec.chance, spec.unit, spec.bounds) == ("shuffle", "", (0.0, 1.0))
    metric = registry.load("metric", name, tracker="yin", alignment="dtw")
    assert metric.which == name
    assert pickle.loads(pickle.dumps(copy.deepcopy(metric))) == metric
    assert "alignment='dtw'" in repr(metric)


@pytest.mark.skipif(bool(missing((swift.ASSET,))), reason="the tracker's file is not here")
@pytest.mark.parametrize("name", NAMES)
def test_conformance(name, monkeypatch):
    """The shipped kit, on a voice: its own clips are noise, which has no pitch to lose."""

    def clip(*, itd_us=0.0, ild_db=0.0, duration=0.5, rate=48_000, seed=0):
        return voice(np.linspace(140, 200 + seed, int(duration * rate)), duration, rate, ild_db)

    real = cases.degraded

    def degraded(audio):
        hiss = np.random.default_rng(1).standard_normal(audio.samples.shape)
        octave = voice(np.linspace(280, 400, audio.samples.shape[1]), audio.duration, audio.rate)
        drowned = changed(audio, audio.samples + hiss)
        return {**real(audio), "an octave higher": octave, "drowned": drowned}

    monkeypatch.setattr(cases, "clip", clip)
    monkeypatch.setattr(cases, "degraded", degraded)
    check_metric(name)
