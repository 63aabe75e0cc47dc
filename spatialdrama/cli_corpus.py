"""The command ``spatialdrama corpus``: describe, check and build corpora.

Readers come from plugins; the command knows only that they have ``open(path, **options)`` and
``knows(path)``, that what they open has ``describe()`` and ``check()``, and that the package of
the corpus `simulated` has a module ``simulate`` that builds it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from spatialdrama.cli_drama import command, settings
from spatialdrama.errors import PluginError, PluginImportError, ValidationError

#: The reader that takes any folder of sound, when no other one knows it.
_LAST = "folder"


def add_corpus(commands: Any) -> None:
    """Add ``corpus`` with its sub-commands."""
    p = command(
        commands,
        "corpus",
        "describe, check and build corpora",
        "  spatialdrama corpus describe MRSDrama --picture mrsdrama.png\n"
        "  spatialdrama corpus check out/corpus\n"
        "  spatialdrama corpus check clips --reader folder --set pose_format=mrsdrama-120hz\n"
        "  spatialdrama corpus build --set hours=2 --out out/corpus\n"
        "\n"
        "Each explains itself: spatialdrama corpus check --help",
        None,
    )
    actions = p.add_subparsers(dest="action", metavar="ACTION", required=True)
    for add in (_add_describe, _add_check, _add_build):
        add(actions)


def _reading(p: argparse.ArgumentParser) -> None:
    p.add_argument("path", metavar="PATH", help="the corpus's folder")
    p.add_argument("--reader", metavar="NAME",
                   help="a corpus of `spatialdrama plugins`; default: the one that knows the "
                   "folder")  # fmt: skip
    p.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE",
                   help="an option of the reader's open(), such as unit=cm")  # fmt: skip
    p.add_argument("--json", action="store_true", help="print JSON on stdout")


# -- describe ------------------------------------------------------------------------------------


def _add_describe(actions: Any) -> None:
    p = command(
        actions,
        "describe",
        "tell hours, speakers, phones, places, speeds and durations",
        "  spatialdrama corpus describe MRSDrama --picture mrsdrama.png --theme dark\n"
        "  spatialdrama corpus describe out/corpus --json",
        run_describe,
    )
    _reading(p)
    p.add_argument("--picture", metavar="FILE", help="also draw it: .png, .svg or .pdf")
    p.add_argument("--theme", choices=("light", "dark"), default="light", help="of the picture")


def run_describe(options: argparse.Namespace) -> int:
    """Describe and print."""
    if options.picture and not options.picture.endswith((".png", ".svg", ".pdf")):
        raise ValidationError(f"--picture {options.picture}: end it in .png, .svg or .pdf.")
    about = opened(options).describe()
    if options.picture:
        about.picture(theme=options.theme).save(options.picture)
    if options.json:
        print(json.dumps(about.to_dict(), ensure_ascii=False, indent=1))
    else:
        print(about.text())
    return 0


# -- check ---------------------------------------------------------------------------------------


def _add_check(actions: Any) -> None:
    p = command(
        actions,
        "check",
        "read everything, and list every problem with its file",
        "  spatialdrama corpus check MRSDrama\n"
        "  spatialdrama corpus check out/corpus --json\n"
        "\n"
        "Exit status 1 when there is a problem; notes are none.",
        run_check,
    )
    _reading(p)
    p.add_argument("--no-notes", action="store_true", help="leave out what was read after all")


def run_check(options: argparse.Namespace) -> int:
    """Check and print; 1 when there is a problem."""
    corpus = opened(options)
    found = corpus.check()
    if options.no_notes:
        found = [p for p in found if p.level == "problem"]
    wrong = sum(p.level == "problem" for p in found)
    if options.json:
        fields = ("level", "item", "file", "what", "remedy")
        rows = [{name: getattr(p, name) for name in fields} for p in found]
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for p in found:
            print(f"{p.level}: {p}")
    print(
        f"{corpus!r}: {_count(wrong, 'problem')}, {_count(len(found) - wrong, 'note')}",
        file=sys.stderr,
    )
    return 1 if wrong else 0


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"


# -- build ---------------------------------------------------------------------------------------

#: The corpus that can be built.
_BUILT = "simulated"


def _add_build(actions: Any) -> None:
    p = command(
        actions,
        "build",
        "simulate a corpus of dramas, or go on with one that was stopped",
        "  spatialdrama corpus build --set hours=2 --set seed=7 --out out/corpus --dry-run\n"
        "  spatialdrama corpus build --config corpus.json --out out/corpus --workers 2\n"
        "  spatialdrama corpus build --config corpus.json --out /shared/corpus \\\n"
        "      --scheduler tcp://host:8786\n"
        "\n"
        "The same command goes on after a stop, a kill or a full disk. Exit status 1 when some\n"
        "segments failed; the others are in the corpus, and the same command tries again.",
        run_build,
    )
    p.add_argument("--config", metavar="FILE",
                   help="JSON with options of SimulationConfig; those left out keep their "
                   "defaults")  # fmt: skip
    p.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE",
                   help="one option, instead of what the file says: --set hours=2 "
                   "--set video=false --set 'languages={\"en\": 1}'")  # fmt: skip
    p.add_argument("--out", required=True, metavar="PATH", help="the corpus's folder")
    p.add_argument("--scheduler", metavar="WHERE",
                   help="processes (default), threads, or a Dask scheduler's address, whose "
                   "workers see --out under the same path")  # fmt: skip
    p.add_argument("--workers", type=int, metavar="N", help="processes or threads; default: cores")
    p.add_argument("--dry-run", action="store_true",
                   help="tell hours, disk and time, make nothing")  # fmt: skip
    p.add_argument("--json", action="store_true", help="print JSON on stdout")


def run_build(options: argparse.Namespace) -> int:
    """Build and tell; 1 when segments failed."""
    from spatialdrama.io.files import read_json

    if options.workers is not None and options.workers < 1:
        raise ValidationError(f"--workers must be a whole number from 1; got {options.workers}.")
    simulate = _simulation()
    given = read_json(options.config, "configuration") if options.config else {}
    if not isinstance(given, dict):
        raise ValidationError(f"configuration {options.config} must be a JSON object of options.")
    config = simulate.SimulationConfig.from_dict(given | settings(options.set))
    if options.dry_run:
        simulate.check_folder(config, options.out)
        plan = simulate.forecast(config, options.out, workers=options.workers)
        print(json.dumps(plan.to_dict(), indent=1) if options.json else plan)
        return 0
    done = simulate.build(config, options.out, scheduler=options.scheduler, workers=options.workers)
    if options.json:
        print(json.dumps(done.to_dict(), ensure_ascii=False, indent=1))
    else:
        print(done)
    return 1 if done.failed else 0


def _simulation() -> Any:
    """Return the module that builds the simulated corpus, from the package that reads it."""
    from importlib import import_module

    from spatialdrama.registry import load_corpus

    package = type(load_corpus(_BUILT)).__module__.split(".")[0]
    try:
        return import_module(f"{package}.simulate")
    except ImportError as error:
        raise PluginImportError(
            f"corpus {_BUILT!r}: {package}.simulate could not be imported: {error}. Install it "
            f"with: pip install 'spatialdrama-corpora'"
        ) from error


# -- readers -------------------------------------------------------------------------------------


def opened(options: argparse.Namespace) -> Any:
    """Open ``options.path`` with the reader that was named, or the one that knows it."""
    from spatialdrama.registry import corpora, load_corpus

    name = options.reader or reader_for(Path(options.path))
    reader = load_corpus(name)
    given = settings(options.set)
    try:
        return reader.open(options.path, **given)
    except TypeError as error:
        # Only an option that open() does not take; anything else is a fault of the reader.
        if not given or "unexpected keyword" not in str(error):
            raise PluginError(f"corpus {name}: {error}") from error
        raise ValidationError(
            f"the reader {corpora.entry(name).full_name} does not take all of "
            f"{', '.join(given)}: {error}."
        ) from None


def reader_for(path: Path) -> str:
    """Return the name of the one reader that knows the folder.

    Raises
    ------
    ValidationError
        When none does, or several do.
    """
    from spatialdrama.registry import corpora

    if not path.exists():
        raise ValidationError(f"corpus folder {path} does not exist; check the path.")
    known = []
    for name in corpora:
        try:
            reader = corpora.load(name)
        except PluginImportError:
            continue  # what it needs is not here, so it can open nothing
        if callable(getattr(reader, "knows", None)) and reader.knows(path):
            known.append(name)
    if len(known) > 1:
        known = [name for name in known if name.rsplit("/")[-1] != _LAST]
    if len(known) == 1:
        return known[0]
    some = f"{', '.join(known)} all know it" if known else "no reader knows it"
    raise ValidationError(
        f"{path}: {some}; name one with --reader: {', '.join(corpora) or 'none is installed'}."
    )
