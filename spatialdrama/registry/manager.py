"""Finds plugins, loads each inside its own ``try``, and keeps what they describe and why they fail.

pluggy checks hook signatures, orders implementations and traces calls. Its own entry point loader
is not used: there, one plugin that cannot be imported stops every plugin after it
(docs/explanation/decisions/0002-registry.md). Here a failing plugin is rolled back, kept with its
reason and traceback, and announced by one :class:`~spatialdrama.errors.PluginLoadWarning`.

Environment
-----------
``SPATIALDRAMA_PLUGINS``
    Comma-separated names: load only these. Set but empty: load none.
``SPATIALDRAMA_DISABLE_PLUGINS``
    Comma-separated names that are left out.
``SPATIALDRAMA_STRICT_PLUGINS``
    ``1``: raise on the first failure, for plugin authors and CI.
``SPATIALDRAMA_TRACE_PLUGINS``
    ``1``: print each hook call to stderr.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterable
from typing import Any

import attrs
import pluggy

from spatialdrama.errors import PluginError, PluginLoadWarning

from . import hookspecs, specs
from .loading import load_target
from .names import nearest, resolve
from .specs import KINDS

LOCAL = "local"  #: provider of everything registered from a notebook cell

#: Importing one of these from ``plugin.py`` makes every listing slow; reports name the culprit.
HEAVY = ("torch", "xarray", "pandas", "scipy", "numpy", "matplotlib", "onnxruntime", "librosa")


@attrs.frozen
class Entry:
    """A description with its provider. ``full_name`` is ``provider/name`` and always resolves."""

    spec: Any
    provider: str
    distribution: str = ""
    distribution_version: str = ""
    obj: Any = None  #: the object itself, for registrations from a notebook cell

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def full_name(self) -> str:
        return f"{self.provider}/{self.spec.name}"


@attrs.frozen
class PluginRecord:
    """What became of one entry point."""

    name: str
    status: str  #: "loaded", "failed" or "disabled"
    distribution: str = ""
    version: str = ""
    module: str = ""
    hooks: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    load_ms: float = 0.0
    heavy: tuple[str, ...] = ()
    error: str = ""
    traceback: str = ""

    @property
    def origin(self) -> str:
        """``spatialdrama-speech 0.1.0``, as far as known."""
        return f"{self.distribution} {self.version}".strip()


def _names_in(variable: str) -> tuple[str, ...] | None:
    value = os.environ.get(variable)
    if value is None:
        return None
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _switched_on(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() not in ("", "0", "no", "false", "off")


class Manager:
    """All plugins of this process. :data:`manager` is the one that everybody uses.

    Scanning happens once, on first use, under a lock. :meth:`refresh` forgets everything except
    what was registered from notebook cells, for use after ``pip install`` in a running kernel.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._local: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
        self._reset()

    def _reset(self) -> None:
        self._scanned = False
        self._entries: dict[str, list[Entry]] = {kind: [] for kind in KINDS}
        self._records: dict[str, PluginRecord] = {}
        self._pluggy = pluggy.PluginManager(hookspecs.PROJECT)
        self._pluggy.add_hookspecs(hookspecs)

    def refresh(self) -> None:
        """Forget all plugins and scan again on next use."""
        with self._lock:
            self._reset()

    # What others ask for

    def entries(self, kind: str) -> tuple[Entry, ...]:
        """All descriptions of one kind, plugins first, then notebook cells."""
        self.scan()
        return (*self._entries[kind], *self._local[kind].values())

    def records(self) -> tuple[PluginRecord, ...]:
        """One record per entry point, sorted by name."""
        self.scan()
        return tuple(self._records[key] for key in sorted(self._records))

    def failures(self) -> tuple[PluginRecord, ...]:
        return tuple(record for record in self.records() if record.status == "failed")

    def entry(self, kind: str, name: str) -> Entry:
        """The one description that ``name`` or ``provider/name`` means, or UnknownNameError."""
        check_kind(kind)
        return resolve(kind, name, self.entries(kind), self.failures())

    def get(self, kind: str, name: str) -> Any:
        """The spec that ``name`` or ``provider/name`` means."""
        return self.entry(kind, name).spec

    def load(self, kind: str, name: str, **options: Any) -> Any:
        """Import what the name stands for and make it, passing ``options`` to its constructor."""
        return load_target(self.entry(kind, name), options)

    # Notebook cells

    def register_local(self, kind: str, spec: Any, obj: Any) -> None:
        check_kind(kind)
        if not isinstance(spec, KINDS[kind].spec):
            raise PluginError(
                f"register_local({kind!r}, ...) takes a {KINDS[kind].spec.__name__}; got {spec!r}."
            )
        with self._lock:
            self._local[kind][spec.name] = Entry(spec, LOCAL, "this session", "", obj)

    def unregister_local(self, kind: str, name: str) -> None:
        check_kind(kind)
        with self._lock:
            self._local[kind].pop(name, None)

    # Scanning

    def scan(self) -> None:
        """Load every plugin once. Cheap after the first call."""
        if self._scanned:
            return
        with self._lock:
            if self._scanned:
                return
            self._scanned = True  # before loading: a plugin that lists the others must not recurse
            if _switched_on("SPATIALDRAMA_TRACE_PLUGINS"):
                self._pluggy.trace.root.setwriter(_write_trace)
                self._pluggy.enable_tracing()
            try:
                self._load_all(importlib.metadata.entry_points(group=hookspecs.GROUP))
            except BaseException:
                self._reset()  # strict mode or Ctrl-C: the next use starts from nothing
                raise

    def _load_all(self, found: Iterable[importlib.metadata.EntryPoint]) -> None:
        only = _names_in("SPATIALDRAMA_PLUGINS")
        disabled = _names_in("SPATIALDRAMA_DISABLE_PLUGINS") or ()
        found = sorted(found, key=lambda point: (point.name, _distribution(point)[0]))
        self._warn_unknown("SPATIALDRAMA_PLUGINS", only or (), found)
        self._warn_unknown("SPATIALDRAMA_DISABLE_PLUGINS", disabled, found)
        for point in found:
            if point.name in disabled or (only is not None and point.name not in only):
                distribution, version = _distribution(point)
                self._records[point.name] = PluginRecord(
                    point.name, "disabled", distribution, version, point.value
                )
            else:
                self._load_one(point)

    def _warn_unknown(self, variable: str, names: Iterable[str], found: list) -> None:
        known = {point.name for point in found}
        for name in names:
            if name not in known:
                _warn(
                    f"{variable} names the plugin {name!r}, which is not installed. "
                    f"Installed: {', '.join(sorted(known)) or 'none'}."
                )

    def _load_one(self, point: importlib.metadata.EntryPoint) -> None:
        distribution, version = _distribution(point)
        base = PluginRecord(point.name, "loaded", distribution, version, point.value)
        kept = {kind: list(entries) for kind, entries in self._entries.items()}
        loaded_before = set(HEAVY) & set(sys.modules)
        began = time.perf_counter()
        try:
            self._refuse_twin(base)
            module = point.load()
            hooks = self._connect(point.name, module)
            self._call_hooks(base, hooks)
        except (Exception, SystemExit) as error:  # a plugin must not end the process it joins
            self._roll_back(point.name, kept)
            record = attrs.evolve(
                base,
                status="failed",
                load_ms=_since(began),
                error=_reason(error),
                traceback="".join(traceback.format_exception(error)),
            )
            # a twin's failure must not hide the healthy plugin of the same name
            key = point.name
            while key in self._records:
                key += f" ({distribution})"
            self._records[key] = record
            if _switched_on("SPATIALDRAMA_STRICT_PLUGINS"):
                raise PluginError(
                    f"plugin {_with_origin(record)} did not load: {record.error}"
                ) from error
            _warn(
                f"plugin {_with_origin(record)} did not load: {record.error} "
                f"The other plugins did. See: spatialdrama plugins {point.name} --verbose"
            )
        else:
            self._records[point.name] = attrs.evolve(
                base,
                hooks=tuple(hooks),
                provides=self._provided_by(point.name),
                load_ms=_since(began),
                heavy=tuple(m for m in HEAVY if m in sys.modules and m not in loaded_before),
            )

    def _refuse_twin(self, base: PluginRecord) -> None:
        if base.name == LOCAL:
            raise PluginError(
                f"{LOCAL!r} is the name of this session's own registrations. "
                "Give the entry point another name."
            )
        twin = self._records.get(base.name)
        if twin is not None and twin.status == "loaded":
            raise PluginError(
                f"the name {base.name!r} is taken by {twin.origin or twin.module}; "
                f"{base.origin or base.module} claims it too. Uninstall one of them, or rename one "
                "entry point."
            )

    def _connect(self, name: str, module: Any) -> tuple[str, ...]:
        """Hand the module to pluggy; returns the names of its hooks."""
        known = [kind.hook for kind in KINDS.values()]
        for attribute in dir(module):
            if self._pluggy.parse_hookimpl_opts(module, attribute) is None:
                continue
            if attribute not in known:
                near = nearest(attribute, known, count=1)
                guess = f" Did you mean {near[0]!r}?" if near else ""
                raise PluginError(
                    f"there is no hook {attribute!r}.{guess} Hooks: {', '.join(known)}."
                )
        try:
            self._pluggy.register(module, name=name)
        except pluggy.PluginValidationError as error:
            raise PluginError(_signature_message(module, known) or str(error)) from error
        hooks = tuple(c.name for c in self._pluggy.get_hookcallers(module) or ())
        if not hooks:
            raise PluginError(
                f"{getattr(module, '__name__', module)!r} implements no hook. Decorate a function "
                f"with @spatialdrama.hookimpl and name it one of: {', '.join(known)}."
            )
        return tuple(hook for hook in known if hook in hooks)

    def _call_hooks(self, base: PluginRecord, hooks: Iterable[str]) -> None:
        others = [p for n, p in self._pluggy.list_name_plugin() if n != base.name and p]
        for hook in hooks:
            kind = next(kind for kind in KINDS.values() if kind.hook == hook)
            caller = self._pluggy.subset_hook_caller(hook, remove_plugins=others)
            try:
                caller(register=self._register(kind, base))
            except TypeError as error:
                raise PluginError(_field_message(hook, error)) from error

    def _register(self, kind: specs.Kind, base: PluginRecord):
        def register(spec: Any) -> None:
            if not isinstance(spec, kind.spec):
                right = next((k for k in KINDS.values() if isinstance(spec, k.spec)), None)
                hint = f" Use {right.hook} for it." if right else ""
                raise PluginError(
                    f"{kind.hook}(register): register() takes a {kind.spec.__name__}; "
                    f"got {spec!r}.{hint}"
                )
            mine = [entry for entry in self._entries[kind.name] if entry.provider == base.name]
            if any(entry.name == spec.name for entry in mine):
                raise PluginError(
                    f"{kind.hook}(register): {kind.name} {spec.name!r} is registered twice. "
                    "Give one of them another name."
                )
            self._entries[kind.name].append(Entry(spec, base.name, base.distribution, base.version))

        return register

    def _roll_back(self, name: str, kept: dict[str, list[Entry]]) -> None:
        self._entries = kept
        twin = self._records.get(name)
        if (twin is None or twin.status != "loaded") and self._pluggy.has_plugin(name):
            self._pluggy.unregister(name=name)

    def _provided_by(self, provider: str) -> tuple[str, ...]:
        return tuple(
            f"{kind}:{entry.name}"
            for kind, entries in self._entries.items()
            for entry in entries
            if entry.provider == provider
        )


