"""Statistics of corpora whose numbers are known beforehand, and their picture."""

import json

import numpy as np
import pytest
from spatialdrama_corpora.corpus import Corpus
from spatialdrama_corpora.describe import describe
from spatialdrama_corpora.items import Item

from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.types import Line, Phone, Pose


def broken():
    raise ValidationError("a.npy is broken")


@pytest.fixture
def corpus():
    """A walk of 0.5 m/s for 8 s, a stand for 4 s, a pose that cannot be read, an item without."""
    phones = [Phone("a", 0, 1), Phone("b", 1, 3), Phone("a", 3, 3.5)]
    return Corpus(
        [
            Item("walk", drama="Hamlet", split="train", duration=8.0,
                 line=Line("ANNA", "Who's there?", phones=phones),
                 load={"pose": Pose.line((1, -2, 0), (1, 2, 0), duration=8.0)}),
            Item("stand", drama="Faust", split="test", duration=4.0,
                 line=Line("BEN", "谁在那里", phones=[Phone("a", 0, 0.5)]),
                 load={"pose": Pose.fixed((0.04, 2.04, 0))}),
            Item("bad", drama="Faust", split="test", duration=2.0,
                 line=Line("ANNA", "Who's there?"), load={"pose": broken}),
            Item("mono", drama="Faust", split="test", duration=16.0, speaker="CARL"),
        ],
        name="small", licence="CC0-1.0",
    )  # fmt: skip


def test_hours_by_speaker_drama_and_split(corpus):
    about = corpus.describe(progress=False)
    data = about.data
    assert list(data["speaker"].values) == ["CARL", "ANNA", "BEN"]
    assert data["speaker_seconds"].values.tolist() == [16.0, 10.0, 4.0]
    assert data["drama_seconds"].sel(drama="Faust") == 22.0
    assert data["split_items"].sel(split="train") == 1
    assert about.facts["hours"] == pytest.approx(30 / 3600)
    assert about.facts["lines"] == 2
    assert about.facts["languages"] == {"en": 2, "zh": 1}


def test_phones_are_counted_and_timed(corpus):
    data = describe(corpus, progress=False).data
    assert data["phone_count"].sel(phone=["a", "b"]).values.tolist() == [3, 1]
    assert data["phone_seconds"].sel(phone=["a", "b"]).values.tolist() == [2.0, 2.0]


def test_places_hold_the_seconds_spent_there(corpus):
    plane = describe(corpus, progress=False).data["plane_seconds"]
    assert float(plane.sum()) == pytest.approx(12.0)
    # The one who stands, 2 m to the left.
    assert float(plane.sel(x=0.05, y=2.05, method="nearest")) == pytest.approx(4.0)
    # The walk spends a fifth of a second in each decimetre of its way, on a line 1 m ahead.
    line = plane.sel(x=slice(0.9, 1.1)).sum("x").sel(y=slice(-1.9, 1.9))
    assert line.values == pytest.approx(np.full(line.size, 0.2), abs=0.051)


def test_speeds_and_distances(corpus):
    about = describe(corpus, progress=False)
    assert about.facts["moving_share"] == pytest.approx(8 / 12, abs=1e-4)
    assert about.facts["median_speed_m_s"] == pytest.approx(0.5)
    assert about.facts["fastest_m_s"] == pytest.approx(0.5)
    # The last twentieth of a second of a path is not slower than the rest of it.
    seconds = about.data["speed_seconds"]
    assert float(seconds.sel(speed=slice(0.45, 0.55)).sum()) == pytest.approx(8.0)
    assert about.facts["farthest_m"] == pytest.approx(np.hypot(1, 2), abs=0.02)
    assert about.facts["nearest_m"] == pytest.approx(1.0, abs=0.001)


def test_durations_fall_into_half_seconds(corpus):
    count = describe(corpus, progress=False).data["duration_items"]
    assert int(count.sum()) == 4
    assert [float(d) for d in count["duration"][count > 0]] == [2.25, 4.25, 8.25, 15.75]


def test_what_cannot_be_read_is_said(corpus):
    about = describe(corpus, progress=False)
    assert about.facts["unread_poses"] == 1
    assert about.facts["with_pose"] == 2
    assert "poses left out" in about.text()


def test_a_moving_head_sees_moving_places():
    turned = Pose.fixed((0, 0, 0), facing=(0, 1, 0))  # looks to the left
    item = Item("a", speaker="A", duration=1.0,
                load={"pose": Pose.fixed((0.02, 1.52, 0)), "listener": turned})  # fmt: skip
    plane = describe(Corpus([item]), progress=False).data["plane_seconds"]
    assert float(plane.sel(x=1.55, y=0.0, method="nearest").sum()) == pytest.approx(1.0)


def test_warnings_of_bridged_quaternions_stay_with_the_check():
    def bridged():
        import warnings

        warnings.warn("bridged", SpatialDramaWarning, stacklevel=1)
        return Pose.fixed((1, 0, 0))

    item = Item("a", speaker="A", duration=1.0, load={"pose": bridged})
    corpus = Corpus([item])
    assert describe(corpus, progress=False).facts["with_pose"] == 1
    assert [p.what for p in corpus.check(progress=False)] == ["bridged"]


def test_an_empty_corpus_has_no_statistics():
    with pytest.raises(ValidationError, match="holds no items"):
        describe(Corpus([], name="none"), progress=False)


def test_it_is_ready_for_json(corpus):
    data = json.loads(json.dumps(describe(corpus, progress=False).to_dict()))
    assert data["tables"]["speaker"]["BEN"] == {"seconds": 4.0, "items": 1}
    assert data["tables"]["phone"]["a"]["count"] == 3
    assert sum(map(sum, data["tables"]["plane_seconds"]["values"])) == pytest.approx(12.0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_shows_what_was_counted(corpus, theme):
    figure = describe(corpus, progress=False).picture(theme=theme)
    axes = {ax.get_label(): ax for ax in figure.axes}
    assert {"dramas", "speakers", "phones", "plane", "speeds", "durations"} <= set(axes)
    assert [bar.get_height() for bar in axes["speakers"].patches] == [16.0, 10.0, 4.0]
    assert [bar.get_width() for bar in axes["dramas"].patches] == [22.0, 8.0]
    assert [bar.get_height() for bar in axes["phones"].patches] == [3, 1]
    # Left is on the left.
    assert axes["plane"].get_xlim()[0] > 0 > axes["plane"].get_xlim()[1]
    assert sum(bar.get_height() for bar in axes["durations"].patches) == 4
    assert "3 speakers" in axes["speakers"].get_title(loc="left")
    assert "speakers: 3" in figure.alt
    assert figure.png(dpi=40)[1:4] == b"PNG"


def test_a_corpus_without_poses_and_phones_still_has_a_picture(corpus):
    about = describe(corpus.select(lambda item: item.name == "mono"), progress=False)
    axes = {ax.get_label(): ax for ax in about.picture().axes}
    assert axes["plane"].texts[0].get_text() == "no poses are told"
    assert axes["phones"].texts[0].get_text() == "no phones are told"


def test_a_notebook_shows_both_themes(corpus):
    html = describe(corpus, progress=False)._repr_html_()
    assert "prefers-color-scheme: dark" in html
    assert html.count("data:image/png;base64,") == 2
    assert "CC0-1.0" in html
