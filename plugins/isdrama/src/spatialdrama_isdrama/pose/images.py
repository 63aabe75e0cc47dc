"""What a picture shows, as a vector: CLIP, or a small network on a crop round the mouth (4.2)."""

from __future__ import annotations

import itertools
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from spatialdrama.errors import ValidationError

from .config import PoseConfig
from .frames import checked_frames
from .pretrained import load_pretrained, missing_width


@runtime_checkable
class ImageEmbedder(Protocol):
    """What :attr:`.pose_encoder.PoseEncoder.pictures` must offer."""

    width: int

    def prepare(self, frames: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """Return what is embedded, one row a picture: kept on disk in training."""
        ...

    def __call__(self, prepared: torch.Tensor) -> torch.Tensor:
        """Return (k, width)."""
        ...


def image_embedder(config: PoseConfig) -> ImageEmbedder:
    """Return what the config asks for; nothing is loaded yet.

    Examples
    --------
    >>> image_embedder(PoseConfig(image_condition="small", image_width=8)).width
    8
    """
    if config.image_condition == "clip":
        return ClipImages(config.image_model, width=config.image_width)
    return MouthImages(config.image_width, crop=config.crop)


class MouthImages(nn.Module):
    """Three strided convolutions on a square round the mouth, trained with the encoder.

    The square is a quarter of the picture's height, so a face that is near is large in it.

    Parameters
    ----------
    width
        Of the result.
    crop
        Side in pixels to which the square is brought.

    Examples
    --------
    >>> images = MouthImages(8)
    >>> frames = np.zeros((2, 64, 96, 3), np.uint8)
    >>> crops = images.prepare(frames, np.array([[48.0, 32.0], [0.0, 0.0]]))
    >>> images(torch.from_numpy(crops)).shape
    torch.Size([2, 8])
    """

    def __init__(self, width: int, crop: int = 32):
        super().__init__()
        self.width, self.crop = width, crop
        sizes = (3, 16, 32, 64)
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in itertools.pairwise(sizes)
        )
        # Norms over one picture each: a batch must equal its items.
        self.norms = nn.ModuleList(nn.GroupNorm(4, size) for size in sizes[1:])
        self.out = nn.Linear(sizes[-1], width)

    def prepare(self, frames: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """Return crops (k, 3, crop, crop) uint8 round `pixels` (k, 2) of `frames` (k, h, w, 3)."""
        frames = checked_frames(frames)
        side = max(frames.shape[1] // 4, 2)
        return np.stack(
            [
                mouth_crop(frame, pixel, side, self.crop)
                for frame, pixel in zip(frames, pixels, strict=True)
            ]
        )

    def forward(self, prepared: torch.Tensor) -> torch.Tensor:
        """Return (k, width) from crops (k, 3, crop, crop) uint8."""
        x = prepared.to(self.out.weight) / 127.5 - 1.0
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = functional.gelu(norm(conv(x)))
        return self.out(x.mean((2, 3)))


class ClipImages:
    """The vision half of CLIP, frozen, on whole pictures; loaded when first used.

    As the authors' extractor: the pooled output of ViT-B/32, 768 numbers, without the projection.

    Parameters
    ----------
    model
        A local folder, or a hub name such as "openai/clip-vit-base-patch32".
    width
        What it gives a picture.
    device
        Where it runs; `to` moves it.

    Examples
    --------
    >>> ClipImages("openai/clip-vit-base-patch32")
    ClipImages('openai/clip-vit-base-patch32')
    """

    def __init__(self, model: str, *, width: int = 768, device: Any = "cpu"):
        self.model, self.width, self.device = model, width, torch.device(device)
        self._loaded: Any = None

    def __repr__(self) -> str:
        return f"ClipImages({self.model!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None}

    def to(self, device: Any) -> ClipImages:
        """Move it, and return it."""
        self.device = torch.device(device)
        if self._loaded is not None:
            self._loaded[1].to(self.device)
        return self

    def prepare(self, frames: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """Return what CLIP's processor makes of `frames` (k, h, w, 3); `pixels` are not used."""
        processor, _ = self._load()
        frames = list(checked_frames(frames))
        return np.asarray(processor(images=frames, return_tensors="np")["pixel_values"])

    def __call__(self, prepared: torch.Tensor) -> torch.Tensor:
        """Return (k, width) from prepared pictures, without gradient."""
        _, model = self._load()
        with torch.no_grad():
            return model(pixel_values=prepared.to(self.device).float()).pooler_output

    def _load(self) -> Any:
        if self._loaded is None:
            processor, model = load_pretrained(
                self.model, ("CLIPImageProcessor", "CLIPVisionModel"), "image_condition='small'"
            )
            size = model.config.hidden_size
            if size != self.width:
                raise ValidationError(missing_width(self.model, "image_width", size))
            self._loaded = processor, model.to(self.device).eval().requires_grad_(False)
        return self._loaded


def mouth_crop(frame: np.ndarray, pixel: np.ndarray, side: int, size: int) -> np.ndarray:
    """Return the square (3, size, size) uint8 of `side` pixels round a pixel (column, row).

    Outside of the picture it is black. Bilinear, after a mean over what a new pixel covers.

    Examples
    --------
    >>> frame = np.full((8, 8, 3), 200, np.uint8)
    >>> mouth_crop(frame, np.array([0.0, 4.0]), 8, 2)[0].tolist()
    [[0, 200], [0, 200]]
    """
    per = max(round(side / size), 1)
    fine = size * per
    # Middles of the fine pixels, counted from the middle of the picture's first.
    along = (np.arange(fine) + 0.5) * (side / fine) - side / 2 - 0.5
    column, row = np.asarray(pixel, dtype=float)
    image = _bilinear(_bilinear(frame.astype(np.float32), row + along, 0), column + along, 1)
    small = image.reshape(size, per, size, per, 3).mean((1, 3))
    return np.clip(np.rint(small), 0, 255).astype(np.uint8).transpose(2, 0, 1)


def _bilinear(image: np.ndarray, at: np.ndarray, axis: int) -> np.ndarray:
    low = np.floor(at).astype(int)
    shape = [1] * image.ndim
    shape[axis] = -1
    share = (at - low).astype(np.float32).reshape(shape)

    def take(index: np.ndarray) -> np.ndarray:
        inside = (index >= 0) & (index < image.shape[axis])
        taken = image.take(np.clip(index, 0, image.shape[axis] - 1), axis=axis)
        return taken * inside.reshape(shape)

    return (1 - share) * take(low) + share * take(low + 1)