def check_kind(kind: str) -> None:
    """Raise PluginError unless ``kind`` is one of the registry's kinds."""
    if kind not in KINDS:
        raise PluginError(f"no kind {kind!r}; kinds: {', '.join(KINDS)}.")


def _distribution(point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    dist = getattr(point, "dist", None)
    if dist is None:
        return "", ""
    return dist.metadata["Name"] or "", dist.version or ""


def _since(began: float) -> float:
    return round(1000 * (time.perf_counter() - began), 2)


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split()) or "no message"
    known = isinstance(error, PluginError)
    return text if known else f"{type(error).__name__}: {text.rstrip('.')}."


def _with_origin(record: PluginRecord) -> str:
    return f"{record.name!r} ({record.origin})" if record.origin else repr(record.name)


def _field_message(hook: str, error: TypeError) -> str:
    """A TypeError from inside a hook; if a spec was given a wrong field, say which it takes."""
    text = str(error)
    found = re.search(r"(\w+)\.__init__\(\)", text)
    named = getattr(specs, found.group(1), None) if found else None
    if named in [kind.spec for kind in KINDS.values()]:
        allowed = ", ".join(specs.fields_of(named))
        return f"{hook}(register): {text}. {named.__name__} takes: {allowed}."
    return f"{hook}(register): TypeError: {text}."


def _signature_message(module: Any, known: Iterable[str]) -> str:
    """Which hook of the module has arguments other than ``register``, in words."""
    for hook in known:
        code = getattr(getattr(module, hook, None), "__code__", None)
        if code is None:
            continue
        arguments = code.co_varnames[: code.co_argcount]
        wrong = [name for name in arguments if name not in ("self", "register")]
        if wrong:
            return (
                f"hook {hook}({', '.join(arguments)}) has the argument {wrong[0]!r}; "
                f"allowed arguments: register. Write: def {hook}(register)"
            )
    return ""


def _warn(text: str) -> None:
    warnings.warn(text, PluginLoadWarning, stacklevel=2)


def _write_trace(text: str) -> None:
    sys.stderr.write("[spatialdrama plugins] " + text)


manager = Manager()
entry = manager.entry
get = manager.get
load = manager.load
refresh = manager.refresh
