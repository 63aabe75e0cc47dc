"""What all pictures share: themes, speakers' colours and letters, fonts, figures without pyplot."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import attrs
import matplotlib
import numpy as np
from matplotlib import font_manager, patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.textpath import TextToPath
from PIL import Image

from spatialdrama.io.files import atomic
from spatialdrama.types import Scene, Script
from spatialdrama.types.reprs import PALETTE
from spatialdrama.types.validate import unknown_name

#: dots per inch of a saved picture; an 11 inch figure is 1600 pixels wide.
DPI = 1600 / 11

#: The house palette (Okabe and Ito), lightened until each colour has 5:1 contrast on dark pages.
DARK_PALETTE = (
    "#4DA3E0", "#F58442", "#2CC295", "#E39CC4", "#F2B441", "#9AD4F7", "#C9A85F", "#AAAAAA",
)  # fmt: skip

#: Fonts with Han characters that systems carry; matplotlib's own has none.
HAN_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Noto Sans CJK JP",
    "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB", "Heiti SC", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "SimHei", "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip


def _diverging(name: str, middle: str, low: tuple[str, str], high: tuple[str, str]) -> Colormap:
    return LinearSegmentedColormap.from_list(name, [*low, middle, *high], N=256)


@attrs.frozen
class Theme:
    """Colours of one look.

    Parameters
    ----------
    name : "light" or "dark"
    paper, ink, soft, grid, silent : str
        Background, text, secondary text, lines behind the data, and where there is no sound.
    palette : tuple of str
        Speakers' colours.
    level, difference, phase : Colormap
        For levels, for differences around 0 (red = left), and for angles (cyclic).
    """

    name: str
    paper: str
    ink: str
    soft: str
    grid: str
    silent: str
    palette: tuple[str, ...]
    level: Colormap
    difference: Colormap
    phase: Colormap


_THEMES = {
    "light": Theme(
        "light", "#ffffff", "#1b1d21", "#5a6069", "#d9dce1", "#e4e6ea", PALETTE,
        matplotlib.colormaps["Greys"],
        _diverging("ild_light", "#ffffff", ("#053061", "#4393c3"), ("#d6604d", "#67001f")),
        matplotlib.colormaps["twilight_shifted"],
    ),
    "dark": Theme(
        "dark", "#15171b", "#e9eaed", "#a9afb9", "#3a3e46", "#2b2f36", DARK_PALETTE,
        LinearSegmentedColormap.from_list("level_dark", ["#0c0d10", "#f2f2f2"]),
        _diverging("ild_dark", "#08090b", ("#a6d4f2", "#2b7bba"), ("#c8453c", "#ffb9a3")),
        matplotlib.colormaps["twilight"],
    ),
}  # fmt: skip


def theme(name: str | Theme) -> Theme:
    """Return the theme called `name`: "light" or "dark".

    Examples
    --------
    >>> from spatialdrama.plot import theme
    >>> theme("dark").paper
    '#15171b'
    """
    if isinstance(name, Theme):
        return name
    if name not in _THEMES:
        raise unknown_name("theme", name, _THEMES)
    return _THEMES[name]


# -- speakers ---------------------------------------------------------------------------------


@attrs.frozen
class Speaker:
    """How a speaker looks in every picture: never by colour alone.

    ``name`` as in the script, ``letter`` one ASCII capital, ``colour`` of the theme.
    """

    name: str
    letter: str
    colour: str


def cast(names: Scene | Script | Iterable[str], look: str | Theme = "light") -> dict[str, Speaker]:
    """Return a :class:`Speaker` for each name, in order.

    Letters are the first letter of the name that is still free, else the next free capital.

    Examples
    --------
    >>> from spatialdrama.plot import cast
    >>> [s.letter for s in cast(["BERNARDO", "BEN", "宝玉"]).values()]
    ['B', 'E', 'A']
    """
    if isinstance(names, (Scene, Script)):
        names = names.speakers
    palette = theme(look).palette
    spare = [chr(c) for c in range(ord("A"), ord("Z") + 1)]
    out: dict[str, Speaker] = {}
    for i, name in enumerate(names):
        own = [c for c in name.upper() if c in spare]
        letter = own[0] if own else (spare[0] if spare else str(i + 1))
        if letter in spare:
            spare.remove(letter)
        out[name] = Speaker(name, letter, palette[i % len(palette)])
    return out


def on(colour: str) -> str:
    """Return black or white, whichever reads better on `colour` (WCAG relative luminance)."""
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ (0.2126, 0.7152, 0.0722))
    return "#000000" if luminance > 0.179 else "#ffffff"


# -- fonts ------------------------------------------------------------------------------------


@cache
def families() -> tuple[str, ...]:
    """Return matplotlib's own font and, where the system has one, a font with Han characters."""
    installed = {f.name for f in font_manager.fontManager.ttflist}
    return ("DejaVu Sans", *[f for f in HAN_FONTS if f in installed][:1])


