"""Content, pose and transformer in one step: who learns, what is dropped, what padding does."""

import attrs
import numpy as np
import pytest
import torch
from spatialdrama_isdrama.autoencoder.model import Autoencoder
from spatialdrama_isdrama.content import read
from spatialdrama_isdrama.content.model import Content
from spatialdrama_isdrama.pose.pose_encoder import PoseEncoder
from spatialdrama_isdrama.presets import preset
from spatialdrama_isdrama.training.examples import Example, collate
from spatialdrama_isdrama.training.joint import Joint
from spatialdrama_isdrama.transformer import DramaTransformer

SCENE = 16  # width of the scene's tokens in the preset


def joint_of(*, train_pose=True, **changes):
    """Float64 networks whose every parameter is stirred: no gradient hides behind a zero."""
    torch.manual_seed(0)
    config = preset("tiny", **changes)
    parts = (Content(config.content), PoseEncoder(config.pose))
    parts += (DramaTransformer(config.transformer), Autoencoder(config.autoencoder))
    for part in parts:
        part.double().eval()
        with torch.no_grad():
            for parameter in part.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    return Joint(*parts, train_pose=train_pose)


def example(text, frames, prompt=8, seed=0):
    rng, t = torch.Generator().manual_seed(seed), sum(frames)

    def normal(*shape):
        return torch.randn(shape, generator=rng, dtype=torch.float64)

    return Example(
        reading=read(text),
        frames=torch.tensor(frames),
        mel=normal(2, 80, t) - 3,
        features=normal(t, 12),
        f0=150 + 20 * normal(t) * (torch.arange(t) % 5 > 0) - 150 * (torch.arange(t) % 5 == 0),
        prompt=normal(2, 80, prompt) - 3,
    )


def batch_of(scenes=(2, 3)):
    # Fewer phones and fewer frames in the second line, so that both kinds of padding are there.
    first = example("我有女儿", [8] * len(read("我有女儿")), prompt=12)
    second = example("你", [8] * len(read("你")), seed=1)
    assert len(second.reading) < len(first.reading)
    batch = collate([first, second])
    rng = torch.Generator().manual_seed(2)
    return attrs.evolve(
        batch,
        scene=torch.randn(2, max(scenes), SCENE, generator=rng, dtype=torch.float64),
        scene_mask=torch.arange(max(scenes)) < torch.tensor(scenes)[:, None],
    )


