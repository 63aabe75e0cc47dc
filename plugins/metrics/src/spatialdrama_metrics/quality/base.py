"""What all predictors of quality share: two ears to judge, silence, short sound, clipping."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import attrs
import numpy as np
from numpy.typing import NDArray

from spatialdrama.conventions import EARS
from spatialdrama.dsp.level import rms_db
from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Score
from spatialdrama_metrics.at_16k import RATE, at_16k
from spatialdrama_metrics.quality.clipping import clipped_share
from spatialdrama_metrics.recognise.downmix import Downmix, downmix
from spatialdrama_metrics.speakers.voiced import seconds_of_sound

#: s of sound below which there is nothing to judge.
SHORTEST_S = 0.25
#: dBFS; an ear below this has no sound.
SILENT_DB = -90.0
#: Share of clipped samples from which a score says so.
_CLIPPED = 1e-3


class Signals(NamedTuple):
    """One line, ready to be judged.

    ``waves`` (s, n) at 16 kHz: first what is the score, then the ears that sound and are not it;
    ``ears`` row of left and right, None for a silent ear.
    """

    waves: NDArray[np.float32]
    ears: tuple[int | None, int | None]
    seconds: float
    clipped: float
    peak: float


@attrs.frozen(kw_only=True)
class Quality(ABC):
    """Judges single signals; subclasses say how (``_judge``) and how long one may be.

    ``_judge(lines)`` takes a list of ``(waves, peak)``, one line's signals (s, n) at 16 kHz and its
    largest sample, and returns one dictionary for each signal, whose ``mos`` is the value.
    """

    model: ClassVar[str] = ""
    #: s; shorter sound is repeated or filled up before the network sees it.
    window_s: ClassVar[float] = 0.0
    filled: ClassVar[str] = ""
    downmix: Downmix = attrs.field(
        default="louder", validator=attrs.validators.in_(("louder", "aligned", "mean"))
    )
    ears: bool = attrs.field(default=True, validator=attrs.validators.instance_of(bool))

    def score(self, audio: BinauralAudio) -> Score:
        """Score one line.

        Parameters
        ----------
        audio : BinauralAudio
            At any rate; judged at 16 kHz, so what is above 8 kHz does not count.

        Returns
        -------
        Score
            MOS, 1 (bad) to 5 (excellent), of the louder ear (or the downmix). ``weight`` = seconds
            of sound. ``details``: ``left``, ``right`` and ``worst`` (MOS of the ears; None for a
            silent one), the predictor's other figures, ``level_db`` (rms of the judged signal),
            ``clipped`` (share of samples), ``unit`` and a ``note`` about short, clipped or
            one-sided sound. Less than .25 s of sound scores NaN with weight 0.

        Raises
        ------
        ValidationError
            Malformed audio.
        AssetError, PluginImportError
            The network's files or package are missing; says what to type.
        """
        return self.score_batch([audio])[0]

    def score_batch(self, audios: Sequence[BinauralAudio]) -> list[Score]:
        """Score several lines, as :meth:`score` does one by one, to 1e-6."""
        prepared = [self._signals(audio) for audio in audios]
        sounding = [signals for signals in prepared if isinstance(signals, Signals)]
        judged = iter(self._judge([(s.waves, s.peak) for s in sounding]) if sounding else [])
        return [
            self._scored(signals, [next(judged) for _ in signals.waves])
            if isinstance(signals, Signals)
            else signals
            for signals in prepared
        ]

    @abstractmethod
    def _judge(self, lines: list[tuple[NDArray, float]]) -> list[dict[str, Any]]:
        """Judge the signals of some lines."""

    def _signals(self, audio: BinauralAudio) -> Signals | Score:
        if not isinstance(audio, BinauralAudio):
            raise ValidationError(f"audio must be a BinauralAudio, got {type(audio).__name__}")
        samples = audio.samples
        mono = downmix(samples, rate=audio.rate, method=self.downmix)
        silent = rms_db(samples, axis=1) < SILENT_DB
        seconds = 0.0 if silent.all() else seconds_of_sound(mono, rate=audio.rate)
        if seconds < SHORTEST_S:
            note = (
                f"{seconds:.2f} s of sound are too little to judge; at least {SHORTEST_S} s are "
                "needed"
            )
            return Score(float("nan"), weight=0.0, details={"note": note, "unit": "MOS"})
        rows, ears = [mono], [None, None]
        for ear in range(2) if self.ears else ():
            if silent[ear]:
                continue
            known = [i for i, row in enumerate(rows) if np.array_equal(row, samples[ear])]
            rows += [] if known else [samples[ear]]
            ears[ear] = known[0] if known else len(rows) - 1
        waves = at_16k(np.stack(rows), rate=audio.rate)
        return Signals(waves, tuple(ears), seconds, clipped_share(samples), audio.peak)

    def _scored(self, signals: Signals, judged: list[dict[str, Any]]) -> Score:
        main = dict(judged[0])
        value = float(main.pop("mos"))
        details: dict[str, Any] = {"model": self.model, "unit": "MOS", **main}
        notes = []
        if self.ears:
            by_ear = [None if row is None else float(judged[row]["mos"]) for row in signals.ears]
            details |= dict(zip(EARS, by_ear, strict=True))
            details["worst"] = min(mos for mos in by_ear if mos is not None)
            notes += [f"the {ear} ear is silent" for ear in EARS if details[ear] is None]
        details["level_db"] = float(rms_db(signals.waves[0]))
        details["clipped"] = signals.clipped
        details["seconds"] = signals.seconds
        notes += self._notes(signals)
        if notes:
            details["note"] = "; ".join(notes)
        return Score(value, weight=signals.seconds, details=details)

    def _notes(self, signals: Signals) -> list[str]:
        notes = []
        length = signals.waves.shape[1] / RATE
        if length < self.window_s:
            notes.append(
                f"{length:.2f} s are {self.filled} to the {self.window_s} s the network sees"
            )
        if signals.clipped >= _CLIPPED:
            notes.append(f"{signals.clipped:.1%} of the samples are clipped")
        return notes
