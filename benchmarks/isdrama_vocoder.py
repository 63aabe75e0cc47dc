"""How fast the ISDrama vocoders are, part by part, and what their two ears keep.

    python benchmarks/isdrama_vocoder.py [--sizes small paper] [--seconds 4] [--repeats 3]
                                         [--device cpu] [--recordings FOLDER] [--json FILE]

Untrained weights: speed does not depend on them. Each vocoder makes a stretch of two ears at 48 kHz
from mels, F0 and delays; the parts that make two ears of one sound are timed by themselves. A real
time factor is seconds of work for a second of sound: below 1 is faster than real time. On a CPU one
thread is used and processor time counts: others may be using the machine.

The second table asks the parts for delays, levels and likeness that move or differ by band, for
noise and for a voice, and measures with the core's analysis what came out.

With ``--recordings``, a folder of clips (binaural.flac, mono.flac, tx_positions.txt in each): the
true mels of the recording and straight-line delays to ears .18 m apart, on the true mono and on
what an untrained shaped source makes of the mels and F0, scored against the recording; beside them
the mels by Griffin-Lim, each ear by itself.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import clock

clock.one_thread()

import numpy as np  # noqa: E402
import soundfile  # noqa: E402
import torch  # noqa: E402
from spatialdrama_isdrama.autoencoder.griffin_lim import griffin_lim  # noqa: E402
from spatialdrama_isdrama.autoencoder.mel import mel_of  # noqa: E402
from spatialdrama_isdrama.vocoder import vocoder_of  # noqa: E402
from spatialdrama_isdrama.vocoder.config import VocoderConfig  # noqa: E402
from spatialdrama_isdrama.vocoder.decorrelate import two_sided  # noqa: E402
from spatialdrama_isdrama.vocoder.gains import mid_mel  # noqa: E402
from spatialdrama_isdrama.vocoder.geometry import delays_of  # noqa: E402
from spatialdrama_isdrama.vocoder.shaped import ShapedSource  # noqa: E402
from spatialdrama_isdrama.vocoder.spatial import spatialise  # noqa: E402

import spatialdrama as sd  # noqa: E402
from spatialdrama.dsp import coherence_track, f0_yin, itd_track  # noqa: E402
from spatialdrama.types import BinauralAudio, Pose  # noqa: E402

RATE, HOP = 48_000, 256
METRICS = ("itd_mae", "ild_mae", "ipd_mae", "coherence_mae")


def voice(samples: int) -> torch.Tensor:
    """Return harmonics of a pitch that glides, and breath, (1, n)."""
    time = np.arange(samples) / RATE
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 1.3 * time)) / RATE
    tones = sum(np.sin(k * phase + k * k) / k for k in range(1, 80))
    breath = np.random.default_rng(7).standard_normal(samples) / 10
    return torch.from_numpy(0.05 * (tones + breath)).float()[None]


def noise(samples: int) -> torch.Tensor:
    """Return white noise, (1, n)."""
    made = np.random.default_rng(0).standard_normal(samples)
    return torch.from_numpy(0.05 * made).float()[None]


def speed(sizes: list[str], frames: int, repeats: int, device: str) -> dict[str, float]:
    """Time whole vocoders and their parts; seconds of work for a second of sound."""
    mel = torch.randn(1, 2, 80, frames, generator=torch.Generator().manual_seed(0)) - 2
    f0, delay = torch.full((1, frames), 150.0), torch.zeros(1, 2, frames)
    mel, f0, delay = mel.to(device), f0.to(device), delay.to(device)
    mid, coherence = noise(frames * HOP).to(device), torch.full((1, 16, frames), 0.8, device=device)
    runs: dict[str, Callable[[], Any]] = {}
    config = VocoderConfig(coherence="given")
    runs["two ears of one sound"] = lambda: spatialise(mid, mel, delay, coherence, config=config)
    runs["  without decorrelation"] = lambda: spatialise(mid, mel, delay, config=config)
    for size in sizes:
        for kind in ("binaural", "per_ear"):
            for source in ("sines", "shaped"):
                made = VocoderConfig.sized(size, kind=kind, source=source)
                model = vocoder_of(made).eval().fold().to(device)
                count = sum(p.numel() for p in model.parameters()) / 1e6

                def run(model: Any = model) -> None:
                    model(mel, f0, delay, noise=torch.Generator().manual_seed(0))

                runs[f"{kind}, {size}, {source} ({count:.2f} M)"] = run
    if device != "cpu":
        runs = {name: _synchronised(run) for name, run in runs.items()}
    with torch.inference_mode():
        for run in runs.values():  # once off the clock: tables are made, kernels are loaded
            run()
        timings = clock.take_turns(runs, repeats, lambda _: None)
    seconds = frames * HOP / RATE
    kind = "cpu_median" if device == "cpu" else "wall_median"
    return {name: getattr(timing, kind) / seconds for name, timing in timings.items()}


def _synchronised(run: Callable[[], Any]) -> Callable[[], Any]:
    def waited() -> None:
        run()
        torch.cuda.synchronize()

    return waited


def kept(sound: torch.Tensor) -> dict[str, float]:
    """Ask for delays, levels and likeness, and return how far off what is heard is."""
    frames = sound.shape[-1] // HOP
    times = np.arange(frames) * HOP / RATE
    config = VocoderConfig(coherence="given")
    mel = mel_of(sound[:, None], config.mel)
    band = np.arange(80) / 79
    shadow = np.stack([3 * band, -18 * band**1.5])
    wished = mel + torch.from_numpy(shadow / 20).float()[None, ..., None]
    itd = 500e-6 * np.sin(2 * np.pi * 0.4 * times)
    delay = torch.from_numpy(np.stack([-itd, itd]) / 2).float()[None]
    ears = spatialise(sound, wished, delay, config=config)
    track = itd_track(ears[0].numpy(), rate=RATE)
    wanted = 500 * np.sin(2 * np.pi * 0.4 * track.times)
    made = mel_of(ears, config.mel)[0].numpy()
    ild = 20 * (made[0] - made[1])[:, 4:-4].mean(1) - (shadow[0] - shadow[1])
    out = {
        "ITD, mean error us": float(np.abs(track.itd_us - wanted)[5:-5].mean()),
        "ILD per mel band, mean error dB": float(np.abs(ild).mean()),
        "ILD per mel band, largest dB": float(np.abs(ild).max()),
    }
    for value in (0.9, 0.6, 0.3):
        pair = two_sided(sound, torch.full((1, 16, frames), value), config)[0].numpy()
        found = coherence_track(pair, rate=RATE, smooth_s=1.0)[2]
        out[f"coherence where {value} is asked"] = float(np.median(found))
    return out


def recorded(folder: Path) -> dict[str, dict[str, float]]:
    """Score renderings of recordings from their own mels; mean over clips."""
    metrics = {name: sd.load_metric(name) for name in METRICS}
    rows: dict[str, list[list[float]]] = {}
    for clip in sorted(path.parent for path in folder.glob("*/binaural.flac")):
        real = soundfile.read(clip / "binaural.flac", dtype="float32")[0].T
        mono = soundfile.read(clip / "mono.flac", dtype="float32")[0]
        frames = min(real.shape[1], len(mono)) // HOP
        real, mono = real[:, : frames * HOP].copy(), mono[: frames * HOP]
        for name, ears in renderings(real, mono, clip / "tx_positions.txt").items():
            pair = BinauralAudio(ears, RATE), BinauralAudio(real, RATE)
            values = [m.score(pair[0], reference=pair[1]).value for m in metrics.values()]
            rows.setdefault(name, []).append(values)
    return {
        name: dict(zip(METRICS, np.mean(values, axis=0).tolist(), strict=True))
        for name, values in rows.items()
    }


def renderings(real: np.ndarray, mono: np.ndarray, path: Path) -> dict[str, np.ndarray]:
    """Return two ears (2, n) from the mels of two real ones, by several ways."""
    config = VocoderConfig(reference="heard")
    times = np.arange(len(mono) // HOP) * HOP / RATE
    mel = mel_of(torch.from_numpy(real)[None], config.mel)
    pose = Pose.read(path, "mrsdrama-120hz")
    delay = torch.from_numpy(delays_of(pose, times, 0.09, head="straight").T[None]).float()
    track = f0_yin(real.mean(0), rate=RATE)
    nearest = np.clip(np.rint(times / track.times[1]).astype(int), 0, len(track.f0) - 1)
    f0 = torch.from_numpy(track.f0[nearest]).float()[None]
    parts = ShapedSource(config)(f0, mid_mel(mel), noise=torch.Generator().manual_seed(0))
    mids = {"true mono": torch.from_numpy(mono)[None], "untrained source": parts[:, :2].sum(1)}
    out = {
        "mono in both ears": np.stack([mono, mono]),
        "Griffin-Lim for each ear": griffin_lim(mel, config.mel)[0].numpy(),
    }
    for name, mid in mids.items():
        out[f"two ears of the {name}"] = spatialise(mid, mel, delay, config=config)[0].numpy()
    return out


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", nargs="+", default=["small", "paper"])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--recordings", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    frames = 4 * round(given.seconds * RATE / HOP / 4)
    rows = speed(given.sizes, frames, given.repeats, given.device)
    print(f"real time factor on {given.device}, {frames * HOP / RATE:.2f} s, {given.repeats} runs")
    for name, value in rows.items():
        print(f"  {name:44}{value:9.4f}")
    with torch.inference_mode():
        quality = {"noise": kept(noise(frames * HOP)), "voice": kept(voice(frames * HOP))}
    print(f"\n{'what the two ears keep':46}{'noise':>9}{'voice':>9}")
    for name in quality["noise"]:
        print(f"  {name:44}{quality['noise'][name]:9.3f}{quality['voice'][name]:9.3f}")
    result = {"machine": clock.machine(), "rtf": rows, "kept": quality}
    if given.recordings:
        with torch.inference_mode():
            result["recordings"] = recorded(given.recordings)
        print(f"\n{'recordings':34}" + "".join(f"{name:>15}" for name in METRICS))
        for name, row in result["recordings"].items():
            print(f"  {name:32}" + "".join(f"{value:15.3f}" for value in row.values()))
    if given.json:
        given.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
