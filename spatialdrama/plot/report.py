"""One page that holds a whole drama: sound, transcript, pictures, scores and how it was made.

The page loads nothing: sound and pictures travel inside it, in a light and a dark set from which
the reader's settings choose (paper takes the light one). Without JavaScript everything can still
be read and played; with it a click on a line seeks there, and the line that sounds is marked.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from spatialdrama.io.audio import encoded
from spatialdrama.io.files import atomic
from spatialdrama.plot import places
from spatialdrama.plot.analysis import analysis, time_span
from spatialdrama.plot.facts import LineFacts, line_facts
from spatialdrama.plot.scene import scene as draw_scene
from spatialdrama.plot.scorecard import micro, scorecard
from spatialdrama.plot.style import Picture, Speaker, cast, on
from spatialdrama.types import Drama, Line, ScoreTable
from spatialdrama.types.scores import ARROWS, number

#: bytes of encoded sound; in base64 a third more. A page beyond that is slow to open and to mail.
SOUND_LIMIT = 4_000_000

_WORDS = {"down": "lower is better", "up": "higher is better"}


def report(
    drama: Drama,
    scores: ScoreTable | None,
    path: Any,
    *,
    title: str = "Spatial drama",
    credits: Sequence[str] = (),
    sound_file: str = "drama.wav",
) -> Path:
    """Write one self-contained HTML page about a drama.

    Parameters
    ----------
    drama : Drama
    scores : ScoreTable or None
        Of this drama, from :func:`spatialdrama.score`.
    path : path
        The file, such as ``out/demo/report.html``; written whole or not at all.
    title : str
    credits : sequence of str
        One line for each text, voice, model or recording used: who made it, under which licence.
    sound_file : str
        Where the sound lies beside the page, for dramas whose sound is too big to embed
        (:data:`SOUND_LIMIT`); the page says so.

    Returns
    -------
    Path

    Raises
    ------
    ValidationError
        When the file cannot be written.

    Examples
    --------
    >>> import spatialdrama as sd
    >>> drama = sd.Drama.load("out/demo")                                # doctest: +SKIP
    >>> sd.plot.report(drama, None, "out/demo/report.html")              # doctest: +SKIP
    PosixPath('out/demo/report.html')
    """
    path = Path(path)
    page = html(drama, scores, title=title, credits=credits, sound_file=sound_file)
    with atomic(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def html(
    drama: Drama,
    scores: ScoreTable | None = None,
    *,
    title: str = "Spatial drama",
    credits: Sequence[str] = (),
    sound_file: str = "drama.wav",
) -> str:
    """Return the page of :func:`report` as text."""
    people = cast(drama.scene)
    facts = line_facts(drama)
    recognised = _recognised(drama, scores)
    left, right = time_span()
    return Template(_file("report.html")).substitute(
        title=escape(title),
        css=_file("report.css"),
        js=_file("report.js"),
        speaker_css=_speaker_css(drama),
        facts=_facts(drama),
        player=_player(drama, sound_file),
        transcript="\n".join(_row(f, people) for f in facts),
        scene=_picture(
            {look: draw_scene(drama.scene, script=drama.script, theme=look) for look in _LOOKS},
            vector=True,
        ),
        scene_caption=escape(_scene_caption(drama)),
        scene_words=_scene_words(drama, people),
        span_left=f"{left:.5f}",
        span_right=f"{right:.5f}",
        analysis=_picture({look: analysis(drama, theme=look) for look in _LOOKS}),
        scores=_scores(scores),
        recognised_head=_RECOGNISED_HEAD if recognised else "",
        lines="\n".join(_measures(f, people, recognised) for f in facts),
        provenance=_provenance(drama, credits),
    )


_LOOKS = ("light", "dark")


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8").strip()


def _data(mime: str, data: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


# -- head and player --------------------------------------------------------------------------


def _speaker_css(drama: Drama) -> str:
    def rules(look: str) -> str:
        return " ".join(
            f".s{i} {{ --c: {who.colour}; --t: {on(who.colour)}; }}"
            for i, who in enumerate(cast(drama.scene, look).values())
        )

    return f"{rules('light')}\n@media screen and (prefers-color-scheme: dark) {{ {rules('dark')} }}"


def _facts(drama: Drama) -> str:
    parts = [
        _count(len(drama.script), "line"),
        _count(len(drama.script.speakers), "speaker"),
        f"{drama.audio.duration:.1f} s at {drama.audio.rate / 1000:g} kHz",
        f"{drama.scene.room!r}"[5:-1].replace(" x ", " × "),
    ]
    if drama.seed is not None:
        parts.append(f"seed {drama.seed}")
    return escape(" · ".join(parts))


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _player(drama: Drama, sound_file: str) -> str:
    mime, data = encoded(drama.audio, SOUND_LIMIT)
    source, note = _data(mime, data), ""
    if len(data) > SOUND_LIMIT:
        source = escape(sound_file)
        note = (
            f'<p class="hint">The sound is too big to travel inside this page (more than '
            f"{SOUND_LIMIT / 1e6:.0f} MB); it plays from {escape(sound_file)} beside it.</p>"
        )
    return (
        f'<audio controls preload="metadata" aria-label="The drama, '
        f'{drama.audio.duration:.0f} seconds" data-duration="{drama.audio.duration:.4f}" '
        f'src="{source}"></audio>{note}'
    )


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"


# -- lines ------------------------------------------------------------------------------------


def _chip(name: str, people: Mapping[str, Speaker]) -> str:
    i = list(people).index(name)
    return f'<span class="chip s{i}" aria-hidden="true">{people[name].letter}</span>{escape(name)}'


def _text(line: Line, words: str | None = None) -> str:
    code = line.languages[0] if line.languages else ""
    lang = f' lang="{escape(code)}"' if code else ""
    return f'<td class="text"{lang}>{escape(line.text if words is None else words)}</td>'


def _row(f: LineFacts, people: Mapping[str, Speaker]) -> str:
    line = f.line
    i = list(people).index(line.speaker)
    style = f' <span class="style">{escape(line.style)}</span>' if line.style else ""
    clock = _clock(line.start)
    return (
        f'<tr id="line-{f.number}" class="s{i}" data-start="{line.start:.4f}" '
        f'data-end="{line.end:.4f}" data-speaker="{escape(line.speaker)}">'
        f'<th scope="row">{f.number}</th>'
        f'<td><a href="#line-{f.number}" aria-label="Line {f.number}, at {clock}">{clock}</a></td>'
        f'<td class="who">{_chip(line.speaker, people)}{style}</td>{_text(line)}</tr>'
    )


_RECOGNISED_HEAD = '<th scope="col">Recognised</th><th scope="col" class="n">CER</th>'


def _recognised(drama: Drama, scores: ScoreTable | None) -> dict[int, tuple[str, float]]:
    """Return {line number: (what a recogniser heard, character error rate)}."""
    if scores is None or "cer" not in scores.metrics:
        return {}
    values = scores.lines("cer")
    found = {}
    for item, value in values.items():
        match = re.match(r"\s*(?:line\s+)?(\d+)", item)
        if match and 1 <= int(match[1]) <= len(drama.script):
            details = scores.details.get((item, "cer"), {})
            # `heard` is as recognised, `hypothesis` as compared: without spaces and capitals.
            heard = details.get("heard") or details.get("hypothesis", "")
            found[int(match[1])] = (str(heard), value)
    return found


def _measures(
    f: LineFacts, people: Mapping[str, Speaker], recognised: Mapping[int, tuple[str, float]]
) -> str:
    line = f.line
    cells = [
        f'<td class="time">{line.start:.2f} to {line.end:.2f}</td>',
        f'<td class="who">{_chip(line.speaker, people)}</td>',
        f"<td>{escape(', '.join(line.languages))}</td>{_text(line)}",
    ]
    if recognised:
        heard, cer = recognised.get(f.number, ("", np.nan))
        cells.append(f'{_text(line, heard)}<td class="n">{_value(cer, "{:.3f}")}</td>')
    for value in (f.measured_us, f.pose_us, f.error_us):
        cells.append(f'<td class="n">{_value(value, "{:+.0f}")}</td>')
    return f'<tr><th scope="row">{f.number}</th>{"".join(cells)}</tr>'


def _value(value: float, form: str) -> str:
    return form.format(value).replace("-", "−") if np.isfinite(value) else "not measurable"


# -- pictures ---------------------------------------------------------------------------------


def _picture(looks: Mapping[str, Picture], *, vector: bool = False) -> str:
    """Both looks of one picture; the style sheet shows one of them.

    Not a ``picture`` element: browsers don't choose again for paper, and would print the dark one.
    """
    return "".join(
        f'<img class="{look}" src="{_embedded(figure, vector)}" '
        f'width="{figure.get_figwidth() * 100:.0f}" height="{figure.get_figheight() * 100:.0f}" '
        f'alt="{escape(figure.alt)}">'
        for look, figure in looks.items()
    )


def _embedded(figure: Picture, vector: bool) -> str:
    if vector:
        return _data("image/svg+xml", figure.svg().encode("utf-8"))
    return _data("image/png", figure.png())


def _scene_caption(drama: Drama) -> str:
    words = drama.scene.description.strip()
    return f"{words[:1].upper()}{words[1:]}" if words else "Positions in metres from the listener."


def _scene_words(drama: Drama, people: Mapping[str, Speaker]) -> str:
    items = "".join(
        f"<li><strong>{_chip(name, people)}</strong>: "
        f"{escape(', '.join(places.describe(drama.scene.source(name).pose)))}</li>"
        for name in people
    )
    listener = ""
    if drama.scene.listener is not None:
        listener = (
            f"<li><strong>Listener</strong>: "
            f"{escape(', '.join(places.describe(drama.scene.listener)))}</li>"
        )
    return f"<ul>{items}{listener}</ul>"


# -- scores -----------------------------------------------------------------------------------


def _scores(table: ScoreTable | None) -> str:
    if table is None or not table.metrics:
        return ""
    rows = []
    with_mono = bool(np.isfinite(table.data["mono"]).any())
    for metric in table.metrics:
        column = table.data.sel(metric=metric)
        direction, unit = str(column["direction"].values), micro(str(column["unit"].values))
        mean, low, high, chance, mono = (
            float(column[k]) for k in ("aggregate", "ci_low", "ci_high", "chance", "mono")
        )
        mono_cell = f'<td class="n">{number(mono)}</td>' if with_mono else ""
        interval = f"{number(low)} to {number(high)}" if np.isfinite(low) else "-"
        rows.append(
            f'<tr><th scope="row">{escape(metric)} <span aria-hidden="true">{ARROWS[direction]}'
            f"</span></th><td>{_WORDS[direction]}</td>"
            f'<td class="n score-value">{escape(f"{number(mean)} {unit}".strip())}</td>'
            f'<td class="n">{interval}</td><td class="n">{number(chance)}</td>{mono_cell}</tr>'
        )
    mono_head = '<th scope="col" class="n">Mono in both ears</th>' if with_mono else ""
    notes = "".join(f'<p class="hint">Note: {escape(n.rstrip("."))}.</p>' for n in table.notes)
    card = _picture({look: scorecard(table, theme=look) for look in _LOOKS}, vector=True)
    return f"""
