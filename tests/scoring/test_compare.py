"""Systems side by side: layouts of the paper, who is best, how sure that is, five ways to write."""

import csv
import io
import json
import re

import numpy as np
import pytest
from scipy import stats as scipy_stats

import spatialdrama as sd
from spatialdrama.errors import UnknownNameError, ValidationError

UNITS = {"itd_mae": "us", "ipd_mae": "rad"}
UP = ("sim", "isdrama/ang_cos", "isdrama/dis_cos")


def table(chance=None, mono=None, notes=(), **columns):
    """Items "0", "1", ... of one line each."""
    columns = {k.replace("__", "/"): v for k, v in columns.items()}
    scores = {
        m: {(str(i), ""): sd.Score(v) for i, v in enumerate(np.atleast_1d(values))}
        for m, values in columns.items()
    }
    return sd.ScoreTable.from_scores(
        scores, direction={m: "up" if m in UP else "down" for m in columns},
        unit={m: UNITS.get(m, "") for m in columns}, chance=chance, mono=mono, notes=notes,
    )  # fmt: skip


def spoken(values, listeners=8, items=4, question="MOS-Q"):
    """Ratings whose mean for each system is the given one, exactly."""
    wobble = np.resize([-0.25, 0.25], listeners)
    return [
        {"listener": f"L{n}", "system": s, "item": i, "question": question, "score": v + wobble[n]}
        for s, v in values.items() for n in range(listeners) for i in range(items)
    ]  # fmt: skip


#: The paper's Table 2, without StyleTTS 2, CosyVoice and UniAudio.
TABLE_2 = {
    "Ground truth": (0.0258, None, None, 4.43, 4.41, 4.26),
    "FireRedTTS": (0.0307, 0.95, 0.60, 4.01, 4.11, 3.77),
    "F5-TTS": (0.0313, 0.96, 0.55, 4.12, 4.21, 3.86),
    "ISDrama (ours)": (0.0331, 0.96, 0.34, 4.06, 4.18, 4.01),
}


@pytest.fixture
def paper():
    tables = {
        name: table(**{k: v for k, v in zip(("ffe", "cer", "sim"), (ffe, cer, sim), strict=True)
                       if v is not None})
        for name, (cer, sim, ffe, *_) in TABLE_2.items()
    }  # fmt: skip
    ratings = [
        row
        for at, q in ((3, "MOS-Q"), (4, "MOS-S"), (5, "MOS-E"))
        for row in spoken({name: v[at] for name, v in TABLE_2.items()}, question=q)
    ]
    return sd.compare(
        tables, ratings=ratings, layout="speech", ceiling="Ground truth", baseline="ISDrama (ours)"
    )


