"""Score transcripts that already exist: ``python -m spatialdrama_metrics.text SCRIPT HEARD``."""

# ruff: noqa: T201 (a command prints)

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from spatialdrama.errors import SpatialDramaError, ValidationError
from spatialdrama.types import Script
from spatialdrama.types.script import languages_in
from spatialdrama_metrics.text.compare import TextErrors, compare


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m spatialdrama_metrics.text",
        description="Character error rate of what was heard, line by line.",
    )
    parser.add_argument("script", help="what should be heard, a line of text each")
    parser.add_argument("heard", help="what was heard: as many lines, empty where nothing was")
    parser.add_argument(
        "--speakers", action="store_true", help="the first file is a script, 'ANNA: Who is there?'"
    )
    parser.add_argument("--language", help="reads numbers that stand alone, such as en or zh")
    parser.add_argument("--json", action="store_true", help="print every line's details as JSON")
    return parser


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValidationError(f"{path} cannot be read as text: {error}") from error


def _wanted(path: str, speakers: bool) -> list[str]:
    text = _read(path)
    return [line.text for line in Script.parse(text)] if speakers else text.splitlines()


def _scored(options: argparse.Namespace) -> list[TextErrors]:
    wanted, heard = _wanted(options.script, options.speakers), _read(options.heard).splitlines()
    if len(wanted) != len(heard):
        raise ValidationError(
            f"{options.script} has {len(wanted)} lines and {options.heard} has {len(heard)}; give "
            "one line of text for each, empty where nothing was heard"
        )
    return [
        compare(text, got, language=options.language or (*languages_in(text), None)[0])
        for text, got in zip(wanted, heard, strict=True)
    ]


def main(arguments: list[str] | None = None) -> int:
    """Print the rates; 2 when the files do not fit."""
    options = _parser().parse_args(arguments)
    try:
        scored = _scored(options)
    except SpatialDramaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    edits = sum(sum(errors.edits[:3]) for errors in scored)
    rate = edits / sum(errors.edits.length for errors in scored)
    if options.json:
        rows = [{"cer": errors.rate, **errors.details()} for errors in scored]
        print(json.dumps({"cer": rate, "lines": rows}, ensure_ascii=False, indent=1))
        return 0
    for number, errors in enumerate(scored, start=1):
        print(f"{number:4d}  {errors.rate:.3f}  {errors.reference} | {errors.hypothesis}")
    print(f" all  {rate:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
