"""Equation 1 against loops in float64."""

import math

import pytest
import torch
from spatialdrama_isdrama.pose.config import PoseConfig
from spatialdrama_isdrama.pose.contrastive import (
    COLDEST,
    Contrastive,
    frame_embeddings,
    retrieval,
    symmetric_info_nce,
)

from spatialdrama.errors import ValidationError


def embeddings(n=5, d=7, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, d, generator=generator, dtype=torch.float64) for _ in range(3)]


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))
    return dot / math.sqrt(sum(x * x for x in a.tolist()) * sum(y * y for y in b.tolist()))


def equation_1(one, two, tau, alike=None):
    """As printed, two loops; `alike` leaves items out of the denominators."""
    n, total = len(one), 0.0
    for i in range(n):
        kept = [j for j in range(n) if j == i or alike is None or not alike[i][j]]
        first = math.exp(cosine(one[i], two[i]) / tau)
        across = sum(math.exp(cosine(one[i], two[j]) / tau) for j in kept)
        back = sum(math.exp(cosine(two[i], one[j]) / tau) for j in kept)
        total += math.log(first / across) + math.log(first / back)
    return -total / (2 * n)


@pytest.mark.parametrize("tau", [0.07, 0.5])
def test_equation_1(tau):
    one, two, _ = embeddings()
    mine = float(symmetric_info_nce(one, two, tau))
    assert mine == pytest.approx(equation_1(one, two, tau), rel=1e-12)
    # Symmetric in the modalities, blind to length.
    assert float(symmetric_info_nce(two, 3 * one, tau)) == pytest.approx(mine, rel=1e-12)


def test_mixed_precision_leaves_it_alone():
    one, two, _ = (z.float() for z in embeddings())
    plain = symmetric_info_nce(one, two, 0.07)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = symmetric_info_nce(one, two, 0.07)
    torch.testing.assert_close(mixed, plain, rtol=0, atol=0)


def test_total_is_the_sum_over_three_pairs():
    geo, text, video = embeddings()
    loss = Contrastive(PoseConfig())({"geometric": geo, "text": text, "video": video})
    tau = math.exp(float(torch.tensor(math.log(0.07))))
    expected = sum(equation_1(a, b, tau) for a, b in ((geo, video), (geo, text), (video, text)))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_false_negatives_are_left_out():
    one, two, _ = embeddings()
    alike = torch.eye(5, dtype=torch.bool)
    alike[1, 3] = alike[3, 1] = True
    mine = symmetric_info_nce(one, two, 0.1, alike=alike)
    assert float(mine) == pytest.approx(equation_1(one, two, 0.1, alike.tolist()), rel=1e-12)
    assert float(mine) < equation_1(one, two, 0.1)


def test_soft_labels_are_a_cross_entropy():
    one, two, _ = embeddings()
    alike = torch.eye(5, dtype=torch.bool)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        alike[a, b] = alike[b, a] = True
    total = 0.0
    for x, y in ((one, two), (two, one)):
        for i in range(5):
            scores = [math.exp(cosine(x[i], y[j]) / 0.2) for j in range(5)]
            friends = [j for j in range(5) if alike[i, j]]
            total -= sum(math.log(scores[j] / sum(scores)) for j in friends) / len(friends)
    mine = float(symmetric_info_nce(one, two, 0.2, alike=alike, soft=True))
    assert mine == pytest.approx(total / 10, rel=1e-12)


@pytest.mark.parametrize("negatives", ["all", "mask", "soft"])
def test_negatives_option(negatives):
    geo, text, _ = embeddings()
    alike = torch.eye(5, dtype=torch.bool)
    alike[0, 4] = alike[4, 0] = True
    module = Contrastive(PoseConfig(negatives=negatives, temperature=0.1))
    got = module({"geometric": geo, "text": text}, alike=alike).item()
    expected = {
        "all": equation_1(geo, text, 0.1),
        "mask": equation_1(geo, text, 0.1, alike.tolist()),
        "soft": float(symmetric_info_nce(geo, text, 0.1, alike=alike, soft=True)),
    }
    assert got == pytest.approx(expected[negatives], rel=1e-5)
    assert len({round(v, 6) for v in expected.values()}) == 3


def test_items_without_a_modality_are_left_out():
    geo, text, video = embeddings()
    there = {"video": torch.tensor([True, False, True, True, False])}
    video = video.clone()
    video[[1, 4]] = float("nan")
    loss = Contrastive(PoseConfig())({"geometric": geo, "text": text, "video": video}, there=there)
    keep = [0, 2, 3]
    tau = 0.07
    expected = (
        equation_1(geo, text, tau)
        + equation_1(geo[keep], video[keep], tau)
        + equation_1(text[keep], video[keep], tau)
    )
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_one_item_contrasts_with_nothing():
    geo, text, _ = embeddings(n=1)
    assert float(Contrastive(PoseConfig())({"geometric": geo, "text": text})) == 0.0


def test_temperature_is_learned_or_not():
    geo, text, _ = embeddings()
    module = Contrastive(PoseConfig())
    module({"geometric": geo, "text": text}).backward()
    assert module.log_temperature.grad.abs() > 0
    assert float(module.temperature.detach()) == pytest.approx(0.07, rel=1e-6)
    with torch.no_grad():
        module.log_temperature.fill_(-50.0)
    assert float(module.temperature.detach()) == pytest.approx(COLDEST)
    fixed = Contrastive(PoseConfig(learned_temperature=False))
    assert not list(fixed.parameters())
    assert "log_temperature" in fixed.state_dict()


def test_frames_as_items():
    generator = torch.Generator().manual_seed(0)
    z_p = torch.randn(2, 2, 9, 3, generator=generator)
    mask = torch.arange(9) < torch.tensor([9, 5])[:, None]
    rows = frame_embeddings(z_p, mask, every=4)
    expected = [torch.cat([z_p[i, 0, t], z_p[i, 1, t]]) for i, t in
                ((0, 0), (0, 4), (0, 8), (1, 0), (1, 4))]  # fmt: skip
    torch.testing.assert_close(rows, torch.stack(expected))


def test_retrieval():
    z = torch.eye(4)
    assert retrieval(z, z[[1, 0, 2, 3]]) == 0.5


@pytest.mark.parametrize("names", [(), ("geometric",), ("geometric", "audio")])
def test_modalities_that_cannot_be_compared(names):
    given = {name: torch.eye(2) for name in names}
    with pytest.raises(ValidationError, match="two or three of geometric, text, video"):
        Contrastive(PoseConfig())(given)


def test_shapes_that_differ():
    with pytest.raises(ValidationError, match="one embedding"):
        symmetric_info_nce(torch.eye(2), torch.eye(3), 0.1)
