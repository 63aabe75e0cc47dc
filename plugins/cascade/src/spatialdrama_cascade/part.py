"""A voice or a renderer, with what identifies it: what provenance states and caches go by."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.registry import AssetSpec, entry, get, load
from spatialdrama.runtime.assets import require

#: Provider of what was registered from a notebook cell: its code may change under its name.
LOCAL = "local"
_PLAIN = (str, int, float, bool, type(None))


@attrs.define
class Part:
    """One half of a cascade.

    Parameters
    ----------
    kind : "voice" or "renderer"
    name : str
        Empty for an object that was handed over.
    options : dict
        For the plugin's constructor.
    given : object, optional
    """

    kind: str
    name: str
    options: dict[str, Any]
    given: Any = None

    @classmethod
    def of(cls, kind: str, given: Any, options: Mapping[str, Any] | None) -> Part:
        """Return the part for a name or an object; an unknown name is said before any work."""
        if options is not None and not isinstance(options, Mapping):
            raise ValidationError(f"{kind}_options must be {{option: value}}; got {options!r}.")
        if isinstance(given, str):
            return cls(kind, entry(kind, given).full_name, dict(options or {}))
        return cls(kind, "", dict(options or {}), given)

    def load(self) -> Any:
        """Return the voice or renderer, made on first use."""
        if self.given is None:
            self.given = load(self.kind, self.name, **self.options)
        return self.given

    @property
    def can_be_kept(self) -> bool:
        """Whether a hash of name, version and options says all about what it makes.

        Not so for objects and for code from a notebook cell, nor where an option is an array or
        another object.
        """
        plain = all(isinstance(v, _PLAIN) for v in self.options.values())
        return bool(self.name) and plain and entry(self.kind, self.name).provider != LOCAL

    def fingerprint(self) -> dict[str, Any]:
        """Return a JSON-ready description; options that name a file carry its hash."""
        if not self.name:
            return {"object": type(self.given).__qualname__}
        found = entry(self.kind, self.name)
        out: dict[str, Any] = {
            "name": found.full_name,
            "distribution": f"{found.distribution} {found.distribution_version}".strip(),
            "version": found.spec.version,
            "options": {
                k: v if isinstance(v, _PLAIN) else f"<{type(v).__qualname__}>"
                for k, v in self.options.items()
            },
            "assets": self.assets(),
        }
        files = {k: _sha256(v) for k, v in self.options.items() if _is_file(v)}
        return out | ({"files": files} if files else {})

    def assets(self) -> dict[str, str]:
        """Return {asset: sha256} of what it loads."""
        if not self.name:
            return {}
        specs: list[AssetSpec] = [get("asset", a) for a in get(self.kind, self.name).assets]
        return {spec.name: spec.sha256 for spec in specs}

    def check_assets(self) -> None:
        """Raise when a model or data file is missing or damaged, naming the command."""
        require(self.assets(), f"{self.kind} {self.name!r}")


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and Path(value).is_file()


def _sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
