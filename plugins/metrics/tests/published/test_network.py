"""Spatial-AST against a forward pass written out in numpy, and its published shapes."""

import math

import numpy as np
import pytest
import torch
from spatialdrama_metrics.published.network import SpatialAst
from spatialdrama_metrics.published.network_config import SpatialAstConfig

from spatialdrama.errors import ValidationError

erf = np.vectorize(math.erf)


def gelu(x):
    return x * 0.5 * (1 + erf(x / math.sqrt(2)))


def norm(x, w, name):
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6)
    return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]


def linear(x, w, name):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def attention(x, w, name, heads):
    """One head at a time, one clip at a time."""
    d = x.shape[-1] // heads
    q, k, v = np.split(linear(x, w, f"{name}.qkv"), 3, axis=-1)
    out = []
    for h in range(heads):
        part = slice(h * d, (h + 1) * d)
        scores = q[:, part] @ k[:, part].T / math.sqrt(d)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        out.append(weights / weights.sum(axis=1, keepdims=True) @ v[:, part])
    return linear(np.concatenate(out, axis=1), w, f"{name}.proj")


def block(x, w, name, heads):
    x = x + attention(norm(x, w, f"{name}.norm1"), w, f"{name}.attn", heads)
    hidden = gelu(linear(norm(x, w, f"{name}.norm2"), w, f"{name}.mlp.fc1"))
    return x + linear(hidden, w, f"{name}.mlp.fc2")


def features(wave, w):
    """(4, t, 128) of (2, n): log-mel left, right, mel of cosine and sine of the phase."""
    padded = np.pad(wave, [(0, 0), (512, 512)], mode="reflect")
    frames = np.stack([padded[:, i : i + 1024] for i in range(0, wave.shape[1] + 1, 320)], axis=1)
    real = frames @ w["spectrogram_extractor.conv_real.weight"][:, 0].T
    imag = frames @ w["spectrogram_extractor.conv_imag.weight"][:, 0].T
    mel = w["logmel_extractor.melW"]
    level = 10 * np.log10(np.maximum(np.hypot(real, imag) @ mel, 1e-10))
    mean, var = w["bn.running_mean"], w["bn.running_var"]
    level = (level - mean[:, None, None]) / np.sqrt(var[:, None, None] + 1e-5)
    phase = np.arctan2(imag, real)
    ipd = phase[1] - phase[0]
    return np.stack([*level, np.cos(ipd) @ mel, np.sin(ipd) @ mel])


def bicubic(x, frames, a=-0.75):
    """Stretch axis 1 by Keys' cubic with corners aligned; bands stay."""

    def weight(t):
        t = abs(t)
        if t <= 1:
            return (a + 2) * t**3 - (a + 3) * t**2 + 1
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0

    old = x.shape[1]
    out = np.zeros((x.shape[0], frames, x.shape[2]))
    for i in range(frames):
        place = i * (old - 1) / (frames - 1)
        low = math.floor(place)
        for k in range(low - 1, low + 3):
            out[:, i] += weight(place - k) * x[:, min(max(k, 0), old - 1)]
    return out


def forward(wave, w, heads, depth):
    """Distance, direction and event token of one clip."""
    x = features(wave, w)
    if x.shape[1] < 1024:
        x = bicubic(x, 1024)
    kernel = w["conv_downsample.0.weight"][0]
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1)])
    rows, columns = x.shape[1:]
    y = sum(
        kernel[c, i, j] * padded[c, i : i + rows, j : j + columns]
        for c in range(4)
        for i in range(3)
        for j in range(3)
    )
    mean, var = (w[f"conv_downsample.1.running_{k}"][0] for k in ("mean", "var"))
    y = (y - mean) / math.sqrt(var + 1e-5)
    y = gelu(y * w["conv_downsample.1.weight"][0] + w["conv_downsample.1.bias"][0])
    proj = w["patch_embed.proj.weight"][:, 0].reshape(-1, 256)
    patches = [
        proj @ y[t : t + 16, f : f + 16].ravel() + w["patch_embed.proj.bias"]
        for t in range(0, 1024, 16)
        for f in range(0, 128, 16)
    ]
    tokens = np.concatenate([w["cls_tokens"][0], np.array(patches) + w["pos_embed"][0, 1:]])
    for i in range(depth):
        tokens = block(tokens, w, f"blocks.{i}", heads)
    names = ("dis_norm", "doa_norm", "fc_norm")
    return [norm(tokens[i], w, name) for i, name in enumerate(names)]


def loaded(config, state):
    network = SpatialAst(config)
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def as_numpy(state):
    return {key: value.numpy().astype(np.float64) for key, value in state.items()}


def waves(count=2, seconds=2.0, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.2, (count, 2, round(seconds * 32_000)))


