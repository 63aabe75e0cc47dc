"""The page: complete in itself, well formed, nothing unescaped, every line in it."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import attrs
import numpy as np
import pytest
import soundfile
from PIL import Image

import spatialdrama as sd
from spatialdrama.errors import ValidationError
from spatialdrama.plot import report as _report  # the function; the module is reached below

VOID = {"meta", "link", "img", "br", "input", "hr", "source"}


class Page(HTMLParser):
    """Checks nesting and keeps elements with their attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.stack[-1] if self.stack else "", data))

    def all(self, tag):
        return [a for t, a in self.elements if t == tag]

    @property
    def words(self):
        return "".join(d for t, d in self.texts if t not in ("style", "script"))


@pytest.fixture(scope="module")
def page_text(drama, scores, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert _report(drama, scores, path, title="A <cold> night") == path
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]  # nothing temporary left
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(page_text):
    return Page(page_text)


def test_every_line_is_in_the_transcript(page, drama):
    rows = [a for a in page.all("tr") if "data-start" in a]
    assert [float(a["data-start"]) for a in rows] == [0.2, 1.6, 3.0]
    assert [float(a["data-end"]) for a in rows] == [1.2, 2.6, 4.0]
    for line in drama.script:
        assert page.words.count(line.text) == 2  # transcript and line by line
        assert line.speaker in page.words


def test_nothing_is_loaded_from_elsewhere(page, page_text):
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "poster", "data", "action"):
            value = attributes.get(name)
            if value is not None:
                assert value.startswith(("data:", "#")), (tag, name, value[:60])
    style = "".join(d for t, d in page.texts if t == "style")
    assert "url(" not in style
    assert "@import" not in style
    script = "".join(d for t, d in page.texts if t == "script")
    assert not re.search(r"fetch|XMLHttp|import|https?:", script)


def test_hostile_text_stays_text(page, page_text):
    assert len(page.all("script")) == 1
    assert "<script>alert" not in page_text
    assert "<img src=http" not in page_text
    assert not page.all("b")  # from the scene's description and the recogniser
    assert "A <cold> night" in page.words
    assert "the reference is <dry>." in page.words


def test_both_looks_of_each_picture(page):
    for look in ("light", "dark"):
        pictures = [a for a in page.all("img") if a["class"] == look]
        assert len(pictures) == 3
        assert all(a["alt"] and a["width"] and a["height"] for a in pictures)
    analysis = [a["src"] for a in page.all("img") if a["src"].startswith("data:image/png")]
    shades = []
    for source in analysis:
        image = Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))
        assert image.size[0] == 1600
        shades.append(np.median(np.asarray(image.convert("L"))))
    assert shades[0] > 200 > 60 > shades[1]


def test_sound_travels_inside(page, drama):
    (audio,) = page.all("audio")
    mime, data = audio["src"].split(";base64,")
    assert mime == "data:audio/flac"
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
    assert rate == drama.audio.rate
    assert np.abs(samples.T - drama.audio.samples).max() < 1e-4
    assert "controls" in audio
    assert float(audio["data-duration"]) == drama.audio.duration


def test_sound_too_big_lies_beside_the_page(drama, monkeypatch):
    from importlib import import_module

    module = import_module("spatialdrama.plot.report")
    monkeypatch.setattr(module, "SOUND_LIMIT", 10)
    page = Page(module._player(drama, "sound & more.wav"))
    assert page.all("audio")[0]["src"] == "sound & more.wav"
    assert "too big to travel" in page.words


def test_measures_and_scores_are_there(page):
    words = " ".join(page.words.split())
    assert "0.125" in words
    assert "only knee" in words
    assert "+300" in words
    assert "−300" in words
    assert "lower is better" in words
    assert "higher is better" in words
    assert "331" in words
    assert "ab" * 32 in words
    assert "Voice: Kokoro, Apache-2.0" in words
    assert "Use headphones." in words


def test_structure_that_assistive_software_needs(page):
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    assert all(a.get("scope") in ("col", "row") for a in page.all("th"))
    ids = [a["id"] for _, a in page.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    for _, a in page.elements:
        if "aria-labelledby" in a:
            assert a["aria-labelledby"] in ids
    assert any(a.get("lang") == "zh" for a in page.all("td"))
    links = [a for a in page.all("a") if a["href"].startswith("#line-")]
    assert [a["href"][1:] in ids for a in links] == [True] * 3


def test_a_drama_without_scores_or_provenance(drama):
    from importlib import import_module

    bare = attrs.evolve(drama, provenance={}, stems=())
    page = Page(import_module("spatialdrama.plot.report").html(bare))
    assert "Recognised" not in page.words
    assert "carries no provenance" in page.words
    assert len(page.all("img")) == 4


def test_a_folder_that_cannot_be_written_is_named(drama, tmp_path, monkeypatch):
    from importlib import import_module

    module = import_module("spatialdrama.plot.report")
    monkeypatch.setattr(module, "html", lambda *a, **k: "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValidationError, match=r"report\.html"):
        sd.plot.report(drama, None, tmp_path / "file" / "report.html")
