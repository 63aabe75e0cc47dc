"""Dynamic time warping of two lines on mel cepstra, so that different tempi can be compared.

Source: H. Sakoe and S. Chiba (1978), "Dynamic programming algorithm optimization for spoken word
recognition", IEEE Trans. ASSP 26, 43-49: symmetric steps of equal weight, and the band.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from spatialdrama.dsp.mel import mel_matrix
from spatialdrama.dsp.stft import frame_count, stft_blocks
from spatialdrama.errors import ValidationError
from spatialdrama_metrics.pitch.track import grid_frames, resampled

_RATE = 16_000
_WINDOW, _BANDS, _CEPSTRA = 512, 40, 13
#: dB below the loudest band; deeper, silence would be aligned by its noise.
_FLOOR_DB = -60.0
#: Cells of the table; 100 MB of steps. A line of three minutes has 65 million in its band.
_MOST_CELLS = 100_000_000
#: Steps backwards in (candidate, reference): both, candidate alone, reference alone.
_STEPS = np.array([(1, 1), (1, 0), (0, 1)])


def mel_cepstra(mono: NDArray, *, rate: int, hop_s: float) -> NDArray[np.float64]:
    """Cepstra of 40 mel bands up to 8 kHz, each with its mean removed: timbre without gain.

    Parameters
    ----------
    mono : ndarray, shape (n,)
    rate : int
        Samples per second.
    hop_s : float
        s between frames.

    Returns
    -------
    ndarray, shape (frames, 13)
        On the same frames as a pitch track.

    Examples
    --------
    >>> mel_cepstra(np.ones(1600), rate=16000, hop_s=0.01).shape
    (11, 13)
    """
    wave = resampled(mono, rate=rate, to=_RATE)
    hop = round(hop_s * _RATE)
    mels = mel_matrix(rate=_RATE, n_fft=_WINDOW, bands=_BANDS)
    energy = np.zeros((frame_count(len(wave), hop), _BANDS))
    for part, spectrum in stft_blocks(wave, length=_WINDOW, hop=hop):
        energy[part] = (np.abs(spectrum) ** 2) @ mels.T
    loudest = energy.max()
    if loudest > 0:
        energy /= loudest
    level = np.log(np.maximum(energy, 10 ** (_FLOOR_DB / 10)))
    cepstra = fft.dct(level, norm="ortho", axis=1)[:, :_CEPSTRA]
    cepstra -= cepstra.mean(axis=0)
    # Resampling may add or take a frame at the end.
    frames = grid_frames(len(mono), rate=rate, hop_s=hop_s)
    return np.pad(cepstra, ((0, max(0, frames - len(cepstra))), (0, 0)), mode="edge")[:frames]


def warping_path(
    candidate: ArrayLike, reference: ArrayLike, *, band: float | None = 0.2
) -> NDArray[np.intp]:
    """Find the cheapest path through two sequences of features.

    The table is filled along anti-diagonals, whose cells do not depend on each other.

    Parameters
    ----------
    candidate, reference : array_like, shape (n, d) and (m, d)
        Compared by Euclidean distance.
    band : float, optional
        How far the path may leave the straight line, as a share of the length; None for no limit.

    Returns
    -------
    ndarray, shape (steps, 2)
        Frames of the candidate and of the reference, from (0, 0) to (n - 1, m - 1); each step
        moves one of them or both by one. Where paths cost the same, both move.

    Raises
    ------
    ValidationError
        Features of different widths, none at all, or more than the table can hold.

    Examples
    --------
    >>> warping_path([[0.0], [1], [1], [2]], [[0.0], [1], [2]], band=None).tolist()
    [[0, 0], [1, 1], [2, 1], [3, 2]]
    """
    a, b = (np.asarray(x, dtype=np.float64) for x in (candidate, reference))
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or not len(a) or not len(b):
        raise ValidationError(
            f"features must have shapes (n, d) and (m, d), got {a.shape} and {b.shape}"
        )
    if band is not None and not 0 < band <= 1:
        raise ValidationError(f"band must be a share of the length in (0, 1] or None, got {band!r}")
    first, last = _ranges(len(a), len(b), band)
    if (last - first + 1).sum() > _MOST_CELLS:
        raise ValidationError(
            f"{len(a)} and {len(b)} frames are too many to align; cut the sound into lines"
        )
    return _backwards(_filled(a, b, first, last), first, len(a), len(b))


def _ranges(n: int, m: int, band: float | None) -> tuple[NDArray, NDArray]:
    """First and last candidate frame of every anti-diagonal ``i + j = k``."""
    k = np.arange(n + m - 1)
    first, last = np.maximum(0, k - m + 1), np.minimum(k, n - 1)
    if band is None or min(n, m) < 3:
        return first, last
    # |i / (n - 1) - (k - i) / (m - 1)| <= band, and wide enough to hold a connected path.
    band = max(band, 2 / (min(n, m) - 1))
    slope = 1 / (n - 1) + 1 / (m - 1)
    low = np.ceil((k / (m - 1) - band) / slope - 1e-9).astype(int)
    high = np.floor((k / (m - 1) + band) / slope + 1e-9).astype(int)
    return np.maximum(first, low), np.minimum(last, high)


def _filled(a: NDArray, b: NDArray, first: NDArray, last: NDArray) -> list[NDArray]:
    """For every anti-diagonal the best step into each of its cells: 0 both, 1 candidate, 2 ref."""
    empty = np.full(len(a) + 1, np.inf)
    before, previous = empty, empty.copy()  # costs of diagonals k - 2 and k - 1, at index i + 1
    previous[1] = np.linalg.norm(a[0] - b[0])
    steps = [np.zeros(1, dtype=np.int8)]
    for k in range(1, len(first)):
        i = np.arange(first[k], last[k] + 1)
        ways = np.stack([before[i], previous[i], previous[i + 1]])
        step = ways.argmin(axis=0)
        steps.append(step.astype(np.int8))
        now = empty.copy()
        difference = a[i] - b[k - i]
        now[i + 1] = ways[step, np.arange(len(i))] + np.sqrt((difference**2).sum(axis=1))
        before, previous = previous, now
    return steps


def _backwards(steps: list[NDArray], first: NDArray, n: int, m: int) -> NDArray[np.intp]:
    place = np.array([n - 1, m - 1])
    path = [place]
    while place.any():
        k = int(place.sum())
        place = place - _STEPS[steps[k][place[0] - first[k]]]
        path.append(place)
    return np.array(path[::-1])