def test_the_whole_network_against_numpy(small_state, small_config):
    network, w = loaded(small_config, small_state), as_numpy(small_state)
    clips = waves(seconds=10)
    got = network(torch.tensor(clips, dtype=torch.float32))
    assert got.direction.shape == (2, 24)
    for i, clip in enumerate(clips):
        for token, wanted in zip(got, forward(clip, w, heads=3, depth=2), strict=True):
            np.testing.assert_allclose(token[i].numpy(), wanted, atol=2e-4)


def test_features_against_numpy(small_state, small_config):
    network, w = loaded(small_config, small_state), as_numpy(small_state)
    clip = waves(1)[0]
    got = network.features(torch.tensor(clip[None], dtype=torch.float32))[0].numpy()
    wanted = features(clip, w)
    assert got.shape == wanted.shape == (4, 201, 128)
    np.testing.assert_allclose(got[:2], wanted[:2], atol=1e-4)
    # The first frame is symmetric, and the signs of its phases of pi are rounding.
    np.testing.assert_allclose(got[2:, 1:], wanted[2:, 1:], atol=2e-4)


def test_a_block_against_numpy(small_state, small_config):
    network, w = loaded(small_config, small_state), as_numpy(small_state)
    x = np.random.default_rng(3).normal(size=(11, 24))
    got = network.blocks[1](torch.tensor(x[None], dtype=torch.float32))[0].numpy()
    np.testing.assert_allclose(got, block(x, w, "blocks.1", heads=3), rtol=1e-5, atol=1e-4)


def test_tokens_do_not_care_for_the_order_of_others(small_state, small_config):
    attend = loaded(small_config, small_state).blocks[0].attn
    x = torch.randn(1, 9, 24, generator=torch.Generator().manual_seed(0))
    order = torch.tensor([3, 1, 8, 0, 2, 7, 5, 6, 4])
    torch.testing.assert_close(attend(x)[:, order], attend(x[:, order]))


def test_swapped_ears_conjugate_the_phase(small_state, small_config):
    network = loaded(small_config, small_state)
    clip = torch.tensor(waves(1), dtype=torch.float32)
    here, there = network.features(clip), network.features(clip.flip(1))
    torch.testing.assert_close(there[:, 2], here[:, 2])
    torch.testing.assert_close(there[:, 3], -here[:, 3])


def test_silence_is_finite(small_state, small_config):
    network = loaded(small_config, small_state)
    got = network.features(torch.zeros(1, 2, 32_000))
    assert torch.isfinite(got).all()
    level = (-100 - small_state["bn.running_mean"]) / torch.sqrt(
        small_state["bn.running_var"] + 1e-5
    )
    torch.testing.assert_close(got[0, :2, 5, 7], level)
    torch.testing.assert_close(got[0, 2, 5], small_state["logmel_extractor.melW"].sum(dim=0))


def test_long_clips_keep_their_frames(small_state, small_config):
    # From 1024 frames on nothing is stretched; the network has places for 1024 alone.
    network = loaded(small_config, small_state)
    assert network(torch.tensor(waves(1, 10.23), dtype=torch.float32)).distance.shape == (1, 24)


def test_heads(small_state, small_config):
    network = loaded(small_config, small_state)
    tokens = network(torch.tensor(waves(2, 1), dtype=torch.float32))
    shapes = {name: tuple(logits.shape) for name, logits in network.heads(tokens).items()}
    assert shapes == {
        "event": (2, 355), "distance": (2, 21), "azimuth": (2, 360), "elevation": (2, 180),
    }  # fmt: skip


@pytest.mark.slow
def test_published_names_and_shapes(shapes):
    network = SpatialAst()
    got = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert got == shapes()
    in_blocks = sum(v.numel() for k, v in network.state_dict().items() if k.startswith("blocks."))
    assert in_blocks == 85_054_464  # twelve blocks of a ViT-B


def test_what_the_network_holds_before_a_checkpoint_is_the_transform(small_state, small_config):
    got = SpatialAst(small_config).state_dict()
    for key in ("spectrogram_extractor.conv_real.weight", "spectrogram_extractor.conv_imag.weight"):
        torch.testing.assert_close(got[key], small_state[key], atol=1e-6, rtol=0)
    key = "logmel_extractor.melW"
    torch.testing.assert_close(got[key], small_state[key], atol=1e-8, rtol=1e-5)


def test_sizes_that_do_not_fit():
    with pytest.raises(ValidationError, match="width must be a multiple of heads, got width=10"):
        SpatialAstConfig(width=10, heads=3)
    with pytest.raises(ValidationError, match="depth must be a whole number from 1, got 0"):
        SpatialAstConfig(depth=0)