class TestPaper:
    def test_columns_stand_as_in_table_2(self, paper):
        heads = [f"{c.form.label} {c.direction}" for c in paper.columns]
        assert heads == ["CER down", "SIM up", "FFE down", "MOS-Q up", "MOS-S up", "MOS-E up"]
        assert [c.kind for c in paper.columns] == ["objective"] * 3 + ["subjective"] * 3

    def test_figures_and_bold(self, paper):
        lines = paper.to_markdown().splitlines()
        assert lines[0] == "| system | CER ↓ | SIM ↑ | FFE ↓ | MOS-Q ↑ | MOS-S ↑ | MOS-E ↑ |"
        truth = next(line for line in lines if "Ground truth" in line)
        assert truth.startswith("| Ground truth | 2.58% | - | - | 4.43 ± 0.22")
        ours = next(line for line in lines if "ISDrama" in line)
        assert "| 3.31% | **0.96** | **0.34** | 4.06 ± 0.22 |" in ours
        assert paper.best("cer") == ("FireRedTTS",)  # the recording is no contestant
        assert paper.best("sim") == ("F5-TTS", "ISDrama (ours)")  # one figure: both

    def test_latex(self, paper):
        text = paper.to_latex(label="tab:speech")
        assert r"\multicolumn{3}{c}{Objective metrics} & \multicolumn{3}{c}{Subjective" in text
        assert r"\cmidrule(lr){2-4}" in text
        assert r"Method & CER $\downarrow$ & SIM $\uparrow$" in text
        assert r"\textbf{3.07\%}" in text
        assert r"4.43 $\pm$ 0.22" in text
        assert r"\label{tab:speech}" in text
        body = re.search(r"\\midrule\n(.*?)\\bottomrule", text, re.S)[1]
        for row in body.strip().splitlines():
            assert row.count("&") == 6
            assert row.endswith(r"\\")

    def test_table_3_takes_the_published_readings_and_names_the_headline_ones(self):
        published = {"isdrama__ipd_mae": 0.008, "isdrama__ang_cos": 0.51}
        found = sd.compare({"a": table(ipd_mae=0.4, **published), "b": table(ipd_mae=0.5)},
                           layout="binaural")  # fmt: skip
        assert [c.form.label for c in found.columns] == ["IPD MAE", "ANG Cos"]
        assert "| a | 0.008 | 0.51 |" in found.to_markdown().replace("**", "")
        assert any("not scored: ILD MAE, DIS Cos" in note for note in found.notes)
        found = sd.compare({"a": table(ipd_mae=0.4), "b": table(ipd_mae=0.5)}, layout="binaural")
        assert [c.form.label for c in found.columns] == ["ipd_mae (rad)"]

    def test_table_4_has_comparative_scores(self):
        tables = {"ISDrama": table(cer=0.0331), "w/o FAN": table(cer=0.0379)}
        ratings = spoken({"w/o FAN": -0.43}, question="CMOS-Q")
        found = sd.compare(tables, ratings=ratings, layout="ablation")
        rows = found.to_markdown().splitlines()
        assert rows[2] == "| ISDrama | **3.31%** | **0.00** |"
        assert rows[3].startswith("| w/o FAN | 3.79% | -0.43")
        assert found["w/o FAN", "CMOS-Q"].p == pytest.approx(
            scipy_stats.ttest_1samp(np.resize([-0.68, -0.18], 8), 0).pvalue
        )

    def test_another_recogniser_fills_the_slot_and_is_named(self):
        found = sd.compare({"a": table(cer__other=0.03)}, layout="speech")
        assert found.columns[0].form.label == "CER (other)"


