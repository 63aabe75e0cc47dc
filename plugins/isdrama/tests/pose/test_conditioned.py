"""The text and video branches: masks, batches, gradients, parameter counts."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.pose.clock import LONGEST, SHORTEST, WAVES, waves
from spatialdrama_isdrama.pose.conditioned import ConditionedBranch
from spatialdrama_isdrama.pose.config import PoseConfig
from spatialdrama_isdrama.sizes import parameters_of

from spatialdrama.errors import ValidationError

OPTIONS = [
    {"cross": "every"}, {"cross": "alternate"}, {"clock": False}, {"content_width": 16},
]  # fmt: skip


def made(config, batch, timed):
    generator = torch.Generator().manual_seed(1)
    _features, z_c, mask = batch
    if config.content_width != z_c.shape[-1]:
        z_c = torch.cat([z_c, z_c[..., :4]], dim=-1)
    torch.manual_seed(2)
    branch = ConditionedBranch(config, 6, timed=timed).double().eval()
    tokens = 14 if timed else 4
    condition = torch.randn(3, tokens, 6, generator=generator, dtype=torch.float64)
    seen = mask if timed else torch.arange(4) < torch.tensor([4, 2, 3])[:, None]
    return branch, z_c, mask, condition, seen


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("options", [*OPTIONS, {"video_aligned": True}])
def test_padding_changes_nothing_and_a_batch_equals_its_items(tiny, batch, options, timed):
    branch, z_c, mask, condition, seen = made(tiny(**options), batch, timed)
    nan = float("nan")
    whole = branch(
        z_c.masked_fill(~mask[..., None], nan), mask,
        condition.masked_fill(~seen[..., None], nan), seen,
    )  # fmt: skip
    assert whole.shape == (3, 2, 14, 16)
    for i, length in enumerate(mask.sum(1).tolist()):
        s = int(seen[i].sum())
        alone = branch(
            z_c[i : i + 1, :length], mask[i : i + 1, :length], condition[i : i + 1, :s],
            seen[i : i + 1, :s],
        )  # fmt: skip
        torch.testing.assert_close(whole[i, :, :length], alone[0])
        assert (whole[i, :, length:] == 0).all()


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_condition_content_and_ears_matter(tiny, batch, options, timed):
    branch, z_c, mask, condition, seen = made(tiny(**options), batch, timed)
    z_p = branch(z_c, mask, condition, seen)
    assert (branch(z_c, mask, condition.flip(-1), seen) - z_p).abs().max() > 1e-3
    assert (branch(z_c.flip(-1), mask, condition, seen) - z_p).abs().max() > 1e-3
    assert (z_p[:, 0] - z_p[:, 1]).abs().max() > 1e-2


def test_without_content(tiny, batch):
    branch, z_c, mask, condition, seen = made(tiny(), batch, False)
    none = branch(None, mask, condition, seen)
    z_p = branch(z_c, mask, condition, seen)
    some = branch(z_c, mask, condition, seen, content_there=torch.tensor([True, False, True]))
    torch.testing.assert_close(some[1], none[1])
    torch.testing.assert_close(some[[0, 2]], z_p[[0, 2]])
    assert (none[0] - z_p[0]).abs().max() > 1e-3


def test_a_clock_tells_first_from_last(tiny, batch):
    # Equal content and one token: without a clock all inner frames look the same.
    for clock in (True, False):
        branch, _, mask, condition, _ = made(tiny(clock=clock), batch, False)
        seen = torch.tensor([[True, False, False, False]] * 3)
        z_p = branch(None, mask, condition, seen)[1]
        spread = (z_p - z_p.mean(1, keepdim=True)).abs().max()
        assert (spread > 0.1) if clock else (spread < 1e-9)


def test_waves_by_hand():
    mask = torch.tensor([[True] * 5 + [False] * 3])
    got = waves(mask)[0].numpy()
    periods = np.geomspace(SHORTEST, LONGEST, WAVES)
    for t in range(5):
        angles = [*(2 * np.pi * t / periods), *(np.pi * k * t / 4 for k in (1, 2, 3, 4))]
        expected = [*np.sin(angles), *np.cos(angles), t / 4]
        np.testing.assert_allclose(got[t], expected, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"cross": "alternate"}, {"clock": False}])
@pytest.mark.parametrize("timed", [False, True])
def test_gradient_reaches_every_parameter(tiny, batch, options, timed):
    branch, z_c, mask, condition, seen = made(tiny(**options), batch, timed)
    there = torch.tensor([True, False, True])
    z_p = branch(z_c, mask, condition, seen, content_there=there)
    (z_p * torch.randn_like(z_p)).sum().backward()
    for name, parameter in branch.named_parameters():
        # A key's bias moves all scores of a row alike; softmax does not see it.
        if not name.endswith("to_key.bias"):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 1e-9, name


def attention(width):
    return 4 * (width * width + width)


def test_counts_by_hand():
    """8 layers, 8 heads, 768 (C.1): what the printed 23.32 M can and cannot mean (E1)."""
    with torch.device("meta"):
        usual = parameters_of(ConditionedBranch(PoseConfig(), 1024))
        thin = parameters_of(ConditionedBranch(PoseConfig.paper_params(), 1024))
        video = parameters_of(ConditionedBranch(PoseConfig.paper_params(), 7 + 3 + 768, timed=True))
    w = 768
    around = (1024 * w + w) + (41 * w + w) + 2 * (w * w + w) + w + w
    layer = 2 * attention(w) + (w * 3072 + 3072) + (3072 * w + w) + 3 * w
    assert usual == around + 8 * layer  # 77.6 M
    slim = attention(w) + (w * 192 + 192) + (192 * w + w) + 2 * w
    assert thin == around + 8 * slim
    assert abs(thin / 23.32e6 - 1) < 0.002
    assert abs(video / 23.32e6 - 1) < 0.01


def test_refusals(tiny, batch):
    branch, z_c, mask, condition, seen = made(tiny(video_aligned=True), batch, True)
    with pytest.raises(ValidationError, match="6 numbers a token"):
        branch(z_c, mask, condition[..., :5], seen)
    with pytest.raises(ValidationError, match="differ in items or frames"):
        branch(z_c[:, :13], mask, condition, seen)
    with pytest.raises(ValidationError, match="one vector a frame: 14; got 13"):
        branch(z_c, mask, condition[:, :13], seen[:, :13])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 20, "heads": 8}, "multiple of 16"),
        ({"kernel": 4}, "kernel must be an odd whole number from 1 on; got 4"),
        ({"cross": "some"}, "cross must be one of 'every', 'alternate'; got 'some'"),
        ({"temperature": 0.0}, "temperature must be a finite number above 0; got 0.0"),
        ({"layers": 1.5}, "PoseConfig.layers must be a whole number from 1 on; got 1.5"),
        ({"clock": 1}, "clock must be True or False"),
        ({"dropout": 1.0}, "dropout must be a number from 0 to below 1; got 1.0"),
        ({"text_condition": "hashed", "text_width": 10, "text_heads": 4}, "text_width 10"),
    ],
)
def test_configs_that_cannot_be(changes, message):
    with pytest.raises(ValidationError, match=message):
        PoseConfig(**changes)
