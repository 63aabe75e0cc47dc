"""Listings are mappings, filters, tables and rows."""

from __future__ import annotations

import json

import pytest

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.registry import MetricSpec, listing, metric, metrics, plugins, register_local

pytestmark = pytest.mark.usefixtures("clean_registry")


@pytest.fixture
def filled(clean_registry):
    metric("itd", unit="us", needs=("reference", "pose"), summary="<script>alert(1)</script>")(len)
    metric("cer", needs="line", direction="down", requires="certainly_absent_zz")(len)
    metric("mos", direction="up", per="item")(len)


@pytest.mark.usefixtures("filled")
class TestMapping:
    def test_access(self):
        assert isinstance(metrics["itd"], MetricSpec)
        assert list(metrics) == ["itd", "cer", "mos"]
        assert len(metrics) == 3
        assert "local/itd" in metrics
        assert "nope" not in metrics
        assert 3 not in metrics
        assert metrics.get("nope") is None
        assert dict(metrics.items())["mos"].per == "item"
        with pytest.raises(UnknownNameError, match="Did you mean 'itd'"):
            metrics["itdd"]

    @pytest.mark.parametrize(
        ("filters", "names"),
        [
            ({"needs": "reference"}, ["itd"]),
            ({"needs": ("line",)}, ["cer"]),
            ({"direction": "down"}, ["itd", "cer"]),
            ({"direction": "down", "needs": "line"}, ["cer"]),
            ({"ready": True}, ["itd", "mos"]),
            ({"ready": False}, ["cer"]),
            ({"provider": "local"}, ["itd", "cer", "mos"]),
            ({"provider": "speech"}, []),
        ],
    )
    def test_filters(self, filters, names):
        assert list(metrics.list(**filters)) == names

    def test_filters_add_up_and_stay_live(self):
        narrow = metrics.list(direction="up").list(per="item")
        assert list(narrow) == ["mos"]
        metric("mos2", direction="up", per="item")(len)
        assert list(narrow) == ["mos", "mos2"]
        assert repr(narrow).startswith("2 metrics (direction='up', per='item')\n")

    def test_a_filter_that_is_no_field(self):
        with pytest.raises(ValidationError, match=r"metrics.list\(\) has no filter 'need'"):
            metrics.list(need="reference")


@pytest.mark.usefixtures("filled")
class TestTables:
    def test_text(self):
        lines = repr(metrics).splitlines()
        assert lines[0] == "3 metrics"
        assert lines[1].split() == [
            "name",
            "direction",
            "unit",
            "per",
            "needs",
            "summary",
            "provider",
            "state",
        ]
        assert lines[3].split()[0] == "itd"
        assert lines[4].endswith("missing certainly_absent_zz")
        assert lines[5].endswith("ready")

    def test_html_is_escaped(self):
        text = metrics._repr_html_()
        assert "<script>" not in text
        assert "&lt;script&gt;" in text
        assert text.count("<tr>") == 4
        assert text.count("<table>") == text.count("</table>") == 1

    def test_rows_are_json(self):
        rows = json.loads(json.dumps(metrics.rows()))
        assert rows[0]["name"] == "itd"
        assert rows[0]["full_name"] == "local/itd"
        assert rows[0]["needs"] == ["reference", "pose"]
        assert rows[1]["missing"] == ["certainly_absent_zz"]

    def test_assets_that_are_not_here_make_it_unready(self, monkeypatch):
        spec = MetricSpec("heavy", "a.b:C", assets=("one", "two"))
        register_local("metric", spec, len)
        monkeypatch.setattr(listing, "missing_assets", lambda names: names[1:])
        assert "missing asset two" in repr(metrics)
        assert "heavy" not in metrics.list(ready=True)

    def test_what_the_user_must_bring_is_said_until_it_is_there(self, monkeypatch):
        spec = MetricSpec("odd", "a.b:C", bring="weights: set ODD_WEIGHTS", bring_by="ODD_WEIGHTS")
        register_local("metric", spec, len)
        monkeypatch.delenv("ODD_WEIGHTS", raising=False)
        assert metrics.text().splitlines()[-1].endswith("needs weights: set ODD_WEIGHTS")
        assert "odd" not in metrics.list(ready=True)
        assert metrics.rows()[-1]["ready"] is False
        monkeypatch.setenv("ODD_WEIGHTS", "w.pth")
        assert metrics.text().splitlines()[-1].endswith("ready")
        assert "odd" in metrics.list(ready=True)

    def test_an_empty_listing_says_so(self):
        assert repr(metrics.list(provider="nobody")) == "0 metrics (provider='nobody')"

    def test_completion_offers_names(self):
        assert metrics._ipython_key_completions_() == ["itd", "cer", "mos"]


def test_report_of_no_plugins():
    # clean_registry loads none; those installed here are listed as left out
    assert all(record.status == "disabled" for record in plugins.report())


def test_report_shows_failures_as_text_and_html(healthy):
    healthy.add("bad", "raise ValueError('<b>bold</b>')", version="0.3")
    text, html, verbose, table, metrics_html = healthy.result(
        """
        import warnings; warnings.simplefilter("ignore")
        from spatialdrama.registry import plugins, metrics
        result = (repr(plugins), plugins._repr_html_(), repr(plugins.report(verbose=True)),
                  repr(metrics), metrics._repr_html_())
        """
    )
    head, _, bad, good = text.splitlines()
    assert head.split() == ["name", "distribution", "version", "hooks", "load", "ms", "state"]
    assert bad.startswith("bad")
    assert "ValueError: <b>bold</b>." in bad
    assert good.split()[:4] == ["healthy", "healthy", "1.0", "metrics"]
    assert float(good.split()[4]) >= 0
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "Traceback" not in text
    assert "Traceback (most recent call last)" in verbose
    assert "plugin 'bad' did not load: ValueError" in table
    assert "plugin did not load: ValueError: &lt;b&gt;" in metrics_html


def test_unknown_plugin_names():
    with pytest.raises(UnknownNameError, match="no plugin named 'nope'"):
        plugins["nope"]
