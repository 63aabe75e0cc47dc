"""CoTracker3 (Karaev et al. 2024), the paper's tracker, where the user has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch

from spatialdrama.errors import PluginImportError, ValidationError

from .frames import checked_frames
from .trackers import Path2d, checked_start


@attrs.define(kw_only=True, eq=False)
class CoTracker:
    """CoTracker3 offline, from an installed package or a local copy of its repository.

    Its code and weights are not for commercial use (CC BY-NC 4.0) and come with nothing of this
    project. Nothing is downloaded.

    Parameters
    ----------
    checkpoint : path, optional
        "scaled_offline.pth", for the package ``cotracker``.
    repository : path, optional
        A local copy of facebookresearch/co-tracker, for torch hub.
    device : str
    predictor : callable, optional
        Anything with CoTracker's interface: video (b, t, 3, h, w) float 0 to 255, ``queries``
        (b, n, 3) of frame, column and row, -> tracks (b, t, n, 2) and visibility (b, t, n).
    """

    checkpoint: str | Path | None = None
    repository: str | Path | None = None
    device: str = "cpu"
    predictor: Any = None

    def track(self, frames: np.ndarray, pixel: Any, start: int = 0) -> Path2d:
        """Follow `pixel` (column, row) of frame `start` to both ends of `frames` (t, h, w, 3).

        Raises
        ------
        PluginImportError
            Without CoTracker, saying how to come by it.
        """
        frames = checked_frames(frames)
        place = checked_start(frames, pixel, start)
        predictor = self._predictor()
        video = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)[None].float()
        query = torch.tensor([[[float(start), *(place - 0.5)]]])
        with torch.no_grad():
            tracks, seen = predictor(
                video.to(self.device), queries=query.to(self.device), backward_tracking=True
            )
        pixels = tracks[0, :, 0].double().cpu().numpy() + 0.5
        visible = np.asarray(seen[0].reshape(len(frames), -1)[:, 0].cpu()) > 0.5
        return Path2d(_held(pixels, visible, start), visible)

    def _predictor(self) -> Any:
        if self.predictor is None:
            self.predictor = self._from_repository() if self.repository else self._from_package()
        return self.predictor

    def _from_repository(self) -> Any:
        folder = Path(self.repository)
        if not (folder / "hubconf.py").is_file():
            raise ValidationError(
                f"{folder} is no copy of facebookresearch/co-tracker: it has no hubconf.py."
            )
        return torch.hub.load(str(folder), "cotracker3_offline", source="local").to(self.device)

    def _from_package(self) -> Any:
        try:
            from cotracker.predictor import CoTrackerPredictor
        except ImportError as error:
            raise PluginImportError(
                "tracker 'co-tracker' needs CoTracker3, which comes from its own repository "
                "(facebookresearch/co-tracker, CC BY-NC): pip install it and give checkpoint=, "
                "or give repository= a local copy, or take tracker='lucas-kanade'."
            ) from error
        if self.checkpoint is None or not Path(self.checkpoint).is_file():
            raise ValidationError(
                f"CoTracker3 needs checkpoint=, the path of scaled_offline.pth; got "
                f"{self.checkpoint!r}."
            )
        return CoTrackerPredictor(checkpoint=str(self.checkpoint), offline=True, window_len=60).to(
            self.device
        )


def _held(pixels: np.ndarray, visible: np.ndarray, start: int) -> np.ndarray:
    """Keep the place where the point was last seen, going out from `start`."""
    out = pixels.copy()
    for order in (range(start + 1, len(pixels)), range(start - 1, -1, -1)):
        last = start
        for i in order:
            if visible[i]:
                last = i
            out[i] = pixels[last]
    return out
