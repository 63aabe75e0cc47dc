"""Train the localiser.

    python -m spatialdrama_metrics.localise.training.train --voices FOLDER --out FOLDER

FOLDER of voices holds mono files of dry speech. Every twelfth of them is kept for validation, in
rooms that are not learned from. What is written: ``localiser.safetensors`` (folded weights, half
precision), ``checkpoint.pt`` (to go on with ``--resume``) and ``log.json`` (configuration, curve,
validation by head).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from spatialdrama_metrics.localise import decode
from spatialdrama_metrics.localise.training.data import Clips, read_voices, rendered
from spatialdrama_metrics.localise.training.model import LocaliserNet
from spatialdrama_metrics.localise.training.signals import Features, augmented

#: dB below the loudest frame: quieter frames are not learned from, nor summarised.
ACTIVE_DB = -35.0
#: Width of the soft labels, in classes.
_SPREAD = 1.0
#: How much each head counts.
_SHARES = {"azimuth": 1.0, "elevation": 0.5, "distance": 0.5}


def targets(places: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return soft classes (..., classes) of places (..., 3) in m."""
    x, y, z = places.unbind(-1)
    flat = torch.hypot(x, y)
    azimuth = torch.rad2deg(torch.atan2(y, x))
    elevation = torch.rad2deg(torch.atan2(z, flat))
    distance = torch.log(places.norm(dim=-1).clamp(min=1e-3))
    step = {
        "azimuth": 360 / decode.AZIMUTHS,
        "elevation": 180 / decode.ELEVATIONS,
        "distance": float(np.log(decode.DISTANCE_CENTRES[1] / decode.DISTANCE_CENTRES[0])),
    }
    centres = {
        "azimuth": torch.as_tensor(decode.AZIMUTH_CENTRES),
        "elevation": torch.as_tensor(decode.ELEVATION_CENTRES),
        "distance": torch.as_tensor(np.log(decode.DISTANCE_CENTRES)),
    }
    out = {}
    for name, value in (("azimuth", azimuth), ("elevation", elevation), ("distance", distance)):
        off = value[..., None] - centres[name].to(value)
        if name == "azimuth":
            off = (off + 180) % 360 - 180
        out[name] = torch.softmax(-0.5 * (off / step[name] / _SPREAD) ** 2, -1)
    return out


