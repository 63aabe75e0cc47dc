"""z_p of a segment and the delays to both ears: from a pose, from words or from silent video.

Paper 4.2 and C.4. What words and videos say is read back out of z_p as a pose, so that the
vocoder's delays follow the same path as the rest of the sound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import torch

from spatialdrama.errors import ValidationError
from spatialdrama.runtime.cache import key_of
from spatialdrama.types import GeometricPrompt, Pose, Scene, TextPrompt, VideoPrompt
from spatialdrama_isdrama.autoencoder.config import FRAMES_PER_LATENT
from spatialdrama_isdrama.drama.frozen import digest
from spatialdrama_isdrama.pose.camera import Camera
from spatialdrama_isdrama.pose.frames import read_frames
from spatialdrama_isdrama.pose.geometry import features
from spatialdrama_isdrama.pose.motion import HeadFrame
from spatialdrama_isdrama.pose.pose_encoder import PoseEncoder
from spatialdrama_isdrama.pose.readback import to_pose
from spatialdrama_isdrama.pose.trackers import load_tracker
from spatialdrama_isdrama.pose.video_condition import Video, assemble, observe
from spatialdrama_isdrama.vocoder.geometry import delays_of

#: Frames on which a tracker is tried before any work.
_TRIED = 8


class Whereabouts:
    """Where each speaker is, for the networks.

    Parameters
    ----------
    encoder : PoseEncoder
    prompts : mapping of speaker to GeometricPrompt, TextPrompt or VideoPrompt
        In place of the scene's poses. Video time is drama time.
    tracker : Tracker, optional
        What follows mouths through videos; default Lucas and Kanade's.
    """

    def __init__(
        self, encoder: PoseEncoder, prompts: Mapping[str, Any], *, tracker: Any = None
    ) -> None:
        self._encoder, self._prompts = encoder, prompts
        self._tracker = load_tracker() if tracker is None else tracker
        self._videos: dict[tuple[str, ...], tuple[Video, str]] = {}
        self._device = next(encoder.parameters()).device
        for part in (encoder.words, encoder.pictures):
            part.to(self._device)

    def readers(self) -> list[Any]:
        """Return what reads the prompts' words and pictures, as far as any prompt has some."""
        kinds = {type(prompt) for prompt in self._prompts.values()}
        words = [self._encoder.words] if TextPrompt in kinds else []
        return words + ([self._encoder.pictures] if VideoPrompt in kinds else [])

    def about(self) -> dict[str, Any]:
        """Return which tracker followed mouths, if there was a video."""
        videos = any(isinstance(prompt, VideoPrompt) for prompt in self._prompts.values())
        return {"tracker": type(self._tracker).__name__} if videos else {}

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
            frames = read_frames(prompt.path)
            lasts = len(frames) / prompt.rate
            # The last frames of a line are whole latents: up to a frame of video beyond its end.
            if lasts < until.get(speaker, 0.0):
                raise ValidationError(
                    f"the video of {speaker} lasts {lasts:.2f} s and the last line of {speaker} "
                    f"ends at {until[speaker]:.2f} s; video time is drama time. Give a longer "
                    "video, or times to the lines."
                )
            # A tracker that is not installed, or a pixel outside of the picture, is said now.
            self._tracker.track(frames[:_TRIED], prompt.speaker_pixel, 0)

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
        z_p, pose, listener = self._read(speaker, scene, times, z_c)
        return z_p, self._delays(pose, times, listener)

    def azimuth_deg(
        self, speaker: str, scene: Scene, times: np.ndarray, z_c: torch.Tensor
    ) -> np.ndarray:
        """Return where the listener has the speaker in each latent frame, (l,) degrees.

        0 in front, 90 at the left, in the middle of the four mel frames; of what the sound follows:
        for words and videos that is the pose that they were read as.

        Parameters
        ----------
        speaker, scene, times, z_c
            As for :meth:`encode`; t = 4 l.
        """
        _, pose, listener = self._read(speaker, scene, times, z_c)
        middles = times.reshape(-1, FRAMES_PER_LATENT).mean(axis=1)
        head = HeadFrame(pose, listener, jump_speed=self._encoder.config.jump_speed)
        place = head.places(middles)
        return np.degrees(np.arctan2(place[:, 1], place[:, 0]))

    def _read(
        self, speaker: str, scene: Scene, times: np.ndarray, z_c: torch.Tensor
    ) -> tuple[torch.Tensor, Pose, Pose | None]:
        """Return z_p, the pose that it stands for, and whose head that pose is seen from."""
        mask = torch.ones(1, len(times), dtype=torch.bool, device=self._device)
        prompt = self._prompts.get(speaker)
        if prompt is None or isinstance(prompt, GeometricPrompt):
            pose = self._pose(speaker, scene)
            seen = torch.as_tensor(self._features(pose, scene, times), device=self._device)
            return self._encoder.geometric(seen[None], mask), pose, scene.listener
        if isinstance(prompt, TextPrompt):
            condition, there = self._encoder.words([prompt.text])
            z_p = self._encoder.text(z_c, mask, condition.to(mask.device), there.to(mask.device))
        else:
            video, _ = self._video(speaker, prompt, scene.listener)
            condition = assemble(video, self._encoder.pictures, times)
            z_p = self._encoder.video(z_c, mask, condition.to(mask.device)[None])
        reading = self._encoder.read_back(z_p, mask)
        return z_p, to_pose(reading, times, self._encoder.config.ear_offset), None

    def inputs(self, speaker: str, scene: Scene, times: np.ndarray) -> Any:
        """Return all that decides what :meth:`encode` gives, as a cache key takes it."""
        prompt = self._prompts.get(speaker)
        if prompt is None or isinstance(prompt, GeometricPrompt):
            return self._features(self._pose(speaker, scene), scene, times)
        if isinstance(prompt, TextPrompt):
            return {"text": prompt.text, "times": times}
        _, seen = self._video(speaker, prompt, scene.listener)
        return {"video": seen, "times": times}

    def _pose(self, speaker: str, scene: Scene) -> Pose:
        prompt = self._prompts.get(speaker)
        return scene.source(speaker).pose if prompt is None else prompt.pose

    def _features(self, pose: Pose, scene: Scene, times: np.ndarray) -> np.ndarray:
        config = self._encoder.config
        return features(
            pose, times, config.ear_offset, listener=scene.listener,
            window=config.velocity_window, jump_speed=config.jump_speed,
        )  # fmt: skip

    def _delays(self, pose: Pose, times: np.ndarray, listener: Pose | None) -> torch.Tensor:
        delay = delays_of(pose, times, listener=listener, head="sphere").T
        return torch.as_tensor(delay, dtype=torch.float32, device=self._device)

    def _video(self, speaker: str, prompt: VideoPrompt, listener: Pose | None) -> tuple[Video, str]:
        """Return what was seen of a video, and a hash of it.

        The hash stands for file, camera and tracker alike: trackers have weights of their own.
        """
        # One generator may make dramas for several listeners, and a file may be exchanged.
        seat = "" if listener is None else repr(_seat(listener))
        key = (speaker, repr(prompt), digest(prompt.path), seat)
        if key not in self._videos:
            frames = read_frames(prompt.path)
            camera = Camera.of(prompt, (frames.shape[2], frames.shape[1]))
            video = observe(
                frames, rate=prompt.rate, camera=_seen(camera, listener),
                pixel=prompt.speaker_pixel, tracker=self._tracker,
                embedder=self._encoder.pictures, image_rate=self._encoder.config.image_rate,
            )  # fmt: skip
            self._videos[key] = video, key_of(attrs.asdict(video))
        return self._videos[key]


def _seen(camera: Camera, listener: Pose | None) -> np.ndarray:
    """Return the camera as the listener sees it when the drama begins."""
    return camera.condition() if listener is None else camera.condition(*_seat(listener))


def _seat(listener: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Return where the listener's head is when the drama begins, and how it is turned."""
    return listener.positions_at(0.0)[0], listener.quaternions_at(0.0)[0]
