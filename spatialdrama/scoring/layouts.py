"""Which columns a comparison shows, in the order and form of the paper's tables, or all."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from spatialdrama.errors import UnknownNameError


@attrs.frozen
class Form:
    """How a column is headed and its numbers are written.

    Parameters
    ----------
    label : str
    digits : int, optional
        Decimals; None: three significant digits.
    percent : bool
        Times 100, with a sign.
    """

    label: str
    digits: int | None = None
    percent: bool = False


#: The paper's heads for the metrics that it prints. The headline metrics keep their own names and
#: units, so that nobody takes one reading for the other.
PAPER = {
    "cer": Form("CER", 2, percent=True),
    "sim": Form("SIM", 2),
    "ffe": Form("FFE", 2),
    "isdrama/ipd_mae": Form("IPD MAE", 3),
    "isdrama/ild_mae": Form("ILD MAE", 3),
    "isdrama/ang_cos": Form("ANG Cos", 2),
    "isdrama/dis_cos": Form("DIS Cos", 2),
}


@attrs.frozen
class Layout:
    """One of the paper's tables: slots, each with metrics that may fill it, and questions."""

    caption: str
    slots: tuple[tuple[str, ...], ...]
    questions: tuple[str, ...]


IPD, ILD = ("isdrama/ipd_mae", "ipd_mae"), ("isdrama/ild_mae", "ild_mae")
ANG, DIS = ("isdrama/ang_cos", "azimuth_mae_deg"), ("isdrama/dis_cos", "distance_mae_m")

LAYOUTS = {
    "speech": Layout(
        "Monaural speech quality (Table 2)",
        (("cer",), ("sim",), ("ffe",)),
        ("MOS-Q", "MOS-S", "MOS-E"),
    ),
    "binaural": Layout(
        "Binaural speech quality (Table 3)", (IPD, ILD, ANG, DIS), ("MOS-Q", "MOS-P")
    ),
    "ablation": Layout(
        "Ablation (Table 4)",
        (("cer",), ("ffe",), ANG, DIS),
        ("CMOS-Q", "CMOS-S", "CMOS-E", "CMOS-P"),
    ),
}


def layout_of(name: str) -> Layout:
    """Return a layout by name."""
    if name not in LAYOUTS:
        raise UnknownNameError(f"no layout {name!r}; there are {', '.join(LAYOUTS)}, or None.")
    return LAYOUTS[name]


def chosen(layout: Layout, have: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the metrics that fill a layout's slots, and the heads of slots that stay empty."""
    filled, empty = [], []
    for slot in layout.slots:
        found = next((m for name in slot for m in have if _is(m, name)), None)
        if found is None:
            empty.append(PAPER[slot[0]].label)
        else:
            filled.append(found)
    return filled, empty


def _is(metric: str, name: str) -> bool:
    """Whether a metric is the named one, or that with another model (``cer/paraformer-zh``)."""
    return metric == name or metric.startswith(f"{name}/")


def form_of(metric: str, unit: str, layout: Layout | None) -> Form:
    """Return the form of a metric's column."""
    for name, form in PAPER.items() if layout is not None else ():
        if _is(metric, name):
            other = metric[len(name) + 1 :]
            return attrs.evolve(form, label=f"{form.label} ({other})") if other else form
    return Form(f"{metric} ({unit})" if unit else metric)
