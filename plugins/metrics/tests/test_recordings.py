"""The definitions on recordings: only where SPATIALDRAMA_RECORDINGS names the folder of clips.

Each clip is a folder with ``binaural.flac`` (recorded) and the renderings ``binauralgrad.flac``,
``geowarp.flac`` and ``mono.flac`` of the same line. The recordings are not ours to ship.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from spatialdrama_metrics.functional import ild_error, ipd_error, itd_error

FOLDER = Path(os.environ.get("SPATIALDRAMA_RECORDINGS", "/nonexistent"))
CLIPS = ("seven-samurai", "cleopatra", "no-mans-land")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all((FOLDER / clip).is_dir() for clip in CLIPS),
        reason="set SPATIALDRAMA_RECORDINGS to the folder of recorded clips",
    ),
]

# Means of the three clips: ours, and an independent measurement of the same files with its own
# definitions (85 ms cross-correlation on the loudest 40 % of frames; 32 rectangular log bands;
# phase weighted over the loudest 40 % of frames).
OURS = {
    itd_error: {"binauralgrad": 246, "geowarp": 299, "mono": 381},
    ild_error: {"binauralgrad": 3.30, "geowarp": 3.59, "mono": 3.60},
    ipd_error: {"binauralgrad": 0.67, "geowarp": 0.69, "mono": 1.01},
}
INDEPENDENT = {
    itd_error: {"binauralgrad": 262, "geowarp": 267, "mono": 390},
    ild_error: {"binauralgrad": 3.92, "geowarp": 4.17, "mono": 4.18},
    ipd_error: {"binauralgrad": 0.78, "geowarp": 0.75, "mono": 1.14},
}


def load(clip, name):
    samples, rate = soundfile.read(FOLDER / clip / f"{name}.flac", dtype="float32", always_2d=True)
    samples = samples.T if samples.shape[1] == 2 else np.repeat(samples.T, 2, axis=0)
    return np.ascontiguousarray(samples), rate


def means(function):
    out = {}
    for name in ("binauralgrad", "geowarp", "mono"):
        values = []
        for clip in CLIPS:
            reference, rate = load(clip, "binaural")
            values.append(function(load(clip, name)[0], reference, rate=rate).value)
        out[name] = float(np.mean(values))
    return out


@pytest.mark.parametrize("function", OURS)
def test_close_to_an_independent_measurement(function):
    got = means(function)
    for name, value in got.items():
        assert value == pytest.approx(OURS[function][name], rel=0.01)
        assert value == pytest.approx(INDEPENDENT[function][name], rel=0.18)
    assert got["binauralgrad"] < got["geowarp"] <= got["mono"]


def test_with_its_frames_the_delay_agrees_within_five_percent():
    # The same rule for active frames (loudest 40 %) leaves the definitions nothing to differ in
    # but the estimator. A gate of 10 dB happens to keep 39 % of the frames here.
    got = means(lambda a, b, rate: itd_error(a, b, rate=rate, gate_db=10))
    for name, value in INDEPENDENT[itd_error].items():
        assert got[name] == pytest.approx(value, rel=0.05)


def test_swapped_ears_are_worse_than_mono():
    for clip in CLIPS:
        reference, rate = load(clip, "binaural")
        for function in (itd_error, ild_error):
            swapped = function(reference[::-1], reference, rate=rate)
            assert swapped.value == pytest.approx(2 * swapped.mono, rel=1e-3)
        swapped = ipd_error(reference[::-1], reference, rate=rate)
        assert swapped.value > swapped.mono  # phases wrap: no factor of two
