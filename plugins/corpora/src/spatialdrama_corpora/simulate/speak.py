"""Lines spoken by a voice of the registry, kept between builds, at a stated level."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.errors import ValidationError
from spatialdrama.registry import entry, get, load
from spatialdrama.staging.kept import KeptLines
from spatialdrama.staging.stems import levelled, trimmed
from spatialdrama.types import Phone, Room, Speech
from spatialdrama_corpora.simulate.plan import LONGEST, SegmentPlan

#: Provider of what was registered in this process: its code may change under its name.
_LOCAL = "local"
#: s of silence after a line, in which the room rings: at least, at most, and as a share of RT60.
_TAIL_LEAST, _TAIL_MOST, _TAIL_SHARE = 0.15, 1.0, 0.5
SILENCE = "sil"


def fingerprint(kind: str, name: str) -> dict[str, Any]:
    """Return what identifies a voice or a renderer: its package, version and assets' hashes.

    Examples
    --------
    >>> fingerprint("renderer", "geometric")["name"]
    'render/geometric'
    """
    found = entry(kind, name)
    assets = {a: get("asset", a).sha256 for a in getattr(found.spec, "assets", ())}
    return {
        "name": found.full_name,
        "distribution": f"{found.distribution} {found.distribution_version}".strip(),
        "version": str(found.spec.version),
        "assets": assets,
    }


def speak(plan: SegmentPlan, voice: str, options: Mapping[str, Any], level_db: float) -> Speech:
    """Speak one line, or take it from what was spoken before.

    Parameters
    ----------
    plan : SegmentPlan
    voice : str
    options : mapping
        For the voice's constructor.
    level_db : float, dBFS

    Returns
    -------
    Speech
        At 48 kHz, without silent ends, its style's own level added, at most 16 s.
    """
    said = _said(plan, plan.rate, voice, options)
    longest = LONGEST - tail_seconds(plan.room)
    if said.duration > longest:
        # The estimate was far off: the same line, as much faster as it takes.
        faster = round(plan.rate * said.duration / longest + 0.01, 3)
        said = _said(plan, faster, voice, options)
        if said.duration > longest:
            raise ValidationError(
                f"segment {plan.name} takes {said.duration:.1f} s to say, longer than "
                f"{LONGEST:g} s even at rate {faster}; leave the line out of the texts."
            )
    return levelled(said, level_db)


def _said(plan: SegmentPlan, rate: float, voice: str, options: Mapping[str, Any]) -> Speech:
    request = {
        "text": plan.text, "identity": plan.identity, "language": plan.language,
        "rate": float(rate), "pitch": float(plan.pitch), "style": plan.style,
        "seed": plan.seed,
    }  # fmt: skip
    part = fingerprint("voice", voice)
    inputs = {"corpus": 1, "part": part, "options": dict(options), "request": request}
    kept = KeptLines(enabled=not part["name"].startswith(f"{_LOCAL}/"))

    def make() -> Speech:
        arguments = dict(request)
        return _voice(voice, json.dumps(dict(options))).speak(arguments.pop("text"), **arguments)

    return trimmed(kept.speech(inputs, make).resampled(HOUSE_RATE))


@functools.lru_cache(maxsize=2)
def _voice(name: str, options: str) -> Any:
    chosen = json.loads(options)
    if name.rsplit("/")[-1] == "kokoro":
        # One worker for each core is faster than threads; the number changes no sample.
        chosen = {"threads": 1} | chosen
    return load("voice", name, **chosen)


def tail_seconds(room: Room) -> float:
    """Return the silence that is left after a line for the room to ring, s."""
    if not room.is_shoebox:
        return _TAIL_LEAST
    time = float(np.median(room.rt60_bands))
    return round(float(np.clip(_TAIL_SHARE * time, _TAIL_LEAST, _TAIL_MOST)), 2)


def with_tail(speech: Speech, seconds: float) -> Speech:
    """Return the speech with silence behind it; phones and F0 fill all of it.

    Examples
    --------
    >>> import numpy as np
    >>> said = Speech(np.ones(4800), 48_000, phones=[Phone("a", 0.0, 0.1)], f0=[100.0] * 10,
    ...               f0_hop=0.01)
    >>> longer = with_tail(said, 0.2)
    >>> longer.phones[-1], len(longer.f0)
    (Phone(symbol='sil', start=0.1, end=0.3), 30)
    """
    spoken = len(speech.samples)
    samples = np.concatenate([speech.samples, np.zeros(round(seconds * speech.rate), np.float32)])
    phones = list(speech.phones)
    if phones:
        # Cutting and resampling move the last end by a sample at most.
        phones[-1] = attrs.evolve(phones[-1], end=round(spoken / speech.rate, 9))
        end = round(len(samples) / speech.rate, 9)
        if phones[-1].symbol == SILENCE:
            phones[-1] = attrs.evolve(phones[-1], end=end)
        elif end > phones[-1].end:
            phones.append(Phone(SILENCE, phones[-1].end, end))
    f0 = speech.f0
    if f0 is not None and speech.f0_hop > 0:
        count = int(np.ceil(len(samples) / speech.rate / speech.f0_hop - 1e-9))
        f0 = np.concatenate([f0, np.zeros(max(count - len(f0), 0), np.float32)])[:count]
    return attrs.evolve(speech, samples=samples, phones=phones, f0=f0)