<section aria-labelledby="h-scores">
<h2 id="h-scores">Scores</h2>
<div class="scroll" role="region" aria-labelledby="h-scores" tabindex="0">
<table class="scores">
<thead><tr><th scope="col">Metric</th><th scope="col">Direction</th><th scope="col" class="n">\
Value</th><th scope="col" class="n">95 % interval</th><th scope="col" class="n">Chance level\
</th>{mono_head}</tr></thead>
<tbody>
{chr(10).join(rows)}
</tbody>
</table>
</div>
{notes}
<figure><div class="scroll half" role="region" aria-label="Score card, scrolls sideways"
tabindex="0">{card}</div></figure>
</section>
"""


# -- provenance -------------------------------------------------------------------------------


def _provenance(drama: Drama, credits: Sequence[str]) -> str:
    made = dict(drama.provenance)
    parts = []
    lines = [*credits, *_strings(made.pop("credits", ())), *_strings(made.pop("licences", ()))]
    if lines:
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        parts.append(f"<h3>Credits and licences</h3><ul>{items}</ul>")
    for key, heading in (("assets", "Assets"), ("versions", "Versions")):
        value = made.pop(key, None)
        if isinstance(value, Mapping) and value:
            parts.append(f"<h3>{heading}</h3>{_pairs(_flat(value))}")
    if made:
        parts.append(f"<h3>Settings</h3>{_pairs(_flat(made))}")
    return "\n".join(parts) or "<p>The drama carries no provenance.</p>"


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [f"{k}: {v}" for k, v in value.items()]
    return [str(v) for v in value or ()]


def _flat(value: Any, name: str = "") -> Iterable[tuple[str, str]]:
    """Yield (dotted name, value) of nested mappings."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        yield name, ", ".join(map(str, value)) or "none"
    else:
        yield name, "none" if value is None or value == {} else str(value)


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(k)}</th><td class="hash">{escape(v)}</td></tr>'
        for k, v in pairs
    )
    return f'<table class="facts-table"><tbody>{rows}</tbody></table>'
