"""Voice prompts: from a file, a Speech or samples to the latents that give timbre (E21)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch

from spatialdrama.errors import SpatialDramaError, ValidationError
from spatialdrama.io.audio import read_samples
from spatialdrama.staging.stems import active_level_db, levelled, trimmed
from spatialdrama.types import Speech
from spatialdrama_isdrama.autoencoder.config import FRAMES_PER_LATENT, MelConfig
from spatialdrama_isdrama.autoencoder.mel import mel_of, two_ears

#: s; less speech than this says too little about a voice.
SHORTEST = 1.0
#: dBFS; what is softer even where it is loudest is silence.
SILENT_DB = -70.0
#: Bounds of a prompt's rate in Hz: below there is no voice, above it is a typing error.
RATES = (8_000, 192_000)


@attrs.frozen(eq=False)
class VoicePrompt:
    """A voice prompt as the model takes it: mono, at the model's rate, at one level.

    Attributes
    ----------
    samples : (n,) float32
        A whole number of latent frames long.
    rate : int, Hz
    about : mapping
        JSON-ready: where it came from and what was done to it, for the provenance.
    """

    samples: np.ndarray
    rate: int
    about: Mapping[str, Any]

    @property
    def seconds(self) -> float:
        """Length in s."""
        return len(self.samples) / self.rate


def read_prompt(
    given: Any,
    *,
    speaker: str,
    mel: MelConfig,
    most: float = 10.0,
    level_db: float = -26.0,
) -> VoicePrompt:
    """Read and check one voice prompt.

    Two channels are averaged to one, another rate is resampled (soxr, very high quality), silent
    ends are cut, what is beyond `most` seconds is left out, and one gain brings it to `level_db`;
    each of these is told in ``about``.

    Parameters
    ----------
    given : path, Speech or (samples, rate)
        Samples have shape (n,), or (c, n) with one or two channels.
    speaker : str
        For messages.
    mel : MelConfig
        Rate and hop of the model.
    most : float, s
        How much of a long prompt is used.
    level_db : float, dBFS
        Active level that every voice gets, so that distance and not the recording decides who is
        loud.

    Raises
    ------
    ValidationError
        Not finite, silent, with less than 1 s of speech, more than two channels, two that cancel
        each other, or no sound file.

    Examples
    --------
    >>> tone = 0.1 * np.sin(2 * np.pi * 200 * np.arange(72_000) / 24_000)
    >>> prompt = read_prompt((tone, 24_000), speaker="ANNA", mel=MelConfig())
    >>> prompt.rate, round(prompt.seconds, 1), prompt.about["rate"]
    (48000, 3.0, 24000)
    """
    who = f"the voice prompt of {speaker}"
    try:
        samples, rate, about = _sound(given, who)
    except SpatialDramaError as error:
        if str(error).startswith(who):
            raise
        raise ValidationError(f"{who}: {error}") from None
    mono = _mono(samples, who)
    _check_channels(samples, mono, rate, who)
    _check_sound(mono, rate, who)
    cut = trimmed(Speech(mono, rate))
    if cut.duration < SHORTEST:
        raise ValidationError(
            f"{who} holds {cut.duration:.2f} s of speech in {len(mono) / rate:.2f} s of sound; "
            f"give {SHORTEST:g} s or more, 3 to 10 s are best."
        )
    speech = cut.resampled(mel.rate)
    grid = mel.hop * FRAMES_PER_LATENT
    used = min(len(speech.samples), round(most * mel.rate)) // grid * grid
    loud = levelled(attrs.evolve(speech, samples=speech.samples[:used]), level_db)
    gain_db = level_db - active_level_db(speech.samples[:used], mel.rate)
    about |= {
        "rate": rate,
        "resampled": rate != mel.rate,
        "channels": 1 if samples.ndim == 1 else samples.shape[0],
        "seconds": round(len(mono) / rate, 3),
        "used_seconds": round(used / mel.rate, 3),
        "gain_db": round(gain_db, 3),
    }
    return VoicePrompt(np.ascontiguousarray(loud.samples), mel.rate, about)


def latents_of(audio: np.ndarray, autoencoder: Any, mel: MelConfig) -> torch.Tensor:
    """Return the latents of a sound, as the transformer takes prompts.

    Parameters
    ----------
    audio : (n,) or (2, n) float32
        Mono stands in both ears alike (E21); n a multiple of four hops.
    autoencoder : Autoencoder
    mel : MelConfig

    Returns
    -------
    (40, l) float32 tensor on the autoencoder's device
    """
    device = autoencoder.shift.device
    sound = torch.tensor(audio, dtype=torch.float32, device=device)
    ears = two_ears(sound) if sound.ndim == 1 else sound[None]
    return autoencoder.latent(mel_of(ears, mel))[0].float()


def _sound(given: Any, who: str) -> tuple[np.ndarray, int, dict[str, Any]]:
    """Return (samples, rate, where they came from)."""
    if isinstance(given, Speech):
        return given.samples, given.rate, {"speech": given.identity or given.text}
    if isinstance(given, (str, Path)):
        samples, rate = read_samples(given, "sound file")
        return samples, rate, {"file": Path(given).name}
    if isinstance(given, tuple) and len(given) == 2:
        samples, rate = np.asarray(given[0]), given[1]
        if samples.dtype.kind not in "fiu" or samples.ndim not in (1, 2) or not samples.size:
            raise ValidationError(
                f"{who} must have samples of shape (n,) or (channels, n); got {samples.dtype} of "
                f"shape {samples.shape}."
            )
        if samples.dtype.kind != "f":
            raise ValidationError(
                f"{who} has whole numbers ({samples.dtype}) for samples; divide them by their full "
                "scale, so that they lie between -1 and 1."
            )
        return samples.astype(np.float32), _rate(rate, who), {"samples": list(samples.shape)}
    raise ValidationError(
        f"{who} must be a sound file, a Speech or (samples, rate); got {type(given).__name__}."
    )


def _rate(value: Any, who: str) -> int:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not RATES[0] <= value <= RATES[1]:
        raise ValidationError(
            f"{who} has a rate of {value!r}; it must be {RATES[0]} to {RATES[1]} Hz."
        )
    return int(value)


def _mono(samples: np.ndarray, who: str) -> np.ndarray:
    if samples.ndim == 1:
        return samples
    if samples.shape[0] > 2:
        shape = "transposed, use samples.T" if samples.shape[1] <= 2 else "take one of them"
        raise ValidationError(
            f"{who} has {samples.shape[0]} channels; give one, or two to be averaged ({shape})."
        )
    return samples.mean(axis=0)


def _check_channels(samples: np.ndarray, mono: np.ndarray, rate: int, who: str) -> None:
    """Raise where two channels are loud and their mean is not: it is their phase, not silence."""
    if samples.ndim == 1 or not np.isfinite(samples).all():
        return
    loudest = max(active_level_db(channel, rate) for channel in samples)
    if loudest > SILENT_DB >= active_level_db(mono, rate):
        raise ValidationError(
            f"{who} has two channels that cancel each other when they are averaged: they are in "
            "anti-phase; give one of them."
        )


def _check_sound(mono: np.ndarray, rate: int, who: str) -> None:
    _rate(rate, who)
    if not np.isfinite(mono).all():
        raise ValidationError(f"{who} holds NaN or infinite samples; look where it was made.")
    level = active_level_db(mono, rate)
    if not level > SILENT_DB:
        said = "is silent" if np.isneginf(level) else f"is silent ({level:.0f} dBFS at its loudest)"
        raise ValidationError(f"{who} {said}; give {SHORTEST:g} s or more of speech.")
    if len(mono) < SHORTEST * rate:
        raise ValidationError(
            f"{who} is {len(mono) / rate:.2f} s long; give {SHORTEST:g} s or more of speech, 3 to "
            "10 s are best."
        )
