"""Word times of a known text by Whisper's attention, for Mandarin and English.

The weights are those of the metrics' recogniser, an asset of the registry (``whisper-base-ct2``); a
recogniser that offers ``words(mono, rate=, languages=, text=)`` itself is asked instead. Forced
alignment of a given text: dynamic time warping over the cross-attention of the heads that follow
time (the method of openai-whisper's ``timing.py``), as CTranslate2 has it in ``Whisper.align``.
"""

from __future__ import annotations

import re
import tempfile
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr

from spatialdrama.dsp.mel import mel_matrix
from spatialdrama.errors import SpatialDramaError, ValidationError
from spatialdrama.types import Phone
from spatialdrama_corpora.annotate.activity import active
from spatialdrama_corpora.annotate.aligned import Aligned, filled, words_of
from spatialdrama_corpora.annotate.phones import Reading
from spatialdrama_corpora.annotate.spread import within
from spatialdrama_corpora.annotate.symbols import PAUSE

ASSETS: Final = ("whisper-base-ct2", "whisper-base-ct2-config", "whisper-base-ct2-vocabulary")
_NOTE = "words by attention, phones within them by energy"
_FILES = ("model.bin", "config.json", "vocabulary.txt")
#: ms; median error of word starts, measured on lines of the voice kokoro in both languages.
TYPICAL_ERROR_MS: Final = 25.0
#: s by which its attention moves to a word before the word begins (241 words, two languages).
_EARLY = 0.04
RATE: Final = 16_000
#: s; the shortest phone, and the probability below which the text hardly fits the sound.
_LEAST, _FITS = 0.01, 0.2
#: s that the network sees, and seconds a step of its attention.
LONGEST, _STEP = 30.0, 0.02


def why_not() -> str:
    """Return why this aligner cannot be used here; "" when it can."""
    from importlib.util import find_spec

    from spatialdrama.runtime.assets import locate

    if find_spec("ctranslate2") is None:
        return "Whisper needs ctranslate2 (pip install spatialdrama-metrics)"
    try:
        for name in ASSETS:
            locate(name)
    except SpatialDramaError:
        return "Whisper's weights are not here (spatialdrama assets fetch --for cer)"
    return ""


def by_whisper(mono: Any, rate: int, reading: Reading, language: str) -> Aligned:
    """Return words by the recogniser's attention, and their phones by energy within each word.

    Parameters
    ----------
    mono : (n,) float
        At most 30 s.
    rate : int, Hz
    reading : Reading
    language : "en" or "zh"

    Raises
    ------
    ValidationError
        For longer lines, and without the recogniser's package or weights.
    """
    if why := why_not():
        raise ValidationError(f"{why}; or use method='energy'.")
    duration = len(mono) / rate
    if duration > LONGEST:
        raise ValidationError(
            f"Whisper aligns at most {LONGEST:g} s at once; the line lasts {duration:.1f} s. Cut "
            "it into turns first."
        )
    spoken = [(i, w, p) for i, (w, p) in enumerate(reading.word_phones()) if w != PAUSE]
    starts, sure = _word_starts(np.asarray(mono, np.float64), rate, spoken, language)
    flags = active(mono, rate)
    ends = [*starts[1:], duration]
    phones, index = [], []
    for (i, _, symbols), a, b in zip(spoken, starts, ends, strict=True):
        b = max(b, a + _STEP)
        phones += within(symbols, a, b, flags)
        index += [i] * len(symbols)
    phones = _in_order(phones, duration)
    return Aligned(
        phones=filled(phones, duration),
        words=words_of(reading.words, index, [(p.start, p.end) for p in phones]),
        method="whisper",
        confidence=sure,
        typical_error_ms=TYPICAL_ERROR_MS,
        note=_NOTE if sure > _FITS else f"the text hardly fits what is heard; {_NOTE}",
    )


