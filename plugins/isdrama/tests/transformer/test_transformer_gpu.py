"""The paper's size on one CUDA device: a step of 12 K frames, a line of 16 s; the same as a CPU."""

import attrs
import pytest
import torch
from spatialdrama_isdrama import scan
from spatialdrama_isdrama.presets import preset
from spatialdrama_isdrama.transformer import (
    Batch,
    Conditions,
    DramaTransformer,
    Training,
    TrainingConfig,
    sample,
)
from spatialdrama_isdrama.transformer.routing import rows_of

pytestmark = [pytest.mark.gpu, pytest.mark.slow]

#: 16 s at 187.5 frames a second, and the paper's batch of frames.
LINE, FRAMES = 3000, 12_000


def conditions(config, rows, frames, device, prompt=256):
    rng = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(shape, generator=rng).to(device)

    f0 = 100 + 200 * torch.rand((rows, frames), generator=rng).to(device)
    return Conditions(
        content=normal(rows, frames, config.content_width),
        pose=normal(rows, 2, frames, config.pose_width),
        mask=torch.ones(rows, frames, dtype=torch.bool, device=device),
        prompt=normal(rows, config.latent, prompt),
        scene=normal(rows, 16, config.scene_width),
        f0=f0 * (f0 > 150),
    )


@pytest.fixture(scope="module")
def papers():
    torch.manual_seed(0)
    config = preset("paper").transformer
    return DramaTransformer(config).cuda()


@pytest.mark.parametrize("mamba_scan", ["reference", "fused"])
def test_one_step_of_the_papers_batch_in_bfloat16(mamba_scan):
    if mamba_scan == "fused":
        pytest.importorskip("mamba_ssm")
    torch.manual_seed(0)
    config = preset("paper", scan=mamba_scan).transformer
    model = DramaTransformer(config).cuda()
    rows = FRAMES // LINE
    c = conditions(config, rows, LINE, "cuda")
    latent = torch.randn(rows, config.latent, LINE // 4, device="cuda")
    training = Training(model, TrainingConfig(precision="bfloat16", warm_up=0))
    scan.forget()
    said = [training.update(Batch(latent=latent, conditions=c)) for _ in range(3)]
    assert set(scan.ran()["scan"]) == {mamba_scan}
    assert all(s["skipped"] == 0 for s in said)
    # x1 - x0 of two standard normals has a mean square of 2, which a field of zero leaves.
    assert said[0]["flow"] == pytest.approx(2.0, rel=0.05)
    assert said[-1]["total"] < said[0]["total"]
    assert torch.cuda.max_memory_allocated() < 70 * 2**30


def test_a_line_of_16_s(papers):
    config = papers.config
    c = conditions(config, 1, LINE, "cuda")
    noise = torch.randn(1, config.latent, LINE // 4, device="cuda")
    last = torch.randn(1, config.latent, 500, device="cuda")
    got = sample(papers, attrs.evolve(c, f0=None), noise, last=last)
    assert got.latent.shape == noise.shape
    assert torch.isfinite(got.latent).all()
    assert got.f0.shape == (1, LINE)


@pytest.mark.parametrize("tau", [None, 1.0])
def test_cuda_equals_cpu(tau):
    torch.manual_seed(0)
    config = preset("small", scan="reference").transformer
    model = DramaTransformer(config).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    c = conditions(config, 2, 400, "cpu").map(lambda x: x.double() if x.is_floating_point() else x)
    x = torch.randn(2, config.latent, 100, dtype=torch.float64)
    t = torch.tensor([0.2, 0.7], dtype=torch.float64)

    def noise():
        return torch.Generator().manual_seed(3)

    wanted = model(x, t, c, tau=tau, generator=noise())
    got = model.cuda()(x.cuda(), t.cuda(), c.to("cuda"), tau=tau, generator=noise())
    # Angles of the rotary positions are float32 on both.
    torch.testing.assert_close(got.velocity.cpu(), wanted.velocity, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(got.pitch.log_f0.cpu(), wanted.pitch.log_f0, atol=1e-4, rtol=1e-4)


def test_picking_experts_is_the_same_on_cuda(papers):
    group = papers.blocks[0].groups["spatial"]
    x = torch.randn(1, 3000, 768, device="cuda")
    index = torch.randint(0, 4, (1, 3000), device="cuda")
    assert group.experts.prefers_pick(x)
    assert not group.experts.prefers_pick(x[:, :100])
    hot = torch.nn.functional.one_hot(index, 4).float()
    rows = rows_of(index, torch.ones_like(index, dtype=torch.bool), 4)
    torch.testing.assert_close(
        group.experts.pick(x, rows), group.experts(x, hot), atol=2e-3, rtol=0
    )
