"""The torchmetrics wrapper against the metric itself, in one process and in two."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import spatialdrama as sd
from spatialdrama.errors import ValidationError
from spatialdrama.registry import unregister_local

torch = pytest.importorskip("torch")
pytest.importorskip("torchmetrics")

from spatialdrama_metrics.training import BinauralMetric  # noqa: E402
from torchmetrics import MetricCollection  # noqa: E402

RATE = 16_000


def batch(seed=0, count=4, seconds=0.4):
    """A target, and the same with other gains, delays and some noise in each item."""
    rng = np.random.default_rng(seed)
    target = rng.normal(0, 0.1, (count, 2, round(seconds * RATE)))
    preds = target * rng.uniform(0.3, 1, (count, 2, 1)) + rng.normal(0, 0.02, target.shape)
    return torch.tensor(preds, dtype=torch.float32), torch.tensor(target, dtype=torch.float32)


def straight(name, pairs, **options):
    """The weighted mean of the metric's own scores."""
    metric = sd.load_metric(name, **options)
    scores = [
        metric.score(sd.BinauralAudio(p.numpy(), RATE), reference=sd.BinauralAudio(t.numpy(), RATE))
        for preds, target in pairs
        for p, t in zip(preds, target, strict=True)
    ]
    return sum(s.value * s.weight for s in scores) / sum(s.weight for s in scores)


@pytest.mark.parametrize("name", ["itd_mae", "ild_mae", "ipd_mae"])
def test_over_batches_it_is_the_metric_itself(name):
    pairs = [batch(0), batch(1, count=2, seconds=0.9)]
    metric = BinauralMetric(name, rate=RATE)
    for preds, target in pairs:
        metric.update(preds, target)
    assert metric.compute().item() == pytest.approx(straight(name, pairs), rel=1e-9)
    assert metric.higher_is_better is False


def test_reset_forgets():
    metric = BinauralMetric("ild_mae", rate=RATE)
    metric.update(*batch(0))
    metric.reset()
    with pytest.warns(UserWarning, match="before the ``update``"):
        assert torch.isnan(metric.compute())
    metric.update(*batch(1))
    assert metric.compute().item() == pytest.approx(straight("ild_mae", [batch(1)]), rel=1e-9)


def test_forward_gives_the_batch_and_keeps_the_sum():
    metric = BinauralMetric("ild_mae", rate=RATE)
    first = metric(*batch(0))
    assert first.item() == pytest.approx(straight("ild_mae", [batch(0)]), rel=1e-9)
    metric(*batch(1))
    both = straight("ild_mae", [batch(0), batch(1)])
    assert metric.compute().item() == pytest.approx(both, rel=1e-9)


def test_padding_is_not_heard():
    preds, target = batch(0, count=2)
    wide = [torch.nn.functional.pad(x, (0, 3000)) for x in (preds, target)]
    wide[0][..., -3000:] = 0.5  # rubbish behind the end
    lengths = torch.tensor([preds.shape[-1]] * 2)
    padded, plain = BinauralMetric("ild_mae", rate=RATE), BinauralMetric("ild_mae", rate=RATE)
    padded.update(*wide, lengths)
    plain.update(preds, target)
    assert padded.compute() == plain.compute()


def test_options_and_collections():
    found = MetricCollection(
        {"loud": BinauralMetric("ild_mae", rate=RATE, options={"gate_db": 5.0}),
         "itd": BinauralMetric("itd_mae", rate=RATE)}
    )  # fmt: skip
    found.update(*batch(0))
    values = found.compute()
    assert values["loud"].item() == pytest.approx(straight("ild_mae", [batch(0)], gate_db=5.0))
    assert values["itd"].item() == pytest.approx(straight("itd_mae", [batch(0)]))


