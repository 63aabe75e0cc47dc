"""Configs refuse what cannot be built and say what can."""

import pytest
from spatialdrama_isdrama.transformer import TrainingConfig, TransformerConfig

from spatialdrama.errors import ValidationError


def test_the_defaults_are_the_papers():
    config, training = TransformerConfig(), TrainingConfig()
    assert (config.width, config.heads, config.blocks, config.mamba_layers) == (768, 8, 4, 3)
    assert config.groups == {"prosodic": 4, "spatial": 4}
    assert (config.gamma, config.alpha, config.steps, config.solver) == (3.0, 0.4, 25, "euler")
    assert (config.drop_prompt, config.other_prompt) == (0.2, 0.4)
    assert (training.learning_rate, training.warm_up) == (5e-5, 10_000)
    assert (training.beta1, training.beta2) == (0.9, 0.999)


@pytest.mark.parametrize(
    ("changes", "groups"),
    [
        ({"moe": False}, {}),
        ({"prosodic_moe": False}, {"spatial": 4}),
        ({"spatial_moe": False}, {"prosodic": 4}),
        ({"prosodic_moe": False, "spatial_moe": False}, {}),
        ({"moe": False, "prosodic_moe": True, "spatial_moe": True}, {}),
        ({"experts": 5}, {"prosodic": 5, "spatial": 5}),
        ({"spatial_experts": 1}, {"prosodic": 4, "spatial": 1}),
    ],
)
def test_rows_of_tables_4_and_5_are_one_field(changes, groups):
    assert TransformerConfig(**changes).groups == groups


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": 100}, "multiple of 16"),
        ({"width": 0}, "from 2 on"),
        ({"heads": True}, "whole number"),
        ({"blocks": 1}, "at least 2 blocks"),
        ({"down_kernel": 8}, "odd whole number from 1 on; got 8"),
        ({"order": "mamba_first"}, "'attention', 'mamba'"),
        ({"routing": "z_a"}, "'text', 'algorithm1'"),
        ({"balance": "none"}, "'switch', 'paper'"),
        ({"solver": "heun"}, "'euler', 'midpoint', 'few'"),
        ({"drop_prompt": 0.7, "other_prompt": 0.4}, "at most 1"),
        ({"alpha": 1.5}, "0 to 1"),
        ({"temperature_end": 0.0}, "above 0"),
        ({"fan_share": 0.5}, "0.49"),
        ({"gamma": float("nan")}, "number"),
        ({"gamma": -0.1}, "gamma must be a finite number from 0"),
        ({"temperature_start": 0.2}, "temperature_end must be at most temperature_start"),
        ({"moe": 1}, "True or False"),
        ({"spatial_experts": 0}, "from 1 on"),
    ],
)
def test_what_cannot_be_is_refused(changes, words):
    with pytest.raises(ValidationError, match=words):
        TransformerConfig(**changes)


def test_one_block_is_enough_without_pitch():
    assert TransformerConfig(blocks=1, f0=False).blocks == 1


def test_training_refuses_other_types():
    with pytest.raises(ValidationError, match="'float32', 'bfloat16'"):
        TrainingConfig(precision="float16")
