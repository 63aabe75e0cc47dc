"""Quality without a reference: against the original packages, and what all predictors share."""

from typing import ClassVar

import attrs
import numpy as np
import pytest
from spatialdrama_metrics.quality.base import Quality
from spatialdrama_metrics.quality.clipping import clipped_share
from spatialdrama_metrics.quality.distillmos import DistillMos
from spatialdrama_metrics.quality.dnsmos import Dnsmos
from spatialdrama_metrics.quality.dnsmos_input import log_mel, stretches

from spatialdrama import registry
from spatialdrama.errors import DeviceError, ValidationError
from spatialdrama.testing import check_metric
from spatialdrama.types import BinauralAudio

RATE = 16_000


@attrs.frozen(kw_only=True)
class Loud(Quality):
    """A predictor that likes loud sound: 1 plus the rms; notes how many signals it judged."""

    model: ClassVar[str] = "loud"
    window_s: ClassVar[float] = 1.0
    filled: ClassVar[str] = "stretched"
    judged: list = attrs.field(factory=list)

    def _judge(self, lines):
        self.judged.extend(len(waves) for waves, _ in lines)
        return [
            {"mos": 1 + float(np.sqrt(np.mean(wave**2))), "peak": peak}
            for waves, peak in lines
            for wave in waves
        ]


def ears(left, right, rate=RATE):
    return BinauralAudio(np.stack([left, right]), rate)


