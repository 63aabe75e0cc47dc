"""From what a voice gives to a stem: trimmed, at the house rate, at a stated level."""

from __future__ import annotations

import attrs
import numpy as np

from spatialdrama.types import Phone, Speech

#: dB below the loudest frame; voices pad their lines with digital near-silence.
SILENCE_DB = -50.0
#: s; a frame for the level, and what is kept around the speech so that no stop is clipped.
FRAME = 0.02
MARGIN = 0.04
#: dB below the loudest frame; quieter frames are pauses and do not count for the active level.
ACTIVE_DB = -25.0


def frame_levels(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return the RMS of each full frame of FRAME seconds; short input is one frame."""
    size = max(int(FRAME * rate), 1)
    whole = samples[: len(samples) // size * size] if len(samples) >= size else samples
    frames = whole.reshape(-1, min(size, len(samples))).astype(np.float64)
    return np.sqrt(np.mean(frames**2, axis=1))


def trimmed(speech: Speech) -> Speech:
    """Return `speech` without its silent ends, so that gaps and overlaps mean what they say."""
    levels = frame_levels(speech.samples, speech.rate)
    loud = np.flatnonzero(levels > levels.max() * 10 ** (SILENCE_DB / 20))
    if len(loud) == 0:
        return speech
    size, margin = int(FRAME * speech.rate), int(MARGIN * speech.rate)
    first = max(int(loud[0]) * size - margin, 0)
    last = min((int(loud[-1]) + 1) * size + margin, len(speech.samples))
    f0 = speech.f0
    if f0 is not None and speech.f0_hop > 0:
        # Whole hops only, or the curve would slide against the sound.
        hop = round(speech.f0_hop * speech.rate)
        first = first // hop * hop
        f0 = f0[first // hop : -(-last // hop)]
    begin, end = first / speech.rate, last / speech.rate
    phones = tuple(
        Phone(p.symbol, round(max(p.start, begin) - begin, 9), round(min(p.end, end) - begin, 9))
        for p in speech.phones
        if p.end > begin and p.start < end
    )
    return attrs.evolve(speech, samples=speech.samples[first:last], phones=phones, f0=f0)


def active_level_db(samples: np.ndarray, rate: int) -> float:
    """Return the RMS over frames in which somebody speaks, in dBFS; -inf for silence."""
    levels = frame_levels(samples, rate)
    active = levels[levels > levels.max() * 10 ** (ACTIVE_DB / 20)]
    if len(active) == 0:
        return float("-inf")
    return float(10 * np.log10(np.mean(active**2)))


def levelled(speech: Speech, level_db: float | None) -> Speech:
    """Return `speech` at an active level of `level_db` dBFS plus its style's own gain.

    One number for every identity makes distance, and not the voice, decide who is loud.
    """
    if level_db is None:
        return speech
    found = active_level_db(speech.samples, speech.rate)
    if not np.isfinite(found):
        return speech
    wanted = level_db + float(speech.provenance.get("gain_db", 0.0))
    gain = 10 ** ((wanted - found) / 20)
    return attrs.evolve(speech, samples=speech.samples * np.float32(gain))