def _in_order(phones: list[Phone], duration: float) -> list[Phone]:
    """Phones that do not overlap, none of them lost: where words pile up they share the time."""
    least = min(_LEAST, 0.5 * duration / max(len(phones), 1))
    starts, ends, clock = [], [], 0.0
    for p in phones:
        starts.append(max(p.start, clock))
        ends.append(max(p.end, starts[-1] + least))
        clock = ends[-1]
    clock = duration
    for i in range(len(phones) - 1, -1, -1):
        ends[i] = min(ends[i], clock)
        starts[i] = min(starts[i], ends[i] - least)
        clock = starts[i]
    return [Phone(p.symbol, a, b) for p, a, b in zip(phones, starts, ends, strict=True)]


def _word_starts(
    mono: np.ndarray, rate: int, spoken: list[tuple[int, str, Any]], language: str
) -> tuple[list[float], float]:
    import ctranslate2

    model, tokens = _model()
    pieces: list[int] = []
    owner: list[int] = []
    for k, (_, word, _) in enumerate(spoken):
        text = unicodedata.normalize("NFC", word)
        glue = "" if language == "zh" and not re.match(r"[A-Za-z]", text) else " "
        found = _tokenised(glue + text, tokens)
        pieces += found
        owner += [k] * len(found)
    wave = soxr.resample(mono, rate, RATE).astype(np.float32)
    features = ctranslate2.StorageView.from_array(_log_mel(wave)[None])
    prompt = [
        tokens[f"<|{t}|>"] for t in ("startoftranscript", language, "transcribe", "notimestamps")
    ]
    frames = min(len(wave) // 160, 3000)
    result = model.align(model.encode(features), prompt, [pieces], frames)[0]
    first: dict[int, int] = {}
    for token, frame in result.alignments:
        if 0 <= token < len(owner):
            first.setdefault(owner[token], frame)
    starts, clock = [], 0.0
    for k in range(len(spoken)):
        clock = max(first.get(k, 0) * _STEP + _EARLY, clock)
        starts.append(clock)
    return starts, float(np.mean(result.text_token_probs))


@cache
def _model() -> tuple[Any, dict[str, int]]:
    import ctranslate2

    from spatialdrama.runtime.assets import locate

    paths = [Path(locate(name)) for name in ASSETS]
    with tempfile.TemporaryDirectory(prefix="spatialdrama-") as folder:
        for path, name in zip(paths, _FILES, strict=True):
            (Path(folder) / name).symlink_to(path.resolve())
        model = ctranslate2.models.Whisper(folder, device="cpu", compute_type="int8")
    lines = paths[2].read_text(encoding="utf-8").removesuffix("\n").split("\n")
    return model, {token: number for number, token in enumerate(lines)}


@cache
def _alphabet() -> dict[int, str]:
    """GPT-2's printable stand-ins for the 256 bytes, in which the vocabulary is written."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [b for b in range(256) if b not in printable]
    return {b: chr(b) for b in printable} | {b: chr(0x100 + i) for i, b in enumerate(hidden)}


def _tokenised(text: str, tokens: dict[str, int]) -> list[int]:
    """The longest tokens from the left: not always the merges of training, but the same text."""
    letters = "".join(_alphabet()[b] for b in text.encode("utf-8"))
    out, at = [], 0
    while at < len(letters):
        size = next(n for n in range(min(24, len(letters) - at), 0, -1)
                    if letters[at : at + n] in tokens)  # fmt: skip
        out.append(tokens[letters[at : at + size]])
        at += size
    return out


@cache
def _mels() -> np.ndarray:
    return mel_matrix(rate=RATE, n_fft=400, bands=80, high=8000.0).astype(np.float32)


def _log_mel(wave: np.ndarray) -> np.ndarray:
    """(80, 3000) features of 30 s, as A. Radford et al. (2022), section 2.2, made them."""
    from scipy import signal

    room = np.zeros(int(LONGEST * RATE), np.float32)
    room[: len(wave)] = wave[: len(room)]
    padded = np.pad(room, 200, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][:-1]
    power = np.abs(np.fft.rfft(frames * signal.windows.hann(400, sym=False), axis=1)) ** 2
    mel = _mels()
    mel = mel if mel.shape[0] == 80 else mel.T
    log = np.log10(np.maximum(mel @ power.T, 1e-10))
    log = np.maximum(log, log.max() - 8.0)
    return np.ascontiguousarray(((log + 4) / 4).astype(np.float32))
