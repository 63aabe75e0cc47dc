"""The commands ``plugins`` and ``assets``, through the command line's own front door."""

from __future__ import annotations

import hashlib
import json

import pytest

from spatialdrama.cli import main
from spatialdrama.registry import (
    AssetSource,
    AssetSpec,
    MetricSpec,
    manager,
    register_local,
    unregister_local,
)

CONTENT = b"thirty-two bytes of some content"


@pytest.fixture(autouse=True)
def world(tmp_path, monkeypatch):
    """A home, one asset that lies in a folder nearby, and one metric that needs it; no plugins."""
    monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SPATIALDRAMA_PLUGINS", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("SPATIALDRAMA_ASSETS", raising=False)
    manager.refresh()
    spec = AssetSpec(
        "thing", version="1", sha256=hashlib.sha256(CONTENT).hexdigest(), size=len(CONTENT),
        licence="CC0-1.0", filename="thing.bin",
        sources=(
            AssetSource.folder(str(tmp_path / "near")),
            AssetSource.package("sdtest-absent", "1.0", "m"),
        ),
    )  # fmt: skip
    register_local("asset", spec, None)
    register_local("metric", MetricSpec("uses_thing", "a.b:C", assets="thing"), len)
    yield tmp_path
    unregister_local("asset", "thing")
    unregister_local("metric", "uses_thing")
    monkeypatch.undo()
    manager.refresh()


def run(capsys, *arguments):
    status = main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def put(world, content=CONTENT):
    (world / "near").mkdir(exist_ok=True)
    (world / "near" / "thing.bin").write_bytes(content)


def test_plugins_lists_everything(capsys):
    status, out, _ = run(capsys, "plugins")
    assert status == 0
    assert "metrics:\n  name" in out
    assert "missing asset thing" in out
    assert "plugins:" in out


def test_plugins_json(capsys):
    status, out, _ = run(capsys, "plugins", "--json")
    found = json.loads(out)
    assert status == 0
    assert found["metrics"][0]["name"] == "uses_thing"
    assert found["metrics"][0]["missing"] == ["asset thing"]
    assert set(found) == {
        "plugins", "encoders", "generators", "metrics", "voices", "renderers", "corpora", "assets",
    }  # fmt: skip


def test_plugins_name(capsys):
    status, out, _ = run(capsys, "plugins", "uses_thing")
    assert status == 0
    assert out.startswith("metric uses_thing\n")
    assert "provider: local" in out
    status, out, err = run(capsys, "plugins", "uses_thin")
    assert status == 2
    assert out == ""
    assert "Did you mean 'uses_thing'" in err
    assert err.count("\n") == 1


def test_a_failed_plugin_is_shown_with_its_reason(world, capsys, monkeypatch):
    info = world / "site" / "brokenprobe-0.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brokenprobe\nVersion: 0.3\n")
    (info / "entry_points.txt").write_text("[spatialdrama]\nbrokenprobe = no_such_module_zz\n")
    monkeypatch.syspath_prepend(world / "site")
    monkeypatch.setenv("SPATIALDRAMA_PLUGINS", "brokenprobe")
    manager.refresh()
    status, out, err = run(capsys, "plugins")
    assert status == 0  # the listing is complete; one plugin does not make it fail
    assert "ModuleNotFoundError: No module named 'no_such_module_zz'." in out
    assert "uses_thing" in out  # the others work
    assert "Traceback" not in out
    assert err == ""
    status, out, _ = run(capsys, "plugins", "brokenprobe", "--verbose")
    assert status == 1
    assert "Traceback (most recent call last)" in out
    assert "distribution: brokenprobe" in out


def test_assets_list(world, capsys):
    _, out, _ = run(capsys, "assets", "list")
    assert out.splitlines()[2].split()[:4] == ["thing", "0.0", "MB", "missing"]
    put(world)
    _, out, _ = run(capsys, "assets", "list", "--json")
    (row,) = json.loads(out)
    assert row["state"] == "unchecked"
    assert row["path"] == str(world / "near" / "thing.bin")


def test_assets_verify(world, capsys):
    assert run(capsys, "assets", "verify")[:2] == (0, "no assets on this machine\n")
    put(world)
    status, out, _ = run(capsys, "assets", "verify")
    assert (status, out.startswith("thing: sha256 is right, ")) == (0, True)
    put(world, b"x" * len(CONTENT))
    status, _, err = run(capsys, "assets", "verify", "thing")
    assert status == 2
    assert "is damaged" in err
    assert hashlib.sha256(CONTENT).hexdigest() in err


def test_assets_fetch(world, capsys):
    status, out, _ = run(capsys, "assets", "fetch", "--for", "uses_thing", "--dry-run")
    assert status == 0
    assert "thing: would fetch 0.0 MB from folder " in out
    assert not (world / "home").exists()
    status, _, err = run(capsys, "assets", "fetch", "--all")
    assert status == 2
    assert "pip download sdtest-absent==1.0 failed" in err
    put(world)
    status, out, _ = run(capsys, "assets", "fetch", "thing")
    assert (status, out) == (0, f"thing: {world / 'near' / 'thing.bin'}\n")
    assert "nothing to do" in run(capsys, "assets", "fetch", "--all", "--dry-run")[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("assets", "fetch"),
            "no asset named. Name some, or type: spatialdrama assets fetch --all",
        ),
        (("assets", "fetch", "thnig"), "no asset named 'thnig'. Did you mean 'thing'?"),
        (("assets", "fetch", "--for", "uses_thin"), "Did you mean 'uses_thing'?"),
        (("assets", "verify", "thing"), "Type: spatialdrama assets fetch thing"),
    ],
)
def test_mistakes_are_one_line_and_status_2(capsys, arguments, says):
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [("plugins",), ("assets",), ("assets", "list"), ("assets", "fetch"), ("assets", "verify")],
)
def test_help_gives_an_example(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert "example" in out
    assert f"spatialdrama {' '.join(arguments)}" in out.split("example")[1]
