"""The commands ``spatialdrama plugins`` and ``spatialdrama assets``.

Each ``add_*`` function adds one sub-command to an argparse parser and sets ``func``, which takes
the parsed arguments and returns the exit status. Errors are raised; ``spatialdrama.cli`` prints
them on one line.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from spatialdrama.errors import AssetError, UnknownNameError
from spatialdrama.registry import KINDS, listings, manager, plugins
from spatialdrama.registry.listing import text_table
from spatialdrama.registry.names import unknown

PLUGINS_EXAMPLE = """\
examples:
  spatialdrama plugins                 everything that is installed
  spatialdrama plugins kokoro          one voice, metric, renderer ... or one plugin
  spatialdrama plugins --verbose       with the traceback of each plugin that failed
  spatialdrama plugins --json          for programs

Exit status 1 when the plugin that was named failed to load.
Environment: SPATIALDRAMA_PLUGINS=a,b loads only these, SPATIALDRAMA_DISABLE_PLUGINS=a leaves one
out, SPATIALDRAMA_STRICT_PLUGINS=1 stops at the first failure, SPATIALDRAMA_TRACE_PLUGINS=1 prints
each hook call.
"""

ASSETS_EXAMPLE = """\
examples:
  spatialdrama assets list
  spatialdrama assets fetch kemar
  spatialdrama assets fetch --for kokoro physical cer
  spatialdrama assets fetch --all --dry-run
  spatialdrama assets verify

Files are kept in SPATIALDRAMA_HOME (default: your cache folder). SPATIALDRAMA_ASSETS is a list of
folders that are looked into first. Nothing but `fetch` ever downloads.
"""


# plugins


def add_plugins_command(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``plugins``: what is installed, from whom, what is missing, what failed and why."""
    parser = subparsers.add_parser(
        "plugins",
        help="list voices, renderers, metrics ... and the plugins they come from",
        description="List what plugins provide, and why a plugin did not load.",
        epilog=PLUGINS_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("name", nargs="?", help="show this plugin, voice, metric ... only")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--verbose", action="store_true", help="print tracebacks of failures")
    parser.set_defaults(func=run_plugins)
    return parser


def run_plugins(arguments: argparse.Namespace) -> int:
    """Print the listings; 1 when the plugin that was named failed to load, else 0."""
    import warnings

    import spatialdrama.runtime.assets  # noqa: F401  (tables say which assets are missing)
    from spatialdrama.errors import PluginLoadWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginLoadWarning)  # the table says the same, in place
        manager.scan()
    if arguments.name:
        return _show_one(arguments)
    report = plugins.report(verbose=arguments.verbose)
    if arguments.json:
        everything = {KINDS[kind].plural: listing.rows() for kind, listing in listings.items()}
        _print_json({"plugins": report.rows(), **everything})
    else:
        for kind, listing in listings.items():
            if len(listing):
                print(f"{KINDS[kind].plural}:")
                print(_indent(listing.text()))
                print()
        print("plugins:")
        print(_indent(repr(report)))
    return 0


def _show_one(arguments: argparse.Namespace) -> int:
    name = arguments.name
    shown: dict[str, Any] = {}
    status = 0
    if name in plugins:
        record = plugins[name]
        rows = plugins.report(verbose=True).rows()
        shown["plugin"] = next(row for row in rows if row["name"] == name)
        if not arguments.verbose or not record.traceback:
            shown["plugin"].pop("traceback")
        status = 1 if record.status == "failed" else 0
    for kind, listing in listings.items():
        if name in listing:
            full = listing.entry(name).full_name
            shown[kind] = next(row for row in listing.rows() if row["full_name"] == full)
    if not shown:
        for listing in listings.values():
            if any(entry.name == name for entry in listing.entries()):
                listing.entry(name)  # two plugins claim it: this says which
        known = [*plugins, *(known for listing in listings.values() for known in listing)]
        raise UnknownNameError(unknown("plugin or provided", name, known, manager.failures()))
    if arguments.json:
        _print_json(shown)
    else:
        print("\n\n".join(_card(title, fields) for title, fields in shown.items()))
    return status


def _card(title: str, fields: dict[str, Any]) -> str:
    lines = [f"{title} {fields['name']}"]
    for key, value in fields.items():
        if key == "name" or value in (None, "", [], {}):
            continue
        if isinstance(value, list):
            value = ", ".join(_brief(item) for item in value)
        text = str(value).rstrip()
        text = "\n" + _indent(text, 4) if "\n" in text else f" {text}"
        lines.append(f"  {key.replace('_', ' ')}:{text}")
    return "\n".join(lines)


def _brief(item: Any) -> str:
    """One element of a list field; an asset's sources in words."""
    if isinstance(item, dict) and "where" in item:
        parts = dict.fromkeys(f"{p['distribution']}=={p['version']}" for p in item["parts"])
        return f"{item['where']} {item['path'] or ' '.join(parts)}"
    return str(item)


# assets


