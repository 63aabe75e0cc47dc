"""Panels: the right colours, times, masks and labels for sound with known differences."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from matplotlib.colors import to_hex

import spatialdrama as sd
from spatialdrama.errors import ValidationError
from spatialdrama.plot import style
from spatialdrama.plot.style import new_picture, theme


def _axes(width=6, height=2):
    return new_picture(width, height, "light").add_subplot()


def _columns(image, seconds, low, high):
    """The image's columns between two times."""
    array = image.get_array()
    edges = np.linspace(*image.get_extent()[:2], array.shape[1] + 1)
    middle = (edges[:-1] + edges[1:]) / 2
    return array[:, (middle > low) & (middle < high)]


def test_level_difference_of_each_line(drama):
    image = sd.plot.ild(drama.audio, ax=_axes())
    for low, high, expected in ((0.4, 1.0, 8.0), (1.8, 2.4, -8.0), (3.2, 3.8, 0.0)):
        part = _columns(image, drama.audio.duration, low, high)
        assert float(np.ma.median(part)) == pytest.approx(expected, abs=0.2)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_a_source_on_the_left_is_red(drama, name):
    image = sd.plot.ild(drama.audio, ax=_axes(), theme=name)
    left = image.cmap(image.norm(8.0))
    right = image.cmap(image.norm(-8.0))
    assert left[0] > left[2] + 0.2
    assert right[2] > right[0] + 0.2


def test_silence_is_masked_and_grey(drama):
    for paint in (sd.plot.ild, sd.plot.ipd):
        ax = _axes()
        image = paint(drama.audio, ax=ax)
        silent = _columns(image, drama.audio.duration, 1.35, 1.45)
        assert np.ma.getmaskarray(silent).all()
        sounding = _columns(image, drama.audio.duration, 0.4, 1.0)
        assert np.ma.getmaskarray(sounding).mean() < 0.1
        assert to_hex(ax.get_facecolor()) == theme("light").silent


def test_phase_difference_is_frequency_times_delay(drama):
    image = sd.plot.ipd(drama.audio, ax=_axes())
    bottom, top = image.get_extent()[2:]
    array = _columns(image, drama.audio.duration, 0.4, 1.0)
    edges = np.linspace(bottom, top, array.shape[0] + 1)
    hertz = (edges[:-1] + edges[1:]) / 2
    for f in (300.0, 600.0, 1000.0):
        row = array[np.argmin(np.abs(hertz - f))].compressed()
        phase = np.angle(np.mean(np.exp(1j * row)))
        assert phase == pytest.approx(2 * np.pi * f * 300e-6, abs=0.12)
    assert image.get_clim() == (-np.pi, np.pi)


def test_time_difference_dots_and_the_poses_curves(drama):
    ax = _axes()
    dots, curves = sd.plot.itd(drama, ax=ax)
    t, us = np.asarray(dots.get_offsets()).T
    assert np.median(us[(t > 0.4) & (t < 1.0)]) == pytest.approx(300, abs=5)
    assert np.median(us[(t > 1.8) & (t < 2.4)]) == pytest.approx(-300, abs=5)
    assert not ((t > 1.35) & (t < 1.45)).any()
    assert len(curves) == 3
    assert curves[0].get_xdata()[[0, -1]].tolist() == [0.2, 1.2]
    # Woodworth for 70 degrees, far field: a/c (theta + sin theta) = 551 us; near by, a sphere
    # cross-correlated at low frequency gives up to a fifth more.
    assert 520 < curves[0].get_ydata()[0] < 760
    assert curves[1].get_ydata().max() < -300
    assert np.abs(curves[2].get_ydata()).max() < 1
    assert ax.get_ylabel() == "ITD / µs"


