"""How close the physical renderer comes to theory: moving sources, clicks, rooms.

    python benchmarks/render_quality.py [--json FILE] [--plot FILE] [--set phase=measured ...]

The free-field figures compare ten seconds of the reference job (`reference_job.py`) with
`truth.py`, which evaluates the measured responses of KEMAR sample by sample and knows nothing of
the renderer's filters. Waveforms are compared after one delay and one gain for the whole job, which
are fitted on noise below 1.5 kHz. The rooms are compared with what statistics of diffuse fields say
about the request. Needs the asset `kemar` and numba; takes about three minutes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import attrs
import measures
import numpy as np
import reference_job as job
import rooms
import truth
from spatialdrama_render.engine import BLOCK
from spatialdrama_render.heads import read_responses

import spatialdrama as sd
from spatialdrama.runtime.assets import locate

SECONDS = 10.0
#: s at each end that the signals' fades take.
EDGE = 0.3
TONES = {"1 kHz": 1000.0, "6 kHz": 6000.0}
#: dB re the tone; where the ideal has less out of its band than this, nobody will hear more.
FLOOR_DB = -60.0
#: The responses as they were measured, at every distance; what a head does to nearer sources is a
#: model of its own.
OPTIONS: dict[str, Any] = {"equalisation": "none", "near": "none", "air": "none"}
#: What issue 3 asks for: (name, largest value allowed, unit).
BARS = (
    ("ITD error, p95", 10.0, "us"),
    ("ILD error, p95", 0.3, "dB"),
    ("splatter off the ideal, 1 kHz", 1.0, "dB"),
    ("splatter off the ideal, 6 kHz", 1.0, "dB"),
    ("Doppler error, median of the whole job, 1 kHz", 0.05, "Hz"),
    ("Doppler error re the truth, median, 1 kHz", 0.05, "Hz"),
    ("worst frame over the ideal's worst, 1 kHz", 3.0, "dB"),
    ("worst frame over the ideal's worst, 6 kHz", 3.0, "dB"),
    ("worst block edge over the ideal's, 1 kHz", 3.0, "dB"),
    ("worst block edge over the ideal's, 6 kHz", 3.0, "dB"),
    ("RT60 error, worst", 5.0, "%"),
    ("direct-to-reverberant error, worst room", 1.0, "dB"),
    ("coherence of the tail, rms error", 0.05, "1"),
)


@attrs.frozen
class Bench:
    """The renderer under test and the truth beside it."""

    renderer: Any
    head: truth.Head
    seconds: float

    @property
    def n(self) -> int:
        return round(self.seconds * job.RATE)

    def positions(self, times: np.ndarray) -> np.ndarray:
        return job.positions(times, self.seconds)

    def rendered(self, samples: np.ndarray) -> np.ndarray:
        """Return (2, n) float64."""
        audio = self.renderer.render(
            samples.astype(np.float32), job.pose(self.seconds), directivity="omni"
        )
        return audio.samples[:, : self.n].astype(float)

    def true(self, signal: truth.Signal) -> np.ndarray:
        return truth.render(self.head, signal, self.positions, self.n)


def noise(seconds: float) -> np.ndarray:
    """Return (n,) white noise up to 20 kHz that fades in and out."""
    n = round(seconds * job.RATE)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(n))
    spectrum[np.fft.rfftfreq(n, 1 / job.RATE) > 20_000] = 0
    edge = np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.05 * job.RATE)
    samples = 0.1 * np.fft.irfft(spectrum, n) * np.sin(np.pi / 2 * np.clip(edge, 0, 1)) ** 2
    return samples.astype(np.float32)


def with_noise(bench: Bench) -> dict[str, Any]:
    """Return errors of delay and level between the ears, and the fit that the tones use."""
    samples = noise(bench.seconds)
    ours = bench.rendered(samples)
    true = bench.true(truth.sampled(samples.astype(float), job.RATE))
    delay, gain = measures.fitted(ours, true)
    skip = int(np.ceil(EDGE / measures.FRAME))
    inner = slice(skip, -skip)
    itd = (measures.itd_us(ours) - measures.itd_us(true))[inner]
    ild = (measures.ild_db(ours) - measures.ild_db(true))[inner]
    return {
        "delay_us": 1e6 * delay,
        "gain_db": 20 * np.log10(gain),
        "snr_db": {
            str(high): measures.snr_db(ours, measures.aligned(true, delay, gain), high)
            for high in (1500, 5000, 20_000)
        },
        "itd_error_us": percentiles(itd),
        "ild_error_db": percentiles(ild),
        "itd_errors_us": itd,
        "ild_errors_db": ild,
    }


def at_measured_directions(bench: Bench, count: int = 120) -> dict[str, Any]:
    """Return the same errors for still sources at measured directions: the filters alone.

    There the truth is convolution with the measured response itself, and nothing is interpolated.
    """
    samples = noise(0.4)
    signal = truth.sampled(samples.astype(float), job.RATE)
    chosen = np.random.default_rng(0).permutation(len(bench.head.directions))[:count]
    itd, ild = [], []
    for direction in 1.4 * bench.head.directions[chosen]:
        audio = bench.renderer.render(samples, sd.Pose.fixed(direction), directivity="omni")
        ours = audio.samples[:, : len(samples)].astype(float)
        place = np.array(direction)
        true = truth.render(
            bench.head, signal, lambda t, p=place: np.broadcast_to(p, (len(t), 3)), len(samples)
        )
        itd.append(measures.itd_us(ours)[2:-2] - measures.itd_us(true)[2:-2])
        ild.append(measures.ild_db(ours)[2:-2] - measures.ild_db(true)[2:-2])
    return {"itd_error_us": percentiles(np.concatenate(itd)),
            "ild_error_db": percentiles(np.concatenate(ild))}  # fmt: skip


def with_tone(bench: Bench, frequency: float, delay: float, gain: float) -> dict[str, Any]:
    """Return splatter, Doppler error and clicks of one tone, ours and the truth's."""
    signal = truth.tone(frequency, bench.seconds)
    times = np.arange(bench.n) / job.RATE
    ears = {"ours": bench.rendered(signal(times)), "ideal": bench.true(signal)}
    heard = frequency * np.gradient(truth.retarded(bench.positions, times), times)
    band = (float(heard.min()), float(heard.max()))
    centres = frame_centres(bench)
    levels = {}
    out: dict[str, Any] = {"frequency_hz": frequency, "band_hz": band}
    for who, pair in ears.items():
        levels[who] = {w: measures.click_levels(pair, band, c) for w, c in centres.items()}
        out[who] = {
            "splatter_db": measures.splatter_db(pair, band),
            "doppler_error_hz": percentiles(doppler_errors(bench, pair, frequency)),
            "worst_frame_db": {w: float(v.max()) for w, v in levels[who].items()},
        }
    excess = levels["ours"]["straight"] - np.maximum(levels["ideal"]["straight"], FLOOR_DB)
    both = [measures.instantaneous_hz(pair, frequency) for pair in ears.values()]
    edge = round(1000 * EDGE)
    out |= {
        "snr_db": measures.snr_db(ears["ours"], measures.aligned(ears["ideal"], delay, gain)),
        "doppler_error_re_truth_hz": percentiles((both[0] - both[1])[edge:-edge]),
        "largest_excess_db": float(excess.max()),
        "largest_excess_at_s": float(centres["straight"][excess.argmax()] / job.RATE),
        "frame_centres_s": centres["straight"] / job.RATE,
        "frame_levels_db": {who: v["straight"] for who, v in levels.items()},
        "signals": ears,
    }
    return out


