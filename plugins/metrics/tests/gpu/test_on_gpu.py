"""Networks of the metrics on a CUDA device against the CPU; run with ``pytest -m gpu``.

Random weights, no asset, no registry of installed packages, and no more than torch and the core:
so that a bare machine with a GPU can run it.
"""

import numpy as np
import pytest

for _needed in ("attrs", "pluggy", "scipy", "xarray", "soundfile"):
    pytest.importorskip(_needed)
torch = pytest.importorskip("torch")
# Skipping a whole module also where a piece of the core is not there, says which.
sd = pytest.importorskip("spatialdrama", exc_type=ImportError)
pytest.importorskip("spatialdrama_metrics.published.embedding_cos", exc_type=ImportError)

from spatialdrama_metrics.published import clips  # noqa: E402
from spatialdrama_metrics.published.embedding_cos import AngCos, DisCos  # noqa: E402
from spatialdrama_metrics.published.network import SpatialAst  # noqa: E402
from spatialdrama_metrics.published.network_config import SpatialAstConfig  # noqa: E402
from spatialdrama_metrics.quality import distillmos  # noqa: E402
from spatialdrama_metrics.quality.distill_network import DistillMosNetwork  # noqa: E402

from spatialdrama.registry import unregister_local  # noqa: E402
from spatialdrama.types import BinauralAudio  # noqa: E402

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

CONFIG = SpatialAstConfig(width=24, depth=2, heads=3)


def clip(seed, seconds=2.0, rate=48_000, delay=20):
    x = np.random.default_rng(seed).standard_normal(round(seconds * rate) + delay) * 0.1
    return BinauralAudio(np.stack([x[delay:], 0.7 * x[: len(x) - delay]]), rate)


def random_network(config, seed=0):
    """Weights that listen: as a network is initialised, the clip would hardly reach its end."""
    torch.manual_seed(seed)
    network = SpatialAst(config)
    for name, weights in network.named_parameters():
        if weights.ndim == 2:
            torch.nn.init.normal_(weights, std=2 * weights.shape[1] ** -0.5)
        elif name in ("cls_tokens", "pos_embed"):
            torch.nn.init.normal_(weights, std=0.05)
    network.bn.running_mean.fill_(-20.0)
    network.bn.running_var.fill_(400.0)
    return network.eval()


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"model": random_network(CONFIG).state_dict()}, path)
    return path


@pytest.fixture
def distill(tmp_path, monkeypatch):
    """DistillMOS of random weights in the asset's place."""
    torch.manual_seed(0)
    network = DistillMosNetwork()
    path = tmp_path / "distillmos.pth"
    torch.save({"model": network.state_dict()}, path)
    monkeypatch.setattr(distillmos, "locate", lambda name: path)
    distillmos._network.cache_clear()
    yield
    distillmos._network.cache_clear()


@pytest.mark.parametrize("config", [CONFIG, SpatialAstConfig()], ids=["small", "published"])
def test_embeddings_are_those_of_double_precision_on_the_cpu(config):
    """In float32 the GPU errs as the CPU does; measured against float64, at most four times it."""
    from spatialdrama_metrics.published.embedding import Embedder

    from spatialdrama.runtime.device import resolve

    network = random_network(config)
    heard = [clips.prepared(clip(seed)) for seed in range(3)]
    waves = torch.from_numpy(np.stack([clips.padded(x) for x in heard]))
    with torch.inference_mode():
        exact = network.double()(waves.double()).direction.numpy()
        single = network.float()(waves).direction.double().numpy()
    network = random_network(config)
    found = Embedder(network, resolve("cuda"))(heard, batch=2)
    there = np.stack([f.direction for f in found])
    assert np.abs(exact[0] - exact[1]).max() > 0.1  # it listens
    assert np.abs(there - exact).max() < max(4 * np.abs(single - exact).max(), 1e-4)


