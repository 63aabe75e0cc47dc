"""A tiny encoder and poses that differ in all that prompts speak of."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.pose import geometry
from spatialdrama_isdrama.pose.config import PoseConfig

import spatialdrama as sd

TINY = {
    "width": 16, "heads": 2, "layers": 2, "inner": 24, "dropout": 0.0, "content_width": 12,
    "text_condition": "hashed", "text_width": 16, "text_heads": 2, "text_layers": 1,
    "text_buckets": 512, "image_condition": "small", "image_width": 8, "crop": 16,
}  # fmt: skip


@pytest.fixture
def tiny():
    """Return a maker of tiny configs."""
    return lambda **changes: PoseConfig(**{**TINY, **changes})


@pytest.fixture
def batch():
    """Return (features, z_c, mask): three items of 9, 14 and 5 frames, in float64."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.tensor([9, 14, 5])
    mask = torch.arange(14) < lengths[:, None]
    features = torch.randn(3, 14, 12, generator=generator, dtype=torch.float64)
    q = features[..., geometry.QUATERNION]
    features[..., geometry.QUATERNION] = q / q.norm(dim=-1, keepdim=True)
    z_c = torch.randn(3, 14, 12, generator=generator, dtype=torch.float64)
    return features, z_c, mask


@pytest.fixture(scope="session")
def told_poses():
    """Return a dozen (text, pose) pairs, 1 s each."""
    still = [
        ("stands at front-left, far away", (3, 2, 0.4)), ("stands at front-right", (1.5, -1, 0.4)),
        ("sits at back-left", (-1, 0.8, -0.1)), ("sits at back-right, near", (-0.4, -0.4, -0.1)),
        ("坐在正前方很近的地方", (0.6, 0, -0.1)), ("站在左边", (0, 2, 0.4)),
    ]  # fmt: skip
    moving = [
        ("walks from left to right in front", (1, 1, 0.3), (1, -1, 0.3)),
        ("walks from right to left in front", (1, -1, 0.3), (1, 1, 0.3)),
        ("comes near from the back", (-2.5, 0.2, 0.3), (-0.8, 0.2, 0.3)),
        ("goes away behind", (-0.8, 0.2, 0.3), (-2.5, 0.2, 0.3)),
        ("从右前方走到右后方", (1, -1.2, 0.3), (-1, -1.2, 0.3)),
        ("从右后方走到右前方", (-1, -1.2, 0.3), (1, -1.2, 0.3)),
    ]
    pairs = [(text, sd.Pose.fixed(place, facing="listener")) for text, place in still]
    pairs += [(text, sd.Pose.line(a, b, duration=1.0)) for text, a, b in moving]
    assert len({text for text, _ in pairs}) == 12
    assert np.isfinite(geometry.features(pairs[0][1], [0.0])).all()
    return pairs
