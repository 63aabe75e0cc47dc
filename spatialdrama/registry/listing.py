"""Tables of what plugins provide and of how each plugin fared, as text, HTML and rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from spatialdrama.errors import UnknownNameError, ValidationError

from .loading import missing_imports
from .manager import Entry, PluginRecord, manager
from .names import resolve, spellings, unknown
from .specs import KINDS, fields_of

#: Set by :mod:`spatialdrama.runtime.assets` when it is imported: names of assets -> those that are
#: not on this machine. The registry itself knows no folders.
missing_assets: Callable[[tuple[str, ...]], tuple[str, ...]] | None = None

#: Columns beside name, summary, provider and state, by kind.
_COLUMNS = {
    "encoder": ("prompt",),
    "generator": ("max_speakers",),
    "metric": ("direction", "unit", "per", "needs"),
    "voice": ("languages", "rate"),
    "renderer": ("device",),
    "corpus": (),
    "asset": ("version", "size"),
}


class Listing(Mapping):
    """What is provided of one kind: a mapping from name to spec that shows itself as a table.

    Live: it follows plugins and notebook cells. ``len``, ``in``, iteration, ``.items()`` work as
    for any mapping; iteration gives the shortest name that resolves.

    Example
    -------
    >>> import spatialdrama as sd
    >>> sd.metrics["itd_mae"].unit              # doctest: +SKIP
    'us'
    >>> sd.metrics.list(needs="reference")      # doctest: +SKIP
    """

    def __init__(self, kind: str, *, filters: Mapping[str, Any] | None = None) -> None:
        self.kind = kind
        self._filters = dict(filters or {})

    # Mapping

    def entries(self) -> list[Entry]:
        """Entries that pass the filters, in plugin order."""
        return [entry for _, entry in self._rows()]

    def _rows(self) -> list[tuple[str, Entry]]:
        entries = manager.entries(self.kind)
        named = zip(spellings(entries), entries, strict=True)
        return [(name, entry) for name, entry in named if self._passes(entry)]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._rows())

    def __len__(self) -> int:
        return len(self._rows())

    def __getitem__(self, name: str) -> Any:
        return self.entry(name).spec

    def __contains__(self, name: object) -> bool:
        try:
            self.entry(name)  # type: ignore[arg-type]
        except UnknownNameError:
            return False
        return True

    def entry(self, name: str) -> Entry:
        """The description with its provider, distribution and version."""
        return resolve(self.kind, name, self.entries(), manager.failures())

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except UnknownNameError:
            return default

    def load(self, name: str, **options: Any) -> Any:
        """Same as ``spatialdrama.registry.load(kind, name, **options)``."""
        return manager.load(self.kind, self.entry(name).full_name, **options)

    # Filters

    def list(self, **filters: Any) -> Listing:
        """A narrower listing.

        Parameters
        ----------
        **filters
            Fields of the spec (a value inside a tuple field counts: ``needs="reference"``,
            ``languages="zh"``), ``provider="speech"``, ``ready=True``.

        Raises
        ------
        ValidationError
            A filter that is no field of this kind.
        """
        allowed = (*fields_of(KINDS[self.kind].spec), "provider", "ready")
        for name in filters:
            if name not in allowed:
                raise ValidationError(
                    f"{KINDS[self.kind].plural}.list() has no filter {name!r}; "
                    f"filters: {', '.join(allowed)}."
                )
        return Listing(self.kind, filters={**self._filters, **filters})

    def _passes(self, entry: Entry) -> bool:
        for name, wanted in self._filters.items():
            if name == "provider":
                seen: Any = entry.provider
            elif name == "ready":
                seen = not _lacks(entry) and not _brings(entry)
            else:
                seen = getattr(entry.spec, name)
            inside = isinstance(seen, tuple) and not isinstance(wanted, tuple)
            if not (wanted in seen if inside else seen == wanted):
                return False
        return True

    # Showing

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary per entry, ready for JSON."""
        return [
            {
                **_plain(entry.spec),
                "name": name,
                "full_name": entry.full_name,
                "provider": entry.provider,
                "distribution": entry.distribution,
                "distribution_version": entry.distribution_version,
                "missing": list(_lacks(entry)),
                "ready": not _lacks(entry) and not _brings(entry),
            }
            for name, entry in self._rows()
        ]

    def _table(self) -> tuple[list[str], list[list[str]]]:
        extra = _COLUMNS[self.kind]
        head = ["name", *(column.replace("_", " ") for column in extra)]
        head += ["summary", "provider", "state"]
        body = []
        for name, entry in self._rows():
            cells = [_cell(column, getattr(entry.spec, column)) for column in extra]
            lacks = _lacks(entry)
            state = "ready" if not lacks else "missing " + ", ".join(lacks)
            if lacks and self.kind == "asset":
                state = "not on this machine"
            elif brings := _brings(entry):
                state = f"{state}; needs {brings}" if lacks else f"needs {brings}"
            provider = f"{entry.provider} {entry.distribution_version}".strip()
            body.append([name, *cells, entry.spec.summary, provider, state])
        return head, body

    def text(self) -> str:
        """The table alone, as plain text."""
        head, body = self._table()
        return "\n".join(text_table(head, body))

    def __repr__(self) -> str:
        head, body = self._table()
        plural = KINDS[self.kind].plural
        some = ", ".join(f"{key}={value!r}" for key, value in self._filters.items())
        title = f"{len(body)} {plural if len(body) != 1 else self.kind}" + (some and f" ({some})")
        lines = [title, *text_table(head, body)] if body else [title]
        for record in manager.failures():
            lines.append(f"plugin {record.name!r} did not load: {record.error}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head, body = self._table()
        failed = [
            [record.name, f"plugin did not load: {record.error}"] for record in manager.failures()
        ]
        return html_table(head, body, failed, fallback=repr(self))

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)