def frame_centres(bench: Bench) -> dict[str, np.ndarray]:
    """Return in samples where frames for clicks are centred.

    At the corners of the path, on the straights between, and at block edges on the straights. A
    corner is a jump of the speed, whose modulation is real; clicks must not hide behind it.
    """
    edge = round(EDGE * job.RATE)
    every = np.arange(edge, bench.n - edge, 48)
    # The engine's own blocks, so that a step between two of them would be at a frame's centre.
    blocks = np.arange(BLOCK, bench.n - edge, BLOCK)
    when, where = job.corners(bench.seconds)
    heard = when + np.linalg.norm(where, axis=1) / truth.C

    def near_corner(samples: np.ndarray) -> np.ndarray:
        gap = np.abs(samples[:, None] / job.RATE - heard[1:-1])
        return gap.min(axis=1) < measures.CLICK_FRAME

    blocks = blocks[blocks > edge]
    return {"corners": every[near_corner(every)], "straight": every[~near_corner(every)],
            "block edges": blocks[~near_corner(blocks)]}  # fmt: skip


def doppler_errors(bench: Bench, pair: np.ndarray, frequency: float, span: int = 48) -> np.ndarray:
    """Return (k,) Hz: what the mean of both ears has beyond the closed form at the head's centre.

    In the closed form a tone of f Hz is heard at f dE/dt, with E(t) the time of emission. What the
    head adds when the source goes round it is in here too, so that the truth's own is not zero.
    """
    times = np.arange(0, pair.shape[1], span) / job.RATE
    exact = frequency * np.diff(truth.retarded(bench.positions, times)) * job.RATE / span
    edge = round(EDGE * job.RATE / span)
    return (measures.instantaneous_hz(pair, frequency, span) - exact)[edge:-edge]


