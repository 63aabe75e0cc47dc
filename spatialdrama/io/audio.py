"""Sound files through soundfile: read as they are, written without rescaling."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from spatialdrama.errors import ValidationError
from spatialdrama.io.block_writer import BlockWriter, WrittenSound, container, undated, writing
from spatialdrama.io.files import atomic, existing
from spatialdrama.io.mono_file import MonoFile
from spatialdrama.io.stored import stored_sound
from spatialdrama.types.audio import BinauralAudio
from spatialdrama.types.multichannel import MultichannelAudio

#: What this module offers, the readers and writers of whole files first.
__all__ = [
    "BlockWriter",
    "MonoFile",
    "WrittenSound",
    "container",
    "encoded",
    "mono_player_html",
    "open_binaural",
    "player_html",
    "read_binaural",
    "read_mono",
    "read_multichannel",
    "read_samples",
    "write_binaural",
    "write_multichannel",
    "write_samples",
    "writing",
]

#: s; longer sound is embedded as MP3, at a tenth of the size: for listening, not for metrics.
LOSSLESS_LIMIT = 10.0
#: bytes; a notebook that carries more is slow to open and too big to publish.
EMBED_LIMIT = 4_000_000


def read_samples(path: Any, what: str = "sound file") -> tuple[np.ndarray, int]:
    """Return ((channels, n) float32, rate) of a file in any format libsndfile reads.

    Raises
    ------
    ValidationError
        Names the file when it is missing, damaged, empty or holds NaN.
    """
    path = existing(path, what)
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise ValidationError(f"{what} {path} cannot be read: {error}") from None
    if len(samples) == 0:
        raise ValidationError(f"{what} {path} holds no samples.")
    if not np.isfinite(samples).all():
        raise ValidationError(f"{what} {path} holds NaN or infinite samples.")
    return np.ascontiguousarray(samples.T), int(rate)


def read_mono(path: Any, *, rate: int | None = None) -> tuple[np.ndarray, int]:
    """Return ((n,) float32, rate) of a one-channel file; `rate` refuses another one."""
    samples, found = read_samples(path, "mono file")
    if samples.shape[0] != 1:
        raise ValidationError(
            f"mono file {path} has {samples.shape[0]} channels; give one channel."
        )
    _check_rate(path, found, rate)
    return samples[0], found


def read_binaural(path: Any, *, rate: int | None = None) -> BinauralAudio:
    """Return a two-channel file; see :meth:`BinauralAudio.load`."""
    samples, found = read_samples(path)
    if samples.shape[0] != 2:
        raise ValidationError(
            f"{path} has {samples.shape[0]} channel{'s' if samples.shape[0] > 1 else ''}; "
            "binaural sound has two, left then right."
        )
    _check_rate(path, found, rate)
    return BinauralAudio(samples, found, provenance={"file": Path(path).name})


def open_binaural(path: Any, *, rate: int | None = None) -> BinauralAudio:
    """Return a two-channel file as sound that stays in it; see :meth:`BinauralAudio.open`."""
    samples, found = stored_sound(path, channels=2, rate=rate)
    return BinauralAudio(samples, found, provenance={"file": Path(path).name})


def read_multichannel(path: Any, layout: str, *, rate: int | None = None) -> MultichannelAudio:
    """Return a file of a layout's channels; see :meth:`MultichannelAudio.load`."""
    samples, found = read_samples(path)
    _check_rate(path, found, rate)
    return MultichannelAudio(samples, found, layout, provenance={"file": Path(path).name})


def _check_rate(path: Any, found: int, wanted: int | None) -> None:
    if wanted is not None and found != wanted:
        raise ValidationError(
            f"{path} is at {found} Hz, expected {wanted} Hz; resample it first, for example "
            f"with soxr.resample(x, {found}, {wanted})."
        )