def _lacks(entry: Entry) -> tuple[str, ...]:
    lacks = missing_imports(entry.spec)
    assets = getattr(entry.spec, "assets", ())
    if entry.spec.kind == "asset":
        assets = (entry.full_name,)
    if assets and missing_assets is not None:
        lacks += tuple(f"asset {name}" for name in missing_assets(tuple(assets)))
    return lacks


def _brings(entry: Entry) -> str:
    """What the user must still bring; nothing once the variable that names it is set."""
    spec = entry.spec
    return "" if os.environ.get(getattr(spec, "bring_by", "") or "") else getattr(spec, "bring", "")


def _plain(spec: Any) -> dict[str, Any]:
    def serialise(_instance, _field, value):
        return list(value) if isinstance(value, tuple) else value

    return attrs.asdict(spec, value_serializer=serialise)


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "any" if column == "max_speakers" else ""
    if column == "size":
        return f"{value / 1e6:.1f} MB"
    if column == "direction":
        return f"{value} is better"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


# Plugins


class Plugins(Mapping):
    """How each installed plugin fared: a mapping from entry point name to its record."""

    def __iter__(self) -> Iterator[str]:
        return (record.name for record in manager.records())

    def __len__(self) -> int:
        return len(manager.records())

    def __getitem__(self, name: str) -> PluginRecord:
        # a healthy plugin wins over the failed twin that claims its name
        found = [record for record in manager.records() if record.name == name]
        if found:
            return min(found, key=lambda record: record.status != "loaded")
        raise UnknownNameError(unknown("plugin", name, list(self)))

    def __contains__(self, name: object) -> bool:
        return any(record.name == name for record in manager.records())

    def report(self, *, verbose: bool = False) -> Report:
        """Name, distribution, version, hooks, milliseconds to load and error of each plugin.

        ``verbose=True`` adds the tracebacks of those that failed.
        """
        return Report(manager.records(), verbose=verbose)

    def refresh(self) -> None:
        """Scan again, after ``pip install`` in a running kernel."""
        manager.refresh()

    def __repr__(self) -> str:
        return repr(self.report())

    def _repr_html_(self) -> str:
        return self.report()._repr_html_()


class Report:
    """A snapshot of the plugins' records that shows itself as text or HTML."""

    HEAD = ("name", "distribution", "version", "hooks", "load ms", "state")

    def __init__(self, records: tuple[PluginRecord, ...], *, verbose: bool = False) -> None:
        self.records = records
        self.verbose = verbose

    def __iter__(self) -> Iterator[PluginRecord]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary per plugin, ready for JSON; tracebacks only when verbose."""
        rows = [_plain(record) for record in self.records]
        if not self.verbose:
            for row in rows:
                row.pop("traceback")
        return rows

    def _cells(self, record: PluginRecord) -> list[str]:
        hooks = ", ".join(hook.removeprefix("register_") for hook in record.hooks)
        state = record.error or record.status
        if record.heavy:
            state += f" (its plugin module imports {', '.join(record.heavy)}: slow to list)"
        ms = f"{record.load_ms:.1f}" if record.status != "disabled" else ""
        return [record.name, record.distribution, record.version, hooks, ms, state]

    def __repr__(self) -> str:
        if not self.records:
            return "no plugins installed"
        lines = text_table(list(self.HEAD), [self._cells(record) for record in self.records])
        if self.verbose:
            for record in self.records:
                if record.traceback:
                    lines += ["", f"{record.name}:", record.traceback.rstrip()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from html import escape

        good = [self._cells(r) for r in self.records if r.status != "failed"]
        bad = [[r.name, f"{r.origin}: {r.error}"] for r in self.records if r.status == "failed"]
        table = html_table(list(self.HEAD), good, bad, fallback=repr(self))
        if not self.verbose:
            return table
        folds = "".join(
            f"<details><summary>{escape(r.name)}</summary>"
            f"<pre>{escape(r.traceback)}</pre></details>"
            for r in self.records
            if r.traceback
        )
        return table + folds


# Tables


def text_table(head: list[str], body: list[list[str]], *, widest: int = 60) -> list[str]:
    """Lines of a plain table; cells longer than ``widest`` are cut except in the last column."""

    def cut(text: str) -> str:
        return text if len(text) <= widest else text[: widest - 1] + "…"

    rows = [[cut(cell) for cell in row[:-1]] + row[-1:] for row in body]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head) - 1)]

    def line(row: list[str]) -> str:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        return "  ".join([*cells, row[-1]]).rstrip()

    return [
        line(head),
        "  ".join("-" * width for width in [*widths, len(head[-1])]),
        *map(line, rows),
    ]


def html_table(
    head: list[str], body: list[list[str]], failed: list[list[str]], *, fallback: str
) -> str:
    """An escaped HTML table; ``failed`` rows follow greyed, their second cell across the rest.

    The text form stands below for places that strip styles, as xarray's reprs do.
    """

    from html import escape

    def row(cells: list[str], tag: str = "td") -> str:
        return "".join(f'<{tag} style="text-align:left">{escape(cell)}</{tag}>' for cell in cells)

    lines = [f"<tr>{row(cells)}</tr>" for cells in body]
    lines += [
        f'<tr style="opacity:0.6"><td style="text-align:left">{escape(name)}</td>'
        f'<td style="text-align:left" colspan="{len(head) - 1}">{escape(reason)}</td></tr>'
        for name, reason in failed
    ]
    return (
        "<div><table><thead><tr>"
        + row(head, "th")
        + "</tr></thead><tbody>"
        + "".join(lines)
        + '</tbody></table><pre style="display:none">'
        + escape(fallback)
        + "</pre></div>"
    )
