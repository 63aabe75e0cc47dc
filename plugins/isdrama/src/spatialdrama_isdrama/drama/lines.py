"""Segments joined to the lines that a drama is made of."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.types import BinauralAudio, Line, Speech


@attrs.frozen(eq=False)
class FinishedLine:
    """One line as :meth:`Isdrama.stream` hands it out.

    Attributes
    ----------
    index : int
        Of the line in the script.
    line : Line
        Timed, with phones.
    audio : BinauralAudio
        Both ears, from ``line.start`` on.
    stem : Speech
        The mean of both ears, with phones and F0. It carries place and room: one stage makes no
        dry line.
    """

    index: int
    line: Line
    audio: BinauralAudio
    stem: Speech


def joined(
    index: int, line: Line, parts: Sequence[BinauralAudio], gain_db: float, frame: float
) -> FinishedLine:
    """Return a line from its segments, at the house rate, with the speaker's gain.

    Parameters
    ----------
    index : int
        Of the line in the script.
    line : Line
    parts : sequence of BinauralAudio
        The line's segments, with their F0 in the provenance.
    gain_db : float
        One factor for both ears.
    frame : float, s
        From one value of F0 to the next.
    """
    rate = parts[0].rate
    samples = np.concatenate([part.samples for part in parts], axis=1)
    samples = samples * np.float32(10 ** (gain_db / 20))
    if rate != HOUSE_RATE:
        import soxr

        samples = soxr.resample(samples.T, rate, HOUSE_RATE, quality="VHQ").T
    f0 = np.concatenate([np.asarray(part.provenance["f0"], np.float32) for part in parts])
    stem = Speech(
        samples.mean(axis=0),
        HOUSE_RATE,
        phones=line.phones,
        f0=f0,
        f0_hop=frame,
        text=line.text,
        language=line.languages[0] if line.languages else "",
        identity=line.speaker,
        provenance={"generator": "isdrama", "stem": "mean of both ears"},
    )
    return FinishedLine(index, line, BinauralAudio(samples, HOUSE_RATE), stem)
