"""Real recordings, which are not part of the project.

Set ``SPATIALDRAMA_RECORDINGS`` to a folder whose sub-folders hold ``binaural.flac``, ``mono.flac``
and ``tx_positions.txt`` (pose format ``mrsdrama-120hz``).
"""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

import spatialdrama as sd
from spatialdrama.dsp.interaural import itd_track
from spatialdrama.errors import SpatialDramaWarning

FOLDER = os.environ.get("SPATIALDRAMA_RECORDINGS", "")
CLIPS = sorted(p.parent for p in Path(FOLDER).glob("**/binaural.flac")) if FOLDER else []

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CLIPS, reason="SPATIALDRAMA_RECORDINGS names no folder of recordings"),
]


@pytest.fixture(scope="module")
def corpus():
    return sd.corpora["folder"].open(FOLDER, pose_format="mrsdrama-120hz")


def test_every_clip_is_an_item(corpus):
    assert [item.files["audio"].parent for item in corpus] == CLIPS
    for problem in corpus.check(progress=False):
        # Their quaternions were interpolated across sign flips; nothing else is wrong.
        assert problem.level == "note"
        assert "quaternions" in problem.what


def test_dry_sound_is_the_mean_of_the_ears(corpus):
    for item in corpus:
        mean = item.audio.samples.mean(axis=0)
        assert np.abs(mean - item.mono.samples).max() < 2 / 32_768


def test_the_pose_is_on_the_side_that_is_heard(corpus):
    for item in corpus:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpatialDramaWarning)
            pose = item.pose
        heard = itd_track(item.audio.samples, rate=item.rate)
        clear = heard.coherence > 0.7
        # Left ear first is positive, as is y.
        side = pose.positions_at(heard.times)[:, 1]
        towards = heard.itd_us * np.sign(side)
        assert np.median(towards[clear & (np.abs(side) > 0.3)]) > 30
