"""The whole encoder: pooling, gradients, equal space, and a tiny training run."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.pose import geometry
from spatialdrama_isdrama.pose.contrastive import retrieval
from spatialdrama_isdrama.pose.loss import PoseLoss
from spatialdrama_isdrama.pose.pool import parts
from spatialdrama_isdrama.pose.pose_encoder import PoseEncoder, table


def video_condition(frames, dtype=torch.float64):
    generator = torch.Generator().manual_seed(5)
    return torch.randn(3, frames, 7 + 3 + 8, generator=generator, dtype=dtype)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("pool", ["concat", "mean"])
def test_embedding_by_loops(tiny, batch, pool, count):
    features, _, mask = batch
    encoder = PoseEncoder(tiny(pool=pool, pool_parts=count)).double()
    z_p = encoder.geometric(features, mask).detach()
    got = encoder.embed(z_p, mask).numpy()
    for i, length in enumerate(mask.sum(1).tolist()):
        rows = z_p[i, :, :length].numpy()
        rows = np.concatenate(rows, axis=-1) if pool == "concat" else rows.mean(0)
        edges = [(length * k // count, -(-length * (k + 1) // count)) for k in range(count)]
        pooled = np.concatenate([rows[a:b].mean(0) for a, b in edges])
        np.testing.assert_allclose(got[i], pooled / np.linalg.norm(pooled), atol=1e-9)


def test_mean_over_ears_cannot_tell_left_from_right(tiny, batch):
    features, _, mask = batch
    other = geometry.mirror(features)
    for pool, same in (("mean", True), ("concat", False)):
        encoder = PoseEncoder(tiny(pool=pool)).double()
        one = encoder.embed(encoder.geometric(features, mask), mask)
        two = encoder.embed(encoder.geometric(other, mask), mask)
        assert torch.allclose(one, two) == same


def test_stretches_share_out_all_frames():
    mask = torch.tensor([[True] * 7 + [False], [True, False, True] + [False] * 5])
    shares = torch.stack(parts(mask, 4)).long()
    assert (shares.sum(0).clamp(max=1) == mask.long()).all()
    assert (shares.sum(2) > 0).all()


def test_projection_and_norm(tiny, batch):
    features, _, mask = batch
    encoder = PoseEncoder(tiny(embed_width=5, normalised=True)).double()
    z_p = encoder.geometric(features, mask)
    assert encoder.embed(z_p, mask).shape == (3, 5)
    power = z_p.square().mean(-1)[mask[:, None].expand(-1, 2, -1)]
    torch.testing.assert_close(power, torch.ones_like(power), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {
            "cross": "alternate",
            "geometric": "joint",
            "normalised": True,
            "embed_width": 6,
            "pool_parts": 2,
            "align_weight": 0.5,
            "video_aligned": True,
        },
    ],
)
def test_gradient_reaches_every_parameter(tiny, batch, options):
    features, z_c, mask = batch
    torch.manual_seed(0)
    config = tiny(**options)
    encoder, loss = PoseEncoder(config).double(), PoseLoss(config).double()
    there = torch.tensor([True, True, False])
    words, seen = encoder.words(["sits at front-left", "从左边走来", "stands behind, far"])
    pictures = encoder.pictures(torch.randint(0, 255, (3, 3, 16, 16), dtype=torch.uint8))
    condition = torch.cat(
        [video_condition(14)[..., :10], pictures[:, None].expand(-1, 14, -1)], dim=-1
    )
    z_p = {
        "geometric": encoder.geometric(features, mask),
        "text": encoder.text(z_c, mask, words, seen, content_there=there),
        "video": encoder.video(z_c, mask, condition, content_there=there),
    }
    duration = torch.ones((), dtype=torch.float64)
    losses = loss(encoder, z_p, features, mask, duration=duration)
    assert set(losses) >= {"contrastive", "duration", "read_back", "total"}
    losses["total"].backward()
    missing = [
        name
        for module in (encoder, loss)
        for name, p in module.named_parameters()
        # A key's bias moves all scores of a row alike; softmax does not see it.
        if not name.endswith("to_key.bias") and (p.grad is None or p.grad.abs().max() < 1e-12)
    ]
    assert not missing


def test_total_is_the_weighted_sum(tiny, batch):
    features, z_c, mask = batch
    config = tiny(
        contrastive_weight=0.3, duration_weight=0.7, read_back_weight=0.2, align_weight=0.9
    )
    encoder, loss = PoseEncoder(config).double(), PoseLoss(config)
    words, seen = encoder.words(["left", "right", "behind"])
    z_p = {
        "geometric": encoder.geometric(features, mask),
        "text": encoder.text(z_c, mask, words, seen),
    }
    losses = loss(encoder, z_p, features, mask, duration=torch.tensor(2.0))
    by_hand = 0.3 * losses["contrastive"] + 0.7 * 2.0
    by_hand = by_hand + 0.2 * losses["read_back"] + 0.9 * losses["align"]
    assert losses["total"].item() == pytest.approx(by_hand.item(), rel=1e-6)
    gap = (z_p["text"] - z_p["geometric"]).square()
    frames = [gap[i, :, :length].mean((0, 2)) for i, length in enumerate(mask.sum(1).tolist())]
    assert losses["align"].item() == pytest.approx(torch.cat(frames).mean().item(), rel=1e-6)


def test_contrast_of_frames(tiny, batch):
    features, z_c, mask = batch
    config = tiny(contrast_level="frame", contrast_every=4, negatives="mask", read_back_weight=0.0)
    encoder, loss = PoseEncoder(config).double(), PoseLoss(config)
    words, seen = encoder.words(["left", "right", "behind"])
    features = features.clone()
    features[0, 4] = features[0, 0]  # a frame whose pose comes again is no negative
    z_p = {
        "geometric": encoder.geometric(features, mask),
        "text": encoder.text(z_c, mask, words, seen),
    }
    there = {"text": torch.tensor([True, True, False])}
    got = loss(encoder, z_p, features, mask, there=there)["contrastive"].item()
    places = [(0, 0), (0, 4), (0, 8), (1, 0), (1, 4), (1, 8), (1, 12)]
    rows = [
        np.array([z[i, :, t].detach().numpy().ravel() for i, t in places]) for z in z_p.values()
    ]
    one, two = (r / np.linalg.norm(r, axis=1, keepdims=True) for r in rows)
    scores = np.exp(one @ two.T / 0.07)
    scores[0, 1] = scores[1, 0] = 0
    own = np.diagonal(scores)
    expected = -np.mean(np.log(own / scores.sum(0)) + np.log(own / scores.sum(1))) / 2
    assert got == pytest.approx(expected, rel=1e-5)


def test_without_contrast(tiny, batch):
    features, z_c, mask = batch
    config = tiny(contrastive=False)
    encoder, loss = PoseEncoder(config).double(), PoseLoss(config)
    words, seen = encoder.words(["left", "right", "behind"])
    z_p = {
        "geometric": encoder.geometric(features, mask),
        "text": encoder.text(z_c, mask, words, seen),
    }
    losses = loss(encoder, z_p, features, mask)
    assert set(losses) == {"read_back", "total"}
    assert not list(loss.parameters())


def test_counts_add_up(tiny):
    encoder = PoseEncoder(tiny())
    counts = encoder.counts()
    assert sum(counts.values()) == sum(p.numel() for p in encoder.parameters())
    assert {"geometric_branch", "text_branch", "video_branch", "reader"} <= set(counts)
    assert len(table(counts)) == len(counts)


def test_conditions_from_elsewhere_are_no_weights():
    from spatialdrama_isdrama.pose.config import PoseConfig

    config = PoseConfig(width=16, heads=2, layers=1, inner=8, text_width=8, image_width=8)
    state = PoseEncoder(config).state_dict()
    assert not [key for key in state if key.startswith(("words", "pictures"))]


@pytest.mark.slow
def test_training_brings_words_and_geometry_together(tiny, told_poses):
    """A dozen poses: each finds its own words, and can be read back out of both."""
    torch.manual_seed(0)
    config = tiny(
        width=32, text_width=32, inner=64, geometric_layers=2, orientation="axes",
        log_distance=True, direction=True, pool_parts=2,
    )  # fmt: skip
    encoder, loss = PoseEncoder(config), PoseLoss(config)
    texts = [text for text, _ in told_poses]
    times = geometry.frame_times(188)[::8]
    features = torch.from_numpy(np.stack([geometry.features(p, times) for _, p in told_poses]))
    mask = torch.ones(features.shape[:2], dtype=torch.bool)
    optimiser = torch.optim.Adam([*encoder.parameters(), *loss.parameters()], lr=3e-3)

    def step():
        z_p = {
            "geometric": encoder.geometric(features, mask),
            "text": encoder.text(None, mask, *encoder.words(texts)),
        }
        losses = loss(encoder, z_p, features, mask)
        found = retrieval(*(encoder.embed(z, mask) for z in z_p.values()))
        return losses, found, z_p

    first, before, _ = step()
    for _ in range(150):
        losses, _, _ = step()
        optimiser.zero_grad()
        losses["total"].backward()
        optimiser.step()
    last, after, z_p = step()
    assert before < 0.5
    assert after > 0.9
    assert last["contrastive"].item() < 0.3
    assert last["read_back"].item() < 0.15 * first["read_back"].item()
    # Words alone say where to stand, to the coarseness of what a dozen lines taught.
    truth = features[..., :3] + torch.tensor([0.0, geometry.EAR_OFFSET, 0.0])
    read = encoder.read_back(z_p["text"], mask).position()
    assert (read - truth).norm(dim=-1).mean() < 0.5
