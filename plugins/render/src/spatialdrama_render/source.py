"""One voice as it runs: its polynomials, its paths, and what each ear hears of them.

Three compiled calls a block: :meth:`Source.feed` takes the samples, :meth:`Source.trace` follows
the paths, :meth:`Source.hear` adds what arrives. All arrays between them are made once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama_render import buses, control, delay, direct, lowpass
from spatialdrama_render.colours import Colours
from spatialdrama_render.images import Images
from spatialdrama_render.jit import inner, kernel
from spatialdrama_render.lanes import WIDTH
from spatialdrama_render.lowpass import LowPasses
from spatialdrama_render.propagation import Track

if TYPE_CHECKING:
    from spatialdrama_render.engine import Ears, Listener

#: What :func:`_points` returns when all is well, and for a direction that is not finite.
_FINE, _NOT_FINITE = -1, -2


@attrs.define(eq=False)
class _Bundle:
    """Some paths of one source that share a control rate, and their control points in a block.

    Attributes
    ----------
    fixed : tuple
        What :func:`_points` is told of the paths in every block, what they remember and where it
        writes included.
    position : (c, k, i) float64; colour : (k, i, q) float64
    index : (k, i, 3) int32; weight : (k, i, 3) float64; shell : (k, i) float64
        See :func:`spatialdrama_render.control.describe`.
    """

    fixed: tuple[Any, ...]
    position: np.ndarray
    colour: np.ndarray
    index: np.ndarray
    weight: np.ndarray
    shell: np.ndarray

    @classmethod
    def of(cls, images: Images, table: np.ndarray, channels: int, hop: int, block: int) -> _Bundle:
        k, i = block // hop + 1, len(images)
        cursor, axis_cursor, triangle = (np.zeros(i, dtype=np.int64) for _ in range(3))
        written = (
            np.zeros((channels, k, i)), np.zeros((k, i, table.shape[3])),
            np.zeros((k, i, 3), dtype=np.int32), np.zeros((k, i, 3)), np.zeros((k, i)),
        )  # fmt: skip
        # Copies: lists of images are read-only, and kernels would be compiled twice for such.
        known = (np.array(a) for a in (images.sign, images.offset, images.gain, table))
        fixed = (
            hop, hop // direct.HOP, *known, cursor, axis_cursor, triangle,
            np.zeros((k, i)), np.zeros((k, i, 3)), *written,
        )  # fmt: skip
        return cls(fixed, *written)

    @property
    def heard(self) -> tuple[np.ndarray, ...]:
        """Return what :func:`_hear` reads."""
        return self.position, self.colour, self.index, self.weight


class Source:
    """One voice: its polynomials, its paths and the last samples of its direct sound.

    Parameters
    ----------
    ears : Ears
    track : Track
    images : Images
        The direct sound first.
    colours : Colours
    mouth : bool
    near_limit : float, m
    start : float, s
        Drama time of the first sample.
    longest : int
        Samples after its emission within which the last image is heard.
    rate : int, Hz
    block : int
        Samples that each call of :meth:`feed` brings.
    tail_mix : (1 + m,) float, or None
        Shares of the full and the low-passed signals that feed the tail, if there is one.
    """

    def __init__(
        self, ears: Ears, track: Track, images: Images, colours: Colours, *, mouth: bool,
        near_limit: float, start: float, longest: int, rate: int, block: int,
        tail_mix: np.ndarray | None,
    ) -> None:  # fmt: skip
        self.fed = 0
        #: What this voice sends into the room's tail in the block fed last, or None.
        self.emitted: np.ndarray | None = None
        #: How many images beside the direct sound.
        self.reflections = len(images) - 1
        self._last_sound, self._block = -1, block
        self._low_passes = LowPasses(colours.corners, rate)
        #: Samples after the last sound until all of it has died away.
        self._ringing = self._low_passes.ring + longest + delay.HALF + ears.head.taps
        self._tail_mix = np.zeros(0 if tail_mix is None else len(tail_mix), dtype=np.float32)
        self._tail_mix[:] = 0 if tail_mix is None else tail_mix
        self._sent = np.zeros(block, dtype=np.float32)
        self._none = np.zeros(block, dtype=np.float32)
        signals = 1 + len(colours.corners)
        self._recent = np.zeros((signals, 2 * delay.HALF + block), dtype=np.float32)
        # Room for some blocks, so that the past is moved to the front once in a while only; and a
        # few columns more, as reads go on in whole eights.
        span = longest + 2 * delay.HALF + buses.HOP
        columns = span + max(block, 8192)
        self._polynomials = np.zeros((signals, delay.TERMS, columns + WIDTH), dtype=np.float32)
        self._columns, self._span, self._held = columns, span, span
        self._origin = -delay.HALF - span
        table, channels = colours.table, ears.channels
        self._direct = _Bundle.of(images.only(slice(0, 1)), table[:1], channels, direct.HOP, block)
        self._images = _Bundle.of(
            images.only(slice(1, None)), table[1:], channels, buses.HOP, block
        )
        self._bundles = (self._direct, self._images)[: 2 if self.reflections else 1]
        head = (*ears.mesh_arrays(), ears.head.directions, ears.nearest, ears.shells, ears.delays)
        # A source without a front is not asked where it points.
        axis = (track.axis_time, track.axis) if mouth else (np.zeros(1), np.zeros((3, 1)))
        self._fixed = (
            float(start), float(rate), track.time, track.place, *axis, bool(mouth),
            float(near_limit), colours.distances, *head,
        )  # fmt: skip
        past = np.zeros((channels, ears.head.taps - 1), dtype=np.float32)
        self._table, self._shares, self._past = ears.table, ears.basis.lane_shares, past

    def feed(self, mono: np.ndarray | None) -> bool:
        """Take the next (block,) samples, None for silence.

        Returns
        -------
        bool
            False when nothing of them, nor of before, can be heard any more.
        """
        n = self._block
        first = self.fed - delay.HALF  # of the polynomials that these samples complete
        if mono is not None and _sounds(mono):
            self._last_sound = self.fed + n
        self.fed += n
        if self._last_sound < 0 or first > self._last_sound + self._ringing:
            # Silence costs nothing: an empty window is put where the next sound will look.
            if self._held:
                self._forget()
            self._origin = self.fed - delay.HALF - self._span
            self._held = self._span
            self.emitted = None
            return False
        if self._held + n > self._columns:
            kept = self._polynomials[:, :, self._held - self._span : self._held]
            self._polynomials[:, :, : self._span] = kept
            self._origin += self._held - self._span
            self._held = self._span
        low = self._low_passes
        _take(
            self._none if mono is None else mono, low._forward, low._back, low._state,
            self._recent, self._polynomials, self._held, delay.polynomial_taps(), self._tail_mix,
            self._sent,
        )  # fmt: skip
        self._held += n
        self.emitted = self._sent if len(self._tail_mix) else None
        return True

    def _forget(self) -> None:
        self._polynomials[:, :, : self._span] = 0
        self._recent[:] = 0
        self._low_passes.forget()
        self._past[:] = 0

    def trace(self, first: int, listener: Listener) -> None:
        """Find the control points of a block that begins at sample `first` of the drama."""
        for some in self._bundles:
            found = _points(first, listener.place, listener.rotation, *self._fixed, *some.fixed)
            if found == _NOT_FINITE:
                raise ValidationError("the pose has a place that is not finite.")
            if found != _FINE:
                when = self._fixed[0] + (first + some.fixed[0] * found) / self._fixed[1]
                raise ValidationError(
                    f"the source moves as fast as sound (343 m/s) near t = {when:.2f} s; slow "
                    "the pose down or cut it where it jumps."
                )

    @property
    def past(self) -> np.ndarray:
        """(c, taps - 1) float32: the direct sound's last samples, which its filters still hold."""
        return self._past

    def hear(self, first: int, last: int, out: np.ndarray, mixed: np.ndarray, at: int) -> None:
        """Add what some ears hear of the block that was traced last.

        Parameters
        ----------
        first, last : int
            From which ear to before which.
        out : (c, block) float32
            Gets the direct sound.
        mixed : (pairs, m, 2, lanes) float32
            Gets the images, from row `at` on; see
            :class:`spatialdrama_render.bus_filter.BusFilter`.
        """
        _hear(
            first, last, self._polynomials, self._origin, self._held, *self._direct.heard,
            self._direct.shell, self._table, self._past, out, *self._images.heard, self._shares,
            mixed, at,
        )  # fmt: skip