def doppler_of_whole_job(renderer: Any) -> dict[str, float]:
    """Return errors against the closed form over all 60 s, at 1 kHz."""
    bench = Bench(renderer, None, 60.0)
    samples = truth.tone(1000.0, 60.0)(np.arange(bench.n) / job.RATE)
    return percentiles(doppler_errors(bench, bench.rendered(samples), 1000.0))


def percentiles(errors: np.ndarray) -> dict[str, float]:
    """Return median, 95th percentile and maximum of absolute errors."""
    size = np.abs(errors)
    return {"median": float(np.median(size)), "p95": float(np.percentile(size, 95)),
            "max": float(size.max())}  # fmt: skip


def measured(bench: Bench, options: dict[str, Any], *, with_rooms: bool) -> dict[str, Any]:
    """Return everything, arrays included."""
    out: dict[str, Any] = {"options": options, "seconds": bench.seconds}
    out["noise"] = with_noise(bench)
    out["still"] = at_measured_directions(bench)
    fit = out["noise"]["delay_us"] * 1e-6, 10 ** (out["noise"]["gain_db"] / 20)
    out["tones"] = {name: with_tone(bench, f, *fit) for name, f in TONES.items()}
    out["doppler_60_s"] = doppler_of_whole_job(bench.renderer)
    if with_rooms:
        out["rooms"] = rooms.decays(options)
        out["coherence"] = rooms.tail_coherence(options)
    out["summary"] = summary(out)
    return out


