"""Which files the loader takes, and what it says of those it refuses."""

import argparse
import pickle

import pytest
import torch
from spatialdrama_metrics.published.checkpoint import load_network

from spatialdrama.errors import AssetError

safetensors = pytest.importorskip("safetensors.torch")


def same(network, state):
    return all(torch.equal(network.state_dict()[key], value) for key, value in state.items())


def saved(tmp_path, content, name="weights.pth"):
    path = tmp_path / name
    torch.save(content, path)
    return path


def test_as_the_training_script_saves_it(small_weights, small_state, small_config):
    network = load_network(small_weights, small_config)
    assert same(network, small_state)
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_bare_and_safetensors(tmp_path, small_state, small_config):
    assert same(load_network(saved(tmp_path, small_state), small_config), small_state)
    path = tmp_path / "weights.safetensors"
    safetensors.save_file(small_state, path)
    assert same(load_network(path, small_config), small_state)


def test_half_precision_is_widened(tmp_path, small_state, small_config):
    half = {k: v.half() if v.is_floating_point() else v for k, v in small_state.items()}
    network = load_network(saved(tmp_path, half), small_config)
    assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_heads_that_embeddings_do_not_use_are_ignored(tmp_path, small_state, small_config):
    extra = {
        "quality_head.weight": torch.zeros(5, 24),
        "spatial_head.bias": torch.zeros(5),
        "localization_head.0.weight": torch.zeros(5, 24),
        "overall.weight": torch.zeros(5, 24),
        "conv_reduce_channels.0.weight": torch.zeros(1, 4, 1, 1),
    }
    path = saved(tmp_path, {"model": small_state | extra})
    assert same(load_network(path, small_config), small_state)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"head.bias": None}, r"keys 1 missing \(head\.bias\)$"),
        ({"spatialhead": torch.zeros(1)}, r"keys 1 unexpected \(spatialhead\)$"),
        (
            {"module.head.bias": torch.zeros(355), "head.bias": None},
            r"keys 1 missing \(head\.bias\), 1 unexpected \(module\.head\.bias\)$",
        ),
        (
            {"pos_embed": torch.zeros(1, 1213, 24)},
            r"keys 1 of another shape \(pos_embed \(1, 1213, 24\) instead of \(1, 513, 24\)\)$",
        ),
        ({"fc_norm.bias": torch.full((24,), torch.nan)}, "holds NaN or infinity in fc_norm.bias"),
    ],
)
def test_refusals_by_key(tmp_path, small_state, small_config, change, said):
    state = {k: v for k, v in (small_state | change).items() if v is not None}
    path = saved(tmp_path, {"model": state})
    with pytest.raises(AssetError, match=said) as caught:
        load_network(path, small_config)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_many_keys_are_counted(tmp_path, small_config):
    path = saved(tmp_path, {f"layer{i}": torch.zeros(1) for i in range(30)})
    with pytest.raises(AssetError, match=r"\d+ missing \(.* and \d+ more\), 30 unexpected \(.*7 a"):
        load_network(path, small_config)


def test_another_size_is_not_the_network(small_weights):
    from spatialdrama_metrics.published.network_config import SpatialAstConfig

    wider = SpatialAstConfig(width=48, depth=2, heads=3)
    with pytest.raises(AssetError, match=r"of another shape \(cls_tokens \(1, 3, 24\) instead of"):
        load_network(small_weights, wider)


class Evil:
    """A pickle that would run something."""

    ran = False

    def __reduce__(self):
        return setattr, (Evil, "ran", True)


def test_code_in_a_checkpoint_is_not_run(tmp_path, small_state, small_config):
    path = saved(tmp_path, {"model": small_state, "args": argparse.Namespace(x=Evil())})
    with pytest.raises(AssetError, match="cannot be read as weights alone") as caught:
        load_network(path, small_config)
    assert "\n" not in str(caught.value)
    assert not Evil.ran


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read"),
        (b"<html>sign in first</html>", "cannot be read"),
        (pickle.dumps({"a": 1}, protocol=2), "cannot be read as weights alone|not tensors by name"),
    ],
)
@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_other_files(tmp_path, small_config, content, said, name):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AssetError, match="cannot be read" if "safe" in name else said):
        load_network(path, small_config)


@pytest.mark.parametrize("content", [{"model": [1, 2]}, [1, 2], {}, {"epoch": 3}])
def test_files_without_weights(tmp_path, small_config, content):
    with pytest.raises(AssetError, match="not tensors by name"):
        load_network(saved(tmp_path, content), small_config)
