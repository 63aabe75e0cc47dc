"""What the example drama says and where it stands: CER by language, ITD by line against the pose.

    python benchmarks/first_light.py out/demo [--json out/first_light.json]

CER is that of `drama.wav`, room included, cut line by line from the timed script. ITD is that of
the drama's stems rendered once more with the room off; the pose's own ITD comes from closed forms
that know nothing of the renderer's filters: a rigid sphere (Duda and Martens 1998), Woodworth's
path (1954), and the straight line to two points.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import spatialdrama as sd
from spatialdrama.dsp.interaural import itd_track
from spatialdrama.dsp.pose_itd import pose_itd_us
from spatialdrama.registry import load

MODELS = ("sphere", "woodworth", "straight")
#: us; a line nearer the median plane than this has no sign worth asking for.
SIGN_FROM = 80.0
#: dB below the line's loudest frame; quieter frames say little about where they come from.
ACTIVE_DB = -25.0


def error_rates(drama: sd.Drama) -> tuple[dict, list]:
    """Return CER by language and the rows behind it."""
    table = sd.score(drama, ["cer"])
    rows, sums = [], {}
    for line, item in zip(drama.script, table.rows, strict=True):
        value = table.lines("cer")[item]
        detail = table.details[item, "cer"]
        weight = float(table.data["weight"].sel(row=item, metric="cer"))
        language = "+".join(line.languages)
        edits, total = sums.get(language, (0.0, 0.0))
        sums[language] = (edits + value * weight, total + weight)
        rows.append({"item": item, "language": language, "cer": value,
                     "heard": detail["hypothesis"], "said": detail["reference"]})  # fmt: skip
    return {k: edits / total for k, (edits, total) in sums.items()}, rows


def delays(drama: sd.Drama) -> list[dict]:
    """Return measured and expected ITD of each line, room off, in microseconds."""
    renderer = load("renderer", "physical")
    rows = []
    for line, stem in zip(drama.script, drama.stems, strict=True):
        source = drama.scene.source(line.speaker)
        audio = renderer.render(
            stem.samples, source.pose, rate=stem.rate, start=line.start,
            listener=drama.scene.listener, directivity=source.directivity,
        )  # fmt: skip
        track = itd_track(audio.samples, rate=audio.rate)
        active = track.level_db > track.level_db.max() + ACTIVE_DB
        heard_at = line.start + track.times[active]
        seen = source.pose.relative_to(drama.scene.listener).positions_at(heard_at)
        row = {
            "line": f"{line.speaker}: {line.text[:28]}",
            "azimuth_deg": float(np.rad2deg(np.median(np.arctan2(seen[:, 1], seen[:, 0])))),
            "measured_us": float(np.median(track.itd_us[active])),
        }
        for model in MODELS:
            expected = pose_itd_us(seen, model=model)
            row[f"{model}_us"] = float(np.median(expected))
            row[f"{model}_error_us"] = float(np.median(np.abs(track.itd_us[active] - expected)))
        rows.append(row)
    return rows


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("drama", type=Path, help="folder that `spatialdrama generate` wrote")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    drama = sd.Drama.load(options.drama)

    by_language, lines = error_rates(drama)
    print("CER of drama.wav by line")
    for row in lines:
        print(f"  {row['cer']:5.3f}  {row['said']}  |  {row['heard']}")
    print("  " + ", ".join(f"{k}: {v:.3f}" for k, v in by_language.items()))

    rows = delays(drama)
    print("\nITD with the room off, us (median over active frames)")
    print(f"  {'azimuth':>8} {'measured':>9}" + "".join(f" {m:>10} {'error':>6}" for m in MODELS))
    for row in rows:
        cells = "".join(f" {row[f'{m}_us']:10.0f} {row[f'{m}_error_us']:6.0f}" for m in MODELS)
        print(f"  {row['azimuth_deg']:7.0f}° {row['measured_us']:9.0f}{cells}  {row['line']}")
    sided = [r for r in rows if abs(r["sphere_us"]) > SIGN_FROM]
    right = sum(np.sign(r["measured_us"]) == np.sign(r["sphere_us"]) for r in sided)
    worst = {m: max(r[f"{m}_error_us"] for r in rows) for m in MODELS}
    print(f"  right side: {right} of {len(sided)}; largest error: "
          + ", ".join(f"{m} {v:.0f} us" for m, v in worst.items()))  # fmt: skip
    if options.json:
        result = {"cer": by_language, "lines": lines, "itd": rows, "worst_us": worst}
        options.json.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
