"""The command that measures: one drama or recording, or thousands of them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from typing import Any

from spatialdrama.cli_drama import DEFAULT_METRICS, command, settings
from spatialdrama.conventions import POSE_FORMATS
from spatialdrama.errors import ValidationError

#: Items that a dry run names.
NAMED = 5


def add_score(commands: Any) -> None:
    """Add ``score``."""
    p = command(
        commands,
        "score",
        "score drama folders or recordings",
        "  spatialdrama score out/drama --metrics itd_mae ild_mae cer\n"
        "  spatialdrama score binaural.wav --reference recorded.wav --metrics itd_mae ild_mae\n"
        '  spatialdrama score binaural.wav --transcript "Who\'s there?" --metrics cer --json\n'
        "  spatialdrama score binaural.wav --pose tx_positions.txt \\\n"
        "      --pose-format mrsdrama-120hz --metrics azimuth_mae_deg\n"
        "  spatialdrama score corpus/clips --reference corpus/recorded --metrics itd_mae \\\n"
        "      --scheduler processes --workers 8 --out table.json\n"
        "  spatialdrama score out/a out/b out/c --scheduler tcp://host:8786 --dry-run",
        run_score,
    )
    p.add_argument(
        "items", nargs="+", metavar="PATH",
        help="a folder with drama.json, a two-channel sound file, or a folder of either",
    )  # fmt: skip
    p.add_argument("--metrics", nargs="+", default=list(DEFAULT_METRICS), metavar="NAME")
    p.add_argument("--set", action="append", default=[], metavar="METRIC.OPTION=VALUE",
                   help="an option of a metric, for example --set itd_mae.gate_db=10")  # fmt: skip
    p.add_argument("--reference", metavar="PATH",
                   help="two-channel sound file to compare with; for several items a folder with "
                   "a file of each name")  # fmt: skip
    p.add_argument("--transcript", help="what a sound file says")
    p.add_argument("--language", help="of the transcript, such as en or zh")
    p.add_argument(
        "--prompt", action="append", default=[], metavar="SPEAKER=FILE",
        help="a voice prompt, for metrics that need one; may be given often",
    )  # fmt: skip
    p.add_argument("--pose", metavar="PATH",
                   help="where the voice of a recording is: .nc, .zarr, or rows in --pose-format; "
                   "for several items a folder with a file of each name")  # fmt: skip
    p.add_argument("--pose-format", metavar="NAME",
                   help=f"with --pose: one of {', '.join(POSE_FORMATS)}")  # fmt: skip
    p.add_argument("--scheduler", metavar="WHERE",
                   help="for several items: threads (default), processes, or a Dask scheduler's "
                   "address")  # fmt: skip
    p.add_argument("--workers", type=int, metavar="N", help="threads or processes; default: cores")
    p.add_argument("--batch", type=int, metavar="N", help="lines at once, for metrics that can")
    p.add_argument("--device", metavar="WHERE",
                   help="auto, cpu, cuda or cuda:N, for metrics that can choose")  # fmt: skip
    p.add_argument("--no-cache", action="store_true",
                   help="measure everything anew; else finished scores of several items are kept "
                   "and taken")  # fmt: skip
    p.add_argument("--out", help="also write the table: .json or .nc")
    p.add_argument("--dry-run", action="store_true", help="check everything, measure nothing")
    p.add_argument("--json", action="store_true", help="print the table as JSON on stdout")


def run_score(options: argparse.Namespace) -> int:
    """Score and print."""
    from spatialdrama.scoring.run import score

    items = options.items[0] if len(options.items) == 1 else options.items
    metrics = _metrics(options.metrics, options.set)
    about = {
        "reference": options.reference,
        "transcript": options.transcript,
        "language": options.language,
        "prompts": _prompts(options.prompt),
        "pose": options.pose,
        "pose_format": options.pose_format,
    }
    _check_out(options.out)
    if options.dry_run:
        return _say_plan(options, items, metrics, about)
    table = score(
        items, metrics, **about, scheduler=options.scheduler, workers=options.workers,
        batch=options.batch, device=options.device, cache=False if options.no_cache else None,
    )  # fmt: skip
    if options.out:
        table.save(options.out)
    print(json.dumps(table.to_dict(), ensure_ascii=False, indent=1) if options.json else table)
    return 0


def _say_plan(options: argparse.Namespace, items: Any, metrics: dict, about: dict) -> int:
    from spatialdrama.scoring.items import gather
    from spatialdrama.scoring.run import wanted_metrics
    from spatialdrama.scoring.schedule import check_scheduler

    check_scheduler(options.scheduler)
    wanted = wanted_metrics(metrics, options.device)
    found, several = gather(items, **about)
    names = [item.name for item in found]
    plan = {
        "items": names,
        "metrics": {w.name: w.options for w in wanted},
        "scheduler": (options.scheduler or "threads") if several else None,
        "out": options.out,
    }
    if options.json:
        print(json.dumps(plan, ensure_ascii=False, indent=1))
        return 0
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    count = f"{len(names)} item{'s' if len(names) > 1 else ''}"
    where = f" on {plan['scheduler']}" if several else ""
    print(f"would score {count} ({', '.join(names[:NAMED])}{more}) by {', '.join(metrics)}{where}")
    return 0


def _metrics(names: Iterable[str], pairs: Iterable[str]) -> dict[str, dict[str, Any]]:
    metrics: dict[str, dict[str, Any]] = {name: {} for name in names}
    for pair in pairs:
        place, equals, value = pair.partition("=")
        metric, dot, option = place.rpartition(".")
        if not equals or not dot:
            raise ValidationError(f"--set must be METRIC.OPTION=VALUE; got {pair!r}.")
        if metric not in metrics:
            raise ValidationError(
                f"--set {pair}: {metric!r} is not among the metrics, {', '.join(metrics)}."
            )
        metrics[metric] |= settings([f"{option}={value}"])
    return metrics


def _prompts(pairs: Iterable[str]) -> dict[str, str] | None:
    prompts = {}
    for pair in pairs:
        speaker, equals, file = pair.partition("=")
        if not equals or not speaker or not file:
            raise ValidationError(f"--prompt must be SPEAKER=FILE; got {pair!r}.")
        prompts[speaker] = file
    return prompts or None


def _check_out(path: str | None) -> None:
    if path is not None and not path.endswith((".json", ".nc")):
        raise ValidationError(f"--out {path}: use a name that ends in .json or .nc.")
