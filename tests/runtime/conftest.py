"""A home of its own for each test, local assets, and a server with and without ranges."""

from __future__ import annotations

import hashlib
import http.server
import threading

import pytest


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.setenv("SPATIALDRAMA_HOME", str(home))
    monkeypatch.delenv("SPATIALDRAMA_ASSETS", raising=False)
    monkeypatch.setenv("SPATIALDRAMA_PROGRESS", "0")
    return home


@pytest.fixture
def content() -> bytes:
    """300 kB that no part of resembles another (a counter's hashes)."""
    return b"".join(hashlib.sha256(bytes([i % 256, i // 256])).digest() for i in range(9600))


@pytest.fixture
def register_asset():
    """Register an asset of this session from its content; unregistered afterwards."""
    from spatialdrama.registry import AssetSource, AssetSpec, register_local, unregister_local

    made = []

    def register(content: bytes, *sources, name: str = "thing", **fields):
        spec = AssetSpec(
            name,
            **{
                "version": "1",
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
                "licence": "CC0-1.0",
                "filename": "thing.bin",
                "sources": sources or (AssetSource.folder("/no/such/folder"),),
            }
            | fields,
        )
        register_local("asset", spec, None)
        made.append(name)
        return spec

    yield register
    for name in made:
        unregister_local("asset", name)


class Server:
    """Serves ``files``; ``ranges`` and ``break_after`` decide how well it behaves."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.break_after: int | None = None
        self.status: list[int] = []
        self.requests: list[str | None] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append(self.headers.get("Range"))
                if outer.status:
                    self.send_error(outer.status.pop(0))
                    return
                data = outer.files.get(self.path.lstrip("/"))
                if data is None:
                    self.send_error(404)
                    return
                start = 0
                asked = self.headers.get("Range")
                if asked and outer.ranges:
                    start = int(asked.removeprefix("bytes=").rstrip("-"))
                    if start >= len(data):
                        self.send_error(416)
                        return
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                body = data[start:]
                if outer.break_after is not None:
                    body, outer.break_after = body[: outer.break_after], None
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Server()
    yield made
    made.close()
