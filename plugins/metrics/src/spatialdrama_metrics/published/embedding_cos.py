"""``isdrama/ang_cos`` and ``isdrama/dis_cos``: cosines of Spatial-AST's embeddings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatialdrama.errors import AssetError, ValidationError
from spatialdrama.runtime import device as devices
from spatialdrama.types import BinauralAudio, Score
from spatialdrama_metrics.published import clips
from spatialdrama_metrics.published.embedding import Embedder, embedder
from spatialdrama_metrics.published.network_config import SpatialAstConfig
from spatialdrama_metrics.published.reading import check_pair, check_reading
from spatialdrama_metrics.published.weights import VARIABLE, lacking

READINGS = ("code", "paper", "plain")
#: Added to both norms.
EPSILON = 1e-8


def cosine(candidate: ArrayLike, reference: ArrayLike, *, wrap: bool = False) -> float:
    """Cosine of two vectors, on request with the published code's wrapping.

    Wrapping makes the value jump: a component that is pi but for rounding becomes pi on one machine
    and -pi on another, and the cosine moves by ``2 pi`` times the other vector's component over
    both norms. With random weights at full size float32 errs by 6e-4 in a component and plain
    cosines by 5e-5; in 4000 simulated pairs with that error one in seventy jumped by .003 to .023.

    Parameters
    ----------
    candidate, reference : array_like, shape (d,)
    wrap : bool
        If any component of the reference exceeds pi, wrap all components of both to (-pi, pi], as
        if they were angles.

    Returns
    -------
    float

    Examples
    --------
    >>> round(cosine([1.0, 0.0], [1.0, 1.0]), 4)
    0.7071
    >>> round(cosine([3.0, 1.0], [6.0, 1.0]), 3)
    0.988
    >>> round(cosine([3.0, 1.0], [6.0, 1.0], wrap=True), 3)    # 6 becomes 6 - 2 pi = -.283
    0.046
    """
    a, b = (np.asarray(x, dtype=np.float64).ravel() for x in (reference, candidate))
    if wrap and (a > np.pi).any():
        a, b = np.angle(np.exp(1j * a)), np.angle(np.exp(1j * b))
    return float(a @ b / ((np.linalg.norm(a) + EPSILON) * (np.linalg.norm(b) + EPSILON)))


def _reading(instance: Any, attribute: attrs.Attribute, value: Any) -> None:
    check_reading(value, READINGS)


def _batch(instance: Any, attribute: attrs.Attribute, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValidationError(f"batch must be a whole number from 1, got {value!r}")


@attrs.frozen(kw_only=True)
class _EmbeddingCos:
    """Compares embeddings of a candidate and a reference; subclasses say which embedding."""

    name: ClassVar[str]
    token: ClassVar[str]
    weights: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    reading: str = attrs.field(default="code", validator=_reading)
    device: str = "auto"
    batch: int = attrs.field(default=8, validator=_batch)
    config: SpatialAstConfig = attrs.field(factory=SpatialAstConfig)

    @weights.validator
    def _check(self, _: attrs.Attribute, value: Path | None) -> None:
        if value is not None and not value.is_file():
            raise AssetError(f"weights={str(value)!r} is no file; name a checkpoint of Spatial-AST")

    @classmethod
    def models(cls, weights: Any = None, **_: Any) -> tuple[str, ...]:
        """No assets; an AssetError when neither the option nor the variable names weights."""
        named = weights or os.environ.get(VARIABLE)
        if not named:
            raise AssetError(lacking(cls.name))
        if not Path(named).is_file():
            raise AssetError(f"{str(named)!r} is no file; name a checkpoint of Spatial-AST")
        return ()

    def score(self, audio: BinauralAudio, *, reference: BinauralAudio) -> Score:
        """Score one clip against the same stretch of the reference.

        Parameters
        ----------
        audio, reference : BinauralAudio
            At one rate; lengths may differ.

        Returns
        -------
        Score
            -1 to 1. ``weight`` is 1: the published figure is the plain mean over files.
            ``details``: ``reading``, ``segments`` that were compared, ``seconds`` of the audio
            that were heard, and ``mono`` (what the mean of the reference's ears, in both ears,
            would score). A silent reference has an embedding too; ``note`` says so.

        Raises
        ------
        ValidationError
            Rates differ.
        AssetError
            There are no weights, or they do not fit; says where they are published.
        """
        check_pair(audio, reference)
        return self._scores([audio], [reference])[0]

    def score_batch(
        self, audios: Sequence[BinauralAudio], *, reference: Sequence[BinauralAudio]
    ) -> list[Score]:
        """Score many clips; on a GPU ``batch`` clips go through the network at a time.

        Parameters
        ----------
        audios, reference : sequence of BinauralAudio
            As many of one as of the other.

        Returns
        -------
        list of Score
            On a CPU what :meth:`score` gives for each, on a GPU up to rounding.

        Raises
        ------
        ValidationError, AssetError
            As :meth:`score`, with the item's number.
        """
        audios, reference = list(audios), list(reference)
        if len(audios) != len(reference):
            raise ValidationError(
                f"score_batch got {len(audios)} audios and {len(reference)} references; give one "
                "reference for each"
            )
        for item, pair in enumerate(zip(audios, reference, strict=True)):
            check_pair(*pair, item=item)
        out: list[Score] = []
        for low in range(0, len(audios), self.batch):  # so that memory does not grow with items
            part = slice(low, low + self.batch)
            out += self._scores(audios[part], reference[part])
        return out

    def _scores(
        self, audios: Sequence[BinauralAudio], references: Sequence[BinauralAudio]
    ) -> list[Score]:
        embed = self._embedder()
        pieces = [self._pieces(*pair) for pair in zip(audios, references, strict=True)]
        flat = [clip for item in pieces for signal in item for clip in signal]
        found = iter(embed(flat, batch=self.batch))
        scores = []
        for audio, reference, item in zip(audios, references, pieces, strict=True):
            tokens = [[getattr(next(found), self.token) for _ in signal] for signal in item]
            scores.append(self._score(audio, reference, tokens))
        return scores

    def _pieces(
        self, audio: BinauralAudio, reference: BinauralAudio
    ) -> list[list[NDArray[np.float64]]]:
        """What the network hears of the candidate, the reference, and the reference in mono."""
        candidate, wanted = clips.prepared(audio), clips.prepared(reference)
        mono = clips.levelled(np.repeat(wanted.mean(axis=0, keepdims=True), 2, axis=0))
        signals = [candidate, wanted, mono]
        return clips.seconds_of(signals) if self.reading == "paper" else [[s] for s in signals]

    def _score(
        self,
        audio: BinauralAudio,
        reference: BinauralAudio,
        tokens: list[list[NDArray[np.float64]]],
    ) -> Score:
        wrap = self.reading == "code"
        candidate, wanted, mono = tokens

        def mean(vectors: list[NDArray[np.float64]]) -> float:
            pairs = zip(vectors, wanted, strict=True)
            return float(np.mean([cosine(a, b, wrap=wrap) for a, b in pairs]))

        heard = min(audio.duration, clips.SECONDS)
        if self.reading == "paper":
            shortest = min(audio.duration, reference.duration)
            heard = len(wanted) if shortest >= 1 else shortest
        details = {
            "reading": self.reading,
            "segments": len(wanted),
            "seconds": heard,
            "mono": mean(mono),
        }
        if not reference.peak:
            details["note"] = "the reference is silent here"
        return Score(mean(candidate), details=details)

    def _embedder(self) -> Embedder:
        weights = self.weights or os.environ.get(VARIABLE)
        if not weights:
            raise AssetError(lacking(self.name))
        return embedder(Path(weights), self.config, devices.resolve(self.device))


@attrs.frozen(kw_only=True)
class AngCos(_EmbeddingCos):
    """Cosine of Spatial-AST's direction embeddings, as published (``isdrama/ang_cos``).

    For comparison with printed tables only: unrelated clips are close to each other, too, so read
    the chance level beside it. There is no substitute under this name: without weights it refuses.

    Parameters
    ----------
    weights : path, optional
        The published checkpoint (``finetuned.pth``), or the same as safetensors; default: the file
        that ``SPATIALDRAMA_SPATIAL_AST`` names.
    reading : {"code", "paper", "plain"}
        ``"code"``: the first 10 s at once; if a component of the reference's embedding exceeds pi,
        both are wrapped like angles before the cosine, as the released code does. ``"paper"``:
        mean over seconds, each filled up with zeros to 10 s, not wrapped; a clip gets its level
        before it is cut. ``"plain"``: the first 10 s at once, not wrapped.
    device : {"auto", "cpu", "cuda", "cuda:N"}
    batch : int
        Clips per forward pass on a GPU.
    config : SpatialAstConfig
        Sizes of the network, for checkpoints that are not the published one.

    References
    ----------
    Zhang et al. (2025), "ISDrama", appendix D.1, and its released evaluation code; Z. Zheng et al.
    (2024), "BAT: Learning to Reason about Spatial Sounds with Large Language Models", ICML.

    Examples
    --------
    >>> metric = AngCos(weights="finetuned.pth", device="cuda")          # doctest: +SKIP
    >>> metric.score(audio, reference=recording).value                   # doctest: +SKIP
    0.51
    """

    name = "isdrama/ang_cos"
    token = "direction"


@attrs.frozen(kw_only=True)
class DisCos(_EmbeddingCos):
    """Cosine of Spatial-AST's distance embeddings, as published (``isdrama/dis_cos``).

    Parameters and references as for :class:`AngCos`. The embedding has one component far above pi,
    so the ``"code"`` reading always wraps: unrelated clips score about .55 with it and .90 plain.

    Examples
    --------
    >>> metric = DisCos(weights="finetuned.pth", reading="plain")        # doctest: +SKIP
    >>> metric.score(audio, reference=recording).value                   # doctest: +SKIP
    0.93
    """

    name = "isdrama/dis_cos"
    token = "distance"
