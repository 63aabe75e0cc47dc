"""One segment as tensors: phones with frames, two mels, the pose's features and F0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import torch

from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Line, Pose, Speech
from spatialdrama_isdrama.autoencoder.config import MelConfig
from spatialdrama_isdrama.autoencoder.mel import mel_of, padded
from spatialdrama_isdrama.content import Reading, read_line
from spatialdrama_isdrama.content.timed import to_frames
from spatialdrama_isdrama.layers import lengths_to_mask
from spatialdrama_isdrama.pose.geometry import EAR_OFFSET, features

Tensor = torch.Tensor


@attrs.frozen(kw_only=True, eq=False)
class Example:
    """A segment that can be learned from.

    Attributes
    ----------
    reading : Reading
        k phones.
    frames : (k,) int64
        Mel frames of each phone; they sum to t.
    mel : (2, f, t) float32
        log10 magnitudes of both ears; t is a multiple of 4.
    features : (t, 12) float32
        Of :func:`spatialdrama_isdrama.pose.geometry.features`.
    f0 : (t,) float32, Hz
        0 where unvoiced.
    prompt : (2, f, p) float32 or None
        Mel of another line of the same speaker, the same in both ears.
    """

    reading: Reading
    frames: Tensor
    mel: Tensor
    features: Tensor
    f0: Tensor
    prompt: Tensor | None = None

    @property
    def length(self) -> int:
        """Mel frames."""
        return self.mel.shape[-1]


def example_of(
    line: Line, speech: Speech, audio: BinauralAudio, pose: Pose, mel: MelConfig, *,
    start: float = 0.0, listener: Pose | None = None, prompt: Tensor | None = None,
    ears: float = EAR_OFFSET,
) -> Example:  # fmt: skip
    """Turn one spoken and placed line into tensors.

    Parameters
    ----------
    line : Line
        What was said. Its phones, or else those of `speech`, have times.
    speech : Speech
        Dry, with phones and F0.
    audio : BinauralAudio
        The same at two ears, at the rate of `mel`; what rings on behind the speech is left out.
    pose : Pose
        Of the speaker in the scene.
    mel : MelConfig
    start : float, s
        Drama time of the first sample.
    listener : Pose, optional
    prompt : (2, f, p), optional
    ears : float, m
        Half the distance between the ears that see the pose.

    Raises
    ------
    ValidationError
        No phones, no F0, or sound of another rate.
    """
    if audio.rate != mel.rate:
        raise ValidationError(
            f"the sound has {audio.rate} Hz and the mels {mel.rate} Hz; resample it first."
        )
    if speech.f0 is None or speech.f0_hop <= 0:
        raise ValidationError("the speech brings no F0; track it first.")
    phones = line.phones or speech.phones
    if not phones:
        raise ValidationError(f"the line {line.text!r} has no phones with times; align it first.")
    reading, timed = read_line(attrs.evolve(line, phones=phones))
    samples = audio.samples[:, : round(speech.duration * audio.rate)]
    with torch.no_grad():
        both = padded(mel_of(torch.from_numpy(np.array(samples))[None], mel), mel)[0]
    count = both.shape[-1]
    times = start + np.arange(count) / mel.frames_per_second
    frames = to_frames(timed, rate=mel.rate, hop=mel.hop, total=count)
    return Example(
        reading=reading,
        frames=torch.from_numpy(frames),
        mel=both[0],
        features=torch.from_numpy(features(pose, times, ears, listener=listener)),
        f0=torch.from_numpy(f0_on_frames(speech, count, mel)),
        prompt=prompt,
    )


def f0_on_frames(speech: Speech, count: int, mel: MelConfig) -> np.ndarray:
    """Return F0 (count,) in Hz on mel frames: linear between voiced values, 0 where unvoiced.

    A frame is voiced if the nearest value is.
    """
    source = np.asarray(speech.f0, dtype=float)
    at = np.arange(count) / mel.frames_per_second / speech.f0_hop
    nearest = np.clip(np.round(at).astype(int), 0, len(source) - 1)
    voiced = source > 0
    if not voiced.any():
        return np.zeros(count, np.float32)
    hertz = np.interp(at, np.flatnonzero(voiced), source[voiced])
    return np.where(voiced[nearest], hertz, 0.0).astype(np.float32)


@attrs.frozen(kw_only=True, eq=False)
class ExampleBatch:
    """Examples side by side, padded behind each.

    Attributes
    ----------
    readings : tuple of Reading
    frames : (b, k) int64
    mel : (b, 2, f, t); mask : (b, t)
    features : (b, t, 12)
    f0 : (b, t), Hz
    prompt : (b, 2, f, p) or None; prompt_mask : (b, p) or None
    scene : (b, s, d) or None; scene_mask : (b, s) or None
        Tokens of each scene's words or picture, from whatever encodes them: the corpus or the
        caller puts them in, ``attrs.evolve(batch, scene=...)``.
    """

    readings: tuple[Reading, ...]
    frames: Tensor
    mel: Tensor
    mask: Tensor
    features: Tensor
    f0: Tensor
    prompt: Tensor | None = None
    prompt_mask: Tensor | None = None
    scene: Tensor | None = None
    scene_mask: Tensor | None = None

    def to(self, device: Any) -> ExampleBatch:
        """Return the same on a device."""
        moved = {}
        for field in attrs.fields(ExampleBatch):
            value = getattr(self, field.name)
            moved[field.name] = value.to(device) if isinstance(value, Tensor) else value
        return ExampleBatch(**moved)


def collate(examples: Sequence[Example], silence: float = -5.0) -> ExampleBatch:
    """Put examples into one batch.

    Parameters
    ----------
    examples : sequence of Example
    silence : float
        What mels hold behind an item, log10 magnitude.

    Raises
    ------
    ValidationError
        No examples, or some with a prompt and some without.
    """
    if not examples:
        raise ValidationError("a batch needs examples; got none.")
    prompts = [e.prompt for e in examples]
    if any(p is None for p in prompts) and any(p is not None for p in prompts):
        raise ValidationError("either all examples of a batch have a prompt or none.")
    lengths = torch.tensor([e.length for e in examples])
    batch = ExampleBatch(
        readings=tuple(e.reading for e in examples),
        frames=_side_by_side([e.frames for e in examples], -1, 0),
        mel=_side_by_side([e.mel for e in examples], -1, silence),
        mask=lengths_to_mask(lengths),
        features=_side_by_side([e.features for e in examples], 0, 0.0),
        f0=_side_by_side([e.f0 for e in examples], -1, 0.0),
    )
    if prompts[0] is None:
        return batch
    size = torch.tensor([p.shape[-1] for p in prompts])
    return attrs.evolve(
        batch,
        prompt=_side_by_side(prompts, -1, silence),
        prompt_mask=lengths_to_mask(size),
    )


def _side_by_side(rows: Sequence[Tensor], axis: int, fill: float) -> Tensor:
    """Stack tensors that differ in length along one axis, filled behind each."""
    longest = max(row.shape[axis] for row in rows)
    out = []
    for row in rows:
        shape = list(row.shape)
        shape[axis] = longest - row.shape[axis]
        out.append(torch.cat([row, row.new_full(shape, fill)], dim=axis))
    return torch.stack(out)
