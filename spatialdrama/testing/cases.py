"""Tiny inputs with known answers. Their content may change between releases: test against the
arguments you gave, not against sample values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spatialdrama.conventions import HOUSE_RATE
from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import BinauralAudio, Line, Phone, Pose, Room, Scene, Script, Speech


def noise(duration: float = 0.5, *, rate: int = HOUSE_RATE, seed: int = 0) -> np.ndarray:
    """(n,) float64 noise from 100 Hz to 16 kHz (or 0.4 times the rate), rms 0.1.

    Periodic in its length, so that a delay by phase is exact and needs no padding.
    """
    count = round(duration * rate)
    frequency = np.fft.rfftfreq(count, 1 / rate)
    band = (frequency >= 100) & (frequency <= min(16_000, 0.4 * rate))
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(frequency))
    signal = np.fft.irfft(band * np.exp(1j * phase), count)
    return 0.1 * signal / np.sqrt(np.mean(signal**2))


def clip(
    *,
    itd_us: float = 0.0,
    ild_db: float = 0.0,
    duration: float = 0.5,
    rate: int = HOUSE_RATE,
    seed: int = 0,
) -> BinauralAudio:
    """Noise with an exact interaural time and level difference in every band.

    Parameters
    ----------
    itd_us : float
        How much later the right ear hears, in microseconds; positive = from the left.
    ild_db : float
        How much louder the left ear hears, in dB.
    duration : float
        Seconds.
    rate : int
        Hz.
    seed : int
        Which noise.

    Example
    -------
    >>> from spatialdrama.testing.cases import clip
    >>> audio = clip(itd_us=1e6 * 24 / 48_000)                # 24 samples
    >>> left, right = audio.samples
    >>> bool(abs(right[24:] - left[:-24]).max() < 1e-5)
    True
    """
    left = noise(duration, rate=rate, seed=seed)
    frequency = np.fft.rfftfreq(len(left), 1 / rate)
    shift = np.exp(-2j * np.pi * frequency * itd_us * 1e-6)
    right = np.fft.irfft(np.fft.rfft(left) * shift, len(left))
    gain = 10 ** (ild_db / 40)
    return BinauralAudio(np.stack([gain * left, right / gain]), rate)


def degraded(audio: BinauralAudio) -> dict[str, BinauralAudio]:
    """Clearly worse versions of a clip, by name."""
    left, right = audio.samples.astype(float)
    rng = np.random.default_rng(1)
    hiss = rng.normal(0, audio.samples.std(), audio.samples.shape)

    def of(*ears: Any) -> BinauralAudio:
        return BinauralAudio(np.stack(ears), audio.rate)

    return {
        "left 6 dB louder": of(2 * left, right),
        "ears swapped": of(right, left),
        "right 0.5 ms later": of(left, np.roll(right, round(0.0005 * audio.rate))),
        "mono": of((left + right) / 2, (left + right) / 2),
        "noise at the level of the sound": of(left + hiss[0], right + hiss[1]),
        "20 dB softer": of(left / 10, right / 10),
    }


def odd(rate: int = HOUSE_RATE) -> dict[str, BinauralAudio]:
    """Clips that few people think of."""
    return {
        "silence": BinauralAudio(np.zeros((2, rate // 4)), rate),
        "a single sample": BinauralAudio(np.full((2, 1), 0.1), rate),
    }


def scene(*, room: bool = False) -> Scene:
    """Two speakers: ANNA stands on the left, BERT walks past in front."""
    return Scene(
        Room(size=(6, 5, 3), rt60=0.3) if room else Room.free_field(),
        {
            "ANNA": Pose.fixed(azimuth_deg=70, distance=1.5),
            "BERT": Pose.walk([(2, -1.5, 0), (2, 1.5, 0)], speed=1.0),
        },
    )


def script() -> Script:
    """Three short English lines by ANNA and BERT."""
    return Script.parse("ANNA: Who is there?\nBERT: A friend.\nANNA: Then come in.")


def line() -> Line:
    """A timed line that fits a clip of half a second."""
    return Line("ANNA", "Who is there?", language="en", start=0.0, end=0.5)


class ToneVoice:
    """A voice for tests: each letter is 40 ms of a tone whose pitch is the letter's.

    No model, no assets, exact phone times; languages "en" and "zh".

    Example
    -------
    >>> from spatialdrama.testing.cases import ToneVoice
    >>> ToneVoice().speak("Hi there", identity="low").duration
    0.28
    """

    languages = ("en", "zh")
    _base = {"low": 110.0, "high": 220.0}  # noqa: RUF012 (read only)

    def __init__(self, *, rate: int = 24_000) -> None:
        self.sampling_rate = rate

    def identities(self) -> tuple[str, ...]:
        """Two of them."""
        return tuple(self._base)

    def check(self, text: str, *, identity: str, language: str | None = None) -> None:
        """Raise what :meth:`speak` would raise."""
        if identity not in self._base:
            raise UnknownNameError(f"no identity {identity!r}; use one of {', '.join(self._base)}.")
        if language is not None and language not in self.languages:
            raise ValidationError(f"language must be 'en' or 'zh'; got {language!r}.")
        if not any(letter.isalnum() for letter in text):
            raise ValidationError(f"the text has nothing to say: {text!r}. Write at least a word.")

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
        """Speak; ``seed`` chooses the phase of the tones."""
        self.check(text, identity=identity, language=language)
        letters = [letter for letter in text.lower() if letter.isalnum()]
        count = round(0.04 * self.sampling_rate / rate)
        base = self._base[identity] * 2 ** (pitch / 12)
        tones = np.array([base * 2 ** (ord(letter) % 12 / 12) for letter in letters])
        steps = np.repeat(tones, count) / self.sampling_rate
        start = np.random.default_rng(seed).uniform()
        hop = count / self.sampling_rate
        return Speech(
            0.1 * np.sin(2 * np.pi * (start + np.cumsum(steps))),
            self.sampling_rate,
            phones=[Phone(s, i * hop, (i + 1) * hop) for i, s in enumerate(letters)],
            f0=tones,
            f0_hop=hop,
            text=text,
            language=language or "en",
            identity=identity,
            provenance={"voice": "tone", "seed": seed},
        )
