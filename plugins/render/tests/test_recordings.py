"""Against recordings of a real binaural head, which are not part of the project.

Set ``SPATIALDRAMA_RECORDINGS`` to a folder whose sub-folders hold ``binaural.flac``, ``mono.flac``
and ``tx_positions.txt`` (pose format ``mrsdrama-120hz``).
"""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from spatialdrama.dsp.interaural import itd_track
from spatialdrama.errors import SpatialDramaWarning
from spatialdrama.types import Pose

FOLDER = os.environ.get("SPATIALDRAMA_RECORDINGS", "")
CLIPS = sorted(p.parent for p in Path(FOLDER).glob("**/binaural.flac")) if FOLDER else []

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CLIPS, reason="SPATIALDRAMA_RECORDINGS names no folder of recordings"),
]


def read(clip, name):
    import soundfile

    samples, rate = soundfile.read(clip / name, dtype="float32", always_2d=True)
    assert rate == 48_000
    return samples.T


@pytest.mark.parametrize("clip", CLIPS, ids=lambda p: p.name)
@pytest.mark.parametrize("name", ["physical", "geometric"])
def test_rendered_itd_has_the_recorded_sign(clip, name, kemar):
    from spatialdrama_render.geometric import GeometricRenderer

    mono = read(clip, "mono.flac")[0]
    with warnings.catch_warnings():
        # The clips' quaternions were interpolated across sign flips; reading them says so.
        warnings.simplefilter("ignore", SpatialDramaWarning)
        pose = Pose.read(clip / "tx_positions.txt", "mrsdrama-120hz")
    renderer = kemar if name == "physical" else GeometricRenderer(relative=True)
    rendered = renderer.render(mono, pose)
    recorded, made = (
        itd_track(x, rate=48_000) for x in (read(clip, "binaural.flac"), rendered.samples)
    )
    n = min(len(recorded.itd_us), len(made.itd_us))
    # Frames that are coherent in the recording, with the speaker clearly to one side.
    heard = (recorded.coherence[:n] > 0.7) & (np.abs(made.itd_us[:n]) > 200)
    assert heard.sum() > 10
    # Rooms pull single frames to the other side; a renderer with its ears exchanged would make
    # the median negative.
    towards = recorded.itd_us[:n] * np.sign(made.itd_us[:n])
    assert np.median(towards[heard]) > 30
