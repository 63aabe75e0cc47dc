"""Presets, their ablations, their parameters and their way through a dict (issue 6, item 8)."""

import json

import pytest
import torch
from spatialdrama_isdrama.counting import count, table
from spatialdrama_isdrama.pose.config import PoseConfig
from spatialdrama_isdrama.presets import PRESETS, IsdramaConfig, preset
from spatialdrama_isdrama.transformer import DramaTransformer, TransformerConfig

from spatialdrama.errors import ValidationError

# Each row of tables 4, 5 and 6 that is not the whole model, as one change.
ROWS = [
    {"contrastive": False},
    {"moe": False},
    {"prosodic_moe": False},
    {"spatial_moe": False},
    {"fan": False},
    {"f0": False},
    {"mamba": False},
    {"cfg": False},
    *({"experts": n} for n in (1, 2, 3, 5)),
    *({"spatial_experts": n} for n in (1, 2, 3, 5)),
    *(
        {"alpha": a, "gamma": g}
        for a, g in [(1.0, 1.0), (0.4, 1.0), (0.4, 1.5), (1.0, 3.0), (0.0, 3.0), (0.4, 5.0)]
    ),
]


def test_the_papers_transformer_has_177_million_parameters_within_two_percent():
    pieces = count(preset("paper"))["transformer"]
    assert sum(pieces.values()) == pytest.approx(177e6, rel=0.02), pieces


def test_the_papers_largest_pieces_by_hand():
    pieces, d = count(preset("paper"))["transformer"], 768
    inner, p = 2048, 512
    expert = d * p + d * (inner - 2 * p) + (inner - 2 * p) + inner * d + d
    assert pieces["4 blocks: groups"] == 4 * 8 * expert
    e, n, r = 2 * d, 16, 48
    mamba = d * 2 * e + 5 * e + e * (r + 2 * n) + r * e + e + e * n + e + e * d
    assert pieces["4 blocks: sequence"] == 4 * 3 * mamba
    linear = d * d + d
    # Q, K, V, out and the scene's K and V, and one gate a head.
    assert pieces["4 blocks: attention"] == 4 * (6 * linear + 8)
    assert pieces["4 blocks: modulation"] == 4 * 6 * linear
    assert pieces["4 blocks: router"] == 4 * (4 * linear + 8 * d)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_makes_a_round_trip(name):
    config = preset(name)
    text = json.dumps(config.to_dict())
    again = IsdramaConfig.from_dict(json.loads(text))
    assert again == config
    assert again.fingerprint() == config.fingerprint()


def test_fingerprints_tell_configs_apart():
    prints = {preset(name).fingerprint() for name in PRESETS}
    prints |= {preset("paper", **row).fingerprint() for row in ROWS}
    assert len(prints) == len(PRESETS) + len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_row_of_the_tables_is_one_change(row):
    whole, changed = preset("paper"), preset("paper", **row)
    different = [
        (part, name)
        for part, fields in changed.to_dict().items()
        for name, value in fields.items()
        if whole.to_dict()[part][name] != value
    ]
    expected = {name for name, value in row.items() if (name, value) not in _AS_IT_IS}
    assert {name for _, name in different} == expected
    with torch.device("meta"):
        DramaTransformer(changed.transformer)


_AS_IT_IS = {("alpha", 0.4), ("gamma", 3.0)}


def test_ablations_change_the_count_as_they_should():
    def size(**row):
        return sum(count(preset("small", **row))["transformer"].values())

    whole = size()
    assert size(moe=False) < size(spatial_moe=False) < whole
    assert size(experts=1) < size(experts=3) < whole < size(experts=5)
    assert size(spatial_experts=5) < size(experts=5)
    assert size(mamba=False) == pytest.approx(whole, rel=0.01)
    assert size(f0=False) < whole
    assert size(cfg=False) == whole


def test_the_paper_preset_has_the_printed_choices():
    config = preset("paper")
    assert config.transformer.bidirectional is False
    # "The load-balancing loss for each expert group", 0.1: of each, so eight times in all.
    assert config.transformer.balance_weight == 0.1
    assert config.pose == PoseConfig.paper_params()
    assert config.autoencoder.stereo == "joint"
    assert config.vocoder.kind == "per_ear"
    assert (config.transformer.width, config.transformer.blocks) == (768, 4)
    assert TransformerConfig().bidirectional is True


