"""Assets: located, verified, remembered; damaged and missing ones say what to type."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from spatialdrama.errors import AssetError, UnknownNameError
from spatialdrama.registry import AssetSource, MetricSpec, register_local, unregister_local
from spatialdrama.runtime import asset_files, assets, folders
from spatialdrama.runtime.assets import fetch, locate, missing, needed_by, status, verify


def put(folder, content, name="thing.bin"):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_missing_asset_names_the_command(register_asset, content, own_home):
    register_asset(content)
    with pytest.raises(AssetError) as caught:
        locate("thing")
    assert str(caught.value) == (
        "asset 'thing' (0.3 MB, CC0-1.0) is not on this machine. "
        "Type: spatialdrama assets fetch thing"
    )
    assert status("thing").state == "missing"
    assert missing(["thing", "no-such-asset"]) == ("thing", "no-such-asset")
    assert not own_home.exists()  # looking leaves nothing behind


def test_unknown_assets_get_the_nearest_name(register_asset, content):
    register_asset(content)
    with pytest.raises(UnknownNameError, match=r"no asset named 'thnig'. Did you mean 'thing'"):
        locate("thnig")


@pytest.mark.parametrize("layout", ["home", "listed/sub", "listed/flat", "source folder", "file"])
def test_folders_are_looked_into(register_asset, content, own_home, tmp_path, monkeypatch, layout):
    listed, system = tmp_path / "listed", tmp_path / "system"
    monkeypatch.setenv("SPATIALDRAMA_ASSETS", os.pathsep.join([str(tmp_path / "no"), str(listed)]))
    source = system / "thing.bin" if layout == "file" else system
    register_asset(content, AssetSource.folder(str(source)))
    place = {
        "home": own_home / "assets" / "thing",
        "listed/sub": listed / "thing",
        "listed/flat": listed,
    }.get(layout, system)
    path = put(place, content)
    assert locate("thing") == path
    assert status("thing").state == "ready"
    assert missing(["thing"]) == ()


def test_a_file_is_hashed_once_and_again_when_it_changed(
    register_asset, content, own_home, monkeypatch
):
    register_asset(content)
    path = put(own_home / "assets" / "thing", content)
    hashed = []
    real = folders.sha256_of
    monkeypatch.setattr(folders, "sha256_of", lambda p, **k: hashed.append(p) or real(p, **k))
    assert status("thing").state == "unchecked"
    locate("thing")
    locate("thing")
    assert hashed == [path]
    remembered = json.loads((path.parent / ".thing.bin.verified.json").read_text())
    assert remembered["sha256"] == hashlib.sha256(content).hexdigest()
    assert remembered["size"] == len(content)
    os.utime(path, ns=(1, 1))
    locate("thing")
    assert len(hashed) == 2
    verify("thing")
    assert len(hashed) == 3


def test_a_damaged_file_shows_both_hashes_and_the_command(register_asset, content, own_home):
    register_asset(content)
    damaged = bytes([content[0] ^ 1]) + content[1:]
    path = put(own_home / "assets" / "thing", damaged)
    for call in (locate, fetch, verify):
        with pytest.raises(AssetError) as caught:
            call("thing")
        assert str(caught.value) == (
            f"asset 'thing' is damaged: {path}: expected sha256 "
            f"{hashlib.sha256(content).hexdigest()}, seen {hashlib.sha256(damaged).hexdigest()}. "
            "Type: spatialdrama assets fetch thing --force"
        )


def test_damage_after_a_good_check_is_seen(register_asset, content, own_home):
    register_asset(content)
    path = put(own_home / "assets" / "thing", content)
    locate("thing")
    path.write_bytes(content[:-1] + b"x")
    with pytest.raises(AssetError, match="is damaged"):
        locate("thing")


def test_a_short_file_is_damaged(register_asset, content, own_home):
    register_asset(content)
    put(own_home / "assets" / "thing", content[:1000])
    assert status("thing").state == "damaged"
    assert missing(["thing"]) == ("thing",)
    with pytest.raises(AssetError, match=f"expected {len(content)} bytes, seen 1000"):
        locate("thing")


def test_a_whole_copy_elsewhere_wins_over_a_damaged_one(
    register_asset, content, own_home, tmp_path, monkeypatch
):
    register_asset(content)
    put(tmp_path / "listed" / "thing", b"x" * len(content))
    whole = put(own_home / "assets" / "thing", content)
    monkeypatch.setenv("SPATIALDRAMA_ASSETS", str(tmp_path / "listed"))
    assert locate("thing") == whole


def test_another_file_of_that_name_in_a_listed_folder_is_no_damage(
    register_asset, content, tmp_path, monkeypatch
):
    register_asset(content)
    put(tmp_path / "listed", b"my own thing")
    monkeypatch.setenv("SPATIALDRAMA_ASSETS", str(tmp_path / "listed"))
    with pytest.raises(AssetError, match="is not on this machine"):
        locate("thing")


def test_assets_that_belong_together_share_a_folder(register_asset, content, own_home):
    for name in ("model", "vocabulary"):
        register_asset(content, name=name, filename=f"{name}.bin", folder="whisper")
        put(own_home / "assets" / "whisper", content, f"{name}.bin")
    assert locate("model").parent == locate("vocabulary").parent == own_home / "assets" / "whisper"


def test_a_home_that_cannot_be_written_still_serves(register_asset, content, tmp_path, monkeypatch):
    register_asset(content)
    path = put(tmp_path / "listed", content)
    monkeypatch.setenv("SPATIALDRAMA_ASSETS", str(tmp_path / "listed"))
    monkeypatch.setenv("SPATIALDRAMA_HOME", "/proc/no-one-writes-here")
    assert locate("thing") == path


def test_needed_by_follows_every_kind(register_asset, content):
    register_asset(content)
    register_local("metric", MetricSpec("uses_it", "a.b:C", assets=("thing", "other")), len)
    try:
        assert needed_by(["uses_it", "uses_it"]) == ("thing", "other")
        with pytest.raises(UnknownNameError, match="Did you mean 'uses_it'"):
            needed_by(["uses_itt"])
        with pytest.raises(UnknownNameError, match="no voice, metric, renderer"):
            needed_by(["zzzzzzzzzzzz"])
    finally:
        unregister_local("metric", "uses_it")


def test_the_listing_shows_what_is_here(register_asset, content, own_home):
    register_asset(content, summary="A thing")
    line = next(line for line in repr(assets.assets).splitlines() if line.startswith("thing"))
    assert line.endswith("not on this machine")
    put(own_home / "assets" / "thing", content)
    line = next(line for line in repr(assets.assets).splitlines() if line.startswith("thing"))
    assert line.endswith("ready")


def test_locate_loads_no_network_code(register_asset, content, own_home):
    import subprocess
    import sys

    code = (
        "import sys, spatialdrama.runtime.assets\n"
        "print([m for m in ('urllib.request', 'ssl', 'numpy', 'tqdm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_check_remembers_nothing_about_a_damaged_file(register_asset, content, own_home):
    spec = register_asset(content)
    path = put(own_home / "assets" / "thing", b"x" * len(content))
    assert asset_files.check(spec, path)
    assert not asset_files.remembered(spec, path)
