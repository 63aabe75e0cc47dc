"""One segment in the voice that real corpora have, against an independent pitch tracker."""

import attrs
import numpy as np
import pytest
import soundfile
from spatialdrama_corpora.simulate import SimulationConfig, make, plan

from spatialdrama.dsp.pitch import f0_yin

pytestmark = pytest.mark.slow


def test_pitch_and_phones_are_those_of_the_sound(tmp_path):
    config = SimulationConfig(
        hours=0.002, seed=3, languages={"en": 1}, styles=False, video=False, text_prompts=0,
        scene_prompts=False, drama_minutes=(0.1, 0.1),
    )  # fmt: skip
    segment = attrs.evolve(next(plan(config)), identity="am_michael", head="spaced-pinnae")
    told = make(segment, tmp_path, config)
    mono, rate = soundfile.read(tmp_path / "mono.flac")
    track = f0_yin(mono, rate=rate)
    found = np.interp(np.arange(len(told["f0"])) * told["f0_hop"], track.times, track.f0)
    f0 = np.array(told["f0"])
    both = (f0 > 0) & (found > 0)
    assert both.mean() > 0.3
    cents = 1200 * np.log2(f0[both] / found[both])
    assert np.median(np.abs(cents)) < 60
    assert 60 < np.median(f0[f0 > 0]) < 300  # a man speaks
    assert told["phones"][-1][2] == pytest.approx(len(mono) / rate, abs=1e-8)
    # Half of the error of the estimate, in either direction, would be too much for the plan.
    assert told["duration"] == pytest.approx(segment.seconds, rel=0.5)
    level = [
        20 * np.log10(np.std(mono[round(a * rate) : round(b * rate)]) + 1e-9)
        for symbol, a, b in told["phones"]
        if any(v in symbol for v in "aeiouæɑɔəɛɪʊʌAIOWY") and b - a >= 0.05
    ]
    assert np.median(level) > -45  # vowels sound where they are said to be