class TestSignificance:
    def pair(self, n=10, gap=1.0, seed=0):
        rng = np.random.default_rng(seed)
        base = rng.normal(20, 5, n)
        return base, base + rng.normal(gap, 0.5, n)

    def test_pairs_and_not_spreads(self):
        """Items differ by 5, systems by 1: intervals overlap, the paired test is sure."""
        base, other = self.pair()
        found = sd.compare({"base": table(itd_mae=base), "other": table(itd_mae=other)})
        cell = found["other", "itd_mae"]
        assert cell.low < found["base", "itd_mae"].high
        want = scipy_stats.permutation_test(
            (other, base), lambda a, b: np.mean(a - b), permutation_type="samples",
            n_resamples=np.inf,
        ).pvalue  # fmt: skip
        assert cell.p == pytest.approx(want)
        assert cell.p_holm == cell.p
        assert cell.difference == pytest.approx(np.mean(other - base))
        want = np.std(other - base, ddof=0) / np.sqrt(len(base)) * 1.96
        assert (cell.difference_high - cell.difference_low) / 2 == pytest.approx(want, rel=0.1)
        assert found["other", "itd_mae"].pairs == 10
        assert "**" in repr(found).splitlines()[2]
        assert np.isnan(found["base", "itd_mae"].p)

    def test_holm_over_the_whole_table(self):
        base, other = self.pair()
        found = sd.compare(
            {"base": table(itd_mae=base, sim=base), "other": table(itd_mae=other, sim=other),
             "third": table(itd_mae=other, sim=other)}
        )  # fmt: skip
        p = [found[s, m].p for m in ("itd_mae", "sim") for s in ("other", "third")]
        fixed = [found[s, m].p_holm for m in ("itd_mae", "sim") for s in ("other", "third")]
        assert fixed == pytest.approx(list(sd.stats.holm(p)))
        assert max(fixed) == pytest.approx(4 * min(p))
        assert any("all 4 tests" in note and "against base" in note for note in found.notes)

    def test_the_order_of_items_does_not_matter_and_strangers_are_left_out(self):
        base, other = self.pair()
        scores = {(str(i), ""): sd.Score(other[i]) for i in reversed(range(10))}
        scores["extra", ""] = sd.Score(1000.0)
        moved = sd.ScoreTable.from_scores(
            {"itd_mae": scores}, direction={"itd_mae": "down"}, unit={"itd_mae": "us"}
        )
        found = sd.compare({"base": table(itd_mae=base), "other": moved})
        straight = sd.compare({"base": table(itd_mae=base), "other": table(itd_mae=other)})
        assert found["other", "itd_mae"].p == straight["other", "itd_mae"].p
        assert any("not scored on the same items" in note for note in found.notes)

    def test_of_single_dramas_lines_are_the_pairs(self):
        def drama(name, values):
            lines = {(name, f"{i:03d} A"): sd.Score(v) for i, v in enumerate(values)}
            return sd.ScoreTable.from_scores(
                {"cer": lines}, direction={"cer": "down"}, unit={"cer": ""}
            )

        found = sd.compare({"x": drama("x", range(8)), "y": drama("y", range(1, 9))})
        assert found["y", "cer"].p == 2 / 2**8
        assert any("means over lines" in note for note in found.notes)

    def test_few_pairs_are_said(self):
        found = sd.compare({"a": table(cer=[1, 2, 3]), "b": table(cer=[4, 5, 6])})
        assert any("with 3 pairs no difference can be significant" in n for n in found.notes)

    def test_the_ceiling_is_not_tested(self):
        base, other = self.pair()
        found = sd.compare({"truth": table(itd_mae=other), "base": table(itd_mae=base)},
                           ceiling=["truth"])  # fmt: skip
        assert np.isnan(found["truth", "itd_mae"].p)
        assert found.baseline is None

    def test_listeners_are_tested_by_listener(self):
        tables = {"a": table(cer=[1, 2]), "b": table(cer=[1, 2])}
        found = sd.compare(tables, ratings=spoken({"a": 3.0, "b": 3.5}), metrics=["cer"])
        assert found["b", "MOS-Q"].p == 2 / 2**8
        assert found["b", "MOS-Q"].difference == pytest.approx(0.5)
        assert any("by listener" in note for note in found.notes)


def test_chance_and_mono_are_rows():
    levels = {"chance": {"itd_mae": 400.0}, "mono": {"itd_mae": 270.0}}
    found = sd.compare({"a": table(itd_mae=[20, 30], cer=[0, 0], **levels),
                        "b": table(itd_mae=[25, 35], cer=[0, 0], **levels)})  # fmt: skip
    rows = found.to_markdown().splitlines()
    assert "| chance | 400 | - |" in rows
    assert "| mono | 270 | - |" in rows
    assert "<em>mono</em>" in found._repr_mimebundle_()["text/html"]
    assert "chance" not in found.to_dict()["systems"]


@pytest.fixture
def found():
    notes = ("the reference is dry & 100% <same>",)
    return sd.compare(
        {"a_1|x": table(itd_mae=[20, 30, 40], notes=notes), "b*": table(itd_mae=[25, 35, 45])},
        caption="Errors & costs",
    )


