"""The encoders ``isdrama/geometric``, ``isdrama/text``, ``isdrama/video``: a prompt to a pose."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import torch

from spatialdrama.errors import AssetError, ValidationError
from spatialdrama.types import GeometricPrompt, Pose, TextPrompt, VideoPrompt
from spatialdrama.types.validate import check_positive

from .camera import Camera
from .frames import read_frames
from .geometry import FRAME_RATE, features, frame_times
from .readback import outside_head, to_pose
from .trackers import load_tracker
from .video_condition import assemble, observe

if TYPE_CHECKING:
    from .pose_encoder import PoseEncoder

#: Names the folder of the weights once for all, as for the generator.
VARIABLE = "SPATIALDRAMA_ISDRAMA"


@attrs.define(eq=False, kw_only=True, getstate_setstate=False)
class _Trained:
    """What the three have in common: weights, loaded when first used, and reading z_p back."""

    weights: str | Path | None = None
    device: str = "auto"
    _encoder: PoseEncoder | None = attrs.field(default=None, init=False, repr=False)
    _where: torch.device | None = attrs.field(default=None, init=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        # A copy reads the same checkpoint again: weights do not travel in pickles.
        state = {a.name: getattr(self, a.name) for a in attrs.fields(type(self))}
        return {**state, "_encoder": None, "_where": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    @property
    def encoder(self) -> PoseEncoder:
        """The pose encoder of the checkpoint, in evaluation mode.

        Raises
        ------
        AssetError
            Without weights.
        ValidationError
            For a folder that is no checkpoint.
        """
        if self._encoder is None:
            weights = self.weights or os.environ.get(VARIABLE)
            if not weights:
                raise AssetError(
                    f"{type(self).__name__} needs weights; give weights=FOLDER, the folder of a "
                    f"trained ISDrama with config.json, or set {VARIABLE}."
                )
            from spatialdrama_isdrama import checkpoints

            loaded = checkpoints.load(weights, device=self.device)
            self._encoder = loaded.pose.eval()
            self._where = next(loaded.pose.parameters()).device
            for part in (self._encoder.words, self._encoder.pictures):
                part.to(self._where)
        return self._encoder

    def _read(self, z_p: torch.Tensor, mask: torch.Tensor, duration: float, rate: float) -> Pose:
        """Read z_p (1, e, t, d) at mel frames and sample it at `rate`."""
        reading = self.encoder.read_back(z_p, mask)
        ears = self.encoder.config.ear_offset
        pose = to_pose(reading, frame_times(mask.shape[1]), ears)
        times = np.arange(round(duration * rate) + 1) / rate
        # Straight lines between places outside of the head may lead through it.
        place = outside_head(pose.positions_at(times))
        return Pose.from_samples(times, place, pose.quaternions_at(times))

    def _mask(self, duration: float, rate: float) -> torch.Tensor:
        check_positive(duration, "duration", unit="s")
        check_positive(rate, "rate", unit="Hz")
        frames = int(np.ceil(duration * FRAME_RATE)) + 1
        return torch.ones(1, frames, dtype=torch.bool, device=self._where)


def _prompt(prompt: Any, kind: type, name: str) -> None:
    if not isinstance(prompt, kind):
        raise ValidationError(
            f"encoder {name!r} reads a {kind.__name__}; got {type(prompt).__name__}."
        )


@attrs.define(eq=False, kw_only=True, getstate_setstate=False)
class GeometricEncoder(_Trained):
    """A pose through z_p-geo and back: what the embedding keeps of it.

    Parameters
    ----------
    weights : path
        Folder of a trained ISDrama; default what ``SPATIALDRAMA_ISDRAMA`` names.
    device : "auto", "cpu", "cuda" or "cuda:N"
    listener : Pose, optional
        The result is in the frame of this listener's head.
    """

    listener: Pose | None = None

    @torch.no_grad()
    def encode(self, prompt: GeometricPrompt, *, duration: float, rate: float) -> Pose:
        """Return the pose, `rate` samples a second over `duration` seconds.

        Raises
        ------
        AssetError, ValidationError
            Without weights; for another prompt.
        """
        _prompt(prompt, GeometricPrompt, "isdrama/geometric")
        encoder = self.encoder
        mask = self._mask(duration, rate)
        config = encoder.config
        seen = features(
            prompt.pose, frame_times(mask.shape[1]), config.ear_offset, listener=self.listener,
            window=config.velocity_window, jump_speed=config.jump_speed,
        )  # fmt: skip
        z_p = encoder.geometric(torch.as_tensor(seen, device=mask.device)[None], mask)
        return self._read(z_p, mask, duration, rate)


@attrs.define(eq=False, kw_only=True, getstate_setstate=False)
class TextEncoder(_Trained):
    """Words about a path to a pose, through z_p-txt.

    Without a script there is no z_c; what training used for none stands in.

    Parameters
    ----------
    weights : path
        Folder of a trained ISDrama; default what ``SPATIALDRAMA_ISDRAMA`` names.
    device : "auto", "cpu", "cuda" or "cuda:N"
    """

    @torch.no_grad()
    def encode(self, prompt: TextPrompt, *, duration: float, rate: float) -> Pose:
        """Return the pose, `rate` samples a second over `duration` seconds.

        Raises
        ------
        AssetError, ValidationError
            Without weights; for another prompt.
        """
        _prompt(prompt, TextPrompt, "isdrama/text")
        encoder = self.encoder
        mask = self._mask(duration, rate)
        condition, there = encoder.words([prompt.text])
        z_p = encoder.text(None, mask, condition.to(mask.device), there.to(mask.device))
        return self._read(z_p, mask, duration, rate)


@attrs.define(eq=False, kw_only=True, getstate_setstate=False)
class VideoEncoder(_Trained):
    """Silent video to a pose, through z_p-vid.

    Parameters
    ----------
    weights : path
        Folder of a trained ISDrama; default what ``SPATIALDRAMA_ISDRAMA`` names.
    device : "auto", "cpu", "cuda" or "cuda:N"
    tracker : str
        "lucas-kanade", "opencv" or "co-tracker"; see :func:`.trackers.load_tracker`.
    tracker_options : mapping
    """

    tracker: str = "lucas-kanade"
    tracker_options: dict[str, Any] = attrs.field(factory=dict)

    @torch.no_grad()
    def encode(self, prompt: VideoPrompt, *, duration: float, rate: float) -> Pose:
        """Return the pose, `rate` samples a second over `duration` seconds.

        Raises
        ------
        AssetError, ValidationError
            Without weights; for another prompt, one without `speaker_pixel`, or a video shorter
            than `duration`.
        """
        _prompt(prompt, VideoPrompt, "isdrama/video")
        if prompt.speaker_pixel is None:
            raise ValidationError(
                "a VideoPrompt needs speaker_pixel=(column, row), the mouth in the first frame: "
                "nothing here looks for mouths."
            )
        encoder = self.encoder
        mask = self._mask(duration, rate)
        frames = read_frames(prompt.path)
        size = (frames.shape[2], frames.shape[1])
        video = observe(
            frames, rate=prompt.rate, camera=Camera.of(prompt, size).condition(),
            pixel=prompt.speaker_pixel, embedder=encoder.pictures,
            tracker=load_tracker(self.tracker, **self.tracker_options),
            image_rate=encoder.config.image_rate,
        )  # fmt: skip
        condition = assemble(video, encoder.pictures, frame_times(mask.shape[1]))
        z_p = encoder.video(None, mask, condition.to(mask.device)[None])
        return self._read(z_p, mask, duration, rate)