@kernel
def _sounds(mono):
    n = 0
    while n < len(mono) and mono[n] == 0:
        n += 1
    return n < len(mono)


@kernel
def _take(mono, forward, back, state, recent, polynomials, held, taps, tail_mix, sent):
    """Append a block's polynomials; `recent` (q, past + n) keeps the signals' last samples."""
    n, past = len(mono), 2 * delay.HALF
    for q in range(len(recent)):
        for k in range(past):
            recent[q, k] = recent[q, n + k]
    for k in range(n):
        recent[0, past + k] = mono[k]
    lowpass.run(recent[0, past:], forward, back, state, recent[1:, past:])
    for q in range(len(recent)):
        delay.extend(recent[q], taps, polynomials[q], held)
    for q in range(len(tail_mix)):
        for k in range(n):
            sent[k] = tail_mix[q] * recent[q, past + k] + (sent[k] if q else 0)


@kernel
def _points(
    first, place, rotation,
    start, rate, track_time, track_place, axis_time, axis, mouth, near_limit, colour_distances,
    corners, neighbours, inverse, directions, nearest_only, shells, delays,
    hop, thin, sign, offset, gain, colour_table, cursor, axis_cursor, triangle, emission, vector,
    position, colour, index, weight, shell,
):  # fmt: skip
    """Describe some paths at a block's control points; return which time has no answer, or -1."""
    times = np.empty(len(emission))
    for k in range(len(times)):
        times[k] = start + (first + hop * k) / rate
    stuck = control.follow(
        times, place, thin, track_time, track_place, sign, offset, cursor, emission, vector
    )
    if stuck >= 0:
        return stuck
    finite = control.describe(
        times, emission, vector, rotation, thin, axis_time, axis, sign, gain, near_limit, mouth,
        colour_table, colour_distances, nearest_only, directions, corners, neighbours, inverse,
        shells, delays, start, rate, axis_cursor, triangle, position, colour, index, weight, shell,
    )  # fmt: skip
    return _FINE if finite else _NOT_FINITE