@cache
def _glyphs(fonts: tuple[str, ...]) -> frozenset[int]:
    codes: set[int] = set()
    for family in fonts:
        path = font_manager.findfont(family, fallback_to_default=True)
        codes |= set(font_manager.get_font(path).get_charmap())
    return frozenset(codes)


def drawable(text: str) -> bool:
    """Return True when every character of `text` has a glyph here: no boxes in pictures."""
    return all(ord(c) in _glyphs(families()) for c in text if not c.isspace())


def plain(text: str, otherwise: str = "") -> str:
    """Return `text` fit for a picture: as it is when it can be drawn, else `otherwise`.

    Dollar signs are escaped, since matplotlib reads a pair of them as mathematics.
    """
    return text.replace("$", r"\$") if drawable(text) else otherwise


@lru_cache(4096)
def text_width(text: str, points: float, weight: str = "normal") -> float:
    """Return the width of `text` in inches at `points`."""
    font = font_manager.FontProperties(family=list(families()), size=points, weight=weight)
    return TextToPath().get_text_width_height_descent(text, font, ismath=False)[0] / 72


def shortened(text: str, inches: float, points: float) -> str:
    """Return as much of `text` as fits into `inches`, with an ellipsis, or nothing."""
    text = " ".join(text.split())
    if text_width(text, points) <= inches:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "…", points) <= inches:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…" if low >= 2 else ""


# -- figures ----------------------------------------------------------------------------------


class Picture(Figure):
    """A matplotlib figure that knows its look, has words for those who cannot see it, and shows
    itself as the last line of a cell without pyplot.

    Attributes
    ----------
    alt : str
        What the picture shows, for screen readers.
    look : Theme
    """

    alt: str = ""
    look: Theme

    def draw(self, renderer: Any) -> None:
        """Draw with the house's fonts, whatever the reader's settings are."""
        with house_style(self.look):
            super().draw(renderer)

    def png(self, *, dpi: float = DPI, colours: int | None = None) -> bytes:
        """Return PNG bytes; `colours` reduces to a palette, which makes files three times smaller.

        Examples
        --------
        >>> import spatialdrama as sd
        >>> sd.plot.scene(sd.Scene(speakers={"A": sd.Pose.fixed((1, 0, 0))})).png()[1:4]
        b'PNG'
        """
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=dpi, pil_kwargs={"compress_level": 1},
                     facecolor=self.look.paper)  # fmt: skip
        image = Image.open(buffer).convert("RGB")  # the paper is opaque
        if colours is not None:
            # Without dithering, which would turn flat areas into noise that packs badly.
            image = image.quantize(colours, dither=Image.Dither.NONE)
        small = io.BytesIO()
        image.save(small, "PNG", optimize=colours is not None, dpi=(dpi, dpi))
        return small.getvalue()

    def svg(self) -> str:
        """Return SVG text, the same for the same picture."""
        buffer = io.StringIO()
        with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "spatialdrama"}):
            self.savefig(buffer, format="svg", facecolor=self.look.paper,
                         metadata={"Date": None, "Creator": None})  # fmt: skip
        return buffer.getvalue()

    def save(self, path: Any) -> Path:
        """Write ``.png``, ``.svg`` or ``.pdf``, whole or not at all."""
        path = Path(path)
        with atomic(path) as temporary:
            if path.suffix == ".svg":
                temporary.write_text(self.svg(), encoding="utf-8")
            elif path.suffix == ".png":
                temporary.write_bytes(self.png())
            else:
                self.savefig(temporary)
        return path

    def _repr_png_(self) -> bytes:
        return self.png(dpi=90)


