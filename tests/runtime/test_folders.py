"""Folders: where the home is, and locks that end with their holder."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

from spatialdrama.runtime import folders


def test_home_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path))
    assert folders.home() == tmp_path
    assert folders.asset_home() == tmp_path / "assets"
    monkeypatch.setenv("SPATIALDRAMA_HOME", "~/somewhere")
    assert folders.home() == Path.home() / "somewhere"
    monkeypatch.delenv("SPATIALDRAMA_HOME")
    assert folders.home().name == "spatialdrama"


def test_a_lock_is_exclusive_and_ends_with_its_holder(tmp_path):
    path = tmp_path / "deep" / "lock"
    code = textwrap.dedent(
        f"""
        import time
        from pathlib import Path
        from spatialdrama.runtime import folders
        with folders.lock(Path({str(path)!r})):
            print("held", flush=True)
            time.sleep(60)
        """
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    waiter = None
    try:
        assert holder.stdout.readline() == "held\n"
        waiting = code.replace("time.sleep(60)", "pass")
        waiter = subprocess.Popen(
            [sys.executable, "-c", waiting], stdout=subprocess.PIPE, text=True
        )
        time.sleep(0.7)
        assert waiter.poll() is None  # waits
        holder.kill()  # no clean-up of any kind runs
        assert waiter.communicate(timeout=20)[0] == "held\n"
    finally:
        for process in (holder, waiter):
            if process is not None:
                process.kill()
                process.wait()
        holder.stdout.close()


def test_remove_takes_files_folders_and_nothing(tmp_path):
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    for name in ("link", "file", "absent"):
        folders.remove(tmp_path / name)
    assert (tmp_path / "folder" / "sub").is_dir()  # the link went, not what it points to
    folders.remove(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []
