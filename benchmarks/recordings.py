"""Real recordings: render their mono along their tracked pose, and compare with what was recorded.

    python benchmarks/recordings.py FOLDER --out DIR [--json FILE] [--seed N]

FOLDER holds one folder a clip: ``mono.flac`` (the mean of both channels), ``binaural.flac`` (the
recording), ``tx_positions.txt`` (pose format ``mrsdrama-120hz``) and, where there are, other
systems' ``geowarp.flac`` and ``binauralgrad.flac``. One fixed setting serves all clips; what is
rendered is written to DIR/<clip>.wav.

Measures, all against the recording:

* ITD: peak of the cross-correlation of 85 ms frames, 150 to 1800 Hz, within 1 ms; mean error over
  the frames above the 60th percentile of energy, weighted by energy.
* ILD: difference of the ears' levels in 32 logarithmic bands, 200 Hz to 14 kHz, 43 ms frames, where
  the recording is above -40 dB of its loudest band.
* IPD: error of the wrapped phase between the ears, 0.1 to 1.5 kHz, weighted by amplitude, frames
  above the 80th percentile of energy, bins above -20 dB.
* coherence: height of the same peak as for ITD, rendered minus recorded.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import soundfile

import spatialdrama as sd
from spatialdrama.errors import SpatialDramaWarning

RATE = 48_000
#: One setting for all clips.
OPTIONS = {"mono": "recorded", "hrtf": "spaced-pinnae"}
MEASURES = ("ITD / us", "ILD / dB", "IPD / rad", "coherence")
OTHERS = {"geowarp.flac": "authors' geometric warp", "binauralgrad.flac": "authors' BinauralGrad"}
ITD_FRAME, ITD_HOP, ITD_BAND, SEARCH = 4096, 960, (150.0, 1800.0), 1e-3
ILD_FRAME, ILD_HOP, ILD_EDGES = 2048, 512, np.geomspace(200.0, 14_000.0, 33)
IPD_FRAME, IPD_HOP, IPD_BAND = 1024, 256, (100.0, 1500.0)


def spectra(samples: np.ndarray, frame: int, hop: int, size: int | None = None) -> np.ndarray:
    """Return (2, frames, bins) of Hann-windowed frames, the first centred on sample 0."""
    padded = np.pad(samples, ((0, 0), (frame // 2, frame // 2)))
    cut = np.lib.stride_tricks.sliding_window_view(padded, frame, axis=1)[:, ::hop]
    return np.fft.rfft(cut * np.hanning(frame + 1)[:-1], size, axis=-1)


def delays(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ITD in us, coherence and energy of each frame."""
    both = spectra(samples, ITD_FRAME, ITD_HOP, 2 * ITD_FRAME)
    hertz = np.fft.rfftfreq(2 * ITD_FRAME, 1 / RATE)
    inside = (hertz >= ITD_BAND[0]) & (hertz <= ITD_BAND[1])
    left, right = both[:, :, inside]
    steps = round(SEARCH * RATE * 2)
    lags = np.arange(-steps, steps + 1) / (2 * RATE)
    turned = np.exp(2j * np.pi * np.outer(hertz[inside], lags))
    correlation = ((left * right.conj()) @ turned).real
    energy = (np.abs(both[:, :, inside]) ** 2).sum(axis=-1)
    peak = correlation.argmax(axis=1)
    height = correlation[np.arange(len(peak)), peak]
    return 1e6 * lags[peak], height / np.sqrt(energy[0] * energy[1] + 1e-30), energy.mean(axis=0)


def levels(samples: np.ndarray) -> np.ndarray:
    """Return (2, frames, 32) power in logarithmic bands."""
    hertz = np.fft.rfftfreq(ILD_FRAME, 1 / RATE)
    band = np.digitize(hertz, ILD_EDGES) - 1
    bands = (band[:, None] == np.arange(len(ILD_EDGES) - 1)).astype(float)
    return np.abs(spectra(samples, ILD_FRAME, ILD_HOP)) ** 2 @ bands


def phases(samples: np.ndarray) -> np.ndarray:
    """Return (2, frames, bins) spectra in the band of IPD."""
    hertz = np.fft.rfftfreq(IPD_FRAME, 1 / RATE)
    inside = (hertz >= IPD_BAND[0]) & (hertz <= IPD_BAND[1])
    return spectra(samples, IPD_FRAME, IPD_HOP)[:, :, inside]