def drawn(batch, latent=8):
    rng = torch.Generator().manual_seed(3)
    rows, t = batch.mask.shape
    noise = torch.randn(rows, latent, t // 4, generator=rng, dtype=torch.float64)
    return noise, torch.tensor([0.3, 0.8], dtype=torch.float64)[:rows]


def row(batch, i, latents=None):
    """One item by itself, without any padding."""
    t, p = int(batch.mask[i].sum()), int(batch.prompt_mask[i].sum())
    k, s = len(batch.readings[i]), int(batch.scene_mask[i].sum())
    one = slice(i, i + 1)
    return attrs.evolve(
        batch,
        readings=batch.readings[one], frames=batch.frames[one, :k],
        mel=batch.mel[one, ..., :t], mask=batch.mask[one, :t],
        features=batch.features[one, :t], f0=batch.f0[one, :t],
        prompt=batch.prompt[one, ..., :p], prompt_mask=batch.prompt_mask[one, :p],
        scene=batch.scene[one, :s], scene_mask=batch.scene_mask[one, :s],
    )  # fmt: skip


def garbage(batch):
    """The same batch with large numbers wherever nothing is."""
    behind = ~batch.mask

    def filled(x, there, axes):
        for axis in axes:
            there = there.unsqueeze(axis)
        return torch.where(there, x, torch.full_like(x, 7.0))

    return attrs.evolve(
        batch,
        mel=filled(batch.mel, batch.mask, (1, 1)),
        features=filled(batch.features, batch.mask, (2,)),
        f0=torch.where(behind, 444.0, batch.f0),
        prompt=filled(batch.prompt, batch.prompt_mask, (1, 1)),
        scene=filled(batch.scene, batch.scene_mask, (2,)),
    )


def strongest(module):
    """The largest gradient of a network; None where nothing reached it."""
    found = [p.grad.abs().max().item() for p in module.parameters() if p.grad is not None]
    return max(found, default=None)


def test_gradients_reach_all_that_is_trained_and_nothing_else():
    joint, batch = joint_of(), batch_of()
    joint(batch, *drawn(batch), tau=1.0).total.backward()
    transformer = joint.transformer
    learners = {
        "phones": joint.content.encoder.phone,
        "meaning": joint.content.semantics,
        "durations": joint.content.durations,
        "pose": joint.pose.geometric_branch,
        "scene": transformer.scene,
        "prompt": transformer.prompt,
        "content into it": transformer.content,
        "pose into it": transformer.pose,
        "pitch": transformer.pitch,
        "gates": transformer.blocks[0].router.gates,
        "experts": transformer.blocks[-1].groups,
    }
    for name, module in learners.items():
        assert (strongest(module) or 0.0) > 1e-8, name
    autoencoder = joint._frozen[0]
    assert strongest(autoencoder) is None
    own = {id(p) for p in joint.parameters()}
    assert not own & {id(p) for p in autoencoder.parameters()}


def test_a_pose_encoder_that_stays_gets_no_gradient():
    joint, batch = joint_of(train_pose=False), batch_of()
    joint(batch, *drawn(batch), tau=1.0).total.backward()
    assert strongest(joint.pose) is None
    assert strongest(joint.content) > 1e-8
    # The same numbers, only not learned from.
    free = joint_of()(batch, *drawn(batch), tau=1.0).total
    torch.testing.assert_close(joint(batch, *drawn(batch), tau=1.0).total, free)


def test_the_total_is_the_dramas_and_that_of_durations():
    joint, batch = joint_of(), batch_of()
    said = joint(batch, *drawn(batch), tau=0.7)
    torch.testing.assert_close(said.total, said.drama.total + said.duration)
    # L_dur in numpy: squared errors of log(1 + frames) over the phones that are there.
    lines = joint.content.batch(batch.readings)
    logs = joint.content.durations(joint.content(lines), lines.mask).detach().numpy()
    squares = [
        (logs[i, j] - np.log1p(int(batch.frames[i, j]))) ** 2
        for i, reading in enumerate(batch.readings)
        for j in range(len(reading))
    ]
    assert float(said.duration.detach()) == pytest.approx(np.mean(squares), abs=1e-10)


def test_padding_changes_no_item():
    joint, batch = joint_of(), batch_of()
    noise, time = drawn(batch)
    whole = joint(garbage(batch), noise, time, tau=1.0)
    clean = joint(batch, noise, time, tau=1.0)
    for a, b in zip(whole.drama, clean.drama, strict=True):
        torch.testing.assert_close(a, b, atol=1e-9, rtol=0)
    flow, duration, latents, phones = 0.0, 0.0, 0, 0
    for i in range(2):
        one = row(batch, i)
        n = one.mask.shape[1] // 4
        said = joint(one, noise[i : i + 1, :, :n], time[i : i + 1], tau=1.0)
        flow += n * float(said.drama.flow.detach())
        duration += len(one.readings[0]) * float(said.duration.detach())
        latents, phones = latents + n, phones + len(one.readings[0])
    # Means are over all latent frames, and over all phones, of a batch.
    assert float(whole.drama.flow.detach()) == pytest.approx(flow / latents, abs=1e-9)
    assert float(whole.duration.detach()) == pytest.approx(duration / phones, abs=1e-9)


def test_what_the_lines_are_generated_from():
    joint, batch = joint_of(), batch_of()
    latent, prompt = joint.latents(batch)
    assert latent.shape == (2, 8, batch.mask.shape[1] // 4)
    conditions, _ = joint.conditions(batch, prompt)
    assert conditions.prompt_mask.sum(1).tolist() == [3, 2]  # 12 and 8 mel frames
    assert torch.equal(conditions.mask, batch.mask)
    assert torch.equal(conditions.scene, batch.scene)
    # z_c holds each phone's state for as many frames as it has.
    for i, reading in enumerate(batch.readings):
        changes = (conditions.content[i, 1:] != conditions.content[i, :-1]).any(-1)
        ends = batch.frames[i, : len(reading)].cumsum(0)[:-1] - 1
        t = int(batch.mask[i].sum())
        assert changes[: t - 1].nonzero()[:, 0].tolist() == ends.tolist()
    kept = joint(batch, *drawn(batch), latents=(latent, prompt))
    torch.testing.assert_close(kept.total, joint(batch, *drawn(batch)).total)


def test_prompts_and_scenes_are_dropped_when_a_generator_is_given():
    all_gone = {"drop_prompt": 1.0, "other_prompt": 0.0, "drop_scene": 1.0}
    joint, batch = joint_of(transformer=all_gone), batch_of()
    bare = attrs.evolve(
        batch, prompt=None, prompt_mask=None, scene=None, scene_mask=None
    )  # fmt: skip
    noise, time = drawn(batch)
    dropped = joint(batch, noise, time, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(dropped.total, joint(bare, noise, time).total, atol=1e-9, rtol=0)
    # Without a generator nothing is: the prompt and the scene are heard.
    assert (dropped.total - joint(batch, noise, time).total).detach().abs() > 1e-4
    # What equation 5 needs learns: the tokens in the place of a prompt and of a scene.
    dropped.total.backward()
    assert joint.transformer.null_prompt.grad.abs().max() > 1e-8
    assert joint.transformer.null_scene.grad.abs().max() > 1e-8
    assert strongest(joint.transformer.scene) in (None, 0.0)


def test_a_share_of_the_prompts_is_dropped_by_the_papers_chance():
    joint, batch = joint_of(), batch_of()
    conditions, _ = joint.conditions(batch, joint.latents(batch)[1])
    draw, prompts, scenes = torch.Generator().manual_seed(0), 0, 0
    for _ in range(500):
        some = joint.dropped(conditions, draw)
        prompts += int((~some.prompts()[1].any(1)).sum())
        scenes += int((~some.scenes()[1].any(1)).sum())
    assert prompts / 1000 == pytest.approx(0.2, abs=0.04)
    assert scenes / 1000 == pytest.approx(0.1, abs=0.03)


def test_the_temperature_reaches_the_routing():
    joint, batch = joint_of(), batch_of()
    quiet, hot = (joint(batch, *drawn(batch), tau=tau).drama for tau in (None, 2.0))
    assert quiet.balance == 0
    assert hot.balance >= 1.0
    same = [
        joint(batch, *drawn(batch), tau=2.0, generator=torch.Generator().manual_seed(s)).total
        for s in (1, 1, 2)
    ]
    assert same[0] == same[1] != same[2]


def test_a_batch_without_prompts_and_scenes_trains():
    joint = joint_of()
    batch = attrs.evolve(
        batch_of(), prompt=None, prompt_mask=None, scene=None, scene_mask=None
    )  # fmt: skip
    said = joint(batch, *drawn(batch), tau=1.0, generator=torch.Generator().manual_seed(0))
    said.total.backward()
    assert joint.transformer.null_prompt.grad.abs().max() > 1e-8