def add_assets_command(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``assets list|fetch|verify``."""
    parser = subparsers.add_parser(
        "assets",
        help="list, fetch and verify model and data files",
        description="List, fetch and verify the model and data files that plugins need.",
        epilog=ASSETS_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|fetch|verify")
    _add_list(actions)
    _add_fetch(actions)
    _add_verify(actions)
    return parser


def _add_list(actions: Any) -> None:
    parser = actions.add_parser(
        "list",
        help="what there is and where it stands",
        description="List all assets with size, licence and state.",
        epilog="example:\n  spatialdrama assets list --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(func=run_assets_list)


def _add_fetch(actions: Any) -> None:
    parser = actions.add_parser(
        "fetch",
        help="bring assets to this machine",
        description="Fetch assets from their sources and check their sha256.",
        epilog="examples:\n  spatialdrama assets fetch kemar\n"
        "  spatialdrama assets fetch --for kokoro physical --dry-run",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="assets by name")
    parser.add_argument("--all", action="store_true", help="all assets")
    parser.add_argument(
        "--for",
        dest="users",
        nargs="+",
        default=[],
        metavar="USER",
        help="all that these voices, metrics, renderers ... load",
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    parser.add_argument("--dry-run", action="store_true", help="say what would be fetched")
    parser.add_argument("--only", choices=("url", "package"), help="use sources of this kind only")
    parser.set_defaults(func=run_assets_fetch)


def _add_verify(actions: Any) -> None:
    parser = actions.add_parser(
        "verify",
        help="hash files again",
        description="Hash the files of assets on this machine again and compare.",
        epilog="examples:\n  spatialdrama assets verify\n  spatialdrama assets verify kemar",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all on this machine")
    parser.set_defaults(func=run_assets_verify)


def run_assets_list(arguments: argparse.Namespace) -> int:
    """Print all assets; 0."""
    from spatialdrama.runtime.assets import assets, status

    found = [(name, status(name)) for name in assets]
    if arguments.json:
        _print_json(
            [
                {
                    **row,
                    "state": stands.state,
                    "path": str(stands.path) if stands.path else None,
                }
                for row, (_, stands) in zip(assets.rows(), found, strict=True)
            ]
        )
        return 0
    if not found:
        print("no assets: no plugin describes one")
        return 0
    rows = [
        [
            name,
            f"{stands.spec.size / 1e6:.1f} MB",
            stands.state,
            stands.spec.licence,
            str(stands.path or stands.detail or ""),
        ]
        for name, stands in found
    ]
    print("\n".join(text_table(["name", "size", "state", "licence", "where"], rows)))
    return 0


def run_assets_fetch(arguments: argparse.Namespace) -> int:
    """Fetch what was named; AssetError when something of it could not be had."""
    from spatialdrama.errors import ValidationError
    from spatialdrama.runtime.assets import assets, fetch_all, needed_by, status

    names = [*arguments.names, *needed_by(arguments.users)]
    if arguments.all:
        names += list(assets)
    names = list(dict.fromkeys(names))
    if not (names or arguments.users or arguments.all):
        raise ValidationError(
            "assets fetch: no asset named. Name some, or type: spatialdrama assets fetch --all"
        )
    standing = {name: status(name) for name in names}  # unknown names end here, before any work
    if arguments.dry_run:
        return _dry_run(standing, arguments.force)
    failed = []
    for name, result in fetch_all(names, force=arguments.force, only=arguments.only):
        if not isinstance(result, AssetError):
            print(f"{name}: {result}")
        elif len(names) == 1:
            raise result
        else:
            print(f"spatialdrama assets: {result}", file=sys.stderr)
            failed.append(name)
    if failed:
        raise AssetError(
            f"{len(failed)} of {len(names)} assets are not here: {', '.join(failed)}. "
            f"Type: spatialdrama assets fetch {' '.join(failed)}"
        )
    return 0


def _dry_run(standing: dict[str, Any], force: bool) -> int:
    total = 0
    for name, stands in standing.items():
        if stands.usable and not force:
            print(f"{name}: {stands.state}, nothing to do")
        else:
            total += stands.spec.size
            sources = " or ".join(map(str, stands.spec.sources))
            print(f"{name}: would fetch {stands.spec.size / 1e6:.1f} MB from {sources}")
    print(f"{total / 1e6:.1f} MB in all")
    return 0


def run_assets_verify(arguments: argparse.Namespace) -> int:
    """Hash again; AssetError when a file is damaged, or missing though named."""
    from spatialdrama.runtime.assets import assets, status, verify

    names = arguments.names or [name for name in assets if status(name).state != "missing"]
    bad = []
    for name in names:
        try:
            print(f"{name}: sha256 is right, {verify(name)}")
        except AssetError as error:
            bad.append(error)
    if not names:
        print("no assets on this machine")
    for error in bad[:-1]:
        print(f"spatialdrama assets: {error}", file=sys.stderr)
    if bad:
        raise bad[-1]
    return 0


def _print_json(value: Any) -> None:
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def _indent(text: str, by: int = 2) -> str:
    return "\n".join(" " * by + line if line else line for line in text.splitlines())