def write_samples(
    path: Any,
    samples: np.ndarray,
    rate: int,
    subtype: str | None = None,
    *,
    layout: str = "binaural",
) -> Path:
    """Write (channels, n) samples, atomically; refuses what the format would clip.

    The default is 24-bit for ``.flac`` and ``.wav``; ``subtype="FLOAT"`` keeps float32 in WAV.
    What is too long to be held in memory goes through :func:`writing`.
    """
    path = Path(path)
    subtype = subtype or "PCM_24"
    form = container(path, subtype, layout, samples.size)
    peak = float(np.abs(samples).max(initial=0.0))
    if peak > 1.0 and subtype not in ("FLOAT", "DOUBLE"):
        raise ValidationError(
            f"cannot write {path} as {subtype}: the peak is {peak:.3f}, which would clip. Lower "
            "the gain for both ears alike, or write subtype='FLOAT' to a .wav."
        )
    # Encoded in memory: libsndfile tells of a full disk by "System error" alone.
    buffer = io.BytesIO()
    try:
        soundfile.write(buffer, samples.T, rate, format=form, subtype=subtype)
    except (soundfile.LibsndfileError, RuntimeError, ValueError) as error:
        raise ValidationError(f"cannot write {path}: {error}") from None
    undated(buffer)
    with atomic(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())
    return path


def write_binaural(audio: BinauralAudio, path: Any, *, subtype: str | None = None) -> Path:
    """Write a :class:`BinauralAudio`; see :func:`write_samples`.

    Stored sound goes from its file into the new one in pieces.
    """
    if not audio.is_stored:
        return write_samples(path, audio.samples, audio.rate, subtype)
    with writing(path, 2, audio.rate, frames=audio.length, subtype=subtype or "PCM_24") as writer:
        for block in audio.blocks():
            writer.write(block)
    return Path(path)


def write_multichannel(audio: MultichannelAudio, path: Any, *, subtype: str | None = None) -> Path:
    """Write a :class:`MultichannelAudio`, channels in the order of its layout.

    5.1 in WAV says which channel is which loudspeaker (WAVE_FORMAT_EXTENSIBLE).
    """
    return write_samples(path, audio.samples, audio.rate, subtype, layout=audio.layout)


def encoded(audio: BinauralAudio, limit: float = math.inf) -> tuple[str, bytes]:
    """Return (mime type, bytes) for a web page: FLAC when short, MP3 when long.

    Sound beyond full scale is turned down, both ears alike, for the page alone. Encoding ends
    soon after `limit` bytes: what is longer than that is only known to be.
    """
    peak = max(audio.peak, 1.0)
    short = audio.duration <= LOSSLESS_LIMIT
    buffer = io.BytesIO()
    form, subtype = ("FLAC", "PCM_16") if short else ("MP3", "MPEG_LAYER_III")
    with soundfile.SoundFile(buffer, "w", audio.rate, 2, subtype, format=form) as file:
        for block in audio.blocks():
            file.write(block.T / peak)
            if buffer.tell() > limit:
                break
    return ("audio/flac" if short else "audio/mpeg"), buffer.getvalue()


def mono_player_html(samples: np.ndarray, rate: int) -> str:
    """Return an HTML audio element for (n,) samples, the same in both ears."""
    return player_html(BinauralAudio(np.stack([samples, samples]), rate))


def player_html(audio: BinauralAudio, limit: int = EMBED_LIMIT) -> str:
    """Return an HTML audio element that carries the sound itself, or a sentence when too big."""
    mime, data = encoded(audio, limit)
    if len(data) > limit:
        return (
            f"<p><em>{audio.duration:.0f} s of sound are too big to embed (more than "
            f"{limit / 1e6:.0f} MB); use .save('drama.wav') or .cut(start, end).</em></p>"
        )
    codec = "lossless" if mime == "audio/flac" else "MP3 for listening; metrics read the array"
    return (
        f'<audio controls preload="metadata" style="width:100%;max-width:42rem" '
        f'src="data:{mime};base64,{base64.b64encode(data).decode()}"></audio>'
        f'<div style="font-size:.8em;opacity:.7">Use headphones; {codec}.</div>'
    )
