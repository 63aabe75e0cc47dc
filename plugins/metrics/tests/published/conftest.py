"""Oracles for the published reading: slow, obvious, written from its description alone."""

import math

import numpy as np
import pytest
import torch


def slaney_mel(rate=32_000, n_fft=1024, bands=128, low=50.0, high=14_000.0):
    """(bands, n_fft // 2 + 1) triangles of unit area, one number at a time."""

    def to_mel(f):
        return 3 * f / 200 if f < 1000 else 15 + 27 * math.log(f / 1000) / math.log(6.4)

    def to_hz(m):
        return 200 * m / 3 if m < 15 else 1000 * math.exp((m - 15) * math.log(6.4) / 27)

    step = (to_mel(high) - to_mel(low)) / (bands + 1)
    edges = [to_hz(to_mel(low) + step * i) for i in range(bands + 2)]
    out = np.zeros((bands, n_fft // 2 + 1))
    for m, (left, centre, right) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        for k in range(out.shape[1]):
            f = k * rate / n_fft
            if left < f <= centre:
                out[m, k] = (f - left) / (centre - left)
            elif centre < f < right:
                out[m, k] = (right - f) / (right - centre)
        out[m] *= 2 / (right - left)
    return out


def conv_resample(x, rate, target=32_000):
    """Windowed sinc as one strided convolution with a dense kernel, as the original computes it."""
    if rate == target:
        return np.asarray(x, dtype=np.float64)
    common = math.gcd(rate, target)
    old, new = rate // common, target // common
    base = 0.99 * min(old, new)
    width = math.ceil(6 * old / base)
    t = torch.arange(0, -new, -1, dtype=torch.float64)[:, None, None] / new
    t = (t + torch.arange(-width, width + old, dtype=torch.float64)[None, None] / old) * base
    t = t.clamp(-6, 6)
    window = torch.cos(t * math.pi / 12) ** 2
    kernel = torch.sinc(t) * window * base / old
    x = torch.as_tensor(np.asarray(x, dtype=np.float64))
    padded = torch.nn.functional.pad(x, (width, width + old))
    y = torch.nn.functional.conv1d(padded[:, None], kernel, stride=old)
    return y.transpose(1, 2).reshape(len(x), -1)[:, : math.ceil(new * x.shape[1] / old)].numpy()


def interaural(x):
    """(t, 513) phase and level difference of (2, n) at 32 kHz, float64, by torch's own STFT."""
    window = torch.hann_window(1024, periodic=True, dtype=torch.float64)
    spectrum = torch.stft(
        torch.as_tensor(x), 1024, 320, window=window, center=True, pad_mode="reflect",
        return_complex=True,
    )  # fmt: skip
    left, right = spectrum.transpose(1, 2).numpy()
    phase = np.arctan2(right.imag, right.real) - np.arctan2(left.imag, left.real)
    level = 20 * np.log10((np.abs(right) + 1e-10) / (np.abs(left) + 1e-10))
    return phase, level


class Oracle:
    """The published evaluation, in float64."""

    mel = staticmethod(slaney_mel)
    resample = staticmethod(conv_resample)
    interaural = staticmethod(interaural)

    def maes(self, audio, reference, rate):
        """Published IPD MAE and ILD MAE, times 100."""
        weights = slaney_mel().T
        features = [interaural(conv_resample(x, rate)) for x in (audio, reference)]
        out = []
        for a, b in zip(*features, strict=True):
            frames = min(len(a), len(b))
            mean = np.mean(np.abs(a[:frames] @ weights - b[:frames] @ weights))
            out.append(100 * mean / frames)
        return out


@pytest.fixture(scope="session")
def oracle():
    return Oracle()


def published_shapes(width=768, depth=12, classes=355):
    """Key -> shape of the published checkpoint."""
    d = width
    shapes = {
        "cls_tokens": (1, 3, d),
        "pos_embed": (1, 513, d),
        "patch_embed.proj.weight": (d, 1, 16, 16),
        "patch_embed.proj.bias": (d,),
        "bn.running_mean": (2,),
        "bn.running_var": (2,),
        "bn.num_batches_tracked": (),
        "conv_downsample.0.weight": (1, 4, 3, 3),
        "conv_downsample.1.weight": (1,),
        "conv_downsample.1.bias": (1,),
        "conv_downsample.1.running_mean": (1,),
        "conv_downsample.1.running_var": (1,),
        "conv_downsample.1.num_batches_tracked": (),
        "spectrogram_extractor.conv_real.weight": (513, 1, 1024),
        "spectrogram_extractor.conv_imag.weight": (513, 1, 1024),
        "logmel_extractor.melW": (513, 128),
    }
    for name in ("dis_norm", "doa_norm", "fc_norm"):
        shapes |= {f"{name}.weight": (d,), f"{name}.bias": (d,)}
    heads = {"head": classes, "distance_head": 21, "azimuth_head": 360, "elevation_head": 180}
    for name, count in heads.items():
        shapes |= {f"{name}.weight": (count, d), f"{name}.bias": (count,)}
    for i in range(depth):
        linear = {"attn.qkv": (3 * d, d), "attn.proj": (d, d), "mlp.fc1": (4 * d, d)}
        linear["mlp.fc2"] = (d, 4 * d)
        for name, (rows, columns) in linear.items():
            shapes[f"blocks.{i}.{name}.weight"] = (rows, columns)
            shapes[f"blocks.{i}.{name}.bias"] = (rows,)
        for name in ("norm1", "norm2"):
            shapes |= {f"blocks.{i}.{name}.weight": (d,), f"blocks.{i}.{name}.bias": (d,)}
    return shapes


def random_state(seed=0, **sizes):
    """Random weights of the published shapes, with the transform and mel matrix as published."""
    rng = np.random.default_rng(seed)
    out = {}
    for key, shape in published_shapes(**sizes).items():
        if key.endswith("num_batches_tracked"):
            out[key] = torch.tensor(7)
        elif "running_var" in key or (len(shape) == 1 and key.endswith("weight")):
            out[key] = torch.tensor(rng.uniform(0.5, 1.5, shape), dtype=torch.float32)
        elif key == "bn.running_mean":
            out[key] = torch.tensor([-20.0, -22.0])
        else:
            fan = shape[1] if len(shape) == 2 else max(int(np.prod(shape[1:])), 1)
            # Sharp attention and weak places: a vector that listens to the clip, unlike that of a
            # network as it is initialised.
            scale = 0.05 if key.endswith(("bias", "tokens", "pos_embed")) else 3 * fan**-0.5
            out[key] = torch.tensor(rng.normal(0, scale, shape), dtype=torch.float32)
    out["dis_norm.bias"][5] = 5.7  # the published distance vector has such a component
    out["bn.running_var"] = torch.tensor([400.0, 380.0])
    n, k = np.arange(1024), np.arange(513)
    angle = 2 * np.pi * (np.outer(k, n) % 1024) / 1024
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / 1024)
    for part, wave in (("real", np.cos(angle)), ("imag", -np.sin(angle))):
        weights = torch.tensor((wave * hann)[:, None], dtype=torch.float32)
        out[f"spectrogram_extractor.conv_{part}.weight"] = weights
    out["logmel_extractor.melW"] = torch.tensor(slaney_mel().T.copy(), dtype=torch.float32)
    return out


SMALL = {"width": 24, "depth": 2, "classes": 355}


@pytest.fixture(scope="session")
def shapes():
    return published_shapes


@pytest.fixture(scope="session")
def small_state():
    """A network of 24 channels and two blocks."""
    return random_state(**SMALL)


@pytest.fixture(scope="session")
def full_state():
    return random_state()


@pytest.fixture(scope="session")
def small_config():
    from spatialdrama_metrics.published.network_config import SpatialAstConfig

    return SpatialAstConfig(width=24, depth=2, heads=3)


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory, small_state):
    """The small network as the training script saves it: beside an optimiser and arguments."""
    import argparse

    path = tmp_path_factory.mktemp("spatial_ast") / "finetuned.pth"
    args = argparse.Namespace(lr=1e-4, model="build_AST", output_dir="./out")
    torch.save({"model": small_state, "epoch": 59, "args": args, "optimizer": {"state": {}}}, path)
    return path
