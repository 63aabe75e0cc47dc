"""WavLM through transformers: a tiny model with random weights, and folders that hold none."""

import numpy as np
import pytest
from spatialdrama_metrics.speakers.sim import Sim
from spatialdrama_metrics.speakers.wavlm import WavLm

from spatialdrama.errors import AssetError, DeviceError, PluginImportError, ValidationError
from spatialdrama.types import Speech

RATE = 16_000


@pytest.fixture(scope="module")
def library():
    pytest.importorskip("torch")
    return pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def config(library):
    return library.WavLMConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(16, 16),
        conv_stride=(20, 16),
        conv_kernel=(40, 16),
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        tdnn_dim=(16, 16, 24),
        tdnn_kernel=(3, 3, 1),
        tdnn_dilation=(1, 2, 1),
        xvector_output_dim=12,
        use_weighted_layer_sum=True,
    )


@pytest.fixture(scope="module")
def model(library, config):
    import torch

    torch.manual_seed(0)
    return library.WavLMForXVector(config).eval()


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("wavlm")
    model.save_pretrained(path)
    return path


def test_it_is_the_model_on_the_samples(folder, model, talk):
    import torch

    mono = talk("low", 1.0)
    with torch.no_grad():
        wanted = model(torch.from_numpy(mono)[None]).embeddings[0].numpy()
    embedding = WavLm(str(folder), device="cpu").embed(mono, rate=RATE)
    np.testing.assert_allclose(embedding, wanted / np.linalg.norm(wanted), atol=1e-6)
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-6)


def test_the_folders_own_preprocessing_counts(library, folder, model, talk, tmp_path):
    import torch

    model.save_pretrained(tmp_path)
    library.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(tmp_path)
    mono = talk("low", 1.0)
    scaled = (mono - mono.mean()) / np.sqrt(mono.var() + 1e-7)
    with torch.no_grad():
        wanted = model(torch.from_numpy(scaled)[None]).embeddings[0].numpy()
    embedding = WavLm(str(tmp_path), device="cpu").embed(mono, rate=RATE)
    np.testing.assert_allclose(embedding, wanted / np.linalg.norm(wanted), atol=1e-4)


def test_as_the_embedder_of_sim(folder, talk, two_ears):
    mono = talk("low", 1.0)
    sim = Sim(embedder=f"wavlm:{folder}")
    lines = [two_ears(mono, RATE), two_ears(talk("high", 0.6), RATE)]
    scores = sim.score_batch(lines, prompt=[Speech(mono, RATE)] * 2)
    assert scores[0].value == pytest.approx(1, abs=1e-6)
    assert scores[1].value < 1 - 1e-6
    assert scores[1].value == pytest.approx(
        sim.score(lines[1], prompt=Speech(mono, RATE)).value, abs=1e-6
    )
    assert scores[0].details["embedder"] == "WavLm"


def test_folders_without_the_model_are_named(library, config, tmp_path):
    mono = np.ones(RATE)
    with pytest.raises(AssetError, match="download microsoft/wavlm-base-plus-sv"):
        WavLm().embed(mono, rate=RATE)
    with pytest.raises(AssetError, match=r"config.json, model.safetensors missing"):
        WavLm(str(tmp_path)).embed(mono, rate=RATE)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"no arrays")
    with pytest.raises(AssetError, match="could not load the model"):
        WavLm(str(tmp_path)).embed(mono, rate=RATE)


def test_a_model_without_a_speaker_head_is_refused(library, config, tmp_path):
    library.WavLMModel(config).save_pretrained(tmp_path)
    with pytest.raises(AssetError, match="no speaker verification model"):
        WavLm(str(tmp_path)).embed(np.ones(RATE), rate=RATE)


def test_silence_and_devices_that_are_not_there(folder):
    import torch

    with pytest.raises(ValidationError, match="silent sound has no speaker"):
        WavLm(str(folder), device="cpu").embed(np.zeros(RATE), rate=RATE)
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="Use device='cpu'"):
            WavLm(str(folder), device="cuda").embed(np.ones(RATE), rate=RATE)


def test_without_transformers_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(PluginImportError, match=r"pip install 'spatialdrama-metrics\[wavlm\]'"):
        WavLm(str(tmp_path / "other"), device="cpu").embed(np.ones(RATE), rate=RATE)