def loss_of(
    logits: dict[str, torch.Tensor], places: torch.Tensor, active: torch.Tensor
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return the loss and its parts: cross-entropy with soft classes over active frames."""
    wanted = targets(places)
    weight = active.float()
    # Straight above there is no azimuth.
    flat = places[..., :2].norm(dim=-1) / places.norm(dim=-1).clamp(min=1e-3)
    parts = {}
    for name, logit in logits.items():
        entropy = -(wanted[name] * F.log_softmax(logit.float(), -1)).sum(-1)
        w = weight * flat if name == "azimuth" else weight
        parts[name] = (entropy * w).sum() / w.sum().clamp(min=1.0)
    return sum(_SHARES[n] * v for n, v in parts.items()), parts


def pace(share: float) -> float:
    """Return the share of the highest learning rate: up over a twentieth, then half a cosine."""
    share = min(share, 1.0)
    return min(share / 0.05, 1.0) * 0.5 * (1 + float(np.cos(np.pi * share)))


def frames_active(level: torch.Tensor, frames: int) -> torch.Tensor:
    """Return (b, frames) bool for output frames, of (b, 2 frames + 1) levels in dB."""
    return (level[:, : 2 * frames].reshape(len(level), frames, 2) > ACTIVE_DB).all(-1)


@torch.no_grad()
def validated(net: LocaliserNet, front: Features, clips: Clips, device: str) -> dict[str, Any]:
    """Return median errors over active frames, by head and in all."""
    net.eval()
    rows: dict[str, list[np.ndarray]] = {}
    for first in range(0, len(clips.samples), 64):
        part = slice(first, first + 64)
        samples = torch.from_numpy(clips.samples[part]).to(device).float() / 32767
        pictures, level = front(samples)
        logits = net(pictures, level > ACTIVE_DB)
        belief = {n: torch.softmax(v.float(), -1).cpu().numpy() for n, v in logits.items()}
        places = clips.places[part]
        frames = belief["azimuth"].shape[1]
        active = frames_active(level, frames).cpu().numpy()
        x, y, z = np.moveaxis(places[:, :frames], -1, 0)
        true = np.rad2deg(np.arctan2(y, x))
        found = decode.azimuth_deg(belief["azimuth"])
        off = np.abs((found - true + 180) % 360 - 180)
        front_back = np.abs((180 - found - true + 180) % 360 - 180)
        up = np.rad2deg(np.arctan2(z, np.hypot(x, y)))
        off_up = np.abs(decode.elevation_deg(belief["elevation"]) - up)
        distance = np.sqrt(x**2 + y**2 + z**2)
        off_distance = np.abs(np.log2(decode.distance_m(belief["distance"]) / distance))
        level_ground = np.abs(up) < 15
        stacked = np.stack([off, front_back, off_up, off_distance, level_ground], -1)
        for i, head in enumerate(clips.head[part]):
            rows.setdefault(head, []).append(stacked[i][active[i]])
    net.train()
    out = {}
    for name, parts in [*rows.items(), ("all", [p for ps in rows.values() for p in ps])]:
        a = np.concatenate(parts)
        flat = a[a[:, 4] > 0]
        confused = (flat[:, 1] < flat[:, 0] - 20) & (flat[:, 1] < 20)
        out[name] = {
            "azimuth_median_deg": float(np.median(flat[:, 0])),
            "azimuth_mean_deg": float(flat[:, 0].mean()),
            "folded_median_deg": float(np.median(np.minimum(flat[:, 0], flat[:, 1]))),
            "front_back_confused": float(confused.mean()),
            "elevation_median_deg": float(np.median(a[:, 2])),
            "distance_median_octaves": float(np.median(a[:, 3])),
        }
    return out


def train(options: argparse.Namespace) -> None:
    """Render, train, validate and write."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    clips, held = _clips(options, device)
    net, front = LocaliserNet().to(device), Features().to(device)
    average = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.999), use_buffers=True
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=0.02)
    first, curve = 0, []
    if options.resume:
        state = torch.load(options.resume, map_location=device, weights_only=True)
        for part, name in ((net, "net"), (average, "average"), (optimiser, "optimiser")):
            part.load_state_dict(state[name])
        first, curve = state["step"], state["curve"]
    samples = torch.from_numpy(clips.samples).to(device)
    places = torch.from_numpy(clips.places).to(device)
    generator = torch.Generator(device).manual_seed(options.seed + first)
    start = time.monotonic()
    for step in range(first, options.steps):
        # Whichever ends first: the steps, or the time that there is.
        share = max(step / options.steps, (time.monotonic() - start) / (60 * options.minutes))
        pick = torch.randint(len(samples), (options.batch,), generator=generator, device=device)
        with torch.no_grad():
            x, y = augmented(samples[pick].float() / 32767, places[pick], generator)
            pictures, level = front(x)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            logits = net(pictures, level > ACTIVE_DB)
        frames = logits["azimuth"].shape[1]
        loss, parts = loss_of(logits, y[:, :frames], frames_active(level, frames))
        if not torch.isfinite(loss):
            raise RuntimeError(f"the loss is {loss.item()} at step {step}; lower --rate.")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        for group in optimiser.param_groups:
            group["lr"] = options.rate * pace(share)
        optimiser.step()
        average.update_parameters(net)
        over = share >= 1.0
        if step % 200 == 0 or over:
            curve.append({"step": step, **{n: float(v.detach()) for n, v in parts.items()}})
            _say(f"step {step}, {time.monotonic() - start:.0f} s, {curve[-1]}")
        if (step + 1) % 2000 == 0 or over or step + 1 == options.steps:
            result = validated(average.module, front, held, device)
            _say(f"step {step}: {json.dumps(result['all'])}")
            _write(out, options, net, average, optimiser, step + 1, curve, result)
        if over:
            break


def _clips(options: argparse.Namespace, device: str) -> tuple[Clips, Clips]:
    """Return clips to learn from and to validate with; the former are kept where asked for."""
    voices = read_voices(Path(options.voices))
    kept = Path(options.clips) if options.clips else None
    if kept is not None and (kept / "head.npy").exists():
        clips = Clips.load(kept)
    else:
        known = [v for i, v in enumerate(voices) if i % 12]
        clips = rendered(
            known, per_head=options.per_head, seed=options.seed, device=device,
            workers=options.workers, tell=_say,
        )  # fmt: skip
        if kept is not None:
            clips.save(kept)
    held = rendered(
        voices[::12], per_head=options.validation, seed=options.seed + 1000, held_out=None,
        device=device, workers=options.workers, tell=_say,
    )  # fmt: skip
    return clips, held


def _write(out, options, net, average, optimiser, step, curve, result) -> None:
    from safetensors.torch import save_file

    folded = {k: v.half() for k, v in average.module.folded().items()}
    save_file(
        folded, out / "localiser.safetensors", metadata={"format": "spatialdrama.localiser/1"}
    )
    state = {
        "net": net.state_dict(), "average": average.state_dict(),
        "optimiser": optimiser.state_dict(), "step": step, "curve": curve,
    }  # fmt: skip
    torch.save(state, out / "checkpoint.tmp")
    (out / "checkpoint.tmp").replace(out / "checkpoint.pt")
    log = {"options": vars(options), "step": step, "validation": result, "curve": curve}
    (out / "log.json").write_text(json.dumps(log, indent=1))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--voices", required=True, help="folder of mono files")
    parser.add_argument("--out", required=True, help="folder for weights, checkpoint and log")
    parser.add_argument("--per-head", type=int, default=2048, help="clips of each head")
    parser.add_argument("--validation", type=int, default=64, help="held-out clips of each head")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument(
        "--minutes",
        type=float,
        default=1e9,
        help="of training, which ends then with its rate gone down",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that render")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clips", help="folder to keep rendered clips in, and take them from")
    parser.add_argument("--resume", help="a checkpoint.pt to go on from")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
