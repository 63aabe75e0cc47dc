"""What the published metrics share: the pair they take and the reading they are asked for."""

from __future__ import annotations

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio


def check_pair(audio: BinauralAudio, reference: BinauralAudio, *, item: int | None = None) -> None:
    """Refuse what is not two clips at one rate.

    Parameters
    ----------
    audio, reference : BinauralAudio
    item : int, optional
        The pair's number in a batch, for the message.

    Raises
    ------
    ValidationError

    Examples
    --------
    >>> import numpy as np
    >>> clip = BinauralAudio(np.zeros((2, 480)), 48000)
    >>> check_pair(clip, clip)
    """
    where = "" if item is None else f"item {item}: "
    for role, given in (("audio", audio), ("reference", reference)):
        if not isinstance(given, BinauralAudio):
            raise ValidationError(
                f"{where}{role} must be a BinauralAudio, got {type(given).__name__}"
            )
    if audio.rate != reference.rate:
        raise ValidationError(
            f"{where}audio is at {audio.rate} Hz and reference at {reference.rate} Hz; resample "
            "one of them first (resampling both ears alike keeps their differences)"
        )


def check_reading(reading: str, readings: tuple[str, ...]) -> None:
    """Refuse a reading that there is not.

    Examples
    --------
    >>> check_reading("code", ("code", "paper"))
    """
    if reading not in readings:
        raise ValidationError(
            f"reading must be one of {', '.join(map(repr, readings))}; got {reading!r}"
        )