@pytest.mark.parametrize("metric", [AngCos, DisCos])
def test_cosines_are_the_cpus(metric, weights):
    """Read plainly: the published wrapping turns a component near pi by 2 pi where rounding may."""
    audios, references = ([clip(s + k) for s in range(6)] for k in (0, 50))
    made = {d: metric(weights=weights, config=CONFIG, reading="plain", device=d, batch=4)
            for d in ("cpu", "cuda")}  # fmt: skip
    here, there = (made[d].score_batch(audios, reference=references) for d in ("cpu", "cuda"))
    for a, b in zip(here, there, strict=True):
        assert b.value == pytest.approx(a.value, abs=1e-3)
        assert b.details["mono"] == pytest.approx(a.details["mono"], abs=1e-3)


def test_a_batch_is_its_items(weights):
    metric = AngCos(weights=weights, config=CONFIG, reading="plain", device="cuda", batch=3)
    audios, references = ([clip(s + k, 1.0) for s in range(4)] for k in (0, 50))
    together = metric.score_batch(audios, reference=references)
    fresh = AngCos(weights=weights, config=CONFIG, reading="plain", device="cuda", batch=1)
    for a, b, one in zip(audios, references, together, strict=True):
        assert fresh.score(a, reference=b).value == pytest.approx(one.value, abs=1e-3)


def test_distillmos_is_the_cpus(distill):
    audios = [clip(seed, 3.0, 16_000) for seed in range(3)]
    on_cpu, on_gpu = (
        distillmos.DistillMos(device=d).score_batch(audios) for d in ("cpu", "cuda")
    )  # fmt: skip
    for one, other in zip(on_cpu, on_gpu, strict=True):
        assert np.isfinite(one.value)
        assert other.value == pytest.approx(one.value, abs=1e-3)


def test_sd_score_hands_batches_to_the_gpu(weights, monkeypatch, tmp_path):
    """Through ``sd.score`` and its ``device``: one forward pass for several items, on the GPU."""
    from spatialdrama_metrics.published import embedding

    monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path / "home"))
    passes = []
    forward = embedding.Embedder._forward

    def noted(self, heard):
        passes.append((self.device.kind, len(heard)))
        return forward(self, heard)

    monkeypatch.setattr(embedding.Embedder, "_forward", noted)

    class Mine(AngCos):
        def __init__(self, device="cpu"):
            super().__init__(weights=weights, config=CONFIG, reading="plain", device=device)

    sd.metric("ang_here", direction="up", needs=("reference",))(Mine)
    try:
        items = {f"i{k}": clip(k, 1.0) for k in range(6)}
        references = {name: clip(50 + k, 1.0) for k, name in enumerate(items)}
        tables = [
            sd.score(items, ["ang_here"], reference=references, device=d, progress=False, workers=1)
            for d in ("cpu", "cuda")
        ]
    finally:
        unregister_local("metric", "ang_here")
    assert tables[0]["ang_here"] == pytest.approx(tables[1]["ang_here"], abs=1e-3)
    kinds = {kind: max(n for k, n in passes if k == kind) for kind, _ in passes}
    assert kinds["cpu"] == 1
    assert kinds["cuda"] > 1


def test_the_localisers_network_is_the_cpus():
    from spatialdrama_metrics.localise.network import HEADS
    from spatialdrama_metrics.localise.training.model import LocaliserNet

    torch.manual_seed(0)
    network = LocaliserNet().eval()
    pictures, active = torch.randn(2, 6, 100, 64), torch.ones(2, 100, dtype=torch.bool)
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        here = network(pictures, active)
        there = network.cuda()(pictures.cuda(), active.cuda())
    for head in HEADS:
        assert here[head].abs().max() > 0
        torch.testing.assert_close(there[head].cpu(), here[head], atol=1e-3, rtol=1e-3)


def test_training_states_lie_on_the_modules_device():
    pytest.importorskip("torchmetrics")
    from spatialdrama_metrics.spatial import IldMae
    from spatialdrama_metrics.training import BinauralMetric

    sd.metric("ild_here", unit="dB", needs=("reference",))(IldMae)
    try:
        target = torch.randn(2, 2, 16_000, generator=torch.Generator().manual_seed(0)) / 10
        metric = BinauralMetric("ild_here", rate=16_000).to("cuda")
        metric.update((target * torch.tensor([[2.0], [1.0]])).cuda(), target.cuda())
        assert metric.compute().device.type == "cuda"
        assert metric.compute().item() == pytest.approx(20 * np.log10(2), abs=1e-3)
    finally:
        unregister_local("metric", "ild_here")
