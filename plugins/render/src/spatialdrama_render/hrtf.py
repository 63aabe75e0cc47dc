"""A head: which filter and which delay each ear has for every direction.

Measured responses are split into a filter and a delay, because delays interpolate between
directions and mixtures of shifted impulses do not; see :mod:`spatialdrama_render.phase_split`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama_render.mesh import SphereMesh

if TYPE_CHECKING:
    from spatialdrama_render.near_field import NearField

INTERPOLATIONS = ("barycentric", "nearest")
ITD_MODELS = ("measured", "sphere")


@attrs.frozen(eq=False, repr=False)
class HrtfSet:
    """Filters and delays on a grid of directions.

    Parameters
    ----------
    directions : (v, 3) float64, unit vectors in the listener frame
    filters : (v, 2, taps) float64, left ear first
    delays : (v, 2) float64, s, relative to the arrival at the head's centre; negative where the
        ear hears the wave before the centre would
    rate : float, Hz
    diffuse : (bins,) float64
        Magnitude of the diffuse-field response (power average over directions and ears) on
        ``numpy.fft.rfftfreq``'s grid; all ones after diffuse-field equalisation.
    coherence : (bins,) float64
        Real part of the coherence between the ears in a diffuse field, same grid.
    title, sha256 : str
        Where it came from.
    itd : "measured" or "sphere"
        What the delays follow.
    phase : "minimum" or "measured"
        What the filters are; with measured phase the arrival comes 16 samples into each filter
        and the delays are that much earlier.
    equaliser : (bins,) float64, optional
        Magnitude that every filter was divided by, on ``numpy.fft.rfftfreq``'s grid; one number
        throughout where nothing was equalised. Raw responses divided by it are what this head
        plays.
    near : NearField, optional
        The same directions at nearer distances.
    far_distance : float, m
        Where `filters` and `delays` were measured: they hold there and beyond, and the last shell
        of `near` goes over into them there.
    note : str
        What whoever renders with it should know, one sentence or nothing.

    Examples
    --------
    >>> from spatialdrama_render.heads import load_head
    >>> head = load_head("kemar", rate=48000)                       # doctest: +SKIP
    >>> head.delays_at([[0, 1, 0]])                                 # doctest: +SKIP
    """

    directions: np.ndarray
    filters: np.ndarray
    delays: np.ndarray
    rate: float
    diffuse: np.ndarray
    coherence: np.ndarray
    title: str = ""
    sha256: str = ""
    itd: str = "measured"
    phase: str = "minimum"
    equaliser: np.ndarray | None = None
    near: NearField | None = None
    far_distance: float = 1.0
    note: str = ""
    _caches: dict = attrs.field(factory=dict, init=False)

    @property
    def taps(self) -> int:
        """Length of each filter in samples."""
        return self.filters.shape[-1]

    def weights(
        self, directions: Any, interpolation: str = "barycentric"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return which grid points stand for each direction, and how much.

        Parameters
        ----------
        directions : (n, 3) float, any length but zero
        interpolation : "barycentric" or "nearest"

        Returns
        -------
        index : (n, 3) int
        weight : (n, 3) float, not negative, each row sums to one
        """
        directions = np.atleast_2d(np.asarray(directions, dtype=float))
        directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        if interpolation == "nearest":
            return self._nearest(directions)
        if interpolation != "barycentric":
            raise ValidationError(
                f"interpolation must be one of {', '.join(INTERPOLATIONS)}; got {interpolation!r}."
            )
        if self.mesh is None:
            raise ValidationError(
                f"the {len(self.directions)} directions of {self.title or 'this HRTF set'} do not "
                "surround the head, so nothing can be interpolated between them; use "
                "interpolation='nearest' or a set with directions all round."
            )
        return self.mesh.weights(directions)

    def delays_at(self, directions: Any, interpolation: str = "barycentric") -> np.ndarray:
        """Return (n, 2) s."""
        return self.look_up(directions, interpolation)[2]

    def filters_at(self, directions: Any, interpolation: str = "barycentric") -> np.ndarray:
        """Return (n, 2, taps)."""
        index, weight = self.weights(directions, interpolation)
        return np.einsum("nk,nket->net", weight, self.filters[index])

    def look_up(
        self, directions: Any, interpolation: str = "barycentric"
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return index (n, 3), weight (n, 3) and delay (n, 2) s in one go."""
        index, weight = self.weights(directions, interpolation)
        return index, weight, np.einsum("nk,nke->ne", weight, self.delays[index])

    def _nearest(self, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, nearest = self._tree.query(directions)
        index = np.repeat(nearest[:, None], 3, axis=1)
        return index, np.tile([1.0, 0.0, 0.0], (len(index), 1))

    # attrs' slots leave no room for cached_property, so the search structures live in a dict.
    @property
    def _tree(self) -> Any:
        if "tree" not in self._caches:
            from scipy.spatial import cKDTree

            self._caches["tree"] = cKDTree(self.directions)
        return self._caches["tree"]

    @property
    def mesh(self) -> SphereMesh | None:
        """The triangles between the directions, or None where they do not surround the head."""
        if "mesh" not in self._caches:
            self._caches["mesh"] = SphereMesh.of(self.directions)
        return self._caches["mesh"]
