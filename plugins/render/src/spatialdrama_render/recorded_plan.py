"""A plan for mono that was recorded: the same talkers, no propagation, no room of ours.

Long recordings are worked on in stretches, each with enough of what came before that late sound
and the side's noise are complete, so that memory does not grow and stretches do not show.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama_render import engine
from spatialdrama_render.hrtf import HrtfSet
from spatialdrama_render.plan import Plan
from spatialdrama_render.propagation import head_matrices
from spatialdrama_render.recorded import HOP, binaural_of_mean
from spatialdrama_render.talkers import Talker
from spatialdrama_render.threads import one_blas_thread

#: Frames per stretch, before it and after it: 6.4, 1.6 and 0.2 s. In 1.6 s late sound falls by
#: more than 200 dB.
STRETCH, BEFORE, AFTER = 600, 150, 16


@attrs.define(eq=False)
class RecordedPlan(Plan):
    """One rendering of recorded mono; see :mod:`spatialdrama_render.recorded`.

    Attributes
    ----------
    head : HrtfSet
    seed : int
        Of the noise that makes the side.
    """

    head: HrtfSet = attrs.field(kw_only=True)
    seed: int = attrs.field(default=0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        Plan.__attrs_post_init__(self)
        if self.room is not None:
            raise ValidationError(
                f"mono='recorded' brings its own room, and {self.room!r} would be a second one; "
                "leave out the room, or use mono='dry' for speech without one."
            )
        if self.receiver.ears.head is not self.head:
            raise ValidationError(
                "mono='recorded' gives binaural sound alone; use mono='dry' for other layouts."
            )

    def length(self) -> int:
        """Return the samples of the output, as many as the last stem has."""
        return max(talker.end for talker in self.talkers)

    def engine(self, block: int) -> Any:
        """Refuse to run live: what is late is known only from what comes around it."""
        raise ValidationError("mono='recorded' cannot be streamed; use mono='dry', or render().")

    def blocks(self, progress: Any = None) -> Iterator[np.ndarray]:
        """Yield (2, at most a block) float32, in order."""
        length = self.length()
        for first in range(0, length, STRETCH * HOP):
            last = min(first + STRETCH * HOP, length)
            with one_blas_thread():
                part = self._stretch(first, last)
            for begin in range(0, last - first, engine.BLOCK):
                yield part[:, begin : begin + engine.BLOCK]
                if callable(progress):
                    progress(first + min(begin + engine.BLOCK, last - first), length)

    def _stretch(self, first: int, last: int) -> np.ndarray:
        low = max(0, first - BEFORE * HOP)
        high = last + AFTER * HOP
        out = np.zeros((2, last - first), dtype=np.float64)
        for talker in self.talkers:
            mono = talker.block(low, high - low)
            if mono is None or not mono.any():
                continue
            times = self.start + (low + HOP * np.arange(1 + len(mono) // HOP)) / self.rate
            directions = self._directions(talker, times)
            ears = binaural_of_mean(mono, directions, self.head, seed=self.seed)
            out += ears[:, first - low : last - low]
        return out.astype(np.float32)

    def _directions(self, talker: Talker, times: np.ndarray) -> np.ndarray:
        """Return (t, 3) from the head to the talker, in the listener's frame.

        A talker who jumps is where the piece is that sounds most.
        """
        gains = np.stack([piece.gain(times) for piece in talker.pieces])
        places = np.stack([piece.track.positions_at(times) for piece in talker.pieces])
        place = np.take_along_axis(places, gains.argmax(axis=0)[None, :, None], axis=0)[0]
        if self.listener is None:
            return place
        away = place - self.listener.positions_at(times)
        return np.einsum("tba,tb->ta", head_matrices(self.listener, times), away)
