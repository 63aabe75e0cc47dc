"""Whisper under CTranslate2: windows, prompt, beam search, and no chance anywhere.

Temperature 0 and a beam: the same samples give the same text. There is no fall-back to sampling
when a hypothesis looks poor; a loop of repetitions is cut at a length that no speaker reaches,
and counts as the errors it is.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.errors import AssetError, ValidationError
from spatialdrama.runtime.assets import locate, missing
from spatialdrama_metrics.recognise.features import RATE, WINDOW_S, log_mel
from spatialdrama_metrics.recognise.parts import Heard, hear, sounding_parts, windows
from spatialdrama_metrics.recognise.vocabulary import Vocabulary

__all__ = ["ASSETS", "FILES", "MANDARIN_PROMPT", "Heard", "Whisper", "windows"]

ASSETS = ("whisper-base-ct2", "whisper-base-ct2-config", "whisper-base-ct2-vocabulary")
FILES = ("model.bin", "config.json", "vocabulary.txt")

#: "以下是普通话的句子。" (What follows are sentences in Mandarin.) in tokens: draws the output to
#: Mandarin with punctuation. As numbers no tokeniser is needed; a test reads them back.
MANDARIN_PROMPT = (220, 3588, 4438, 1541, 29993, 19550, 21596, 1546, 34592, 7626, 1543)
#: Tokens per second and to begin with; fast Mandarin needs about 10 per second.
_TOKENS = (15, 20)
_MOST_TOKENS = 448
#: Whisper's own rule for "nobody speaks": both, not either.
_NO_SPEECH, _NO_CONFIDENCE = 0.6, -1.0


@lru_cache(maxsize=2)
def _load(compute_type: str, threads: int):
    """The model and its vocabulary, once per process; the files may lie in different folders."""
    import ctranslate2

    lacking = missing(ASSETS)
    if len(lacking) > 1:  # one command for all of them, instead of one error after the other
        raise AssetError(
            f"the recogniser's files are not on this machine (146 MB, MIT): {', '.join(lacking)}. "
            "Type: spatialdrama assets fetch --for cer"
        )
    paths = [locate(name) for name in ASSETS]
    with tempfile.TemporaryDirectory(prefix="spatialdrama-") as folder:
        for path, name in zip(paths, FILES, strict=True):
            (Path(folder) / name).symlink_to(Path(path).resolve())
        model = ctranslate2.models.Whisper(
            folder, device="cpu", compute_type=compute_type, intra_threads=threads
        )
    return model, Vocabulary.load(Path(paths[2]))


def _threads() -> int:
    named = os.environ.get("OMP_NUM_THREADS", "")
    return int(named) if named.isdigit() and int(named) > 0 else min(4, os.cpu_count() or 1)


@attrs.frozen(kw_only=True)
class Whisper:
    """A recogniser.

    Parameters
    ----------
    compute_type : str
        CTranslate2's: "int8" is the fastest on a CPU, "float32" the most exact.
    beam_size : int
        Hypotheses kept while decoding.
    threads : int, optional
        CPU threads; default ``OMP_NUM_THREADS``, or at most 4.

    Raises
    ------
    AssetError
        On first use, when the model's files are missing; it names the command.

    Examples
    --------
    >>> heard = Whisper().transcribe(np.zeros(16000), rate=16000, languages=("en",))
    >>> heard.text  # silence: the model is not asked
    ''
    """

    compute_type: str = "int8"
    beam_size: int = attrs.field(default=5, validator=attrs.validators.ge(1))
    threads: int | None = None

    def transcribe(self, mono: NDArray, *, rate: int, languages: Sequence[str]) -> Heard:
        """Write down what is said.

        Parameters
        ----------
        mono : ndarray, shape (n,)
        rate : int
            Samples per second.
        languages : sequence of str
            What may be spoken, like ``("en",)``. Mandarin decodes mixed lines well, so with "zh"
            among several both it and the first other one are tried and the more confident is kept.

        Returns
        -------
        Heard

        Raises
        ------
        ValidationError
            No languages, or one that the model does not know.
        """
        if not languages:
            raise ValidationError("name at least one language, like languages=('en',)")
        parts = sounding_parts(mono, rate=rate)
        if not parts:
            return Heard("", languages[0], -np.inf)
        model, vocabulary = _load(self.compute_type, self.threads or _threads())
        for language in languages:
            if language not in vocabulary.languages:
                raise ValidationError(
                    f"the recogniser knows no language {language!r}; it knows "
                    f"{', '.join(vocabulary.languages[:12])} ... ({len(vocabulary.languages)})"
                )
        return hear(parts, lambda part: self._part(model, vocabulary, part, languages))

    def _part(
        self, model, vocabulary: Vocabulary, wave: NDArray, languages: Sequence[str]
    ) -> Heard:
        import ctranslate2

        features = ctranslate2.StorageView.from_array(log_mel(wave)[None])
        encoded = model.encode(features)  # once for all languages
        tried = [
            self._decode(model, vocabulary, encoded, language, len(wave) / RATE)
            for language in languages
        ]
        return max(tried, key=lambda h: h.confidence)

    def _decode(self, model, vocabulary: Vocabulary, encoded, language: str, seconds: float):
        prompt = [
            vocabulary.number(f"<|{token}|>")
            for token in ("startoftranscript", language, "transcribe", "notimestamps")
        ]
        if language == "zh":
            prompt = [vocabulary.number("<|startofprev|>"), *MANDARIN_PROMPT, *prompt]
        most = min(
            _MOST_TOKENS, len(prompt) + _TOKENS[1] + int(_TOKENS[0] * min(seconds, WINDOW_S))
        )
        result = model.generate(
            encoded,
            [prompt],
            beam_size=self.beam_size,
            max_length=most,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens, confidence = result.sequences_ids[0], result.scores[0]
        if result.no_speech_prob > _NO_SPEECH and confidence < _NO_CONFIDENCE:
            return Heard("", language, confidence)
        return Heard(vocabulary.text(tokens).strip(), language, confidence)