class TestWriting:
    def test_json_and_csv_hold_everything(self, found, tmp_path):
        data = json.loads(found.save(tmp_path / "c.json").read_text())
        assert data["columns"][0]["systems"]["b*"]["difference"] == pytest.approx(5.0)
        assert data["columns"][0]["systems"]["a_1|x"]["p"] is None
        assert data["columns"][0]["best"] == ["a_1|x"]
        rows = list(csv.DictReader(io.StringIO(found.save(tmp_path / "c.csv").read_text())))
        assert [r["system"] for r in rows] == ["a_1|x", "b*"]
        assert float(rows[1]["p"]) == 2 / 2**3
        assert rows[0]["p"] == ""

    def test_odd_names_are_escaped(self, found):
        assert r"a\_1\textbar{}x" in found.to_latex()
        assert r"Errors \& costs" in found.to_latex()
        assert r"dry \& 100\% $<$same$>$" in found.to_latex()
        assert r"| a_1\|x |" in found.to_markdown()
        assert "&lt;same&gt;" in found._repr_mimebundle_()["text/html"]

    def test_intervals_on_request(self, found):
        assert "30.0 (20.0 to 40.0)" in found.to_markdown(intervals=True).replace("**", "")
        assert "20.0 to 40.0" in found._repr_mimebundle_()["text/html"]

    def test_files_by_suffix(self, found, tmp_path):
        assert found.save(tmp_path / "c.md").read_text() == found.to_markdown() + "\n"
        assert found.save(tmp_path / "c.tex").read_text() == found.to_latex() + "\n"
        page = found.save(tmp_path / "c.html").read_text("utf-8")
        assert "<table>" in page
        assert page.index('charset="utf-8"') < page.index("↓")
        with pytest.raises(ValidationError, match=r"\.json, \.csv, \.md, \.tex, \.html"):
            found.save(tmp_path / "c.xlsx")

    def test_lookups_name_what_there_is(self, found):
        with pytest.raises(UnknownNameError, match="itd_mae"):
            found["b*", "itd"]
        with pytest.raises(UnknownNameError, match="system"):
            found["c", "itd_mae"]


def test_dramas_are_scored_on_the_way(make, mine):
    def left(audio):
        return float(20 * np.log10(np.sqrt(np.mean(audio.samples[0].astype(float) ** 2))))

    mine(left, unit="dB", direction="up")
    systems = {"plain": make.drama(), "louder": make.drama(gain_db=6.0)}
    found = sd.compare(systems, metrics=["left"], progress=False)
    assert found["louder", "left"].difference == pytest.approx(6.0, abs=1e-3)
    assert found["louder", "left"].pairs == 3


def test_a_reference_serves_all_systems(make):
    pairs = {"quiet": make.pair(1.0), "loud": make.pair(6.0)}
    clips = {s: {str(i): p[0] for i in range(2)} for s, p in pairs.items()}
    found = sd.compare(clips, metrics=["ild_mae"], reference=dict.fromkeys("01", pairs["loud"][1]))
    assert found["quiet", "ild_mae"].value == pytest.approx(1.0, abs=0.05)
    assert found["loud", "ild_mae"].value == pytest.approx(6.0, abs=0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"systems": {}}, "name: table or dramas"),
        ({"systems": [1]}, "got list"),
        ({"systems": {"chance": 1}}, "name of its own; got 'chance'"),
        ({"systems": {"a": "x.wav"}}, "'a' is to be scored; name metrics"),
        ({"baseline": "z"}, "'z'"),
        ({"ceiling": ["z"]}, "'z'"),
        ({"layout": "table 9"}, "speech, binaural, ablation"),
        ({"layout": "speech"}, "cer, sim, ffe would be.*hold itd_mae"),
        ({"reference": "x.wav"}, "leave out reference="),
        ({"workers": 2}, "leave out workers="),
        ({"ratings": spoken({"c": 3.0})}, "'c'"),
        ({"systems": {"a": table(sim=1), "b": table(sim=1)}, "layout": "speech",
          "ratings": [{"listener": 1, "system": "a", "item": 1, "score": 3}]}, "no column 'quest"),
    ],
)  # fmt: skip
def test_what_is_refused(arguments, message):
    given = {"systems": {"a": table(itd_mae=[1, 2]), "b": table(itd_mae=[1, 2])}, **arguments}
    with pytest.raises(sd.errors.SpatialDramaError, match=message):
        sd.compare(**given)


def test_units_must_agree():
    other = sd.ScoreTable.from_scores(
        {"itd_mae": {"0": sd.Score(1)}}, direction={"itd_mae": "down"}, unit={"itd_mae": "ms"}
    )
    with pytest.raises(ValidationError, match="another direction or unit in 'a' than in 'b'"):
        sd.compare({"a": table(itd_mae=1), "b": other})
