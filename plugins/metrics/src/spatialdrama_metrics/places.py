"""Where a voice is heard against where it is: the localiser's errors as metrics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Pose, Score
from spatialdrama_metrics.localise.localiser import Localiser, Track

#: Degrees; above it a source is overhead and has no azimuth to speak of.
OVERHEAD_DEG = 75.0
#: Degrees; a frame is confused when it is closer to the mirrored azimuth by more than this.
CONFUSED_DEG = 20.0
#: s of an output frame.
_STEP = 0.04


def _localiser(weights: str | None) -> Localiser:
    """Return one localiser for all metrics: they ask for the same tracks one after the other."""
    stamp = None
    if weights is not None and Path(weights).is_file():
        stat = Path(weights).stat()  # a file that was written anew is another localiser
        stamp = stat.st_mtime_ns, stat.st_size
    return _loaded(weights, stamp)


@lru_cache(maxsize=4)
def _loaded(weights: str | None, stamp: tuple[int, int] | None) -> Localiser:
    return Localiser(weights)


@attrs.frozen(kw_only=True)
class _Place(ABC):
    """Compares what the localiser hears with a pose; subclasses name the number."""

    unit: ClassVar[str]
    weights: str | Path | None = attrs.field(default=None)

    def __attrs_post_init__(self) -> None:
        _localiser(None if self.weights is None else str(self.weights))

    def score(self, audio: BinauralAudio, *, pose: Pose) -> Score:
        """Score one line (or clip) against its pose.

        Parameters
        ----------
        audio : BinauralAudio
            One voice, at 16 kHz or more and 80 ms or longer.
        pose : Pose
            Of the mouth, in the listener's frame, time 0 at the first sample.

        Returns
        -------
        Score
            ``weight`` = seconds in which there is a voice to hear. ``details``: ``bias`` (signed
            mean), ``median``, ``heard`` and ``true`` (means), ``unit``; of azimuths also
            ``front_back`` (share of frames that are heard in front and are behind, or the other
            way round) and ``folded`` (mean error with front and back taken as one). Silence, or a
            voice overhead for its azimuth, scores NaN with weight 0.

        Raises
        ------
        ValidationError
            For something that is no sound or no pose, or sound that the localiser cannot take.
        """
        if not isinstance(pose, Pose):
            raise ValidationError(f"pose must be a Pose, got {type(pose).__name__}")
        track = _localiser(None if self.weights is None else str(self.weights)).track(audio)
        places = pose.positions_at(track.times)
        heard, true, error, use = self._errors(track, places)
        use = use & track.active
        if not use.any():
            nothing = "nothing is heard" if not track.active.any() else "the voice is overhead"
            return Score(np.nan, weight=0.0, details={"unit": self.unit, "note": nothing})
        details: dict[str, Any] = {
            "unit": self.unit,
            "median": float(np.median(np.abs(error[use]))),
            "bias": float(error[use].mean()),
            "certainty": float(track.certainty[use].mean()),
        }
        details |= self._more(heard[use], true[use], error[use])
        return Score(
            float(np.abs(error[use]).mean()), weight=float(_STEP * use.sum()), details=details
        )

    @abstractmethod
    def _errors(
        self, track: Track, places: NDArray
    ) -> tuple[NDArray, NDArray, NDArray, NDArray[np.bool_]]:
        """Return heard, true, signed error, and which frames count."""

    def _more(self, heard: NDArray, true: NDArray, error: NDArray) -> dict[str, float]:
        return {"heard": float(heard.mean()), "true": float(true.mean())}


@attrs.frozen(kw_only=True)
class AzimuthMae(_Place):
    """Mean absolute error of the azimuth that is heard, degrees (``azimuth_mae_deg``).

    Parameters
    ----------
    weights : path, optional
        Of another localiser, see :class:`spatialdrama_metrics.localise.localiser.Localiser`.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio, Pose
    >>> noise = np.random.default_rng(0).standard_normal(48_000) / 10
    >>> left = BinauralAudio(np.stack([noise[25:], noise[:-25] / 2]), 48_000)
    >>> metric = AzimuthMae()
    >>> right = metric.score(left, pose=Pose.fixed(azimuth_deg=-70, distance=1.5)).value
    >>> metric.score(left, pose=Pose.fixed(azimuth_deg=70, distance=1.5)).value < right
    True
    """

    unit = "deg"

    def _errors(self, track, places):
        true = np.rad2deg(np.arctan2(places[:, 1], places[:, 0]))
        use = np.abs(_elevation(places)) < OVERHEAD_DEG
        return track.azimuth_deg, true, wrapped(track.azimuth_deg - true), use

    def _more(self, heard, true, error):
        mirrored = np.abs(wrapped(180.0 - heard - true))
        size = np.abs(error)
        return {
            "heard": mean_angle(heard),
            "true": mean_angle(true),
            "front_back": float((mirrored < size - CONFUSED_DEG).mean()),
            "folded": float(np.minimum(mirrored, size).mean()),
        }


@attrs.frozen(kw_only=True)
class ElevationMae(_Place):
    """Mean absolute error of the elevation that is heard, degrees (``elevation_mae_deg``).

    Parameters
    ----------
    weights : path, optional
        Of another localiser.
    """

    unit = "deg"

    def _errors(self, track, places):
        true = _elevation(places)
        return track.elevation_deg, true, track.elevation_deg - true, np.ones(len(true), bool)


@attrs.frozen(kw_only=True)
class DistanceMae(_Place):
    """Mean absolute error of the distance that is heard, m (``distance_mae_m``).

    Parameters
    ----------
    weights : path, optional
        Of another localiser.
    """

    unit = "m"

    def _errors(self, track, places):
        true = np.linalg.norm(places, axis=1)
        return track.distance_m, true, track.distance_m - true, np.ones(len(true), bool)


def wrapped(degrees: NDArray) -> NDArray:
    """Return angles in [-180, 180)."""
    return (degrees + 180.0) % 360.0 - 180.0


def mean_angle(degrees: NDArray) -> float:
    """Return the direction of the mean unit vector, degrees."""
    angle = np.deg2rad(degrees)
    return float(np.rad2deg(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())))


def _elevation(places: NDArray) -> NDArray:
    return np.rad2deg(np.arctan2(places[:, 2], np.hypot(places[:, 0], places[:, 1])))