def compare(made: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Return the four :data:`MEASURES` of (2, n) samples against a recording."""
    n = min(made.shape[1], recorded.shape[1])
    made, recorded = made[:, :n], recorded[:, :n]
    itd, coherence, energy = delays(recorded)
    other_itd, other_coherence, _ = delays(made)
    weight = energy * (energy >= np.percentile(energy, 60))
    weight /= weight.sum()
    power, other_power = levels(recorded), levels(made)
    loud = 10 * np.log10(power.mean(axis=0) + 1e-20)
    heard = (loud > loud.max() - 40) & (power.sum(axis=(0, 1)) > 0)
    difference, other = (
        10 * np.log10((p[0] + 1e-12) / (p[1] + 1e-12)) for p in (power, other_power)
    )
    cross, other_cross = (x[0] * x[1].conj() for x in (phases(recorded), phases(made)))
    bin_power = (np.abs(phases(recorded)) ** 2).mean(axis=0)
    amplitude = np.sqrt(bin_power)
    frame = amplitude.sum(axis=1)
    strong = (bin_power > bin_power.max() / 100) & (frame >= np.percentile(frame, 80))[:, None]
    error = np.abs(np.angle(other_cross * cross.conj()))
    return np.array(
        [
            np.abs(other_itd - itd) @ weight,
            np.abs(other - difference)[heard].mean(),
            (error * amplitude)[strong].sum() / amplitude[strong].sum(),
            (other_coherence - coherence) @ weight,
        ]
    )


def read(path: Path) -> np.ndarray:
    samples, rate = soundfile.read(path, always_2d=True)
    if rate != RATE:
        raise SystemExit(f"{path} is at {rate} Hz; recordings of 48000 Hz are compared.")
    return samples.T


def run(clips: list[Path], out: Path, seed: int) -> dict[str, dict[str, list[float]]]:
    """Render and compare every clip; return {system: {clip: measures}}."""
    renderer = sd.load_renderer("physical", **OPTIONS, tail_seed=seed)
    results: dict[str, dict[str, list[float]]] = {}
    for clip in clips:
        recorded, mono = read(clip / "binaural.flac"), read(clip / "mono.flac")[0]
        with warnings.catch_warnings():
            # Quaternions of these files were interpolated across sign flips; reading says so.
            warnings.simplefilter("ignore", SpatialDramaWarning)
            pose = sd.Pose.read(clip / "tx_positions.txt", "mrsdrama-120hz")
        audio = renderer.render(mono, pose)
        audio.save(out / f"{clip.name}.wav", subtype="FLOAT")
        systems = {"spatialdrama physical": audio.samples.astype(float)}
        systems |= {
            name: read(clip / file) for file, name in OTHERS.items() if (clip / file).is_file()
        }
        systems["mono in both ears"] = np.stack([mono, mono])
        for name, samples in systems.items():
            results.setdefault(name, {})[clip.name] = compare(samples, recorded).tolist()
    return results


def table(results: dict[str, dict[str, list[float]]]) -> str:
    """Return the results as text, clip by clip and in the mean."""
    lines = [f"{'':28s}" + "".join(f"{m:>12s}" for m in MEASURES)]
    clips = list(next(iter(results.values())))
    for clip in [*clips, "mean"]:
        lines.append(clip)
        for name, values in results.items():
            row = np.mean(list(values.values()), axis=0) if clip == "mean" else values.get(clip)
            if row is not None:
                lines.append(
                    f"  {name:26s}{row[0]:12.0f}{row[1]:12.2f}{row[2]:12.3f}{row[3]:+12.3f}"
                )
    return "\n".join(lines)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("folder", type=Path)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--json", type=Path)
    p.add_argument("--seed", type=int, default=0, help="of the noise that makes the side")
    options = p.parse_args()
    clips = sorted(f.parent for f in options.folder.glob("**/binaural.flac"))
    if not clips:
        raise SystemExit(f"no clip with binaural.flac under {options.folder}.")
    options.out.mkdir(parents=True, exist_ok=True)
    results = run(clips, options.out, options.seed)
    print(table(results))
    if options.json:
        summary = {"options": OPTIONS, "seed": options.seed, "measures": MEASURES}
        options.json.write_text(json.dumps({**summary, "results": results}, indent=1))


if __name__ == "__main__":
    main()