def test_a_collection_does_not_take_two_metrics_for_one_after_a_perfect_batch():
    found = MetricCollection(
        {"wide": BinauralMetric("ild_mae", rate=RATE),
         "loud": BinauralMetric("ild_mae", rate=RATE, options={"gate_db": 3.0})}
    )  # fmt: skip
    preds, target = batch(0)
    tone = torch.ones_like(target) * torch.sin(torch.arange(target.shape[-1]) / 3)
    found.update(tone, tone)  # both 0, over as many seconds
    found.update(preds, target)
    separate = BinauralMetric("ild_mae", rate=RATE, options={"gate_db": 3.0})
    for pair in ((tone, tone), (preds, target)):
        separate.update(*pair)
    assert found.compute()["loud"] == separate.compute()
    assert found.compute()["loud"] != found.compute()["wide"]


def test_gradients_and_half_precision_come_as_they_are():
    preds, target = batch(0)
    metric = BinauralMetric("ild_mae", rate=RATE)
    metric.update(preds.to(torch.bfloat16).requires_grad_(), target.to(torch.bfloat16))
    assert not metric.compute().requires_grad
    assert metric.compute().item() == pytest.approx(straight("ild_mae", [(preds, target)]), rel=0.1)


def test_silence_does_not_count():
    preds, target = batch(0)
    metric = BinauralMetric("ild_mae", rate=RATE)
    metric.update(torch.cat([preds, preds[:1]]), torch.cat([target, 0 * target[:1]]))
    assert metric.compute().item() == pytest.approx(straight("ild_mae", [(preds, target)]))


def test_a_metric_without_reference_and_with_batches():
    class Loudest:
        """Largest sample."""

        lots = 0

        def score(self, audio):
            raise AssertionError("not one by one")

        def score_batch(self, audios):
            self.lots += 1
            return [a.peak for a in audios]

    sd.metric("loudest_sample", direction="up")(Loudest)
    try:
        metric = BinauralMetric("loudest_sample", rate=RATE)
        preds, _ = batch(0)
        metric.update(preds)
        want = preds.abs().amax(dim=(1, 2)).mean().item()
        assert metric.compute().item() == pytest.approx(want)
        assert metric.higher_is_better
        assert metric._metric.lots == 1
    finally:
        unregister_local("metric", "loudest_sample")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, t: (p[:, :1], t[:, :1]), r"\(batch, 2 ears, samples\); got \(4, 1"),
        (lambda p, t: (p[0], t[0]), r"got \(2, 6400\)"),
        (lambda p, t: (p, t[..., 1:]), "differ in shape"),
        (lambda p, t: (p, None), "compares with a target"),
        (lambda p, t: (torch.where(torch.arange(4)[:, None, None] == 2, torch.nan, p), t),
         r"item 2 of preds: sample\[0, 0\] is nan"),
        (lambda p, t: (p, t, torch.tensor([1, 2, 3, 9999])), "4 numbers from 1 to 6400"),
    ],
)  # fmt: skip
def test_odd_batches(change, message):
    with pytest.raises(ValidationError, match=message):
        BinauralMetric("ild_mae", rate=RATE).update(*change(*batch(0)))


def test_a_metric_that_needs_words_is_refused():
    with pytest.raises(ValidationError, match="'cer' needs line"):
        BinauralMetric("cer")


PROCESS = """
import sys
import torch
import torch.distributed as dist
sys.path.insert(0, sys.argv[3])
from test_training import RATE, batch
from spatialdrama_metrics.training import BinauralMetric

rank = int(sys.argv[1])
dist.init_process_group("gloo", init_method="file://" + sys.argv[2], rank=rank, world_size=2)
metric = BinauralMetric("ild_mae", rate=RATE)
metric.update(*batch(rank, count=3 + rank))
print(metric.compute().item())
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_add_up(tmp_path):
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", textwrap.dedent(PROCESS)]
    runs = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "meet"), here],
                         stdout=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]  # fmt: skip
    found = [float(run.communicate(timeout=120)[0].split()[-1]) for run in runs]
    want = straight("ild_mae", [batch(0, count=3), batch(1, count=4)])
    assert found == pytest.approx([want, want], rel=1e-9)
