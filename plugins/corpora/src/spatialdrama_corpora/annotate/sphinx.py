"""Phone times of recorded English by PocketSphinx: an optional aligner, small and offline."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
import soxr

from spatialdrama.errors import ValidationError
from spatialdrama.types import Phone
from spatialdrama_corpora.annotate.aligned import Aligned, filled, words_of
from spatialdrama_corpora.annotate.phones import Reading
from spatialdrama_corpora.annotate.symbols import ENGLISH, PAUSE

#: ms; median error of word starts, measured on English lines of the voice kokoro.
TYPICAL_ERROR_MS: Final = 15.0
RATE: Final = 16_000
_FRAME = 0.01
#: Frames; a state each. A phone of this length was not heard but squeezed in.
_LEAST = 3
#: Phones that its acoustic model lacks, as the nearest that it has.
_NEAREST: Final = {"AX": "AH", "OH": "AA", "DX": "T", "IX": "IH"}


def is_there() -> bool:
    """Whether the package pocketsphinx is installed."""
    from importlib.util import find_spec

    return find_spec("pocketsphinx") is not None


def by_sphinx(mono: Any, rate: int, reading: Reading) -> Aligned:
    """Return the phones of an English line by forced alignment.

    Each word is aligned with the phones that it was read as, so that names that no dictionary has
    are aligned too.

    Parameters
    ----------
    mono : (n,) float
    rate : int, Hz
    reading : Reading

    Raises
    ------
    ValidationError
        Without the package, for phones that are not English, and when the text does not fit.
    """
    strange = [p for p in reading.phones if p not in ENGLISH and p != PAUSE]
    if strange:
        raise ValidationError(
            f"pocketsphinx aligns English; the line has {strange[0]!r}. Use method='auto'."
        )
    decoder = _decoder()
    spoken = [(i, phones) for i, (w, phones) in enumerate(reading.word_phones()) if w != PAUSE]
    names = []
    for _, phones in spoken:
        # A name that says the sounds: one entry of the dictionary for all words that sound so.
        name = "x" + "_".join(phones).lower()
        if decoder.lookup_word(name) is None:
            decoder.add_word(name, " ".join(_NEAREST.get(p, p) for p in phones), True)
        names.append(name)
    peak = float(np.abs(mono).max())
    wave = soxr.resample(np.asarray(mono, np.float64) / max(peak, 1e-9), rate, RATE)
    data = np.clip(wave * 20_000, -32_768, 32_767).astype(np.int16).tobytes()
    times = _aligned(decoder, data, names, [phones for _, phones in spoken])
    duration = len(mono) / rate
    flat = [(p, i) for i, phones in spoken for p in phones]
    found = [
        Phone(p, a * _FRAME, min(b * _FRAME, duration))
        for (p, _), (a, b) in zip(flat, times, strict=True)
    ]
    return Aligned(
        phones=filled(found, duration),
        words=words_of(reading.words, [i for _, i in flat], [(p.start, p.end) for p in found]),
        method="pocketsphinx",
        confidence=float(np.mean([b - a > _LEAST for a, b in times])),
        typical_error_ms=TYPICAL_ERROR_MS,
    )


def _aligned(
    decoder: Any, data: bytes, names: list[str], phones: list[tuple[str, ...]]
) -> list[tuple[int, int]]:
    """First and one past the last frame of each phone: words first, then the phones in them."""

    def run() -> None:
        decoder.start_utt()
        decoder.process_raw(data, full_utt=True)
        decoder.end_utt()

    decoder.set_align_text(" ".join(names))
    run()
    if decoder.hyp() is None:
        raise ValidationError(
            "pocketsphinx found no way to fit the text to the sound; check the text, or use "
            "method='energy'."
        )
    decoder.set_alignment()
    run()
    rows = [
        [(p.start, p.start + p.duration) for p in word]
        for word in decoder.get_alignment()
        if word.name.startswith("x")
    ]
    if [len(r) for r in rows] != [len(p) for p in phones]:
        raise ValidationError(
            "pocketsphinx left words out; check the text, or use method='energy'."
        )
    return [span for row in rows for span in row]


@cache
def _decoder() -> Any:
    try:
        from pocketsphinx import Decoder
    except ImportError:
        raise ValidationError(
            "method='pocketsphinx' needs a package: pip install 'spatialdrama-corpora[align]', or "
            "use method='auto'."
        ) from None
    return Decoder(lm=None, loglevel="FATAL")
