"""Paraformer-zh through FunASR: the recogniser of the paper's character error rates.

Source of the interface: FunASR 1.4, ``AutoModel(model=...).generate(input=...)``, which returns a
list with one ``{"key": ..., "text": ...}`` for each input. Model: Z. Gao et al. (2022),
"Paraformer: Fast and accurate parallel transformer for non-autoregressive end-to-end speech
recognition", Interspeech.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.errors import AssetError, PluginError, ValidationError
from spatialdrama_metrics.optional import first_line, optional
from spatialdrama_metrics.recognise.parts import Heard, hear, sounding_parts

EXTRA = "spatialdrama-metrics[funasr]"
#: Mandarin, with the English words that stand in it.
LANGUAGES = ("zh", "en")


@lru_cache(maxsize=2)
def _load(model: str, device: str, hub: str, download: bool):
    library = optional("funasr", who="the recogniser 'paraformer-zh'", extra=EXTRA)
    # FunASR fetches whatever it does not find and prints the failure instead of raising it.
    if not download and not Path(model).is_dir():
        raise AssetError(
            f"{model!r} is no folder on this machine; give the folder of the model, like "
            "Paraformer('models/paraformer-zh'), or let FunASR fetch and keep it: "
            "Paraformer(download=True)"
        )
    try:
        return library.AutoModel(
            model=model, device=device, hub=hub, disable_update=True, disable_pbar=True
        )
    except Exception as error:  # FunASR asserts, and raises whatever torch or a hub raise
        raise AssetError(
            f"FunASR could not load the model {model!r} on {device} "
            f"({first_line(error)}); check the folder or the name, and the network if "
            "it is to be fetched"
        ) from error


@attrs.frozen
class Paraformer:
    """A recogniser: Paraformer-zh (220 M parameters) through the package funasr.

    Punctuation and segmentation models are left out: the text is compared without punctuation and
    lines are cut at pauses here.

    Parameters
    ----------
    model : str
        A local folder with the model (``config.yaml``, ``model.pt``, ``tokens.json``, ``am.mvn``),
        or with ``download=True`` a name that FunASR knows.
    device : str
        ``"cpu"`` or ``"cuda:0"``.
    hub : {"ms", "hf"}
        Where FunASR fetches from: ModelScope or Hugging Face.
    download : bool
        Let FunASR fetch the model when it is not in its cache.

    Raises
    ------
    PluginImportError
        On first use, without the package.
    AssetError
        On first use, when the model is not here or is none.

    Examples
    --------
    >>> from spatialdrama_metrics.recognise.paraformer import Paraformer
    >>> Paraformer().transcribe(np.zeros(16000), rate=16000, languages=("zh",)).text
    ''
    """

    model: str = attrs.field(default="paraformer-zh", converter=str)
    device: str = attrs.field(default="cpu", kw_only=True)
    hub: str = attrs.field(default="ms", kw_only=True, validator=attrs.validators.in_(("ms", "hf")))
    download: bool = attrs.field(default=False, kw_only=True)

    def transcribe(self, mono: NDArray, *, rate: int, languages: Sequence[str]) -> Heard:
        """Write down what is said.

        Parameters
        ----------
        mono : ndarray, shape (n,)
        rate : int
            Samples per second.
        languages : sequence of str
            What may be spoken; Mandarin, English or both.

        Returns
        -------
        Heard
            ``confidence`` is NaN: the model does not say.

        Raises
        ------
        ValidationError
            No languages, or another one.
        PluginError
            FunASR returned something else than its documentation says.
        """
        strange = [language for language in languages if language not in LANGUAGES]
        if strange or not languages:
            raise ValidationError(
                f"paraformer-zh understands Mandarin with English words, got languages="
                f"{tuple(languages)!r}; use recogniser='whisper-base' or 'faster-whisper' for these"
            )
        language = "zh" if "zh" in languages else "en"
        parts = sounding_parts(mono, rate=rate)
        if not parts:
            return Heard("", language, np.nan)
        model = _load(self.model, self.device, self.hub, self.download)
        return hear(parts, lambda part: Heard(_text(model, part), language, np.nan))


def _text(model, part: NDArray) -> str:
    # Arrays are taken as 16 kHz, which parts are.
    results = model.generate(input=part.astype(np.float32), disable_pbar=True)
    try:
        return " ".join(str(result["text"]) for result in results)
    except (TypeError, KeyError) as error:
        raise PluginError(
            f"FunASR returned {results!r} instead of a list with a 'text' each; "
            "its version may be too new for this adapter (made for 1.x)"
        ) from error
