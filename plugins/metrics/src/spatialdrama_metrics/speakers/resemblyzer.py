"""The embedded speaker network: Resemblyzer's GE2E encoder on numpy, without torch.

Source: L. Wan et al. (2018), "Generalized end-to-end loss for speaker verification", ICASSP;
weights and processing of Resemblyzer 0.1.4 (C. Jemine, Resemble AI, Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import get_args

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.errors import ValidationError
from spatialdrama.runtime.assets import locate
from spatialdrama_metrics.at_16k import at_16k
from spatialdrama_metrics.speakers.lstm import Lstm
from spatialdrama_metrics.speakers.partials import partials
from spatialdrama_metrics.speakers.torch_archive import read_state
from spatialdrama_metrics.speakers.voiced import Level, Trim, levelled, without_silence

ASSET = "resemblyzer"
#: Stretches a pass; more gains no speed, and the states of all of them are held at once.
_BATCH = 64
#: Slowest rate of stretches that still covers everything: one of 1.6 s after the other.
_SLOWEST = 0.625


@lru_cache(maxsize=1)
def _network() -> tuple[Lstm, NDArray, NDArray]:
    state = read_state(locate(ASSET), "model_state")
    return Lstm.from_state(state), state["linear.weight"].T, state["linear.bias"]


def _rate(instance: object, attribute: attrs.Attribute, value: float) -> None:
    if not _SLOWEST <= value <= 100:
        raise ValidationError(f"{attribute.name} must lie between {_SLOWEST} and 100, got {value}")


@attrs.frozen(kw_only=True)
class Resemblyzer:
    """A speaker embedder: 256 numbers that are never negative, of length 1.

    ``Resemblyzer(level="raise", trim="webrtc")`` gives what the package gives
    (``embed_utterance(preprocess_wav(wave, rate))``). The defaults differ in two steps: all sound
    is brought to -24 dBFS, where the package raises to -30 dBFS what is softer, so that gain
    changes nothing (the network sees power, not its logarithm); and silence is what is 30 dB below
    the loudest 30 ms, which needs no package.

    Parameters
    ----------
    level : {"fixed", "raise"}
        Whether every signal gets one level, or only those that are softer.
    trim : {"level", "webrtc", "none"}
        What finds the silences that are left out. ``"webrtc"`` needs ``webrtcvad-wheels``.
    per_second : float
        Stretches of 1.6 s a second whose embeddings are averaged.

    Raises
    ------
    AssetError
        On first use, when the weights are missing; it names the command.
    PluginImportError
        On use with ``trim="webrtc"``, without the package.

    Examples
    --------
    >>> Resemblyzer(level="raise").embed(noise, rate=48000).shape  # doctest: +SKIP
    (256,)
    """

    level: Level = attrs.field(default="fixed", validator=attrs.validators.in_(get_args(Level)))
    trim: Trim = attrs.field(default="level", validator=attrs.validators.in_(get_args(Trim)))
    per_second: float = attrs.field(default=1.3, validator=_rate)

    def embed(self, mono: NDArray, *, rate: int) -> NDArray[np.float32]:
        """Embed one signal.

        Parameters
        ----------
        mono : ndarray, shape (n,)
        rate : int
            Samples per second.

        Returns
        -------
        ndarray, shape (256,)

        Raises
        ------
        ValidationError
            Nothing is left without the silences.
        """
        return self.embed_batch([(mono, rate)])[0]

    def embed_batch(self, sounds: Sequence[tuple[NDArray, int]]) -> NDArray[np.float32]:
        """Embed several signals, their stretches together.

        Parameters
        ----------
        sounds : sequence of (ndarray of shape (n,), int)
            Mono and its rate.

        Returns
        -------
        ndarray, shape (b, 256)
        """
        parts = [self._partials(mono, rate) for mono, rate in sounds]
        every = _embedded(np.concatenate(parts))
        ends = np.cumsum([len(part) for part in parts])
        return np.stack([_unit(own.mean(axis=0)) for own in np.split(every, ends[:-1])])

    def _partials(self, mono: NDArray, rate: int) -> NDArray[np.float32]:
        wave = at_16k(mono, rate=rate)
        if wave.any():
            wave = without_silence(levelled(wave, self.level), self.trim)
        if not wave.any():
            raise ValidationError(
                f"no voice is left of {len(mono) / rate:.2f} s of sound when silences are taken "
                f"out (trim={self.trim!r}); give a longer sound, or Resemblyzer(trim='none')"
            )
        return partials(wave.astype(np.float32), per_second=self.per_second)


def _embedded(parts: NDArray[np.float32]) -> NDArray[np.float32]:
    lstm, weight, bias = _network()
    cuts = range(0, len(parts), _BATCH)
    raw = np.concatenate([lstm.last(parts[i : i + _BATCH]) for i in cuts]) @ weight + bias
    return _unit(np.maximum(raw, 0))


def _unit(vectors: NDArray) -> NDArray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, np.finfo(np.float32).tiny)
