"""The pose encoder on CUDA: as on the CPU, and the paper's size in bf16."""

import pytest
import torch
from spatialdrama_isdrama.pose.config import PoseConfig
from spatialdrama_isdrama.pose.loss import PoseLoss
from spatialdrama_isdrama.pose.pose_encoder import PoseEncoder

pytestmark = pytest.mark.gpu

TEXTS = ["sits at front-left", "从左边走来", "stands behind"]


def forward(encoder, loss, features, z_c, mask, crops, known):
    pictures = encoder.pictures(crops)
    condition = torch.cat([known, pictures[:, None].expand(-1, mask.shape[1], -1)], dim=-1)
    z_p = {
        "geometric": encoder.geometric(features, mask),
        "text": encoder.text(z_c, mask, *encoder.words(TEXTS)),
        "video": encoder.video(z_c, mask, condition),
    }
    return loss(encoder, z_p, features, mask), z_p


def inputs(frames, content_width, crop):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, frames, 12, generator=generator)
    features[..., 6:10] /= features[..., 6:10].norm(dim=-1, keepdim=True)
    z_c = torch.randn(3, frames, content_width, generator=generator)
    mask = torch.arange(frames) < torch.tensor([frames, frames // 2, 5])[:, None]
    crops = torch.randint(0, 255, (3, 3, crop, crop), dtype=torch.uint8, generator=generator)
    return features, z_c, mask, crops, torch.randn(3, frames, 10, generator=generator)


def test_cuda_equals_cpu(tiny):
    config = tiny()
    torch.manual_seed(0)
    encoder, loss = PoseEncoder(config).eval(), PoseLoss(config)
    given = inputs(14, config.content_width, config.crop)
    losses, z_p = forward(encoder, loss, *given)
    there = [x.cuda() for x in given]
    cuda_losses, cuda_z_p = forward(encoder.cuda(), loss.cuda(), *there)
    for name, z in z_p.items():
        torch.testing.assert_close(cuda_z_p[name].cpu(), z, rtol=1e-3, atol=1e-4)
    for name, value in losses.items():
        torch.testing.assert_close(cuda_losses[name].cpu(), value, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_a_step_at_the_papers_size_in_bf16():
    config = PoseConfig.paper_params(
        text_condition="hashed", text_width=768, image_condition="small", contrast_level="frame"
    )
    torch.manual_seed(0)
    encoder, loss = PoseEncoder(config).cuda().train(), PoseLoss(config).cuda()
    given = [x.cuda() for x in inputs(3000, 768, config.crop)]
    optimiser = torch.optim.Adam([*encoder.parameters(), *loss.parameters()], lr=1e-4)
    with torch.autocast("cuda", dtype=torch.bfloat16):
        losses, z_p = forward(encoder, loss, *given)
    assert torch.isfinite(losses["total"])
    losses["total"].backward()
    optimiser.step()
    for name, z in z_p.items():
        assert torch.isfinite(z).all(), name
    for module in (encoder, loss):
        for name, parameter in module.named_parameters():
            assert torch.isfinite(parameter).all(), name
