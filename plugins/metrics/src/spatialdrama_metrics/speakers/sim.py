"""Speaker similarity: does a line have the voice of its speaker?"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.errors import PluginError, ValidationError
from spatialdrama.types import BinauralAudio, Score
from spatialdrama_metrics.named import placed
from spatialdrama_metrics.recognise.downmix import Downmix, downmix
from spatialdrama_metrics.speakers.prompt import mono_of
from spatialdrama_metrics.speakers.table import embedder as named
from spatialdrama_metrics.speakers.voiced import seconds_of_sound

#: s of sound below which a line has no measurable voice, and below which a prompt is refused.
SHORTEST_LINE_S, SHORTEST_PROMPT_S = 0.25, 0.5
#: s; one stretch of the embedded network. A line with less of it is said to be uncertain.
SURE_S = 1.6

#: Embeddings that were computed last: a speaker's lines share one prompt.
_KEPT: OrderedDict[Any, NDArray] = OrderedDict()
_MOST_KEPT = 256
_LOCK = threading.Lock()


@attrs.frozen(kw_only=True)
class Sim:
    """Cosine of speaker embeddings between a line and a voice prompt (``sim``).

    The louder ear of the line and the prompt go through one network each to a vector of length 1;
    their inner product is the score. It is about who speaks, not how well: rooms, noise and
    another language lower it for one and the same person.

    Parameters
    ----------
    embedder : str or object
        ``"resemblyzer"`` (embedded), ``"wavlm:FOLDER"`` (optional), or anything with
        ``embed(mono, rate=)`` that returns one vector; ``embed_batch(sounds)`` is used where there
        is one.
    device : str, optional
        Where the embedder runs, if it can choose (WavLM): ``"cpu"`` or ``"cuda"``.
    downmix : {"louder", "aligned", "mean"}
        How two ears become one signal.

    References
    ----------
    L. Wan et al. (2018), "Generalized end-to-end loss for speaker verification", ICASSP.

    Examples
    --------
    >>> class Loudness:  # a poor embedder
    ...     def embed(self, mono, *, rate):
    ...         return [abs(mono[mono > 0]).mean(), abs(mono[mono < 0]).mean()]
    >>> t = np.arange(48000) / 48000
    >>> audio = BinauralAudio(np.tile(np.sin(2 * np.pi * 200 * t), (2, 1)), 48000)
    >>> round(Sim(embedder=Loudness()).score(audio, prompt=audio).value, 6)
    1.0
    """

    embedder: Any = attrs.field(default="resemblyzer", converter=named)
    device: str | None = None
    downmix: Downmix = attrs.field(
        default="louder", validator=attrs.validators.in_(("louder", "aligned", "mean"))
    )

    def __attrs_post_init__(self) -> None:
        placed(self, "embedder")

    def score(self, audio: BinauralAudio, *, prompt: Any) -> Score:
        """Score one line.

        Parameters
        ----------
        audio : BinauralAudio
            Cut to the line.
        prompt : Speech, BinauralAudio or (samples, rate)
            Another sound of the line's speaker; rates may differ.

        Returns
        -------
        Score
            1 is the same voice. ``weight`` = seconds of sound in the line, without silences.
            ``details``: ``embedder``, ``seconds`` and ``prompt_seconds`` of sound, and a ``note``
            for a line with less than 1.6 s. A line with less than .25 s of sound scores NaN with
            weight 0.

        Raises
        ------
        ValidationError
            Malformed audio, or a prompt with less than half a second of sound.
        AssetError, PluginImportError
            The network's files or package are missing; says what to type.
        """
        return self.score_batch([audio], prompt=[prompt])[0]

    def score_batch(self, audios: Sequence[BinauralAudio], *, prompt: Sequence[Any]) -> list[Score]:
        """Score several lines; each prompt is embedded once.

        Parameters
        ----------
        audios : sequence of BinauralAudio
        prompt : sequence
            One for each, see :meth:`score`.

        Returns
        -------
        list of Score
            As :meth:`score` gives one by one, to 1e-6.
        """
        if len(audios) != len(prompt):
            raise ValidationError(f"{len(audios)} lines need as many prompts, got {len(prompt)}")
        lines = [self._line(audio) for audio in audios]
        wanted = [_prompt(given, self.downmix) for given in prompt]
        heard = [seconds_of_sound(line[0], rate=line[1]) >= SHORTEST_LINE_S for line in lines]
        pairs = [
            pair for pair, ok in zip(zip(lines, wanted, strict=True), heard, strict=True) if ok
        ]
        vectors = iter(self._vectors([sound for pair in pairs for sound in pair]))
        return [
            self._scored(line, own, next(vectors), next(vectors))
            if ok
            else _silent(line, own, self.embedder)
            for line, own, ok in zip(lines, wanted, heard, strict=True)
        ]

    def _line(self, audio: BinauralAudio) -> tuple[NDArray, int]:
        if not isinstance(audio, BinauralAudio):
            raise ValidationError(f"audio must be a BinauralAudio, got {type(audio).__name__}")
        return downmix(audio.samples, rate=audio.rate, method=self.downmix), audio.rate

    def _scored(self, line: Any, own: Any, one: NDArray, other: NDArray) -> Score:
        details = _details(line, own, self.embedder)
        if details["seconds"] < SURE_S:
            details["note"] = (
                f"{details['seconds']:.2f} s of sound: scores of less than {SURE_S} s are uncertain"
            )
        value = float(np.clip(np.dot(one, other), -1.0, 1.0))
        return Score(value, weight=details["seconds"], details=details)

    def _vectors(self, sounds: list[tuple[NDArray, int]]) -> list[NDArray]:
        """One vector a sound; each sound once, and those remembered not at all."""
        # Only embedders that cannot change are remembered; anybody else's may.
        own = type(self.embedder).__module__.startswith("spatialdrama_metrics.speakers.")
        keys = [(own and self.embedder, rate, _digest(mono)) for mono, rate in sounds]
        found: dict[Any, NDArray] = {}
        if own:
            with _LOCK:
                found = {key: _KEPT[key] for key in keys if key in _KEPT}
        todo = {key: s for key, s in zip(keys, sounds, strict=True) if key not in found}
        if todo:
            found |= dict(zip(todo, self._asked(list(todo.values())), strict=True))
        if own:
            with _LOCK:
                _KEPT.update(found)
                while len(_KEPT) > _MOST_KEPT:
                    _KEPT.popitem(last=False)
        return [found[key] for key in keys]

    def _asked(self, sounds: list[tuple[NDArray, int]]) -> list[NDArray[np.float64]]:
        if hasattr(self.embedder, "embed_batch"):
            raw = list(self.embedder.embed_batch(sounds))
        else:
            raw = [self.embedder.embed(mono, rate=rate) for mono, rate in sounds]
        vectors = [np.asarray(vector, dtype=np.float64) for vector in raw]
        who = type(self.embedder).__name__
        if len(vectors) != len(sounds) or len({v.shape for v in vectors}) > 1:
            raise PluginError(
                f"the embedder {who} returned {len(vectors)} vectors of shapes "
                f"{sorted({v.shape for v in vectors})} for {len(sounds)} sounds; one of one length "
                "for each is needed"
            )
        if vectors[0].ndim != 1 or not np.isfinite(np.stack(vectors)).all():
            raise PluginError(
                f"the embedder {who} returned shape {vectors[0].shape}, or NaN; a finite vector "
                "of shape (d,) is needed"
            )
        return [v / max(float(np.linalg.norm(v)), np.finfo(float).tiny) for v in vectors]


@attrs.frozen(kw_only=True)
class WavLmSim(Sim):
    """:class:`Sim` with WavLM's speaker verification network (``sim/wavlm``).

    Examples
    --------
    >>> WavLmSim(embedder="wavlm:models/wavlm-base-plus-sv").embedder.folder
    'models/wavlm-base-plus-sv'
    """

    embedder: Any = attrs.field(default="wavlm", converter=named)


def _prompt(given: Any, method: Downmix) -> tuple[NDArray, int]:
    mono, rate = mono_of(given, method=method)
    seconds = seconds_of_sound(mono, rate=rate)
    if seconds < SHORTEST_PROMPT_S:
        raise ValidationError(
            f"the prompt has {seconds:.2f} s of sound in {len(mono) / rate:.2f} s; give at least "
            f"{SHORTEST_PROMPT_S} s of the speaker's voice, better {SURE_S} s or more"
        )
    return mono, rate


def _details(line: Any, own: Any, embedder: Any) -> dict[str, Any]:
    return {
        "embedder": type(embedder).__name__,
        "seconds": seconds_of_sound(line[0], rate=line[1]),
        "prompt_seconds": seconds_of_sound(own[0], rate=own[1]),
    }


def _silent(line: Any, own: Any, embedder: Any) -> Score:
    details = _details(line, own, embedder)
    details["note"] = (
        f"{details['seconds']:.2f} s of sound are too little to know a voice by; at least "
        f"{SHORTEST_LINE_S} s are needed"
    )
    return Score(float("nan"), weight=0.0, details=details)


def _digest(mono: NDArray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(mono)).digest()