def test_parts_that_do_not_fit_are_refused():
    with pytest.raises(ValidationError, match=r"content\.width is 64 and pose\.content_width is"):
        preset("tiny", content={"width": 64})
    with pytest.raises(ValidationError, match=r"autoencoder\.latent is 8 and transformer\.latent"):
        preset("tiny", transformer={"latent": 10})
    with pytest.raises(ValidationError, match=r"mel\.hop is 240"):
        preset("tiny", mel={"hop": 240})
    with pytest.raises(ValidationError, match="must be a PoseConfig"):
        IsdramaConfig(pose=TransformerConfig())


def test_silence_is_the_mels_floor():
    with pytest.raises(ValidationError, match=r"mel\.floor is 0\.001.*autoencoder\.silence is -5"):
        preset("tiny", mel={"floor": 1e-3}, vocoder={"floor": 1e-3})
    quiet = {"mel": {"floor": 1e-3}, "vocoder": {"floor": 1e-3}, "autoencoder": {"silence": -3.0}}
    assert preset("tiny", **quiet).mel.silence == -3.0


def test_a_part_is_changed_by_fields():
    with pytest.raises(ValidationError, match=r"transformer is changed by a dict.*got 5"):
        preset("tiny", transformer=5)
    with pytest.raises(ValidationError, match=r"pose is changed by a dict.*got 'geometric'"):
        preset("tiny", pose="geometric")


def test_parts_can_be_changed_together():
    config = preset("tiny", transformer={"latent": 4}, autoencoder={"latent": 4})
    assert config.transformer.latent == config.autoencoder.latent == 4


def test_names_that_are_not_clear_are_refused():
    with pytest.raises(ValidationError, match="no preset 'large'; choose from paper, small, tiny"):
        preset("large")
    with pytest.raises(ValidationError, match="no part of IsdramaConfig has a field 'moa'"):
        preset("tiny", moa=False)
    with pytest.raises(ValidationError, match="all have a field 'width'; say which"):
        preset("tiny", width=64)


def test_a_config_from_elsewhere_is_refused():
    values = preset("tiny").to_dict()
    with pytest.raises(ValidationError, match="TransformerConfig has no depth"):
        IsdramaConfig.from_dict({**values, "transformer": {"depth": 4}})
    with pytest.raises(ValidationError, match="no part is called diffusion"):
        IsdramaConfig.from_dict({**values, "diffusion": {}})


def test_a_field_that_came_later_has_its_default():
    values = preset("tiny").to_dict()
    del values["transformer"]["schedule"]
    assert IsdramaConfig.from_dict(values).transformer.schedule == "uniform"


def test_the_table_adds_up():
    rows = [line.split("|")[1:-1] for line in table(preset("paper")).splitlines()[2:]]
    cells = [(a.strip(), b.strip(), int(c.replace("*", "").replace(",", ""))) for a, b, c in rows]
    pieces = sum(n for a, _, n in cells if "*" not in a)
    assert cells[-1][2] == pieces
    assert any("(paper: 177 M)" in b for _, b, _ in cells)
    branches = {b: n for a, b, n in cells if a == "pose" and "(paper: 23.32 M)" in b}
    assert len(branches) == 2
    assert "paper" not in table(preset("tiny"))


def test_the_papers_pose_transformers_have_2332_million_parameters_within_one_percent():
    pieces = count(preset("paper"))["pose"]
    for branch in ("text_branch", "video_branch"):
        assert pieces[branch] == pytest.approx(23.32e6, rel=0.01)


def test_plain_experts_are_larger_and_the_table_says_so():
    def size(**changes):
        return sum(count(preset("paper", **changes))["transformer"].values())

    assert size(fan=False) > 1.06 * size()
    # By hand: 8 experts of 4 blocks have 512 columns of 768 weights more.
    assert size(fan=False) - size() == 4 * 8 * (512 * 768 + 1024)
    assert size(fan=False, fan_inner=1792) == pytest.approx(size(), rel=1e-3)
    assert "fan_inner=1792 has as many" in table(preset("paper", fan=False))
