"""The metrics inside training: torchmetrics' update, compute and reset, summed over processes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.registry import get, load
from spatialdrama.types import BinauralAudio, Score

try:
    import torch
    import torchmetrics
except ImportError as error:  # pragma: no cover
    raise ImportError(
        "spatialdrama_metrics.training needs torchmetrics; install it with: "
        "pip install 'spatialdrama-metrics[training]'"
    ) from error

#: What a batch of a training loop has to offer.
OFFERED = {"reference"}


class BinauralMetric(torchmetrics.Metric):
    """Any metric of the registry that needs a reference or nothing, for a training loop.

    The value over all batches and processes is the weighted mean that a
    :class:`spatialdrama.ScoreTable` shows. The sound is measured on the CPU, without gradients;
    the two states, a weighted sum and a sum of weights, lie on the module's device and are added
    over processes.

    Parameters
    ----------
    name : str
        As for ``sd.load_metric``, such as ``"itd_mae"``.
    rate : int, Hz
        Of the batches.
    options : mapping, optional
        Of the metric.
    **kwargs
        For :class:`torchmetrics.Metric`, such as ``sync_on_compute``.

    Raises
    ------
    ValidationError
        The metric needs a line, a pose or anything else that a batch does not hold.

    Examples
    --------
    >>> import torch
    >>> from spatialdrama_metrics.training import BinauralMetric
    >>> target = torch.randn(4, 2, 24_000, generator=torch.Generator().manual_seed(0)) / 10
    >>> metric = BinauralMetric("ild_mae", rate=48_000)
    >>> metric.update(target * torch.tensor([[2.0], [1.0]]), target)
    >>> round(metric.compute().item(), 2)
    6.02

    With a collection:

    >>> from torchmetrics import MetricCollection
    >>> both = MetricCollection({n: BinauralMetric(n) for n in ("itd_mae", "ild_mae")})
    >>> sorted((n, round(v.item(), 2)) for n, v in both(target, target).items())
    [('ild_mae', 0.0), ('itd_mae', 0.0)]
    """

    is_differentiable = False
    full_state_update = False

    def __init__(
        self,
        name: str,
        *,
        rate: int = 48_000,
        options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        spec = get("metric", name)
        lacking = sorted(set(spec.needs) - OFFERED)
        if lacking:
            raise ValidationError(
                f"metric {name!r} needs {', '.join(lacking)}, which a batch of sound does not "
                "hold; score dramas with sd.score instead."
            )
        self.name, self.rate, self.unit = name, int(rate), spec.unit
        self.needs = spec.needs
        self.direction = spec.direction
        self._metric = load("metric", name, **(options or {}))
        # A MetricCollection takes metrics for one that hold equal states of the same names after
        # the first batch; a perfect batch must not make it do so here.
        made = f"{name} {sorted((options or {}).items())!r}"
        tag = hashlib.sha256(made.encode()).hexdigest()[:8]
        self._states = (f"total_{tag}", f"weight_{tag}")
        for state in self._states:
            zero = torch.zeros((), dtype=torch.float64)
            self.add_state(state, default=zero, dist_reduce_fx="sum")

    @property
    def higher_is_better(self) -> bool:
        """Which way is better, as torchmetrics asks."""
        return self.direction == "up"

    def update(
        self,
        preds: torch.Tensor,
        target: torch.Tensor | None = None,
        lengths: torch.Tensor | None = None,
    ) -> None:
        """Add a batch.

        Parameters
        ----------
        preds, target : (b, e, n) float, e = 2
            On any device; `target` for metrics that need a reference.
        lengths : (b,) int, optional
            Samples of each item that are no padding.

        Raises
        ------
        ValidationError
            For another shape, or sound that is not finite; names the item of the batch.
        """
        scores = self._scores(_checked(preds, "preds"), self._target(preds, target), lengths)
        heard = [s for s in scores if np.isfinite(s.value) and s.weight > 0]
        sums = (sum(s.value * s.weight for s in heard), sum(s.weight for s in heard))
        for state, part in zip(self._states, sums, strict=True):
            kept = getattr(self, state)
            setattr(self, state, kept + torch.as_tensor(part, dtype=kept.dtype, device=kept.device))

    def compute(self) -> torch.Tensor:
        """Return the weighted mean, () on the module's device; NaN before anything counted."""
        total, weight = (getattr(self, state) for state in self._states)
        return total / weight

    def _target(self, preds: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor | None:
        if "reference" not in self.needs:
            return None
        if target is None:
            raise ValidationError(f"metric {self.name!r} compares with a target; give one.")
        if target.shape != preds.shape:
            raise ValidationError(
                f"preds and target differ in shape: {tuple(preds.shape)} and "
                f"{tuple(target.shape)}; cut or pad both alike and give lengths."
            )
        return _checked(target, "target")

    def _scores(
        self, preds: torch.Tensor, target: torch.Tensor | None, lengths: torch.Tensor | None
    ) -> list[Score]:
        ends = _ends(preds, lengths)
        audios = _sounds(preds, ends, self.rate, "preds")
        given = {} if target is None else {"reference": _sounds(target, ends, self.rate, "target")}
        if callable(getattr(self._metric, "score_batch", None)):
            found = list(self._metric.score_batch(audios, **given))
        else:
            found = [
                self._one(i, audio, {need: values[i] for need, values in given.items()})
                for i, audio in enumerate(audios)
            ]
        return [s if isinstance(s, Score) else Score(s) for s in found]

    def _one(self, i: int, audio: BinauralAudio, given: Mapping[str, Any]) -> Any:
        try:
            return self._metric.score(audio, **given)
        except ValidationError as error:
            raise ValidationError(f"item {i} of the batch: {error}") from None


def _checked(batch: torch.Tensor, what: str) -> torch.Tensor:
    if not isinstance(batch, torch.Tensor) or batch.ndim != 3 or batch.shape[1] != 2:
        seen = tuple(getattr(batch, "shape", ())) or type(batch).__name__
        raise ValidationError(f"{what} must be (batch, 2 ears, samples); got {seen}.")
    return batch


def _ends(preds: torch.Tensor, lengths: torch.Tensor | None) -> list[int]:
    count, _, most = preds.shape
    if lengths is None:
        return [most] * count
    ends = [int(n) for n in lengths]
    if len(ends) != count or not all(0 < n <= most for n in ends):
        raise ValidationError(f"lengths must be {count} numbers from 1 to {most}; got {ends}.")
    return ends


def _sounds(batch: torch.Tensor, ends: list[int], rate: int, what: str) -> list[BinauralAudio]:
    arrays = batch.detach().to("cpu", torch.float32).numpy()
    sounds = []
    for i, (array, end) in enumerate(zip(arrays, ends, strict=True)):
        try:
            sounds.append(BinauralAudio(array[:, :end], rate))
        except ValidationError as error:
            raise ValidationError(f"item {i} of {what}: {error}") from None
    return sounds
