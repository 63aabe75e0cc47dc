"""Conformance of metrics."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

from spatialdrama.errors import ValidationError
from spatialdrama.registry.manager import Entry
from spatialdrama.types import BinauralAudio, Pose, Score, Script

from . import cases
from .clauses import fail
from .common import check_copies, made, same, who_is


def check_metric(
    name: str, *, options: Mapping[str, Any] | None = None, slack: float = 1e-6
) -> None:
    """Check an installed (or session's own) metric against all clauses for metrics.

    Parameters
    ----------
    name : str
        As for ``sd.load_metric``.
    options : mapping, optional
        Options to construct it with.
    slack : float
        How much better than the reference itself a rounding error may look.

    Raises
    ------
    ConformanceError
        The first clause that it breaks.
    """
    entry, metric = made("metric", name, options)
    _check_signature(entry, metric)
    truth = cases.clip(itd_us=300, ild_db=4)
    inputs = {"the reference itself": truth, **cases.degraded(truth)}
    values = {label: _score(entry, metric, audio, truth) for label, audio in inputs.items()}
    _check_repeats(entry, metric, inputs, truth, values)
    _check_bounds(entry, values)
    _check_order(entry, values, slack)
    _check_odd(entry, metric, truth)
    _check_batch(entry, metric, inputs, truth, values)
    check_copies(entry, metric, lambda obj: _score(entry, obj, truth, truth))


def _needs(entry: Entry, reference: BinauralAudio) -> dict[str, Any]:
    everything = {
        "reference": reference,
        "line": cases.line(),
        "script": Script([cases.line()]),
        "scene": cases.scene(),
        "pose": Pose.fixed(azimuth_deg=70, distance=1.5),
        # At the voice's rate, not the clip's: a metric that needs one rate resamples.
        "prompt": cases.ToneVoice().speak("My name is Anna, I wait at the door.", identity="high"),
    }
    return {need: everything[need] for need in entry.spec.needs}


def _score(entry: Entry, metric: Any, audio: BinauralAudio, reference: BinauralAudio) -> float:
    return _value(entry, metric.score(audio, **_needs(entry, reference)))


def _value(entry: Entry, result: Any) -> float:
    if isinstance(result, Score):
        value = result.value
    elif isinstance(result, bool):
        fail(who_is(entry), "metric-result", f"{result!r}")
    else:
        try:
            value = float(result)
        except (TypeError, ValueError):
            fail(who_is(entry), "metric-result", f"{result!r}")
    if math.isinf(value):
        fail(who_is(entry), "metric-result", f"{value}")
    return value


def _check_signature(entry: Entry, metric: Any) -> None:
    call = getattr(metric, "function", None) or metric.score
    taken = set(getattr(metric, "options", ()))
    try:
        inspect.signature(call).bind(None, **dict.fromkeys((*entry.spec.needs, *taken)))
    except TypeError as error:
        fail(who_is(entry), "metric-needs", f"needs={entry.spec.needs!r} and {error}")
    except ValueError:  # a builtin without a signature: calling it will tell
        return


def _check_repeats(entry, metric, inputs, truth, values) -> None:
    for label in reversed(list(inputs)):  # another order than the first time
        again = _score(entry, metric, inputs[label], truth)
        if not same(again, values[label]):
            fail(who_is(entry), "repeats", f"{values[label]} and then {again} for {label}")


def _check_batch(entry, metric, inputs, truth, values) -> None:
    if not callable(getattr(metric, "score_batch", None)):
        return
    needs = {need: [value] * len(inputs) for need, value in _needs(entry, truth).items()}
    results = list(metric.score_batch(list(inputs.values()), **needs))
    if len(results) != len(inputs):
        fail(who_is(entry), "metric-batch", f"{len(results)} results for {len(inputs)} items")
    for label, result in zip(inputs, results, strict=True):
        value, alone = _value(entry, result), values[label]
        # A batch may be summed in another order, on another device.
        if not (same(value, alone) or math.isclose(value, alone, rel_tol=1e-4, abs_tol=1e-6)):
            fail(who_is(entry), "metric-batch", f"{value:g} and alone {alone:g} for {label}")


def _check_bounds(entry: Entry, values: Mapping[str, float]) -> None:
    low, high = entry.spec.bounds
    for label, value in values.items():
        if (low is not None and value < low) or (high is not None and value > high):
            fail(who_is(entry), "metric-bounds", f"{value} for {label}, bounds {low} to {high}")


def _check_order(entry: Entry, values: Mapping[str, float], slack: float) -> None:
    if "reference" not in entry.spec.needs:
        return
    sign = 1 if entry.spec.direction == "down" else -1
    values = dict(values)
    best = values.pop("the reference itself")
    if math.isnan(best):
        fail(who_is(entry), "metric-best", "NaN for the reference itself")
    for label, value in values.items():
        if sign * value < sign * best - slack:
            fail(
                who_is(entry),
                "metric-best",
                f"{value:g} for {label}, {best:g} for the reference itself, "
                f"and {entry.spec.direction} is better",
            )
    if not any(sign * value > sign * best + slack for value in values.values()):
        fail(who_is(entry), "metric-worse", f"{best:g} for all of: {', '.join(values)}")


def _check_odd(entry: Entry, metric: Any, truth: BinauralAudio) -> None:
    for label, audio in cases.odd(truth.rate).items():
        for reference in (truth, audio):
            try:
                _score(entry, metric, audio, reference)
            except ValidationError:
                continue
            except Exception as error:
                if isinstance(error, AssertionError):
                    raise
                fail(who_is(entry), "metric-odd", f"{type(error).__name__}: {error} for {label}")
    if "reference" in entry.spec.needs:
        other = cases.clip(itd_us=300, ild_db=4, rate=44_100)
        try:
            value = _score(entry, metric, other, truth)
        except ValidationError:
            return
        except Exception as error:
            if isinstance(error, AssertionError):
                raise
            fail(who_is(entry), "metric-rate", f"{type(error).__name__}: {error}")
        fail(who_is(entry), "metric-rate", f"{value:g} for 44100 Hz against 48000 Hz")
