"""A transformer of a few thousand parameters, lines of any length, and weights that all matter."""

import attrs
import pytest
import torch
from spatialdrama_isdrama.transformer import Conditions, DramaTransformer, TransformerConfig

TINY = {
    "width": 16,
    "heads": 2,
    "blocks": 2,
    "mamba_layers": 1,
    "latent": 6,
    "content_width": 5,
    "pose_width": 7,
    "scene_width": 3,
    "state": 4,
    "experts": 3,
    "fan_inner": 12,
}


@pytest.fixture
def tiny():
    """Return a config of tiny sizes, with changes."""

    def make(**changes):
        return TransformerConfig(**{**TINY, **changes})

    return make


@pytest.fixture
def stirred():
    """Return a float64 model whose every parameter is random: none hides behind a zero."""

    def make(config, seed=0):
        torch.manual_seed(seed)
        model = DramaTransformer(config).double().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
        return model

    return make


@pytest.fixture
def lines():
    """Return conditions of lines with given latent frames, prompts and scenes; 0 is none."""

    def make(frames, prompts=None, scenes=None, f0=False, seed=1):
        rng = torch.Generator().manual_seed(seed)
        b, t = len(frames), 4 * max(frames)

        def normal(*shape):
            return torch.randn(shape, generator=rng, dtype=torch.float64)

        def mask(lengths, longest):
            return torch.arange(longest) < torch.tensor(lengths)[:, None]

        values = {
            "content": normal(b, t, TINY["content_width"]),
            "pose": normal(b, 2, t, TINY["pose_width"]),
            "mask": mask([4 * n for n in frames], t),
        }
        if prompts is not None:
            values["prompt"] = normal(b, TINY["latent"], max(prompts))
            values["prompt_mask"] = mask(prompts, max(prompts))
        if scenes is not None:
            values["scene"] = normal(b, max(scenes), TINY["scene_width"])
            values["scene_mask"] = mask(scenes, max(scenes))
        if f0:
            height = 150 + 100 * torch.rand((b, t), generator=rng, dtype=torch.float64)
            values["f0"] = height * (torch.rand((b, t), generator=rng) > 0.3)
        return Conditions(**values)

    return make


@pytest.fixture
def alone():
    """Return one row of conditions by itself, without any of the padding."""

    def cut(conditions, row):
        frames = int(conditions.mask[row].sum())
        values = {
            "content": conditions.content[row : row + 1, :frames],
            "pose": conditions.pose[row : row + 1, :, :frames],
            "mask": conditions.mask[row : row + 1, :frames],
            "f0": None if conditions.f0 is None else conditions.f0[row : row + 1, :frames],
            "prompt": None,
            "prompt_mask": None,
            "scene": None,
            "scene_mask": None,
        }
        prompt = 0 if conditions.prompt is None else int(conditions.prompt_mask[row].sum())
        if prompt:
            values["prompt"] = conditions.prompt[row : row + 1, :, :prompt]
        scene = 0 if conditions.scene is None else int(conditions.scene_mask[row].sum())
        if scene:
            values["scene"] = conditions.scene[row : row + 1, :scene]
        return attrs.evolve(conditions, **values)

    return cut
