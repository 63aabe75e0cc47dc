"""A line looked into is the line of the drama, and its pictures hold what was recorded."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.drama import production
from spatialdrama_isdrama.drama.generator import Isdrama
from spatialdrama_isdrama.inspection import pictures
from spatialdrama_isdrama.inspection.drama import inspect
from spatialdrama_isdrama.inspection.routing import folded_angle

import spatialdrama as sd
from spatialdrama.errors import ValidationError
from spatialdrama.types import TextPrompt

SCRIPT = sd.Script(
    [
        sd.Line("ANNA", "Who is there?", start=0.0, end=0.8),
        sd.Line("ANNA", "Then come in.", start=1.0, end=3.0),
    ]
)
#: 1 m in front, past the listener's left ear to the right: at 1 m/s from y = 2 to y = -2.
SCENE = sd.Scene(None, {"ANNA": sd.Pose.walk([(1, 2, 0), (1, -2, 0)], speed=1.0)})
STEPS = 3


def voice(hertz=220.0, seconds=1.5):
    t = np.arange(round(seconds * 48_000)) / 48_000
    buzz = sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, 6))
    return {"ANNA": ((0.05 * buzz).astype(np.float32), 48_000)}


def isdrama(tiny, **more):
    return Isdrama(weights=tiny, **{"steps": STEPS, "cache": False, **more})


@pytest.fixture(scope="module")
def seen(tiny):
    return inspect(isdrama(tiny), SCRIPT, SCENE, voices=voice(), line=1, seed=7)


def test_it_ends_where_the_drama_ends(tiny, seen, monkeypatch):
    latents, flow = [], production.sample

    def sample(transformer, jobs, settings):
        done = flow(transformer, jobs, settings)
        latents.extend(one.latent for one in done)
        return done

    monkeypatch.setattr(production, "sample", sample)
    isdrama(tiny).generate(SCRIPT, SCENE, voices=voice(), seed=7, progress=False)
    torch.testing.assert_close(seen.latent[0], latents[1], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(seen.latent[0, :, :37], latents[0][:, :37], atol=1e-2)


def test_the_path_adds_up_to_the_latent(seen):
    """Equation 12, written out on what was recorded."""
    assert seen.path.times == pytest.approx([0, 1 / 3, 2 / 3])
    x = seen.path.points[0]
    for velocity in seen.path.velocities:
        x = x + velocity / STEPS
    torch.testing.assert_close(x, seen.latent, rtol=1e-5, atol=1e-5)


def test_the_azimuth_is_that_of_the_walk_in_the_middle_of_each_latent_frame(seen):
    latents = seen.latent.shape[-1]
    times = 1.0 + (4 * np.arange(latents) + 1.5) * 256 / 48_000
    wanted = np.degrees(np.arctan2(2 - times, 1.0))
    np.testing.assert_allclose(seen.azimuth_deg, wanted, atol=0.01)


def test_a_turned_listener_has_the_speaker_elsewhere(tiny, seen):
    scene = sd.Scene(None, SCENE.speakers, listener=sd.Pose.fixed((0, 0, 0), facing=(0, 1, 0)))
    turned = inspect(isdrama(tiny, steps=1), SCRIPT, scene, voices=voice(), line=1)
    np.testing.assert_allclose(turned.azimuth_deg, seen.azimuth_deg - 90, atol=0.01)


def test_words_are_where_they_were_read_as(tiny):
    generator = isdrama(tiny, steps=1, prompts={"ANNA": TextPrompt("sits at the left")})
    made = inspect(generator, SCRIPT, SCENE, voices=voice())
    assert made.azimuth_deg.shape == (made.latent.shape[-1],)
    assert np.isfinite(made.azimuth_deg).all()


def test_blocks_are_kept(tiny, seen):
    config, latents = tiny.config.transformer, seen.latent.shape[-1]
    assert len(seen.kept) == config.blocks
    for block in seen.kept:
        assert block.attention.shape[-1] == seen.prompt + latents
        # What looks from the line: its rows are weights.
        rows = block.attention[0, :, seen.prompt :].sum(-1)
        torch.testing.assert_close(rows, torch.ones_like(rows), rtol=0, atol=1e-4)
        assert block.scene_gates.shape == (config.heads,)
        assert set(block.routing) == {"prosodic", "spatial"}
    assert seen.prompt > 0


def test_pictures_are_drawn_from_it(tiny, seen):
    table = seen.routing(sectors=4)
    share = seen.kept[-1].routing["spatial"][0].numpy()
    sector = np.minimum(folded_angle(seen.azimuth_deg) // 45, 3)
    for k in range(4):
        inside = share[sector == k]
        assert table.frames.values[k] == len(inside)
        if len(inside):
            np.testing.assert_allclose(table.values[k], inside.mean(0), atol=1e-6)
    assert table.frames.values.sum() == seen.latent.shape[-1]
    drawn = {ax.get_label(): ax for ax in pictures.routing(table).axes}
    first = [bar.get_height() for bar in drawn["share"].patches[:4]]
    np.testing.assert_allclose(first, np.nan_to_num(table.values[:, 0]))

    figure = pictures.flow(seen.path, tiny.autoencoder.decode, steps=2)
    drawn = {ax.get_label(): ax for ax in figure.axes}
    last = drawn["step 2"].images[0].get_array()
    with torch.inference_mode():
        mel = tiny.autoencoder.decode(seen.latent)[0].mean(0).numpy()
    np.testing.assert_allclose(last, mel, atol=1e-4)  # the last step of Euler's ends at t = 1
    assert drawn["bend"].lines[0].get_xdata() == pytest.approx([0, 1 / 3, 2 / 3])
    assert pictures.attention(seen.kept[0], prompt=seen.prompt).axes
    assert pictures.gates(seen.kept).axes


def test_what_is_not_there_is_said(tiny, seen):
    for asked, match in [({"line": 2}, "lines 0 to 1; got line=2"), ({"part": 1}, "parts 0 to 0")]:
        with pytest.raises(ValidationError, match=match):
            inspect(isdrama(tiny), SCRIPT, SCENE, voices=voice(), **asked)
    with pytest.raises(ValidationError, match="blocks 0 to"):
        seen.routing(block=9)
    with pytest.raises(ValidationError, match="prosodic, spatial; got 'visual'"):
        seen.routing("visual")
