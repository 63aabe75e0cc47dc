"""Character error rate: how much of a line a recogniser understands at the listener's ears."""

from __future__ import annotations

from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Line, Score
from spatialdrama_metrics.functional import character_errors
from spatialdrama_metrics.recognise.downmix import Downmix, downmix
from spatialdrama_metrics.recognise.whisper import Whisper
from spatialdrama_metrics.text import normalise


@attrs.frozen(kw_only=True)
class Cer:
    """Character error rate of recognised speech (``cer``).

    The louder ear goes to Whisper base (multilingual, beam 5, temperature 0) with the line's
    languages as a hint; both texts are normalised (:func:`spatialdrama_metrics.text.normalise`:
    simplified characters, numbers as words, no case, punctuation or spaces) and compared character
    by character.

    Parameters
    ----------
    downmix : {"louder", "aligned", "mean"}
        How two ears become one signal.
    recogniser : object
        Anything with Whisper's ``transcribe(mono, rate=, languages=)``.

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
    recogniser: Any = attrs.field(factory=Whisper)

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
            ``language``, the counts, and a ``note`` when nothing was recognised.

        Raises
        ------
        ValidationError
            The line has no characters, or a language that the recogniser does not know.
        AssetError
            The recogniser's files are missing; names the command that fetches them.
        """
        languages = line.languages
        if not languages:
            raise ValidationError(
                f"the line {line.text[:40]!r} of {line.speaker} is in no writing that is known; "
                "give it a language, like Line(..., language='fr')"
            )
        reference = normalise(line.text, language=languages[0])
        mono = downmix(audio.samples, rate=audio.rate, method=self.downmix)
        heard = self.recogniser.transcribe(mono, rate=audio.rate, languages=languages)
        hypothesis = normalise(heard.text, language=heard.language)
        edits = character_errors(reference, hypothesis)
        details = {
            "reference": reference,
            "hypothesis": hypothesis,
            "heard": heard.text,
            "language": heard.language,
            "substitutions": edits.substitutions,
            "deletions": edits.deletions,
            "insertions": edits.insertions,
        }
        if not hypothesis:
            details["note"] = "nothing was recognised"
        return Score(edits.rate, weight=edits.length, details=details)
