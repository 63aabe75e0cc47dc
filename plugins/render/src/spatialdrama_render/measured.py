"""Rooms given by binaural responses that were measured in them.

A measured response holds the head, the room and the loudspeaker of one place; nothing of it can be
moved. A voice is heard from the measured place that is nearest to its pose, and passes from one to
the next in a cross-fade of one block. Level and time of flight are the measurement's.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import xarray as xr

from spatialdrama_render.engine import Listener
from spatialdrama_render.propagation import Track
from spatialdrama_render.tail_convolver import PastBlocks, partitioned


@attrs.frozen(eq=False)
class MeasuredRoom:
    """Responses of a room at the renderer's rate.

    Attributes
    ----------
    responses : (m, 2, n) float32
        Their delays are in them.
    places : (m, 3) float, m, or None
        Of the loudspeakers in the listener's frame; None where the file does not tell.
    title, sha256 : str
    """

    responses: np.ndarray
    places: np.ndarray | None
    title: str
    sha256: str

    @classmethod
    def load(cls, path: str | Path, rate: int) -> MeasuredRoom:
        """Read what :func:`spatialdrama.io.brir.read_brir` reads; the last few are kept."""
        path = Path(path)
        changed = path.stat().st_mtime_ns if path.is_file() else 0
        return _loaded(str(path), changed, rate)

    @classmethod
    def of(cls, data: xr.Dataset, rate: int) -> MeasuredRoom:
        """Take responses to another rate and put their delays into them."""
        from spatialdrama_render.head_preparation import resampled

        response = resampled(data["impulse_response"].values, data.attrs["rate"], rate)
        delay = data["delay"].values * rate
        if delay.any():
            response = _delayed(response, delay)
        places = data["position"].values if "position" in data else None
        return cls(
            np.ascontiguousarray(response, dtype=np.float32), places,
            str(data.attrs["title"]), str(data.attrs["sha256"]),
        )  # fmt: skip

    def nearest(self, vector: np.ndarray) -> int:
        """Return which measurement is nearest to a place (3,) m in the listener's frame.

        Direction decides, then distance: a voice on the left must not come from the right because
        a loudspeaker there stood equally far away.
        """
        if self.places is None:
            return 0
        size = np.linalg.norm(self.places, axis=1)
        distance = float(np.linalg.norm(vector))
        if distance < 1e-9:
            return int(np.argmin(size))
        with np.errstate(invalid="ignore", divide="ignore"):
            cosine = self.places @ vector / (size * distance)
        angle = np.arccos(np.clip(np.nan_to_num(cosine, nan=-1.0), -1.0, 1.0))
        return int(np.argmin(angle + 1e-3 * np.abs(size - distance)))


@lru_cache(maxsize=4)
def _loaded(path: str, changed: int, rate: int) -> MeasuredRoom:
    from spatialdrama.io.brir import read_brir

    return MeasuredRoom.of(read_brir(path), rate)


def _delayed(response: np.ndarray, delay: np.ndarray) -> np.ndarray:
    """Shift (m, 2, n) by (m, 2) samples, whole or not, by a linear phase."""
    import scipy.fft

    longer = response.shape[2] + int(np.ceil(delay.max())) + 64
    size = scipy.fft.next_fast_len(longer, real=True)
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(size) * delay[..., None])
    return scipy.fft.irfft(scipy.fft.rfft(response, size) * turn, size)[..., :longer]


class MeasuredEngine:
    """The blocks of an :class:`spatialdrama_render.engine.Engine`, through measured responses.

    Parameters
    ----------
    room : MeasuredRoom
    tracks : list of Track
        One for each source.
    start : float, s
    rate, block : int
    """

    def __init__(
        self, room: MeasuredRoom, tracks: list[Track], *, start: float, rate: int, block: int
    ) -> None:
        self.block, self.done = block, 0
        self._room, self._tracks, self._start, self._rate = room, tracks, start, rate
        self._spectra: dict[int, np.ndarray] = {}
        pieces = -(-room.responses.shape[2] // block)
        self._past = [PastBlocks(pieces, block) for _ in tracks]
        self._at: list[int | None] = [None] * len(tracks)
        self._rise = np.sin(np.pi / 2 * np.arange(block) / block).astype(np.float32) ** 2

    def process(self, signals: list[Any], listener: Listener | None = None) -> np.ndarray:
        """Return the next (2, block) samples; see :meth:`Engine.process`."""
        listener = Listener.at_rest() if listener is None else listener
        out = np.zeros((2, self.block), dtype=np.float32)
        end = self._start + (self.done + self.block) / self._rate
        for i, (past, track, signal) in enumerate(
            zip(self._past, self._tracks, signals, strict=True)
        ):
            past.push(signal)
            vector = track.positions_at(np.array([end]))[0] - listener.place[-1]
            new = self._room.nearest(listener.rotation[-1].T @ vector)
            old, self._at[i] = (new if self._at[i] is None else self._at[i]), new
            heard = past.through(self._through(new))
            if old != new:
                heard += (1 - self._rise) * (past.through(self._through(old)) - heard)
            out += heard
        self.done += self.block
        return out

    def _through(self, index: int) -> np.ndarray:
        if index not in self._spectra:
            self._spectra[index] = partitioned(self._room.responses[index], self.block)
        return self._spectra[index]
