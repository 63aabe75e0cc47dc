"""Pictures hold the numbers they were given, in both looks."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.inspection import pictures
from spatialdrama_isdrama.inspection.path import Recorded
from spatialdrama_isdrama.inspection.routing import by_azimuth

from spatialdrama.errors import ValidationError

LOOKS = pytest.mark.parametrize("theme", ["light", "dark"])


def axes(figure):
    return {ax.get_label(): ax for ax in figure.axes}


@LOOKS
def test_bars_are_the_shares(theme):
    table = by_azimuth([[[0.9, 0.1], [0.2, 0.8]]], [[-80.0, 80.0]], sectors=2)
    bars = axes(pictures.routing(table, theme=theme))["share"].patches
    assert [bar.get_height() for bar in bars] == pytest.approx([0.9, 0.2, 0.1, 0.8])
    assert [bar.get_y() for bar in bars] == pytest.approx([0, 0, 0.9, 0.2])


@LOOKS
def test_the_level_difference_is_in_decibels_and_silence_is_left_out(theme):
    mel = np.full((2, 8, 6), -1.0)
    mel[1] -= 0.5
    mel[:, :, 3:] = -5.0
    figure = pictures.speech(mel, np.array([200.0, 210, 0, 0, 0, 0]), theme=theme)
    shown = axes(figure)["ild"].images[0].get_array()
    np.testing.assert_allclose(shown[:, :3], 10.0)  # 20 * 0.5
    assert np.ma.getmaskarray(np.ma.masked_invalid(shown[:, 3:])).all()


def test_one_ear_is_no_picture():
    with pytest.raises(ValidationError, match="two ears"):
        pictures.speech(np.zeros((80, 5)))


@LOOKS
def test_attention_of_chosen_heads(theme):
    weights = torch.softmax(torch.randn(2, 3, 9, 9), -1)
    kept = SimpleNamespace(attention=weights)
    figure = pictures.attention(kept, item=1, prompt=4, heads=[2], theme=theme)
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shown**2, weights[1, 2], atol=1e-6)
    with pytest.raises(ValidationError, match="heads 0 to 2"):
        pictures.attention(kept, heads=[3])


@LOOKS
def test_gates_by_block_and_head(theme):
    kept = [SimpleNamespace(scene_gates=torch.tensor([0.1, -0.3])) for _ in range(3)]
    shown = axes(pictures.gates(kept, theme=theme))["gates"].images[0].get_array()
    np.testing.assert_allclose(shown, np.tile([0.1, -0.3], (3, 1)), atol=1e-7)
    with pytest.raises(ValidationError, match="keep=True"):
        pictures.gates([])


@LOOKS
def test_a_flow_shows_its_first_and_last_step(theme):
    path = Recorded(lambda x, t: torch.ones_like(x))
    for k in range(8):
        path(torch.zeros(1, 4, 6), k / 8)
    figure = pictures.flow(path, lambda z: z[:, None].repeat(1, 2, 1, 1), steps=3, theme=theme)
    names = [name for name in axes(figure) if name.startswith("step")]
    assert names == ["step 0", "step 4", "step 7"]
    np.testing.assert_allclose(axes(figure)["step 4"].images[0].get_array(), 0.5)
    assert axes(figure)["bend"].lines[0].get_ydata() == pytest.approx(np.zeros(8))
