"""The command line: generate, render, score, corpus, plugins, assets.

Every command ends with status 0, or with one sentence on stderr and status 2, Ctrl-C included.
What is asked for on stdout (``--json``) is never mixed with progress.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from spatialdrama import __version__
from spatialdrama.errors import SpatialDramaError

USAGE_STATUS = 2


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; building it loads no numpy."""
    from spatialdrama.cli_corpus import add_corpus
    from spatialdrama.cli_drama import add_generate, add_render
    from spatialdrama.cli_plugins import add_assets_command, add_plugins_command
    from spatialdrama.cli_score import add_score

    top = argparse.ArgumentParser(
        prog="spatialdrama",
        description="A script, voices and poses become one continuous binaural drama.",
        epilog="Each command explains itself: spatialdrama generate --help",
    )
    top.add_argument("--version", action="version", version=f"spatialdrama {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (
        add_generate, add_render, add_score, add_corpus, add_plugins_command, add_assets_command,
    ):  # fmt: skip
        add(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    import warnings

    warnings.showwarning = _one_line
    options = parser().parse_args(arguments)
    try:
        return options.func(options) or 0
    except SpatialDramaError as error:
        print(f"spatialdrama {options.command}: {_text(error)}", file=sys.stderr)
        return USAGE_STATUS
    except KeyboardInterrupt:
        kept = {"generate": "lines", "score": "scores of several items", "corpus": "segments"}
        parts = kept.get(options.command)
        after = (
            f"finished {parts} are kept, and the same command goes on from them" if parts else ""
        )
        print(
            f"\nspatialdrama {options.command}: stopped{after and '; ' + after}.", file=sys.stderr
        )
        return USAGE_STATUS
    except BrokenPipeError:  # the reader of our stdout has gone, as in `... | head`
        sys.stderr.close()
        return 0
    except OSError as error:
        print(f"spatialdrama {options.command}: {error}", file=sys.stderr)
        return USAGE_STATUS


def _text(error: SpatialDramaError) -> str:
    return " ".join(str(error).split())


def _one_line(message, category, filename, lineno, file=None, line=None) -> None:
    print(f"spatialdrama: {category.__name__}: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
