"""Character error rate: how much of a line a recogniser understands at the listener's ears."""

from __future__ import annotations

from os import PathLike
from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Line, Score
from spatialdrama_metrics.entries.recognition import WHISPER
from spatialdrama_metrics.named import placed
from spatialdrama_metrics.recognise.downmix import Downmix, downmix
from spatialdrama_metrics.recognise.parts import Heard
from spatialdrama_metrics.recognise.table import recogniser as named
from spatialdrama_metrics.recognise.transcripts import Transcripts
from spatialdrama_metrics.text import compare


def _texts(given: Any) -> Any:
    return Transcripts.load(given) if isinstance(given, str | PathLike) else Transcripts(given)


@attrs.frozen(kw_only=True)
class Cer:
    """Character error rate of recognised speech (``cer``).

    The louder ear goes to Whisper base (multilingual, beam 5, temperature 0) with the line's
    languages as a hint; both texts are normalised (:func:`spatialdrama_metrics.text.normalise`:
    simplified characters, numbers as words, no case, punctuation or spaces) and compared character
    by character. For Mandarin the details also have the error rate of syllables with their tones
    (``tone_pinyin``) and without (``pinyin``), which homophones do not raise.

    A line's sound holds whoever speaks while it lasts: where lines overlap the recogniser writes
    down what it hears best, and the other speaker's words count as errors.

    Parameters
    ----------
    downmix : {"louder", "aligned", "mean"}
        How two ears become one signal.
    recogniser : str or object
        ``"whisper-base"`` (embedded), ``"faster-whisper:large-v3"`` (any size, or a local folder),
        ``"paraformer-zh:FOLDER"``, ``"transcripts:FILE.json"``,
        :class:`~spatialdrama_metrics.recognise.transcripts.Transcripts` of texts that you have, or
        anything with Whisper's ``transcribe(mono, rate=, languages=)``.
    device : str, optional
        Where the recogniser runs, if it can choose: ``"cpu"`` or ``"cuda"``. The embedded one runs
        on the CPU.

    References
    ----------
    A. C. Morris et al. (2004), "From WER and RIL to MER and WIL", Interspeech, for the counts;
    A. Radford et al. (2022), "Robust speech recognition via large-scale weak supervision".

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio, Line
    >>> silence = BinauralAudio(np.zeros((2, 16000)), 16000)
    >>> score = Cer().score(silence, line=Line("ANNA", "Who's there?"))
    >>> score.value, score.weight, score.details["note"]
    (1.0, 9.0, 'nothing was recognised')
    """

    downmix: Downmix = attrs.field(
        default="louder", validator=attrs.validators.in_(("louder", "aligned", "mean"))
    )
    recogniser: Any = attrs.field(default="whisper-base", converter=named)
    device: str | None = None

    def __attrs_post_init__(self) -> None:
        placed(self, "recogniser")

    @classmethod
    def models(cls, recogniser: Any = None, **_: Any) -> tuple[str, ...]:
        """Names of the assets that are loaded: the embedded recogniser's, or none."""
        if recogniser is None:
            recogniser = attrs.fields(cls).recogniser.default
        return tuple(a.name for a in WHISPER) if recogniser == "whisper-base" else ()

    def score(self, audio: BinauralAudio, *, line: Line) -> Score:
        """Score one line.

        Parameters
        ----------
        audio : BinauralAudio
            Cut to the line.
        line : Line
            What should be heard; ``line.languages`` hints the recogniser.

        Returns
        -------
        Score
            0 is perfect, 1 when nothing is recognised, above 1 when much is made up. ``weight`` =
            number of reference characters, so that an aggregate is the corpus' error rate.
            ``details``: ``reference`` and ``hypothesis`` (normalised), ``heard`` (as recognised),
            ``language``, ``recogniser``, the counts, for Mandarin ``tone_pinyin`` and ``pinyin``,
            and a ``note`` when nothing was recognised.

        Raises
        ------
        ValidationError
            The line has no characters, or a language that the recogniser does not know.
        AssetError, PluginImportError
            The recogniser's files or package are missing; says what to type.
        """
        languages = line.languages
        if not languages:
            raise ValidationError(
                f"the line {line.text[:40]!r} of {line.speaker} is in no writing that is known; "
                "give it a language, like Line(..., language='fr')"
            )
        heard = self._heard(audio, line)
        errors = compare(
            line.text, heard.text, language=languages[0], heard_language=heard.language
        )
        details = {
            "heard": heard.text,
            "language": heard.language,
            "recogniser": type(self.recogniser).__name__,
            **errors.details(),
        }
        return Score(errors.rate, weight=errors.edits.length, details=details)

    def _heard(self, audio: BinauralAudio, line: Line) -> Heard:
        if hasattr(self.recogniser, "heard"):  # somebody else listened
            return self.recogniser.heard(line)
        mono = downmix(audio.samples, rate=audio.rate, method=self.downmix)
        return self.recogniser.transcribe(mono, rate=audio.rate, languages=line.languages)


@attrs.frozen(kw_only=True)
class TranscriptsCer(Cer):
    """:class:`Cer` of texts that you have; the sound is not looked at (``cer/transcripts``).

    Parameters
    ----------
    heard : path or mapping
        A JSON file, or a mapping, from what should be heard to what was heard; see
        :class:`~spatialdrama_metrics.recognise.transcripts.Transcripts`.

    Examples
    --------
    >>> import numpy as np
    >>> from spatialdrama.types import BinauralAudio, Line
    >>> sound = BinauralAudio(np.zeros((2, 16000)), 16000)
    >>> metric = TranscriptsCer(heard={"Who's there?": "who's near"})
    >>> round(metric.score(sound, line=Line("ANNA", "Who's there?")).value, 3)
    0.444
    """

    recogniser: Any = attrs.field(
        default=None, converter=attrs.converters.optional(_texts), alias="heard"
    )

    @classmethod
    def models(cls, heard: Any = None, **_: Any) -> tuple[str, ...]:
        """No assets; a ValidationError when there are no texts."""
        if heard is None:
            raise ValidationError(
                "cer/transcripts needs the texts that were heard: give heard='heard.json', which "
                'holds {"what should be heard": "what was heard", ...}'
            )
        return ()

    def _heard(self, audio: BinauralAudio, line: Line) -> Heard:
        self.models(self.recogniser)
        return super()._heard(audio, line)


@attrs.frozen(kw_only=True)
class ParaformerCer(Cer):
    """:class:`Cer` that hears with Paraformer-zh (``cer/paraformer-zh``).

    Examples
    --------
    >>> ParaformerCer().recogniser.model
    'paraformer-zh'
    """

    recogniser: Any = attrs.field(default="paraformer-zh", converter=named)


@attrs.frozen(kw_only=True)
class FasterWhisperCer(Cer):
    """:class:`Cer` that hears with Whisper large-v3 (``cer/faster-whisper``).

    Examples
    --------
    >>> FasterWhisperCer(recogniser="faster-whisper:small").recogniser.model
    'small'
    """

    recogniser: Any = attrs.field(default="faster-whisper", converter=named)
