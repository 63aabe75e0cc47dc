"""The voice ``kokoro``: English and Mandarin lines, spoken, with all that is known of them."""

from __future__ import annotations

import importlib.metadata
import math
import warnings
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.types import Phone, Speech

from . import g2p, identities, styles
from .identities import Identity
from .network import CURVE_HOP, FRAME, RATE, Network, whole_frames
from .plugin import NETWORK
from .whisper import whispered

RATES = (0.5, 2.0)
PITCHES = (-12.0, 12.0)
VOICED_HZ = 10.0  # the network's oscillator is silent below
LOWEST_F0 = 50.0  # no voice speaks lower; what the curve passes on its way to silence is no pitch
LONGEST = 400  # symbols in one piece; the network takes 510, and hurries near its limit
JOIN_FRAMES = 4  # silence at either side of a joint between pieces, 100 ms
SILENCE = "sil"


@attrs.frozen(kw_only=True, eq=False)
class _Piece:
    samples: np.ndarray
    f0: np.ndarray
    symbols: tuple[str, ...]
    frames: np.ndarray


class KokoroVoice:
    """Kokoro-82M in ONNX, on the CPU.

    Parameters
    ----------
    device
        "cpu" or "auto" (the CPU), or "cuda" with onnxruntime-gpu.
    threads
        Threads of the runtime; 0 for one per core. The number changes no sample.

    Raises
    ------
    AssetError
        If the network's file is not there; the message names the command that fetches it.
    DeviceError
        If "cuda" is asked for and onnxruntime has no CUDA provider.

    Example
    -------
    >>> voice = KokoroVoice()                                        # doctest: +SKIP
    >>> said = voice.speak("Who's there?", identity="am_michael")    # doctest: +SKIP
    >>> said.duration, [p.symbol for p in said.phones][:3]           # doctest: +SKIP
    (1.35, ['sil', 'h', 'ˌu'])
    """

    languages = g2p.LANGUAGES
    rate = RATE

    def __init__(self, *, device: str = "cpu", threads: int = 0) -> None:
        from spatialdrama.runtime.assets import locate

        if isinstance(threads, bool) or not isinstance(threads, int) or threads < 0:
            raise ValidationError(f"threads must be a whole number from 0; got {threads!r}")
        self._network = Network(locate(NETWORK.name), threads=threads, device=device)
        self._warned: set[str] = set()

    def identities(self) -> tuple[str, ...]:
        """Native identities; any of them may be blended: "zf_xiaoxiao:0.6+bm_george:0.4"."""
        return identities.names()

    def check(self, text: str, *, identity: str, language: str | None = None) -> None:
        """Raise what :meth:`speak` would raise for this line, without speaking."""
        g2p.to_phonemes(text, language=language, british=Identity.parse(identity).british)

    @staticmethod
    def phonemes(
        text: str, *, language: str | None = None, british: bool = False
    ) -> tuple[tuple[str, str], ...]:
        """Pieces of a line as they are read, each with its symbols; needs no network.

        English comes word by word with its punctuation, Mandarin in stretches, numbers are written
        out. The symbols are those of ``provenance["phonemes"]``.

        Raises
        ------
        ValidationError
            As :meth:`speak` for the text and the language.

        Example
        -------
        >>> KokoroVoice.phonemes("Who's there?")
        (("Who's", 'hˌuz'), ('there?', 'ðˈɛɹ?'))
        """
        return g2p.words(text, language=language, british=british)

    def speak(
        self,
        text: str,
        *,
        identity: str,
        language: str | None = None,
        rate: float = 1.0,
        pitch: float = 0.0,
        style: str = "",
        seed: int = 0,
    ) -> Speech:
        """Speak one line.

        Parameters
        ----------
        text
            English, Mandarin or both in one line.
        identity
            A native identity or a blend (grammar in ``identities.py``).
        language
            "en", "zh", a regional code of either, or None; letters are read by script anyway.
        rate
            Factor of speed, .5 to 2; the length is divided by it.
        pitch
            Semitones, -12 to 12, added to the whole pitch curve.
        style
            Line styles of ``styles.py``, joined by commas; others change nothing, with a warning.
        seed
            Of the breath noise in whispers; nothing else is random.

        Returns
        -------
        Speech
            At 24 kHz. ``phones`` join end to end on a 25 ms grid and fill the samples exactly
            (silence is "sil"); ``f0`` is the curve that the decoder followed, value i at i times
            12.5 ms, and is 0 throughout a whisper. Level changes are applied to the samples, which
            are never clipped, and told in ``provenance["gain_db"]``.

        Raises
        ------
        ValidationError
            Empty text, punctuation only, a language or script the voice has not, rate or pitch out
            of range, an identity against the grammar.
        UnknownNameError
            An identity that does not exist.
        """
        who = Identity.parse(identity)
        how, unused = styles.parse(style)
        _in_range("rate", rate, RATES, "1.0 is the network's own speed")
        _in_range("pitch", pitch, PITCHES, "semitones, 0 changes nothing")
        read = g2p.to_phonemes(text, language=language, british=who.british)
        if unused:
            self._warn(unused)
        pieces = self._pieces(read.symbols, who, how, rate, pitch)
        samples = np.concatenate([piece.samples for piece in pieces])
        f0 = np.concatenate([piece.f0 for piece in pieces])
        if how.whisper:
            rng = np.random.default_rng(seed)
            samples = whispered(samples, RATE, f0, CURVE_HOP / RATE, rng)
            f0 = np.zeros_like(f0)
        return Speech(
            samples * np.float32(10 ** (how.gain_db / 20)),
            RATE,
            phones=_phones(pieces),
            f0=f0,
            f0_hop=CURVE_HOP / RATE,
            text=text,
            language="+".join(read.languages),
            identity=str(who),
            provenance=_provenance(read, who, rate, pitch, style, unused, how, seed),
        )

    def _pieces(
        self, symbols: str, who: Identity, how: styles.Style, rate: float, pitch: float
    ) -> list[_Piece]:
        texts = g2p.split_long(symbols, LONGEST)
        return [
            self._piece(
                text,
                who.style(len(text)),
                rate=rate * how.rate,
                pitch=pitch + how.pitch,
                span=how.span,
                joins=(i > 0, i < len(texts) - 1),
            )
            for i, text in enumerate(texts)
        ]

    def _piece(
        self,
        text: str,
        style: np.ndarray,
        *,
        rate: float,
        pitch: float,
        span: float,
        joins: tuple[bool, bool],
    ) -> _Piece:
        tokens = np.array([0, *(g2p.SYMBOLS[c] for c in text), 0], np.int64)
        frames = whole_frames(self._network.durations(tokens, style), rate)
        for end, joined in zip((0, -1), joins, strict=True):
            if joined:
                frames[end] = min(frames[end], JOIN_FRAMES)
        contours = self._network.contours(tokens, style, frames)
        f0 = shifted(contours.f0, pitch, span)
        samples = self._network.decode(style, attrs.evolve(contours, f0=f0))
        if len(samples) != frames.sum() * FRAME:
            raise ValidationError(
                f"the network gave {len(samples)} samples for {frames.sum()} frames of {FRAME}; "
                "it is not the file this voice was written for"
            )
        return _Piece(
            samples=samples,
            f0=np.where(f0 >= LOWEST_F0, f0, 0).astype(np.float32),
            symbols=(SILENCE, *text, SILENCE),
            frames=frames,
        )

    def _warn(self, unused: str) -> None:
        if unused in self._warned:
            return
        self._warned.add(unused)
        warnings.warn(
            f"the voice kokoro has no style {unused!r} and speaks plainly; it has "
            f"{', '.join(styles.STYLES)}",
            SpatialDramaWarning,
            stacklevel=3,
        )