def square(level, count=RATE):
    return np.tile([level, level, -level, -level], count // 4).astype(np.float32)


# -- what all predictors share ----------------------------------------------------------------


def test_the_score_is_the_louder_ears_and_the_details_name_both():
    loud = Loud()
    score = loud.score(ears(square(0.1), square(0.4)))
    assert score.value == pytest.approx(1.4)
    assert score.details["left"] == pytest.approx(1.1)
    assert score.details["right"] == pytest.approx(1.4)
    assert score.details["worst"] == pytest.approx(1.1)
    assert score.details["peak"] == pytest.approx(0.4)
    assert score.details["level_db"] == pytest.approx(20 * np.log10(0.4), abs=1e-4)
    assert score.weight == pytest.approx(1.0, abs=0.03)
    assert loud.judged == [2]  # the louder ear is not judged twice


def test_ears_that_are_the_same_are_judged_once():
    loud = Loud()
    score = loud.score(ears(square(0.1), square(0.1)))
    assert loud.judged == [1]
    assert score.details["left"] == score.details["right"] == score.value


def test_only_the_score_is_judged_when_the_ears_are_not_asked_for():
    loud = Loud(ears=False)
    score = loud.score(ears(square(0.1), square(0.4)))
    assert loud.judged == [1]
    assert score.value == pytest.approx(1.4)
    assert "worst" not in score.details


def test_the_mean_of_the_ears_is_a_third_signal():
    loud = Loud(downmix="mean")
    score = loud.score(ears(square(0.1), square(0.4)))
    assert loud.judged == [3]
    assert score.value == pytest.approx(1.25)
    assert score.details["worst"] == pytest.approx(1.1)


def test_a_silent_ear_is_not_judged():
    score = Loud().score(ears(square(0.1), np.zeros(RATE)))
    assert score.details["right"] is None
    assert score.details["worst"] == score.value
    assert "the right ear is silent" in score.details["note"]


def test_silence_and_very_short_sound_score_nothing():
    for audio in (
        ears(np.zeros(RATE), np.zeros(RATE)),
        ears(np.full(1, 0.1), np.full(1, 0.1)),
        ears(square(0.1, 3200), square(0.1, 3200)),
    ):
        score = Loud().score(audio)
        assert np.isnan(score.value)
        assert score.weight == 0
        assert "too little to judge; at least 0.25 s" in score.details["note"]


def test_short_and_clipped_sound_is_judged_and_said_so():
    score = Loud().score(ears(square(1.0, 4800), square(0.3, 4800)))
    assert score.value == pytest.approx(2.0)
    assert "0.30 s are stretched to the 1.0 s" in score.details["note"]
    t = np.arange(2 * RATE) / RATE
    sine = np.sin(2 * np.pi * 100 * t)
    over = Loud().score(ears(np.clip(2 * sine, -1, 1), sine))
    assert over.details["clipped"] == pytest.approx(1 / 3, abs=0.01)  # 2/3 of one ear of two
    assert "% of the samples are clipped" in over.details["note"]


def test_other_rates_are_resampled():
    t = np.arange(44_100) / 44_100
    sine = 0.1 * np.sin(2 * np.pi * 440 * t)
    score = Loud().score(ears(sine, sine / 2, rate=44_100))
    assert score.value == pytest.approx(1 + 0.1 / np.sqrt(2), abs=1e-3)


def test_a_batch_keeps_its_order_around_silence():
    audios = [ears(square(g), square(g / 2)) for g in (0.1, 0.0, 0.3)]
    scores = Loud().score_batch(audios)
    assert [s.value for s in scores] == pytest.approx([1.1, np.nan, 1.3], nan_ok=True)


def test_a_line_must_be_binaural():
    with pytest.raises(ValidationError, match="audio must be a BinauralAudio, got ndarray"):
        Loud().score(np.zeros((2, RATE)))


def test_the_share_of_clipped_samples_in_closed_form():
    ramp = np.linspace(-0.9, 0.9, 1000)
    assert clipped_share(ramp) == 0
    # |sine| is above a half for two thirds of the time
    sine = np.sin(2 * np.pi * 50 * np.arange(16_000) / 16_000)
    assert clipped_share(np.clip(sine, -0.5, 0.5)) == pytest.approx(2 / 3, abs=0.01)
    assert clipped_share(np.zeros((2, 100))) == 0


# -- DNSMOS -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "wanted"), [(0.3, 1), (3.1, 3), (9.5, 1), (11.3, 2), (4, 7)])
def test_stretches_of_dnsmos(seconds, wanted):
    # Doubled to at least 9.01 s and cut to whole seconds; then one a second while 9.01 s fit.
    parts = stretches(np.arange(round(seconds * RATE), dtype=np.float32))
    assert len(parts) == wanted
    assert {len(part) for part in parts} == {144_160}
    assert parts[-1][0] == (wanted - 1) * RATE % round(seconds * RATE)
    assert len(stretches(parts[0], every_s=9)) == 1


def test_the_loudest_bin_is_full_and_80_db_below_it_is_empty():
    t = np.arange(144_160) / RATE
    mel = log_mel(np.sin(2 * np.pi * 1000 * t))
    assert mel.max() == 1
    assert mel.min() == -1
    assert mel.shape == (900, 120)


@pytest.mark.parametrize(
    ("name", "clip"), [("short", ("low", 3.1, 0)), ("long", ("high", 11.3, 1))]
)
def test_dnsmos_is_the_packages(dnsmos_weights, golden, talk, name, clip):
    who, seconds, seed = clip
    mono = talk(who, seconds, seed=seed)
    score = Dnsmos(level_db=None, ears=False).score(ears(mono, mono))
    wanted = golden["dnsmos"][name]
    assert score.value == pytest.approx(wanted["ovrl_mos"], abs=1e-4)
    for ours, theirs in (("sig", "sig_mos"), ("bak", "bak_mos"), ("p808", "p808_mos")):
        assert score.details[ours] == pytest.approx(wanted[theirs], abs=1e-4)


def test_gain_changes_dnsmos_only_where_it_is_asked_to(dnsmos_weights, talk):
    mono = talk("low", 2.4)
    one, other = (Dnsmos(ears=False).score(ears(g * mono, g * mono)).value for g in (1.0, 0.02))
    assert one == pytest.approx(
        other, abs=1e-3
    )  # the network makes rounding a thousand times larger
    plain = Dnsmos(level_db=None, ears=False)
    assert plain.score(ears(0.02 * mono, 0.02 * mono)).value < one - 0.05
    with pytest.raises(ValidationError, match=r"beyond full scale.*turn it down"):
        plain.score(ears(20 * mono, mono))
    with pytest.raises(ValidationError, match="level_db must lie between -60 and 0"):
        Dnsmos(level_db=3.0)
    with pytest.raises(ValidationError, match="every_s must be a whole number from 1 to 9; got 0"):
        Dnsmos(every_s=0)


def _noisier(talk, levels):
    clean = talk("low", 2.5)
    noise = np.random.default_rng(0).standard_normal(len(clean)).astype(np.float32)
    return [ears(clean + level * noise, clean / 2) for level in levels]


def test_noise_lowers_the_background_that_dnsmos_hears(dnsmos_weights, talk):
    scores = Dnsmos(ears=False).score_batch(_noisier(talk, (0.0, 0.004, 0.02, 0.1)))
    bak = [score.details["bak"] for score in scores]
    assert bak == sorted(bak, reverse=True)
    assert bak[0] - bak[-1] > 1
    assert scores[0].value > scores[-1].value + 0.3


def test_a_batch_of_dnsmos_is_its_lines_one_by_one(dnsmos_weights, talk):
    audios = _noisier(talk, (0.0, 0.05))
    together = Dnsmos().score_batch(audios)
    alone = [Dnsmos().score(audio) for audio in audios]
    for one, other in zip(together, alone, strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-6)
        assert one.details["worst"] == pytest.approx(other.details["worst"], abs=1e-6)


@pytest.mark.slow
def test_dnsmos_keeps_the_clauses_for_metrics(dnsmos_weights):
    check_metric("dnsmos", options={"ears": False, "every_s": 9})


# -- DistillMOS -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "clip"), [("short", ("low", 3.1, 0)), ("long", ("high", 11.3, 1))]
)
def test_distillmos_is_the_packages(distillmos_weights, golden, talk, name, clip):
    who, seconds, seed = clip
    mono = talk(who, seconds, seed=seed)
    score = DistillMos(ears=False, device="cpu").score(ears(0.3 * mono, 0.3 * mono))
    assert score.value == pytest.approx(golden["distillmos"][name], abs=1e-4)


def test_distillmos_in_a_batch_and_at_any_gain_is_the_same(distillmos_weights, talk):
    monos = (talk("low", 2.0), talk("high", 8.2), 0.01 * talk("low", 2.0))
    metric = registry.load("metric", "distillmos", device="cpu")
    scores = metric.score_batch([ears(mono, mono / 2) for mono in monos])
    assert scores[0].value == pytest.approx(scores[2].value, abs=1e-4)
    alone = metric.score(ears(monos[1], monos[1] / 2))
    assert alone.value == pytest.approx(scores[1].value, abs=1e-6)
    assert alone.details["worst"] == pytest.approx(scores[1].details["worst"], abs=1e-6)


def test_a_device_that_is_not_there_is_named(distillmos_weights, talk):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    mono = talk("low", 1.0)
    with pytest.raises(DeviceError, match="Use device='cpu'"):
        DistillMos(device="cuda").score(ears(mono, mono))


@pytest.mark.slow
def test_distillmos_keeps_the_clauses_for_metrics(distillmos_weights):
    check_metric("distillmos", options={"ears": False, "device": "cpu"})
