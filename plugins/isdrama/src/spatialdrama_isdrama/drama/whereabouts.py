"""z_p of a segment and the delays to both ears: from a pose, from words or from silent video.

Paper 4.2 and C.4. What words and videos say is read back out of z_p as a pose, so that the
vocoder's delays follow the same path as the rest of the sound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spatialdrama.errors import ValidationError
from spatialdrama.types import GeometricPrompt, Pose, Scene, TextPrompt, VideoPrompt
from spatialdrama_isdrama.pose.camera import Camera
from spatialdrama_isdrama.pose.frames import read_frames
from spatialdrama_isdrama.pose.geometry import features
from spatialdrama_isdrama.pose.pose_encoder import PoseEncoder
from spatialdrama_isdrama.pose.readback import to_pose
from spatialdrama_isdrama.pose.trackers import load_tracker
from spatialdrama_isdrama.pose.video_condition import Video, assemble, observe
from spatialdrama_isdrama.vocoder.geometry import delays_of


class Whereabouts:
    """Where each speaker is, for the networks.

    Parameters
    ----------
    encoder : PoseEncoder
    prompts : mapping of speaker to GeometricPrompt, TextPrompt or VideoPrompt
        In place of the scene's poses. Video time is drama time.
    """

    def __init__(self, encoder: PoseEncoder, prompts: Mapping[str, Any]) -> None:
        self._encoder, self._prompts = encoder, prompts
        self._videos: dict[str, Video] = {}
        self._device = next(encoder.parameters()).device
        for part in (encoder.words, encoder.pictures):
            part.to(self._device)

    def check(self, until: Mapping[str, float]) -> None:
        """Raise for a prompt that cannot be read, or a video that ends before its speaker does.

        Parameters
        ----------
        until : mapping of speaker to s
            When the last line of each ends.
        """
        for speaker, prompt in self._prompts.items():
            if not isinstance(prompt, VideoPrompt):
                continue
            if prompt.speaker_pixel is None:
                raise ValidationError(
                    f"the video of {speaker} needs speaker_pixel=(column, row), the mouth in its "
                    "first frame: nothing here looks for mouths."
                )
            lasts = len(read_frames(prompt.path)) / prompt.rate
            # The last frames of a line are whole latents: up to a frame of video beyond its end.
            if lasts < until.get(speaker, 0.0):
                raise ValidationError(
                    f"the video of {speaker} lasts {lasts:.2f} s and the last line of {speaker} "
                    f"ends at {until[speaker]:.2f} s; video time is drama time. Give a longer "
                    "video, or times to the lines."
                )

    def encode(
        self, speaker: str, scene: Scene, times: np.ndarray, z_c: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return z_p (1, e, t, d) and the delays (e, t) in s.

        Parameters
        ----------
        speaker : str
        scene : Scene
        times : (t,) float, s
            Of the segment's mel frames, in the drama.
        z_c : (1, t, d)
            What is said then; words and videos are read with it.
        """
        mask = torch.ones(1, len(times), dtype=torch.bool, device=self._device)
        prompt = self._prompts.get(speaker)
        if prompt is None or isinstance(prompt, GeometricPrompt):
            pose = self._pose(speaker, scene)
            seen = torch.as_tensor(self._features(pose, scene, times), device=self._device)
            return self._encoder.geometric(seen[None], mask), self._delays(pose, times, scene)
        if isinstance(prompt, TextPrompt):
            condition, there = self._encoder.words([prompt.text])
            z_p = self._encoder.text(z_c, mask, condition.to(mask.device), there.to(mask.device))
        else:
            video = self._video(speaker, prompt, scene.listener)
            condition = assemble(video, self._encoder.pictures, times)
            z_p = self._encoder.video(z_c, mask, condition.to(mask.device)[None])
        reading = self._encoder.read_back(z_p, mask)
        heard = to_pose(reading, times, self._encoder.config.ear_offset)
        return z_p, self._delays(heard, times, None)

    def inputs(self, speaker: str, scene: Scene, times: np.ndarray) -> Any:
        """Return all that decides what :meth:`encode` gives, as a cache key takes it."""
        prompt = self._prompts.get(speaker)
        if prompt is None or isinstance(prompt, GeometricPrompt):
            return self._features(self._pose(speaker, scene), scene, times)
        if isinstance(prompt, TextPrompt):
            return {"text": prompt.text, "times": times}
        return {"video": repr(prompt), "file": _sha256(prompt.path), "times": times}

    def _pose(self, speaker: str, scene: Scene) -> Pose:
        prompt = self._prompts.get(speaker)
        return scene.source(speaker).pose if prompt is None else prompt.pose

    def _features(self, pose: Pose, scene: Scene, times: np.ndarray) -> np.ndarray:
        config = self._encoder.config
        return features(
            pose, times, config.ear_offset, listener=scene.listener,
            window=config.velocity_window, jump_speed=config.jump_speed,
        )  # fmt: skip

    def _delays(self, pose: Pose, times: np.ndarray, scene: Scene | None) -> torch.Tensor:
        listener = None if scene is None else scene.listener
        delay = delays_of(pose, times, listener=listener, head="sphere").T
        return torch.as_tensor(delay, dtype=torch.float32, device=self._device)

    def _video(self, speaker: str, prompt: VideoPrompt, listener: Pose | None) -> Video:
        if speaker not in self._videos:
            frames = read_frames(prompt.path)
            camera = Camera.of(prompt, (frames.shape[2], frames.shape[1]))
            self._videos[speaker] = observe(
                frames, rate=prompt.rate, camera=_seen(camera, listener),
                pixel=prompt.speaker_pixel, tracker=load_tracker(),
                embedder=self._encoder.pictures, image_rate=self._encoder.config.image_rate,
            )  # fmt: skip
        return self._videos[speaker]


def _seen(camera: Camera, listener: Pose | None) -> np.ndarray:
    """Return the camera as the listener sees it when the drama begins."""
    if listener is None:
        return camera.condition()
    return camera.condition(listener.positions_at(0.0)[0], listener.quaternions_at(0.0)[0])


def _sha256(path: Any) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
