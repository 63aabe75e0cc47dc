"""Whisper of any size through faster-whisper: an optional extra, for a stronger judge.

Its wheel brings PyAV, which carries GPL builds of video encoders; that is why it is no default.
Source of the interface: faster-whisper 1.2, ``WhisperModel.transcribe``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.errors import AssetError, ValidationError
from spatialdrama_metrics.optional import first_line, optional
from spatialdrama_metrics.recognise.parts import Heard, hear, sounding_parts

EXTRA = "spatialdrama-metrics[faster-whisper]"
#: As for the embedded recogniser: draws the output to Mandarin with punctuation.
_MANDARIN = "以下是普通话的句子。"


@lru_cache(maxsize=2)
def _load(model: str, device: str, compute_type: str, download: bool):
    library = optional("faster_whisper", who="the recogniser 'faster-whisper'", extra=EXTRA)
    try:
        return library.WhisperModel(
            model, device=device, compute_type=compute_type, local_files_only=not download
        )
    except Exception as error:  # the library's, the hub's and CTranslate2's errors share no base
        if Path(model).is_dir():
            todo = "look into that folder: it must be a Whisper model converted for CTranslate2"
        elif download:
            todo = "check the name and the network, or give a local folder"
        else:
            todo = (
                "give a local folder, or let the library download it once: "
                f"FasterWhisper({model!r}, download=True)"
            )
        raise AssetError(
            f"the model {model!r} could not be loaded on {device} ({first_line(error)}); {todo}"
        ) from error


@attrs.frozen
class FasterWhisper:
    """A recogniser: Whisper through the package faster-whisper.

    Parameters
    ----------
    model : str
        A size that the library knows, like ``"large-v3"`` or ``"small"``, or a local folder with a
        model converted for CTranslate2.
    device : {"cpu", "cuda"}
    compute_type : str
        CTranslate2's: "int8" for a CPU, "float16" for a GPU, "float32" the most exact.
    beam_size : int
        Hypotheses kept while decoding.
    download : bool
        Let the library fetch a size that is not on this machine.

    Raises
    ------
    PluginImportError
        On first use, without the package.
    AssetError
        On first use, when the model is not here or is none.

    Examples
    --------
    >>> from spatialdrama_metrics.recognise.faster import FasterWhisper
    >>> FasterWhisper("small").transcribe(np.zeros(16000), rate=16000, languages=("en",)).text
    ''
    """

    model: str = attrs.field(default="large-v3", converter=str)
    device: str = attrs.field(default="cpu", kw_only=True)
    compute_type: str = attrs.field(default="int8", kw_only=True)
    beam_size: int = attrs.field(default=5, kw_only=True, validator=attrs.validators.ge(1))
    download: bool = attrs.field(default=False, kw_only=True)

    def transcribe(self, mono: NDArray, *, rate: int, languages: Sequence[str]) -> Heard:
        """Write down what is said.

        Parameters
        ----------
        mono : ndarray, shape (n,)
        rate : int
            Samples per second.
        languages : sequence of str
            What may be spoken; each is tried and the most confident text is kept.

        Returns
        -------
        Heard
            ``confidence`` is the mean log probability of the segments.

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
        model = _load(self.model, self.device, self.compute_type, self.download)
        return hear(
            parts,
            lambda part: max(
                (self._in_language(model, part, language) for language in languages),
                key=lambda heard: heard.confidence,
            ),
        )

    def _in_language(self, model, part: NDArray, language: str) -> Heard:
        try:
            # Temperature 0 without its fall-back: the same samples give the same text.
            segments, _ = model.transcribe(
                part.astype(np.float32),
                language=language,
                beam_size=self.beam_size,
                temperature=0.0,
                condition_on_previous_text=False,
                without_timestamps=True,
                initial_prompt=_MANDARIN if language == "zh" else None,
            )
            segments = list(segments)
        except ValueError as error:
            raise ValidationError(
                f"the model {self.model!r} cannot decode in language {language!r} "
                f"({first_line(error)})"
            ) from error
        if not segments:
            return Heard("", language, -np.inf)
        text = " ".join(segment.text.strip() for segment in segments)
        return Heard(text, language, float(np.mean([s.avg_logprob for s in segments])))
