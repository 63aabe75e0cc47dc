"""One way to show progress: a bar on a terminal or in a notebook, plain lines elsewhere.

Everything goes to stderr, so stdout stays clean for data. ``SPATIALDRAMA_PROGRESS=0`` silences it.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

#: Seconds between plain lines: frequent enough to see life, rare enough for a log.
PLAIN_INTERVAL = 5.0


class Progress:
    """A count that shows itself. Made by :func:`progress`; iterate it or call :meth:`update`.

    Example
    -------
    >>> from spatialdrama.runtime.progress import progress
    >>> with progress(label="rendering", total=3, show=False) as bar:
    ...     for _ in range(3):
    ...         bar.update()
    >>> bar.count
    3
    """

    def __init__(self, iterable, label, total, unit, show) -> None:
        self.iterable = iterable
        self.label = label
        self.total = total
        self.unit = unit
        self.count = 0
        self._began = time.monotonic()
        self._said = self._began
        self._said_count = -1
        self._note = ""
        self._closed = False
        self._style = _style() if show is None else ("auto" if show else "quiet")
        if self._style == "auto":
            self._style = _place()
        self._bar = _bar(self) if self._style == "bar" else None

    def update(self, count: int = 1, *, note: str = "") -> None:
        """Count on; ``note`` is shown behind the bar, for example the line being spoken."""
        self.count += count
        if note:
            self._note = note
        if self._bar is not None:
            if note:
                self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(count)
        elif self._style == "plain" and time.monotonic() - self._said >= PLAIN_INTERVAL:
            self._say()

    def close(self) -> None:
        """End the display; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self._bar is not None:
            self._bar.close()
        elif self._style == "plain" and self.label and self._said_count != self.count:
            self._say()

    def _say(self) -> None:
        now = time.monotonic()
        self._said, self._said_count = now, self.count
        if self.unit == "B":
            done, whole = f"{self.count / 1e6:.1f}", f"{(self.total or 0) / 1e6:.1f} MB"
        else:
            done, whole = str(self.count), str(self.total)
        text = f"{self.label}: {done}"
        if self.total:
            text += f" of {whole} ({100 * self.count / self.total:.0f} %)"
        text += f", {now - self._began:.0f} s" + (f", {self._note}" if self._note else "")
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def __iter__(self) -> Iterator[Any]:
        with self:
            for item in self.iterable if self.iterable is not None else ():
                yield item
                self.update()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def progress(
    iterable: Iterable[T] | None = None,
    label: str = "",
    total: int | None = None,
    *,
    unit: str = "it",
    show: bool | None = None,
) -> Progress:
    """Show how far an iteration, or a count, has come.

    Parameters
    ----------
    iterable : iterable, optional
        Iterate the result instead of it. Without one, call ``.update()`` inside ``with``.
    label : str
        What is going on ("speaking", "rendering").
    total : int, optional
        Default ``len(iterable)`` where it has one.
    unit : str
        "B" shows megabytes.
    show : bool, optional
        Default from ``SPATIALDRAMA_PROGRESS`` ("0" = quiet); True or False decide here.
    """
    if total is None and hasattr(iterable, "__len__"):
        total = len(iterable)  # type: ignore[arg-type]
    return Progress(iterable, label, total, unit, show)


def _style() -> str:
    value = os.environ.get("SPATIALDRAMA_PROGRESS", "").strip().lower()
    return "quiet" if value in ("0", "no", "off", "false") else "auto"


def _place() -> str:
    """ "bar" on a terminal or in a notebook kernel, "plain" for pipes and logs."""
    if "ipykernel" in sys.modules:
        return "bar"
    stream = sys.stderr
    return "bar" if stream is not None and stream.isatty() else "plain"


def _bar(owner: Progress) -> Any:
    with warnings.catch_warnings():
        # without ipywidgets tqdm warns and draws its text bar, which is what we want
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm

        return tqdm(
            total=owner.total,
            desc=owner.label or None,
            unit=owner.unit,
            unit_scale=owner.unit == "B",
            file=sys.stderr,
            leave=True,
            dynamic_ncols=True,
        )