@contextmanager
def house_style(look: str | Theme) -> Iterator[None]:
    """Set fonts and colours for what is drawn inside the block, and only there."""
    t = theme(look)
    settings = {
        "font.family": list(families()), "font.size": 9.0, "axes.unicode_minus": True,
        "text.color": t.ink, "axes.labelcolor": t.ink, "axes.edgecolor": t.soft,
        "axes.facecolor": t.paper, "xtick.color": t.soft, "ytick.color": t.soft,
        "xtick.labelcolor": t.ink, "ytick.labelcolor": t.ink, "axes.linewidth": 0.8,
        "savefig.facecolor": "auto", "figure.dpi": DPI, "savefig.dpi": "figure",
    }  # fmt: skip
    log = logging.getLogger("matplotlib.font_manager")
    before = log.level
    log.setLevel(logging.ERROR)  # Han fonts often come in one weight; that is no news
    try:
        with matplotlib.rc_context(settings):
            yield
    finally:
        log.setLevel(before)


def new_picture(width: float, height: float, look: str | Theme, alt: str = "") -> Picture:
    """Return an empty figure of `width` x `height` inches."""
    t = theme(look)
    figure = Picture(figsize=(width, height), dpi=DPI, facecolor=t.paper)
    FigureCanvasAgg(figure)
    figure.look, figure.alt = t, alt
    return figure


def dress(ax: Axes, look: Theme, *, grid: str | None = None, box: bool = False) -> Axes:
    """Give `ax` the look: quiet spines, readable ticks, a grid behind the data."""
    ax.set_facecolor(look.paper)
    for side, spine in ax.spines.items():
        spine.set_color(look.soft)
        spine.set_linewidth(0.8)
        spine.set_visible(box or side in ("left", "bottom"))
    ax.tick_params(color=look.soft, labelcolor=look.ink, labelsize=8)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_color(look.ink)
        label.set_fontsize(8.5)
    if grid:
        ax.grid(True, axis=grid, color=look.grid, linewidth=0.6)
        ax.set_axisbelow(True)
    return ax


def halo(look: Theme, width: float = 2.5) -> list[Any]:
    """Return an outline in the paper's colour, so that writing stays readable on lines."""
    return [patheffects.withStroke(linewidth=width, foreground=look.paper)]


def title(ax: Axes, text: str, look: Theme) -> Any:
    """Put a small title over the left end of `ax`."""
    return ax.set_title(text, loc="left", fontsize=9, fontweight="bold", color=look.ink, pad=4)


def badge(ax: Axes, x: float, y: float, who: Speaker, *, size: float = 7.5, **kwargs: Any) -> Any:
    """Write the speaker's letter in a disc of the speaker's colour at data (x, y)."""
    options: Mapping[str, Any] = {"ha": "center", "va": "center", "zorder": 6} | kwargs
    disc = {"boxstyle": "circle,pad=0.25", "fc": who.colour, "ec": "none"}
    return ax.text(
        x, y, who.letter, color=on(who.colour), fontsize=size, fontweight="bold", bbox=disc,
        **options,
    )  # fmt: skip


def step_for(span: float, most: int, steps: Iterable[float] = (1, 2, 5)) -> float:
    """Return the smallest round step that cuts `span` into at most `most` pieces."""
    steps = tuple(steps)
    power = 10.0 ** np.floor(np.log10(max(span, 1e-9) / most))
    while True:
        for s in steps:
            if span / (s * power) <= most + 1e-9:
                return float(s * power)
        power *= 10