def summary(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each bar with the value found and whether it is met."""
    found = {
        "ITD error, p95": result["noise"]["itd_error_us"]["p95"],
        "ILD error, p95": result["noise"]["ild_error_db"]["p95"],
        "Doppler error, median of the whole job, 1 kHz": result["doppler_60_s"]["median"],
    }
    for name, tone in result["tones"].items():
        ours, ideal = tone["ours"], tone["ideal"]
        worst, bound = ours["worst_frame_db"], ideal["worst_frame_db"]["straight"]
        found |= {
            f"splatter off the ideal, {name}": abs(ours["splatter_db"] - ideal["splatter_db"]),
            f"Doppler error re the truth, median, {name}": (
                tone["doppler_error_re_truth_hz"]["median"]
            ),
            f"worst frame over the ideal's worst, {name}": worst["straight"] - bound,
            f"worst block edge over the ideal's, {name}": (
                worst["block edges"] - ideal["worst_frame_db"]["block edges"]
            ),
        }
    if "rooms" in result:
        found["RT60 error, worst"] = max(r["rt60_error_percent"] for r in result["rooms"])
        found["direct-to-reverberant error, worst room"] = max(
            abs(r["dr_error_db"]) for r in result["rooms"]
        )
        found["coherence of the tail, rms error"] = result["coherence"]["rms_error"]
    return [
        {"what": what, "value": found[what], "bar": bar, "unit": unit, "met": found[what] <= bar}
        for what, bar, unit in BARS
        if what in found
    ]


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    heard, still = result["noise"], result["still"]
    print(f"Free field, {result['seconds']:g} s of the reference job, {result['options']}")
    print(f"  {'white noise':34}{'median':>9}{'p95':>9}{'max':>9}")
    for what, row in (
        ("ITD error, us", heard["itd_error_us"]), ("ILD error, dB", heard["ild_error_db"]),
        ("still, measured directions: ITD, us", still["itd_error_us"]),
        ("still, measured directions: ILD, dB", still["ild_error_db"]),
    ):  # fmt: skip
        print(f"  {what:34}{row['median']:9.2f}{row['p95']:9.2f}{row['max']:9.2f}")
    levels = ", ".join(f"{v:.1f} dB up to {k} Hz" for k, v in heard["snr_db"].items())
    print(f"  waveform: SNR {levels} (delay {heard['delay_us']:+.1f} us, gain "
          f"{heard['gain_db']:+.2f} dB)")  # fmt: skip
    for name, tone in result["tones"].items():
        report_tone(name, tone)
    hz = result["doppler_60_s"]
    print(f"\n  1 kHz, Doppler error over 60 s: {hz['median']:.3f} Hz median, {hz['p95']:.3f} p95")
    if "rooms" in result:
        rooms.report(result["rooms"], result["coherence"])
    print("\nSummary")
    for row in result["summary"]:
        verdict = "met" if row["met"] else "NOT MET"
        print(f"  {row['what']:48}{row['value']:9.3f}  (at most {row['bar']:g} {row['unit']})  "
              f"{verdict}")  # fmt: skip


def report_tone(name: str, tone: dict[str, Any]) -> None:
    """Print one tone's table."""
    print(f"\n  tone of {name}, Doppler band {tone['band_hz'][0]:.1f} to {tone['band_hz'][1]:.1f} "
          f"Hz; waveform SNR {tone['snr_db']:.1f} dB")  # fmt: skip
    print(f"  {'':8}{'splatter':>10} | worst 20 ms:{'corners':>10}{'straights':>11}"
          f"{'block edges':>13} | Doppler error, Hz:{'median':>8}{'p95':>8}")  # fmt: skip
    for who in ("ours", "ideal"):
        row, hz = tone[who], tone[who]["doppler_error_hz"]
        worst = row["worst_frame_db"]
        print(f"  {who:8}{row['splatter_db']:7.1f} dB |{'':12}{worst['corners']:7.1f} dB"
              f"{worst['straight']:8.1f} dB{worst['block edges']:10.1f} dB |{'':18}"
              f"{hz['median']:8.3f}{hz['p95']:8.3f}")  # fmt: skip
    hz = tone["doppler_error_re_truth_hz"]
    print(f"  Doppler, ours re the truth: {hz['median']:.3f} Hz median, {hz['p95']:.3f} p95; most "
          f"by which a frame exceeds the ideal's: {tone['largest_excess_db']:.1f} dB at "
          f"{tone['largest_excess_at_s']:.2f} s")  # fmt: skip


def plain(value: Any) -> Any:
    """Return what JSON can hold; the long arrays stay behind."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if not isinstance(v, np.ndarray) and
                k != "signals"}  # fmt: skip
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def option(text: str) -> tuple[str, Any]:
    """Return a renderer's option from ``name=value``; values are JSON or words."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="a picture of the errors (.png, .svg, .pdf)")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--no-rooms", action="store_true")
    parser.add_argument("--set", action="append", type=option, default=[], metavar="NAME=VALUE",
                        help="an option of the renderer, such as phase=measured")  # fmt: skip
    arguments = parser.parse_args()
    options = OPTIONS | dict(arguments.set)
    bench = Bench(
        sd.load_renderer("physical", order=0, **options),
        truth.Head(read_responses(locate("kemar"))),
        arguments.seconds,
    )
    result = measured(bench, options, with_rooms=not arguments.no_rooms)
    report(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(plain(result), indent=1) + "\n")
    if arguments.plot:
        from quality_plot import picture

        print(f"\n{picture(result).save(arguments.plot)}")


if __name__ == "__main__":
    main()
