"""What a segment is generated from: phones, durations, z_c, z_p, delays and the scene's tokens.

The one place where the drama asks the content encoder and the pose encoder (paper 4.2, 4.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import torch

from spatialdrama.errors import ValidationError
from spatialdrama.types import Line, Scene, Script
from spatialdrama_isdrama.checkpoints import Loaded
from spatialdrama_isdrama.content import Reading, read_line
from spatialdrama_isdrama.drama.frozen import fingerprints
from spatialdrama_isdrama.drama.place import frame_times, in_words
from spatialdrama_isdrama.drama.planning import Segment
from spatialdrama_isdrama.drama.whereabouts import Whereabouts
from spatialdrama_isdrama.transformer import Conditions


@attrs.frozen(eq=False)
class Spelled:
    """A line as phones.

    Attributes
    ----------
    reading : Reading
    durations : (k,) float, mel frames, or None
        What the line's own phones last; None for a line that is only text.
    """

    reading: Reading
    durations: np.ndarray | None = None


class Encoding:
    """Asks the encoders, one segment at a time, so that its numbers depend on nothing else.

    Parameters
    ----------
    model : Loaded
    prompts : mapping
        {speaker: GeometricPrompt, TextPrompt or VideoPrompt}.
    scene_encoder : callable, "words" or "none"
        What reads the description of the place (E29): called with a list of texts, it gives
        tokens (b, s, d) and their mask (b, s). "words" is the pose encoder's reader of texts;
        "none" leaves the scene out, and the transformer's learned token stands in.
    front_end : callable, optional
        Reader of English words; default the voice ``kokoro``'s.
    tracker : Tracker, optional
        What follows mouths through videos; default Lucas and Kanade's.
    """

    def __init__(
        self,
        model: Loaded,
        prompts: Mapping[str, Any] | None = None,
        *,
        scene_encoder: Any = "words",
        front_end: Any = None,
        tracker: Any = None,
    ) -> None:
        if not callable(scene_encoder) and scene_encoder not in ("words", "none"):
            raise ValidationError(
                "scene_encoder must be 'words', 'none' or a function from texts to tokens and "
                f"their mask; got {scene_encoder!r}."
            )
        self._model, self._mel = model, model.config.mel
        self._front_end = front_end
        self._where = Whereabouts(model.pose, prompts or {}, tracker=tracker)
        self._scene_encoder = model.pose.words if scene_encoder == "words" else scene_encoder
        self._scenes: dict[str, tuple[torch.Tensor, torch.Tensor] | None] = {}
        self._device = model.device.torch
        if hasattr(model.content.source, "to"):  # a BERT is no part of the weights
            model.content.source.to(self._device)

    def about(self) -> dict[str, Any]:
        """Return what reads texts and videos, for the provenance and for keys.

        A checkpoint names its frozen readers and does not carry them: what lies there under the
        same name tomorrow may say something else.
        """
        reader, frozen = self._scene_encoder, [self._model.content.source, self._scene_encoder]
        return {
            "semantics": self._model.config.content.semantics,
            "scene": reader if isinstance(reader, str) else type(reader).__name__,
            "frozen": fingerprints(*frozen, *self._where.readers()),
            **self._where.about(),
        }

    def check(self, scene: Scene, script: Script) -> None:
        """Raise for a scene or a prompt that cannot be read; the script has its times."""
        self._where.check({line.speaker: line.end for line in script})
        with torch.inference_mode():
            self._tokens(scene)

    # -- content ------------------------------------------------------------------------------

    def spell(self, line: Line) -> Spelled:
        """Return the phones of a line: its own ones if it has some, else those of its text.

        Raises
        ------
        ValidationError
            There is nothing to speak, or another language than the model's.
        """
        reading, timed = read_line(line, front_end=self._front_end)
        if timed is None:
            return Spelled(reading)
        frames = np.asarray(timed.durations) / timed.rate * self._mel.frames_per_second
        return Spelled(reading, frames)

    @torch.inference_mode()
    def durations(self, spelled: Spelled, *, free: bool = True) -> np.ndarray:
        """Return the mel frames of each phone, (k,) float, predicted or the line's own (E11).

        They are not rounded, so that a line's frames are fitted to what was predicted.

        Parameters
        ----------
        spelled : Spelled
        free : bool
            Whether the line is as long as its phones; each then has a frame at least and as many
            as the config's longest phone at most.
        """
        if spelled.durations is not None:
            return spelled.durations
        content = self._model.content
        batch = content.batch([spelled.reading])
        logs = content.durations(content(batch), batch.mask)
        frames = content.durations.durations_of(logs, batch.mask, language=batch.language)
        longest = self._model.config.content.longest
        return (frames.clamp(1, longest) if free else frames)[0].numpy()

    def _content(self, segment: Segment) -> tuple[torch.Tensor, torch.Tensor]:
        content = self._model.content
        states = content(content.batch([segment.reading]))
        frames = torch.as_tensor(segment.frames, device=self._device)[None]
        return content.encoder.stretch(states, frames, segment.total)

    # -- conditions ---------------------------------------------------------------------------

    def conditions(self, segment: Segment, scene: Scene) -> tuple[Conditions, torch.Tensor]:
        """Return z_c, z_p and the scene of a segment, one row, and the delays (e, t) in s."""
        z_c, mask = self._content(segment)
        z_p, delay = self._where.encode(segment.line.speaker, scene, self._times(segment), z_c)
        tokens = self._tokens(scene)
        conditions = Conditions(
            content=z_c,
            pose=z_p,
            mask=mask,
            scene=None if tokens is None else tokens[0],
            scene_mask=None if tokens is None else tokens[1],
        )
        return conditions, delay

    def azimuth_deg(self, segment: Segment, scene: Scene) -> np.ndarray:
        """Return where the listener has the segment's speaker, (l,) degrees, 90 at the left."""
        z_c, _ = self._content(segment)
        return self._where.azimuth_deg(segment.line.speaker, scene, self._times(segment), z_c)

    def inputs(self, segment: Segment, scene: Scene) -> dict[str, Any]:
        """Return all that decides what :meth:`conditions` gives, as a cache key takes it."""
        reading = segment.reading
        return {
            "text": reading.text,
            "phones": [list(reading.symbols), list(reading.tones), list(reading.languages)],
            "spans": [list(span) for span in reading.spans],
            "place": self._where.inputs(segment.line.speaker, scene, self._times(segment)),
            "times": self._times(segment),
            "scene": in_words(scene),
            # A function has no name that says what it does; its tokens do.
            "scene tokens": self._numbers(scene),
            "encoders": self.about(),
        }

    def _numbers(self, scene: Scene) -> list[np.ndarray] | None:
        with torch.inference_mode():
            tokens = self._tokens(scene)
        return None if tokens is None else [x.detach().cpu().numpy() for x in tokens]

    def _times(self, segment: Segment) -> np.ndarray:
        return frame_times(segment.start, segment.total, self._mel)

    def _tokens(self, scene: Scene) -> tuple[torch.Tensor, torch.Tensor] | None:
        if self._scene_encoder == "none":
            return None
        words = in_words(scene)
        if words not in self._scenes:
            wanted = self._model.config.transformer.scene_width
            tokens, mask = _pair(self._scene_encoder([words]), wanted)
            self._scenes[words] = tokens.to(self._device), mask.to(self._device)
        return self._scenes[words]


def _pair(given: Any, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a scene encoder gave as tokens and mask, or raise."""
    pair = isinstance(given, (tuple, list)) and len(given) == 2
    if not pair or not all(isinstance(x, torch.Tensor) for x in given):
        raise ValidationError(
            "a scene_encoder gives two tensors, tokens (1, s, d) and their mask (1, s); it gave "
            f"{type(given).__name__}. Return both, or take scene_encoder='none'."
        )
    tokens, mask = given
    if tokens.ndim != 3 or tokens.shape[0] != 1 or tokens.shape[-1] != width:
        raise ValidationError(
            f"the scene's tokens must be (1, s, {width}) for this model; its reader gave "
            f"{tuple(tokens.shape)}. Give another scene_encoder=, or 'none'."
        )
    if mask.shape != tokens.shape[:2] or mask.dtype != torch.bool:
        raise ValidationError(
            f"the mask of the scene's tokens must be {tuple(tokens.shape[:2])} of bool; its reader "
            f"gave {tuple(mask.shape)} of {mask.dtype}."
        )
    if not torch.isfinite(tokens).all():
        raise ValidationError("the scene's tokens hold NaN or infinite numbers; mend their reader.")
    return tokens.float(), mask
