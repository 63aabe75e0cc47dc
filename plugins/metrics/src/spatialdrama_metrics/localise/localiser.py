"""The trained localiser: two ears in, where the voice is over time out."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio
from spatialdrama_metrics.localise import decode, features, network

#: Of the shipped weights.
SHA256 = "dbb3015ccbb5c11be34931cb05003a9a84bf037675fe4bc6a116601efb860107"
#: dB below the loudest frame: quieter frames are silence. Training used the same.
ACTIVE_DB = -35.0
#: s; longer sound goes through in pieces of this, each with a margin on both sides.
PIECE_S, MARGIN_S = 30.0, 2.6
#: Tracks that are kept, so that azimuth, elevation and distance of one sound share one run.
_KEPT = 64


class Track(NamedTuple):
    """Where a voice is heard, every 40 ms; all of shape (frames,).

    ``times`` s, middle of each frame; ``azimuth_deg`` counter-clockwise from straight ahead,
    (-180, 180]; ``elevation_deg``; ``distance_m``; ``level_db`` below the loudest frame; ``active``
    bool, where there is a voice to hear; ``certainty`` the share of belief that lies within 15
    degrees of the azimuth given.
    """

    times: NDArray[np.float64]
    azimuth_deg: NDArray[np.float64]
    elevation_deg: NDArray[np.float64]
    distance_m: NDArray[np.float64]
    level_db: NDArray[np.float64]
    active: NDArray[np.bool_]
    certainty: NDArray[np.float64]


@attrs.define(eq=False)
class Localiser:
    """Hears where a voice comes from.

    A network of 2 million parameters, trained on voices that the physical renderer placed in some
    hundreds of rooms at fourteen pairs of ears, half of them without a head. It runs on numpy.

    Parameters
    ----------
    weights : path, optional
        A ``localiser.safetensors`` of one's own training; default: the shipped one.

    Raises
    ------
    ValidationError
        When the file is missing, damaged, or holds other arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio
    >>> noise = np.random.default_rng(0).standard_normal(48_000) / 10
    >>> left_first = BinauralAudio(np.stack([noise[20:], noise[:-20] / 2]), 48_000)
    >>> track = Localiser().track(left_first)
    >>> bool(np.median(track.azimuth_deg) > 30)
    True
    """

    weights: str | Path | None = None
    _arrays: dict[str, NDArray] = attrs.field(init=False)
    _kept: OrderedDict = attrs.field(init=False, factory=OrderedDict)
    _lock: Any = attrs.field(init=False, factory=threading.Lock)

    def __attrs_post_init__(self) -> None:
        self._arrays = _shipped() if self.weights is None else read_weights(self.weights)

    def __reduce__(self) -> tuple[Any, ...]:
        # Locks and kept tracks do not travel; the weights are read again where it arrives.
        return type(self), (self.weights,)

    def track(self, audio: BinauralAudio) -> Track:
        """Return where the voice is over time.

        Parameters
        ----------
        audio : BinauralAudio
            One voice at a time, at 16 kHz or more; of any length.

        Returns
        -------
        Track
            Silence gives frames that are not active.

        Raises
        ------
        ValidationError
            For less than 40 ms, or below 16 kHz.
        """
        if not isinstance(audio, BinauralAudio):
            raise ValidationError(f"audio must be a BinauralAudio, got {type(audio).__name__}")
        if audio.rate < 16_000:
            raise ValidationError(
                f"the localiser needs sound at 16 kHz or more, got {audio.rate} Hz; what it "
                "listens to above 4 kHz is not in there."
            )
        key = hashlib.sha256(np.ascontiguousarray(audio.samples).data).digest(), audio.rate
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        track = self._tracked(_at_rate(audio.samples, audio.rate))
        with self._lock:
            self._kept[key] = track
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return track

    def _tracked(self, samples: NDArray[np.float32]) -> Track:
        if features.frames_of(samples.shape[1]) < 2 * network.STRIDE:
            raise ValidationError(
                f"the localiser needs 80 ms of sound or more, got "
                f"{samples.shape[1] / features.RATE * 1e3:.0f} ms."
            )
        step = round(PIECE_S * features.RATE) // features.HOP // 2 * 2 * features.HOP
        margin = round(MARGIN_S * features.RATE) // features.HOP // 2 * 2 * features.HOP
        pieces = []
        for low in range(0, samples.shape[1], step):
            start = max(low - margin, 0)
            piece = self._piece(samples[:, start : low + step + margin])
            first = (low - start) // (2 * features.HOP)
            last = first + step // (2 * features.HOP)
            whole = low + step >= samples.shape[1]
            pieces.append([a[first : None if whole else last] for a in piece])
            if whole:
                break
        azimuth, elevation, distance, level, certainty = map(
            np.concatenate, zip(*pieces, strict=True)
        )
        times = (np.arange(len(azimuth)) * 2 + 0.5) * features.HOP / features.RATE
        # Levels of pieces count from each piece's loudest frame, which a long silence may hide.
        return Track(times, azimuth, elevation, distance, level, level > ACTIVE_DB, certainty)

    def _piece(self, samples: NDArray[np.float32]) -> tuple[NDArray, ...]:
        pictures, level = features.features(samples)
        beliefs = network.forward(self._arrays, pictures, level > ACTIVE_DB)
        azimuth = decode.softmax(beliefs["azimuth"].astype(np.float64))
        frames = len(azimuth)
        if not samples.any():
            level = np.full_like(level, features.FLOOR_DB)
        return (
            decode.azimuth_deg(azimuth),
            decode.elevation_deg(decode.softmax(beliefs["elevation"].astype(np.float64))),
            decode.distance_m(decode.softmax(beliefs["distance"].astype(np.float64))),
            level[: 2 * frames].reshape(frames, 2).min(axis=1).astype(np.float64),
            decode.certainty(azimuth),
        )


def read_weights(path: str | Path) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a ``localiser.safetensors``, checked against the network.

    Raises
    ------
    ValidationError
        Names the file, and the arrays that are missing, unknown or of another shape.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = Path(path)
    if not path.is_file():
        raise ValidationError(f"there is no file of weights {path}.")
    try:
        found = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValidationError(f"{path} is no whole safetensors file: {error}") from None
    wanted = network.shapes()
    odd = [f"{n} is missing" for n in wanted if n not in found]
    odd += [f"{n} is unknown" for n in found if n not in wanted]
    odd += [
        f"{n} has shape {found[n].shape}, not {shape}"
        for n, shape in wanted.items()
        if n in found and found[n].shape != shape
    ]
    odd += [f"{n} holds NaN" for n in found if not np.isfinite(found[n]).all()]
    if odd:
        raise ValidationError(f"{path} holds no weights of this localiser: {'; '.join(odd[:4])}.")
    return {n: np.ascontiguousarray(v, dtype=np.float32) for n, v in found.items()}


@cache
def _shipped() -> dict[str, NDArray[np.float32]]:
    place = resources.files("spatialdrama_metrics.localise") / "weights" / "localiser.safetensors"
    with resources.as_file(place) as path:
        if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
            raise ValidationError(
                f"{path} is not the file that was shipped; install spatialdrama-metrics again."
            )
        return read_weights(path)


def _at_rate(samples: NDArray, rate: int) -> NDArray[np.float32]:
    """Return (2, n) at the rate of the features, both ears alike."""
    if rate == features.RATE:
        return samples
    import soxr

    return soxr.resample(samples.T.astype(np.float32), rate, features.RATE).T
