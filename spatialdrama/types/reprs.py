"""What a type shows as the last line of a cell: a sentence, a picture, the arrays folded away.

No JavaScript and no style that a sanitiser strips without leaving the text; colours come from
``currentColor`` where they must work on dark and light pages.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from spatialdrama.types.pose import Pose
    from spatialdrama.types.scene import Room

#: Okabe and Ito's palette (2008), which people with any colour vision can tell apart.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#666666")

#: Painters of static pictures live above this room, so they are named, not imported: a type must
#: not depend on matplotlib, and a page that never shows a PNG never loads it.
PAINTER = "spatialdrama.plot.thumbnails"


def colour(index: int) -> str:
    """Return the palette's colour for the `index`-th speaker."""
    return PALETTE[index % len(PALETTE)]


def png(value: Any) -> bytes | None:
    """Return a static picture of `value` for pages that run no HTML, or None without matplotlib."""
    try:
        painter = importlib.import_module(PAINTER)
    except ImportError:
        return None
    return painter.png(value)


def bundle(
    value: Any, *, svg: str = "", body: str = "", detail: Any = None, picture: bool = True
) -> dict[str, Any]:
    """Return a mimebundle: text for terminals, HTML for notebooks, PNG for static pages."""
    text = repr(value)
    fold = ""
    if detail is not None:
        inner = getattr(detail, "_repr_html_", lambda: f"<pre>{escape(repr(detail))}</pre>")()
        fold = f"<details><summary>Data</summary>{inner}</details>"
    html = wrap(f'<p style="margin:.3em 0"><code>{escape(text)}</code></p>{svg}{body}{fold}')
    out: dict[str, Any] = {"text/plain": text, "text/html": html}
    image = png(value) if picture else None
    if image is not None:
        out["image/png"] = image
    return out


def wrap(html: str) -> str:
    """Return `html` inside the house's frame for notebook output."""
    style = "font-family:system-ui,sans-serif;max-width:46rem"
    return f'<div class="spatialdrama" style="{style}">{html}</div>'


def top_view(poses: Mapping[str, Pose], room: Room | None = None, width: int = 420) -> str:
    """Return an SVG seen from above: x (forward) up the page, y (left) to the left.

    Each path carries a dot at its start, an arrow head at its end, and the speaker's name.
    """
    (xmin, xmax), (ymin, ymax) = _extent(poses, room)
    span_x, span_y = xmax - xmin, ymax - ymin
    scale = width / span_y
    height = round(span_x * scale)

    def put(p: np.ndarray) -> tuple[float, float]:
        return (ymax - p[1]) * scale, (xmax - p[0]) * scale

    parts = [_rings(put, scale, max(span_x, span_y))]
    if room is not None and room.is_shoebox:
        low, high = room.bounds
        (x0, y0), (x1, y1) = put(np.array([high[0], high[1]])), put(np.array([low[0], low[1]]))
        parts.append(
            f'<rect x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}" '
            'fill="none" stroke="currentColor" stroke-width="2"/>'
        )
    parts.append(_head(*put(np.zeros(2))))
    parts += [_path(put, name, pose, colour(i)) for i, (name, pose) in enumerate(poses.items())]
    label = "Top view: " + ", ".join(poses)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(label)}" '
        f'style="max-width:100%;height:auto;font:12px system-ui,sans-serif">{"".join(parts)}</svg>'
    )


def _extent(
    poses: Mapping[str, Pose], room: Room | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    points = [np.zeros((1, 2))] + [p.position.values[p.valid.values, :2] for p in poses.values()]
    if room is not None and room.is_shoebox:
        low, high = room.bounds
        points.append(np.array([low[:2], high[:2]]))
    stack = np.concatenate(points)
    low, high = stack.min(0), stack.max(0)
    low, high = np.minimum(low, -0.5), np.maximum(high, 0.5)
    pad = 0.12 * max(high - low)
    low, high = low - pad, high + pad
    if high[1] - low[1] < 2.0:  # a narrow strip would make the writing overlap
        low[1], high[1] = min(low[1], -1.0), max(high[1], 1.0)
    return (low[0], high[0]), (low[1], high[1])


def _rings(put: Any, scale: float, span: float) -> str:
    step = 1.0 if span < 8 else 2.0
    cx, cy = put(np.zeros(2))
    rings = []
    for i in range(1, int(span / step) + 1):
        r = i * step * scale
        rings.append(
            f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="{r:.1f}" fill="none" stroke="currentColor" '
            f'stroke-opacity=".18"/><text x="{cx + 3:.1f}" y="{cy + r - 3:.1f}" '
            f'fill="currentColor" fill-opacity=".55">{i * step:g} m</text>'
        )
    return "".join(rings)


def _head(cx: float, cy: float) -> str:
    """A head seen from above: nose forward, ears left and right."""
    return (
        f'<g transform="translate({cx:.1f},{cy:.1f})" fill="none" stroke="currentColor" '
        'stroke-width="1.5"><title>listener, facing up the page</title>'
        '<circle r="10"/><path d="M-4,-9 L0,-15 L4,-9"/>'
        '<path d="M-10,-4 q-4,4 0,8"/><path d="M10,-4 q4,4 0,8"/></g>'
    )


def _path(put: Any, name: str, pose: Pose, paint: str) -> str:
    points = [put(p) for p in pose.position.values[pose.valid.values]]
    (sx, sy), (ex, ey) = points[0], points[-1]
    start = f'<circle cx="{sx:.1f}" cy="{sy:.1f}" r="5" fill="{paint}"/>'
    text = (
        f'<text x="{sx + 8:.1f}" y="{sy - 6:.1f}" fill="{paint}" font-weight="600">'
        f"{escape(name)}</text>"
    )
    if len(points) == 1 or (np.hypot(ex - sx, ey - sy) < 1 and len(points) < 3):
        return start + text
    track = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    px, py = next(((x, y) for x, y in reversed(points) if np.hypot(ex - x, ey - y) > 2), points[0])
    angle = np.degrees(np.arctan2(ey - py, ex - px))
    arrow = (
        f'<path d="M-8,-5 L2,0 L-8,5 Z" fill="{paint}" '
        f'transform="translate({ex:.1f},{ey:.1f}) rotate({angle:.0f})"/>'
    )
    line = f'<polyline points="{track}" fill="none" stroke="{paint}" stroke-width="2"/>'
    return line + start + arrow + text