def shifted(f0: np.ndarray, semitones: float, span: float = 1.0) -> np.ndarray:
    """Move the voiced part of a pitch curve, and widen it around its median.

    Parameters
    ----------
    f0 : (t,) float, Hz
        At or below 10 Hz is unvoiced and stays as it is.
    semitones
        Up is positive.
    span
        Factor of the distance from the median, in semitones.

    Returns
    -------
    (t,) float32

    Example
    -------
    >>> shifted(np.array([0.0, 100.0, 200.0]), 12)
    array([  0., 200., 400.], dtype=float32)
    """
    voiced = f0 > VOICED_HZ
    if (semitones == 0 and span == 1) or not voiced.any():
        return np.asarray(f0, np.float32)
    out = np.array(f0, np.float64)
    middle = np.median(out[voiced])
    out[voiced] = middle * (out[voiced] / middle) ** span * 2 ** (semitones / 12)
    return out.astype(np.float32)


def _phones(pieces: Sequence[_Piece]) -> tuple[Phone, ...]:
    """Phones end to end; stress marks join the next symbol, lengths and tones the previous one."""
    phones: list[tuple[str, int]] = []
    pending, waiting = "", 0
    for symbol, frames in (
        pair for piece in pieces for pair in zip(piece.symbols, piece.frames, strict=True)
    ):
        if symbol in g2p.BEFORE:
            pending, waiting = pending + symbol, waiting + frames
        elif symbol in g2p.AFTER and phones and not pending:
            phones[-1] = (phones[-1][0] + symbol, phones[-1][1] + frames)
        else:
            phones.append((pending + symbol, waiting + frames))
            pending, waiting = "", 0
    made, end = [], 0
    for symbol, frames in phones:
        start, end = end, end + int(frames)
        made.append(Phone(symbol, start * FRAME / RATE, end * FRAME / RATE))
    return tuple(made)


def _provenance(
    read: g2p.Phonemes,
    who: Identity,
    rate: float,
    pitch: float,
    style: str,
    unused: str,
    how: styles.Style,
    seed: int,
) -> dict[str, Any]:
    told = {
        "voice": "kokoro",
        "asset": NETWORK.name,
        "sha256": NETWORK.sha256,
        "identity": str(who),
        "rate": float(rate),
        "pitch": float(pitch),
        "style": style,
        "style_rate": how.rate,
        "style_pitch": how.pitch,
        "gain_db": how.gain_db,
        "phonemes": read.symbols,
        "accent": "en-GB" if who.british else "en-US",
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("spatialdrama-speech", "misaki", "pypinyin", "rjieba", "onnxruntime")
        },
    }
    if how.whisper:
        told["seed"] = int(seed)
    if unused:
        told["style_unused"] = unused
    if read.guessed:
        told["guessed"] = list(read.guessed)
    if read.dropped:
        told["dropped"] = list(read.dropped)
    return told


def _in_range(name: str, value: float, limits: tuple[float, float], hint: str) -> None:
    low, high = limits
    good = isinstance(value, (int, float)) and math.isfinite(value) and low <= value <= high
    if not good:
        raise ValidationError(f"{name} must be from {low:g} to {high:g} ({hint}); got {value!r}")
