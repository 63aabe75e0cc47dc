"""Who speaks when: one lane for each speaker, a bar for each line, overlap visible."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from matplotlib.axes import Axes

from spatialdrama.errors import ValidationError
from spatialdrama.plot.style import badge, cast, drawable, dress, plain, shortened, text_width
from spatialdrama.plot.style import theme as _theme
from spatialdrama.types import Line, Script

#: points
_SIZE = 8.0


def lanes(
    script: Script,
    *,
    ax: Axes,
    speakers: Iterable[str] | None = None,
    theme: str = "light",
    duration: float | None = None,
) -> list[Any]:
    """Draw a timed script as lanes: a bar from start to end of each line, its text above.

    Parameters
    ----------
    script : Script
        Timed.
    ax : Axes
    speakers : iterable of str, optional
        The order of colours and lanes; default in order of appearance. Give the scene's speakers
        to match its picture.
    theme : "light" or "dark"
    duration : float, s, optional
        Where the time axis ends.

    Returns
    -------
    list of matplotlib.patches.Rectangle
        One for each line, in the script's order.

    Notes
    -----
    Text for which the system has no font is left out, its number stays: never boxes.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> from spatialdrama.plot.style import new_picture
    >>> script = sd.Script([sd.Line("A", "Who's there?", start=0.5, end=1.5)])
    >>> ax = new_picture(6, 1, "light").add_subplot()
    >>> bar = sd.plot.lanes(script, ax=ax)[0]
    >>> float(bar.get_x()), float(bar.get_width())
    (0.5, 1.0)
    """
    if not script.is_timed:
        raise ValidationError(
            "lanes needs a timed script: every line with start and end, as sd.generate returns."
        )
    look = _theme(theme)
    people = cast(speakers if speakers is not None else script.speakers, look)
    heard = [n for n in people if n in script.speakers]
    row = {name: len(heard) - 1 - i for i, name in enumerate(heard)}
    end = duration or script.duration
    dress(ax, look)
    ax.spines["left"].set_visible(False)
    ax.set_xlim(0, end)
    ax.set_ylim(-0.18, len(heard))
    ax.set_yticks([])
    ax.set_xlabel("time / s")
    box = ax.get_position()
    inches = box.width * ax.figure.get_figure(root=True).get_size_inches()[0]
    bars = []
    written = dict.fromkeys(heard, 0.0)  # s; where each lane's writing ends so far
    for i, line in enumerate(script):
        who, y = people[line.speaker], row[line.speaker]
        bars += ax.barh(
            y + 0.06, line.duration, left=line.start, height=0.34, align="edge",
            color=who.colour, edgecolor=look.paper, linewidth=0.6, zorder=3,
        )  # fmt: skip
        later = [o.start for o in script.lines[i + 1 :] if o.speaker == line.speaker]
        after = (min([*later, end]) - line.start) / end * inches - 0.06
        before = (line.end - written[line.speaker]) / end * inches - 0.1
        # Near the picture's end there is more room to the left of the bar.
        left = not (later or before <= after) and text_width(_words(i + 1, line), _SIZE) > after
        text = shortened(_words(i + 1, line), before if left else after, _SIZE) or str(i + 1)
        ax.text(line.end if left else line.start, y + 0.47, text, fontsize=_SIZE, color=look.ink,
                va="bottom", ha="right" if left else "left", clip_on=True, zorder=4)  # fmt: skip
        written[line.speaker] = line.start + text_width(text, _SIZE) / inches * end
    place = ax.get_yaxis_transform()
    margin = box.x0 * ax.figure.get_figure(root=True).get_size_inches()[0] - 0.3
    for name in heard:
        who, y = people[name], row[name] + 0.35
        badge(ax, -0.13 / inches, y, who, transform=place, clip_on=False)
        label = shortened(plain(name, f"speaker {who.letter}"), margin, _SIZE)
        ax.text(-0.27 / inches, y, label, transform=place, ha="right", va="center",
                fontsize=_SIZE, color=look.ink)  # fmt: skip
    return bars


def _words(number: int, line: Line) -> str:
    text = line.text if drawable(line.text) else " ".join(f"({code})" for code in line.languages)
    return plain(f"{number} {text}".strip())