def test_spectrogram_peaks_at_the_tone():
    rate = 48_000
    tone = np.sin(2 * np.pi * 1500 * np.arange(rate) / rate)
    ax = _axes()
    image = sd.plot.mel(sd.BinauralAudio([tone, 0.5 * tone], rate), ax=ax)
    array = image.get_array()
    bottom, top = image.get_extent()[2:]
    mels = np.linspace(bottom, top, 2 * array.shape[0] + 1)[1::2]
    peak = mels[array[:, array.shape[1] // 2].argmax()]
    expected = 15 + np.log(1.5) / (np.log(6.4) / 27)  # Slaney's scale above 1 kHz
    assert peak == pytest.approx(expected, abs=0.5)
    assert ax.get_ylabel() == "frequency / kHz"


def test_f0_is_shifted_to_the_lines_start(drama):
    curves = sd.plot.f0(drama, ax=_axes())
    assert len(curves) == 3
    assert curves[1].get_xdata()[0] == pytest.approx(1.6)
    values = curves[1].get_ydata()
    assert np.nanmax(values) == 160
    assert np.isnan(values[15:20]).all()  # unvoiced: a gap, not a fall to zero


def test_f0_that_glides_through_zero_is_cut_at_the_glide(drama):
    import attrs

    glide = np.concatenate([np.full(20, 150.0), [90.0, 60.0, 12.0, 0.1, 40.0, 75.0], [150.0] * 20])
    stem = attrs.evolve(drama.stems[0], f0=glide)
    curves = sd.plot.f0(attrs.evolve(drama, stems=(stem, *drama.stems[1:])), ax=_axes())
    values = curves[0].get_ydata()
    assert np.nanmin(values) == 150
    assert np.isfinite(values).sum() >= 38


def test_f0_of_stems_without_one_draws_nothing(drama):
    import attrs

    bare = attrs.evolve(drama, stems=())
    ax = _axes()
    assert sd.plot.f0(bare, ax=ax) == []
    assert len(ax.figure.axes) == 1


def test_lanes_start_and_end_with_their_lines(drama):
    ax = _axes()
    bars = sd.plot.lanes(drama.script, ax=ax, speakers=drama.scene.speakers)
    starts = [b.get_x() for b in bars]
    assert starts == pytest.approx([0.2, 1.6, 3.0])
    assert [b.get_width() for b in bars] == pytest.approx([1.0, 1.0, 1.0])
    rows = [b.get_y() for b in bars]
    assert rows[0] > rows[1] > rows[2]
    colours = [to_hex(b.get_facecolor()) for b in bars]
    assert [c.upper() for c in colours] == [w.colour for w in sd.plot.cast(drama.scene).values()]


def test_lanes_need_times():
    with pytest.raises(ValidationError, match="timed script"):
        sd.plot.lanes(sd.Script.parse("A: Now."), ax=_axes())


@pytest.mark.parametrize("name", ["light", "dark"])
def test_analysis_has_five_panels_over_one_time(drama, name, tmp_path):
    picture = sd.plot.analysis(drama, theme=name)
    axes = {ax.get_label(): ax for ax in picture.axes if ax.get_label() in _PANELS}
    assert tuple(axes) == _PANELS
    assert {ax.get_xlim() for ax in axes.values()} == {(0.0, drama.audio.duration)}
    assert axes["itd"].get_xlabel() == "time / s"
    assert all(axes[n].get_ylabel() == "frequency / kHz" for n in ("mel", "ild", "ipd"))
    labels = {ax.get_ylabel() for ax in picture.axes}
    assert {"level / dB", "left - right / dB", "IPD / rad", "F0 / Hz"} <= labels
    from PIL import Image

    path = sd.plot.save_analysis(drama, tmp_path / "analysis.png", theme=name)
    size = Image.open(path).size
    assert size[0] == 1600


_PANELS = ("lanes", "mel", "ild", "ipd", "itd")


def test_time_span_is_where_the_axes_are(drama):
    from spatialdrama.plot.analysis import time_span

    place = sd.plot.analysis(drama).axes[0].get_position()
    assert time_span() == pytest.approx((place.x0, place.x1))


def test_no_boxes_without_a_han_font(drama, monkeypatch):
    monkeypatch.setattr(style, "families", lambda: ("DejaVu Sans",))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of each missing glyph
        picture = sd.plot.analysis(drama)
        picture.png()
        sd.plot.scene(drama.scene).png()
    words = [t.get_text() for t in picture.axes[0].texts]
    assert "speaker C" in words
    assert "3 (zh)" in words


def test_facts_measure_what_was_built_in(drama):
    facts = sd.plot.line_facts(drama)
    assert [f.number for f in facts] == [1, 2, 3]
    assert [f.measured_us for f in facts] == pytest.approx([300, -300, 0], abs=5)
    assert facts[2].pose_us == pytest.approx(0, abs=1)
    for f in facts[:1]:
        assert f.error_us == pytest.approx(f.measured_us - f.pose_us, abs=1)


def test_a_silent_line_is_not_measurable():
    script = sd.Script([sd.Line("A", "Nothing.", start=0.2, end=0.8)])
    scene = sd.Scene(speakers={"A": sd.Pose.fixed((0, 1, 0))})
    drama = sd.Drama(sd.BinauralAudio(np.zeros((2, 48_000)), 48_000), script, scene)
    (fact,) = sd.plot.line_facts(drama)
    assert np.isnan(fact.measured_us)
    assert fact.pose_us > 400
    sd.plot.analysis(drama).png()  # and the picture of silence can be drawn


def test_score_card_rows(scores):
    picture = sd.plot.scorecard(scores, theme="dark")
    rows = {ax.get_label(): ax for ax in picture.axes}
    assert tuple(rows) == scores.metrics
    words = [t.get_text() for t in rows["itd_mae"].texts]
    assert "itd_mae ↓" in words
    assert "20.0 µs" in words
    assert any("chance 331" in w for w in words)
    assert "quality ↑" in [t.get_text() for t in rows["quality"].texts]
    chance = [line for line in rows["itd_mae"].lines if line.get_linestyle() == "--"]
    assert [line.get_xdata()[0] for line in chance] == [331.0]
    dots = np.asarray(rows["itd_mae"].collections[0].get_offsets())[:, 0]
    assert dots.tolist() == [10.0, 20.0, 30.0]
    assert "itd_mae 20.0 µs (chance 331)" in picture.alt
