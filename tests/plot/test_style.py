"""Themes, speakers' marks and text that never shows boxes."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from spatialdrama.errors import UnknownNameError
from spatialdrama.plot import cast, style, theme


def _luminance(colour) -> float:
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _contrast(a, b) -> float:
    high, low = sorted([_luminance(a), _luminance(b)], reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_has_the_contrast_that_wcag_asks_for(name):
    look = theme(name)
    assert _contrast(look.ink, look.paper) >= 7
    assert _contrast(look.soft, look.paper) >= 4.5
    for colour in look.palette:
        assert _contrast(style.on(colour), colour) >= 4.5


def test_dark_speakers_stand_out_from_the_dark_page():
    look = theme("dark")
    assert min(_contrast(colour, look.paper) for colour in look.palette) >= 5


@pytest.mark.parametrize("name", ["light", "dark"])
def test_difference_map_is_red_for_left_and_neutral_at_zero(name):
    look = theme(name)
    red, _, blue, _ = look.difference(0.8)
    assert red > blue + 0.2
    red, _, blue, _ = look.difference(0.2)
    assert blue > red + 0.2
    middle = np.array(look.difference(0.5)[:3])
    assert np.ptp(middle) < 0.05


@pytest.mark.parametrize("name", ["light", "dark"])
def test_phase_map_is_a_ring(name):
    look = theme(name)
    ends = np.array([look.phase(0.0)[:3], look.phase(1.0)[:3]])
    assert np.abs(ends[0] - ends[1]).max() < 0.02
    red, _, blue, _ = look.phase(0.75)  # + pi/2: left ahead
    assert red > blue
    red, _, blue, _ = look.phase(0.25)
    assert blue > red


def test_unknown_theme_names_the_nearest():
    with pytest.raises(UnknownNameError, match="'dark'"):
        theme("drak")


def test_letters_are_unique_and_ascii_however_many_speakers():
    names = ["Ann", "Anna", "ANNE", "宝玉", "Ω", *[f"Z{i}" for i in range(30)]]
    letters = [who.letter for who in cast(names).values()]
    assert len(set(letters)) == len(letters)
    assert letters[:3] == ["A", "N", "E"]
    assert all(letter.isascii() for letter in letters)


def test_text_is_cut_to_the_width_it_has():
    text = "You come most carefully upon your hour."
    cut = style.shortened(text, 1.0, 8)
    assert cut.endswith("…")
    assert text.startswith(cut[:-1])
    assert 0.8 < style.text_width(cut, 8) <= 1.0
    assert style.shortened(text, 9.0, 8) == text
    assert style.shortened(text, 0.05, 8) == ""


def test_without_a_han_font_words_give_way_to_a_stand_in(monkeypatch):
    monkeypatch.setattr(style, "families", lambda: ("DejaVu Sans",))
    assert style.plain("宝玉", "speaker A") == "speaker A"
    assert style.plain("Zoë $5", "") == r"Zoë \$5"


def test_drawing_leaves_the_readers_settings_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    picture = style.new_picture(2, 2, "dark")
    picture.add_subplot().plot([0, 1])
    picture.png()
    assert dict(matplotlib.rcParams) == before