@kernel
def _hear(
    first, last, polynomials, origin, held,
    position, colour, index, weight, shell, table, past, out,
    image_position, image_colour, image_index, image_weight, shares, mixed, at,
):  # fmt: skip
    for ear in range(first, last):
        _hear_direct(
            polynomials, origin, held, position[ear], colour, index, weight, shell, table, ear,
            past[ear], out[ear],
        )  # fmt: skip
        if image_position.shape[2]:
            _hear_images(
                polynomials, origin, held, image_position[ear], image_colour, image_index,
                image_weight, shares, ear, mixed[ear // 2], at,
            )  # fmt: skip


@inner
def _hear_direct(
    polynomials, origin, held, position, colour, index, weight, shell, table, ear, past, out
):
    """Read the direct sound at one ear, filter it, and add it to (n,) `out`."""
    before, n = len(past), len(out)
    hop = n // (len(position) - 1)
    signal = np.empty((1, before + n + WIDTH), dtype=np.float32)
    for t in range(before):
        signal[0, t] = past[t]
    share = np.empty((2, len(polynomials)), dtype=np.float32)
    for k in range(len(position) - 1):
        _line(colour, k, 0, hop, share)
        delay.read(
            polynomials, origin, held, position[k, 0], position[k + 1, 0], share[0], share[1],
            signal, 0, before + k * hop, hop,
        )  # fmt: skip
    filters = np.empty((len(position), table.shape[3]), dtype=np.float32)
    direct.filters_between(table, index[:, 0], weight[:, 0], shell[:, 0], ear, filters)
    direct.filter_moving(signal[0], filters, hop, out)
    for t in range(before):
        past[t] = signal[0, n + t]


@inner
def _hear_images(
    polynomials, origin, held, position, colour, index, weight, shares, ear, mixed, at
):
    """Add the images at one ear to its part of (m, 2, lanes) buses, from row `at` on."""
    points, count = position.shape
    hop = buses.HOP
    now = np.empty((count, shares.shape[2]), dtype=np.float32)
    then = np.empty((count, shares.shape[2]), dtype=np.float32)
    lines = np.empty((count, hop + WIDTH), dtype=np.float32)
    share = np.empty((2, len(polynomials)), dtype=np.float32)
    buses.bus_weights(shares, ear, index[0], weight[0], then)
    for k in range(points - 1):
        now, then = then, now
        buses.bus_weights(shares, ear, index[k + 1], weight[k + 1], then)
        for i in range(count):
            _line(colour, k, i, hop, share)
            delay.read(
                polynomials, origin, held, position[k, i], position[k + 1, i], share[0], share[1],
                lines, i, 0, hop,
            )  # fmt: skip
        buses.add_to_buses(lines, hop, now, then, mixed, at + k * hop, ear % 2)


@inner
def _line(colour, k, i, hop, share):
    """Fill (2, q) weights of the signals: at a control point, and what each sample adds."""
    for q in range(share.shape[1]):
        share[0, q] = colour[k, i, q]
        share[1, q] = (colour[k + 1, i, q] - colour[k, i, q]) / hop
