"""``python -m spatialdrama_corpora.annotate``: the steps on recordings of your own."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from spatialdrama.errors import SpatialDramaError
from spatialdrama_corpora.annotate.aligning import METHODS as ALIGNERS
from spatialdrama_corpora.annotate.denoising import METHODS as DENOISERS
from spatialdrama_corpora.annotate.path_words import LANGUAGES
from spatialdrama_corpora.annotate.run import Annotated, annotate
from spatialdrama_corpora.annotate.segments import STEPS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options, for this module and for a command of the core."""
    add = parser.add_argument
    add(
        "items", nargs="+", metavar="PATH", help="two-channel WAV or FLAC files, or folders of them"
    )
    add("--steps", nargs="+", default=list(STEPS), metavar="STEP",
        help=f"default all: {' '.join(STEPS)}")  # fmt: skip
    add("--out", metavar="FOLDER", help="gets one folder a recording; a rerun keeps what is there")
    add("--target", type=float, default=-23.0, metavar="LUFS")
    add("--denoiser", default="spectral", metavar="NAME", help=" or ".join(DENOISERS))
    add("--reduction-db", type=float, default=15.0, metavar="DB")
    add("--aligner", default="auto", metavar="NAME", help=", ".join(ALIGNERS))
    add("--language", help="of the texts: en or zh; default by their writing")
    add("--prompt-languages", nargs="+", default=list(LANGUAGES), metavar="CODE")
    add("--prompts", type=int, default=3, metavar="N", help="phrasings a segment and language")
    add("--longest", type=float, default=16.0, metavar="S", help="longest segment")
    add("--ear-height", type=float, default=1.2, metavar="M", help="of the listener's ears")
    add("--seed", type=int, default=0)
    add("--anew", action="store_true", help="keep nothing of an earlier run")
    add("--dry-run", action="store_true", help="say what would be done, write nothing")
    add("--json", action="store_true", help="print everything as JSON on stdout")


def run(options: argparse.Namespace) -> int:
    """Annotate and print; 1 when some recording failed."""
    given = vars(options).copy()
    items, as_json = given.pop("items"), given.pop("json")
    names = ("steps", "out", "target", "denoiser", "reduction_db", "aligner", "language",
             "prompt_languages", "prompts", "longest", "ear_height", "seed", "anew",
             "dry_run")  # fmt: skip
    done = annotate(items, **{name: given[name] for name in names})
    text = json.dumps(done.to_dict(), ensure_ascii=False, indent=1) if as_json else _told(done)
    sys.stdout.write(text + "\n")
    for name, why in done.problems.items():
        sys.stderr.write(f"{name}: {why}\n")
    return 1 if done.problems else 0


def _told(done: Annotated) -> str:
    if done.plan:
        return "\n".join(_planned(row) for row in done.plan)
    rows = [
        f"{name}  {item['end_time'] - item['start_time']:.2f} s  {item.get('method', '-')}  "
        f"{item.get('spatial_prompt', '')}".rstrip()
        for name, item in done.items.items()
    ]
    return "\n".join([*rows, f"{len(done.made)} annotated, {len(done.kept)} kept"])


def _planned(row: dict[str, Any]) -> str:
    lacks = "; ".join(f"no {what} for {step}" for step, what in row["lacking"].items())
    todo = "kept from before" if row["kept"] else " ".join(row["steps"])
    return f"{row['name']}  {row['duration']:.2f} s  {todo}" + (f"  ({lacks})" if lacks else "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; what a user did wrong is one line on stderr and status 2."""
    parser = argparse.ArgumentParser("python -m spatialdrama_corpora.annotate", description=__doc__)
    add_arguments(parser)
    try:
        return run(parser.parse_args(arguments))
    except SpatialDramaError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
