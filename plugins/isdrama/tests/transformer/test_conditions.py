"""Conditions that do not go together are refused with the shapes that would."""

import attrs
import pytest
import torch

from spatialdrama.errors import ValidationError


@pytest.mark.parametrize(
    ("field", "shape", "words"),
    [
        ("content", (2, 6, 5), "multiple of 4"),
        ("content", (2, 5), r"\(b, t, d\)"),
        ("pose", (2, 1, 12, 7), "pose must begin with"),
        ("mask", (2, 11), "mask must be"),
        ("prompt_mask", (2, 3), "prompt_mask must be"),
        ("prompt", (3, 6, 4), "prompt must begin with|prompt_mask must be"),
        ("scene_mask", (2, 9), "scene_mask must be"),
        ("f0", (2, 3), "f0 must be"),
    ],
)
def test_shapes_are_checked(lines, field, shape, words):
    good = lines([3, 2], prompts=[4, 2], scenes=[2, 1], f0=True)
    bad = torch.zeros(shape, dtype=torch.bool if field.endswith("mask") else torch.float64)
    with pytest.raises(ValidationError, match=words):
        attrs.evolve(good, **{field: bad})


def test_voicing_without_pitch_is_refused(lines):
    good = lines([3])
    with pytest.raises(ValidationError, match="give f0"):
        attrs.evolve(good, voiced=good.mask)


def test_pitch_counts_where_it_is_above_zero_and_the_line_is(lines):
    line = lines([2, 1])
    f0 = torch.tensor([[100.0, 0.0] * 4] * 2)
    _, voiced = attrs.evolve(line, f0=f0).pitch()
    assert voiced.int().tolist() == [[1, 0, 1, 0, 1, 0, 1, 0], [1, 0, 1, 0, 0, 0, 0, 0]]
    _, voiced = attrs.evolve(line, f0=f0, voiced=torch.zeros(2, 8, dtype=torch.bool)).pitch()
    assert not voiced.any()


def test_rows_without_masks_are_whole(lines):
    line = lines([2], prompts=[3], scenes=[2])
    line = attrs.evolve(line, prompt_mask=None, scene_mask=None)
    assert line.prompts()[1].all()
    assert line.prompts()[0].shape == (1, 3, 6)
    assert line.scenes()[1].all()
