"""The localiser's network on numpy arrays: what runs wherever the metrics run, without torch.

Four convolutions over time and band, six residual ones over time (dilated, so that a frame hears
2.5 s to either side) with a summary of the whole clip added in their middle, three heads.
Normalisations of training are folded into the weights that ship; `training/model.py` is the same
network in torch, and a test holds them to each other.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Weights = Mapping[str, NDArray[np.float32]]

#: Channels after each two-dimensional convolution; each halves the bands, the second the time.
WIDTHS = (32, 64, 96, 128)
#: Channels over time, and how far apart the taps of each residual block are.
WIDTH = 256
DILATIONS = (1, 2, 4, 8, 16, 32)
#: Blocks before the clip's summary is added.
BEFORE_SUMMARY = 3
#: Classes: 5 degrees of azimuth, 5 of elevation, distances from .2 to 8 m on a logarithmic scale.
AZIMUTHS, ELEVATIONS, DISTANCES = 72, 36, 24
HEADS = {"azimuth": AZIMUTHS, "elevation": ELEVATIONS, "distance": DISTANCES}
#: Frames of features per frame of output.
STRIDE = 2


def shapes() -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every array of the network."""
    out: dict[str, tuple[int, ...]] = {}
    channels = 6
    for i, width in enumerate(WIDTHS):
        out[f"conv{i}.weight"], out[f"conv{i}.bias"] = (width, channels, 3, 3), (width,)
        channels = width
    flat = channels * 64 // 2 ** len(WIDTHS)
    out["project.weight"], out["project.bias"] = (WIDTH, flat), (WIDTH,)
    for i in range(len(DILATIONS)):
        out[f"time{i}.near.weight"], out[f"time{i}.near.bias"] = (WIDTH, WIDTH, 3), (WIDTH,)
        out[f"time{i}.mix.weight"], out[f"time{i}.mix.bias"] = (WIDTH, WIDTH), (WIDTH,)
    out["summary.weight"], out["summary.bias"] = (WIDTH, WIDTH), (WIDTH,)
    for head, classes in HEADS.items():
        out[f"{head}.weight"], out[f"{head}.bias"] = (classes, WIDTH), (classes,)
    return out


def forward(
    weights: Weights, pictures: NDArray[np.float32], active: NDArray[np.bool_]
) -> dict[str, NDArray[np.float32]]:
    """Run the network on one clip.

    Parameters
    ----------
    weights : mapping of name to float32 array
        As :func:`shapes` says.
    pictures : (6, frames, 64) float32
    active : (frames,) bool
        Frames that the summary of the clip is taken over.

    Returns
    -------
    dict of head to (frames // 2, classes) float32
        Log-likelihoods without their constant.
    """
    x = pictures
    for i in range(len(WIDTHS)):
        x = _halved(_conv2d(x, weights[f"conv{i}.weight"], weights[f"conv{i}.bias"]))
        if i == 1:
            x = x[:, : x.shape[1] // STRIDE * STRIDE]
            x = np.maximum(x[:, ::2], x[:, 1::2])
    x = x.transpose(1, 0, 2).reshape(x.shape[1], -1)
    x = x @ weights["project.weight"].T + weights["project.bias"]
    heard = _halved_mask(active, len(x))
    for i, dilation in enumerate(DILATIONS):
        if i == BEFORE_SUMMARY:
            mean = (x * heard[:, None]).sum(axis=0) / max(heard.sum(), 1.0)
            x = x + (mean @ weights["summary.weight"].T + weights["summary.bias"])
        near = _conv1d(x, weights[f"time{i}.near.weight"], weights[f"time{i}.near.bias"], dilation)
        x = x + (near @ weights[f"time{i}.mix.weight"].T + weights[f"time{i}.mix.bias"])
    return {h: x @ weights[f"{h}.weight"].T + weights[f"{h}.bias"] for h in HEADS}


def _halved_mask(active: NDArray[np.bool_], frames: int) -> NDArray[np.float32]:
    """Return (frames,) 1 where both frames behind an output frame are active, else 0 or 1/2."""
    return active[: STRIDE * frames].reshape(frames, STRIDE).mean(axis=1).astype(np.float32)


def _conv2d(x: NDArray, weight: NDArray, bias: NDArray) -> NDArray:
    """Return relu of the 3 x 3 convolution with zeros around, (out, time, band)."""
    channels, time, band = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    windows = [padded[:, i : i + time, j : j + band] for i in range(3) for j in range(3)]
    stacked = np.stack(windows, axis=1).reshape(channels * 9, time * band)
    out = weight.reshape(len(weight), -1) @ stacked
    out += bias[:, None]
    return np.maximum(out, 0, out=out).reshape(-1, time, band)


def _halved(x: NDArray) -> NDArray:
    """Return the larger of each two neighbouring bands."""
    return np.maximum(x[..., ::2], x[..., 1::2])


def _conv1d(x: NDArray, weight: NDArray, bias: NDArray, dilation: int) -> NDArray:
    """Return relu of the three-tap convolution over time of (time, channels)."""
    padded = np.pad(x, ((dilation, dilation), (0, 0)))
    taps = [padded[k * dilation : k * dilation + len(x)] @ weight[:, :, k].T for k in range(3)]
    return np.maximum(taps[0] + taps[1] + taps[2] + bias, 0)
