"""From clips to Spatial-AST's embeddings, with the network and recent answers kept in memory."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spatialdrama.errors import AssetError
from spatialdrama.runtime.device import Device
from spatialdrama_metrics.published.clips import RATE, SECONDS, padded
from spatialdrama_metrics.published.network_config import SpatialAstConfig

#: Clips whose embeddings are kept, 6 kB each: ANG and DIS ask for the same ones, and so do all
#: systems that are compared with one reference.
KEPT = 4096

_loading = threading.Lock()


class Embeddings(NamedTuple):
    """Two embeddings of one clip, each float64 of shape (width,)."""

    distance: NDArray[np.float64]
    direction: NDArray[np.float64]


class Embedder:
    """A network on a device; made by :func:`embedder`. Threads take turns.

    Parameters
    ----------
    network : SpatialAst
    device : Device
    """

    def __init__(self, network: Any, device: Device) -> None:
        self.network = network.to(device.torch)
        self.device = device
        self._kept: OrderedDict[bytes, Embeddings] = OrderedDict()
        self._busy = threading.Lock()

    def __call__(self, clips: Sequence[NDArray[np.floating]], *, batch: int) -> list[Embeddings]:
        """Embed clips.

        Parameters
        ----------
        clips : sequence of ndarray, shape (2, n)
            As :func:`spatialdrama_metrics.published.clips.prepared` gives them.
        batch : int
            Clips per forward pass on a GPU. A CPU takes one at a time: more are not faster there,
            and so a clip's numbers do not depend on its neighbours.

        Returns
        -------
        list of Embeddings
        """
        with self._busy:
            return self._embed(clips, 1 if self.device.kind == "cpu" else batch)

    def _embed(self, clips: Sequence[NDArray[np.floating]], size: int) -> list[Embeddings]:
        keys = [_digest(clip) for clip in clips]
        answers = {key: self._kept[key] for key in keys if key in self._kept}
        new = {k: clip for k, clip in zip(keys, clips, strict=True) if k not in answers}
        for low in range(0, len(new), size):
            part = list(new)[low : low + size]
            answers.update(zip(part, self._forward([new[key] for key in part]), strict=True))
        for key, value in answers.items():
            self._kept[key] = value
            self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return [answers[key] for key in keys]

    def _forward(self, clips: list[NDArray[np.floating]]) -> list[Embeddings]:
        import torch

        waveforms = torch.from_numpy(np.stack([padded(clip) for clip in clips]))
        with torch.inference_mode(), _full_precision(self.device):
            tokens = self.network(waveforms.to(self.device.torch))
        pair = [t.cpu().numpy().astype(np.float64) for t in (tokens.distance, tokens.direction)]
        return [Embeddings(*row) for row in zip(*pair, strict=True)]


def embedder(path: Path, config: SpatialAstConfig, device: Device) -> Embedder:
    """The network of a checkpoint on a device, loaded once while the file does not change.

    Raises
    ------
    AssetError
        The file is not there, or does not fit; see
        :func:`spatialdrama_metrics.published.checkpoint.load_network`.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise AssetError(f"no checkpoint of Spatial-AST at {path}: {error.strerror}") from None
    with _loading:
        return _loaded(path.resolve(), state.st_mtime_ns, state.st_size, config, device)


@lru_cache(maxsize=2)
def _loaded(
    path: Path, changed: int, size: int, config: SpatialAstConfig, device: Device
) -> Embedder:
    from spatialdrama_metrics.published.checkpoint import load_network

    return Embedder(load_network(path, config), device)


def _digest(clip: NDArray[np.floating]) -> bytes:
    content = np.ascontiguousarray(clip[:, : RATE * SECONDS])
    return hashlib.blake2b(content, digest_size=16, person=str(content.shape[1]).encode()).digest()


@contextlib.contextmanager
def _full_precision(device: Device) -> Iterator[None]:
    """Keep a GPU from rounding float32 to 10 bits, which phases do not survive."""
    import torch

    if device.kind == "cpu":
        yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
