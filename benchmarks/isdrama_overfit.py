"""ISDrama learns eight lines by heart on a CPU, then says them through the whole generator.

    python benchmarks/isdrama_overfit.py [--out FOLDER] [--autoencoder-steps 1000] [--steps 900]

Eight short lines of the voice `kokoro`, English and Mandarin, still and walking, placed by
`physical`, are learned by the preset `tiny` (its autoencoder and transformer 64 wide, a latent of
24): first the autoencoder, then content, pose and transformer together. Then a script of the same
lines is generated as anybody would, with predicted pitch and the lines' own durations, an untrained
vocoder and 25 Euler steps, and a recogniser reads it. It shows that the parts fit together and can
learn; nothing is said about lines that were not learned.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from spatialdrama_isdrama import checkpoints
from spatialdrama_isdrama.autoencoder.griffin_lim import griffin_lim
from spatialdrama_isdrama.autoencoder.mel import mel_of, padded, two_ears
from spatialdrama_isdrama.parts import build
from spatialdrama_isdrama.presets import preset
from spatialdrama_isdrama.training.examples import collate, example_of
from spatialdrama_isdrama.training.joint import Joint
from spatialdrama_isdrama.transformer import sample
from spatialdrama_isdrama.transformer.routing import temperature

import spatialdrama as sd
from spatialdrama.registry import load
from spatialdrama.staging.stems import levelled, trimmed

RATE = 48_000
LINES = (
    ("FRANCISCO", "af_heart", "Who is there?", sd.Pose.fixed(azimuth_deg=60, distance=1.5)),
    ("BERNARDO", "am_michael", "Stand, and unfold yourself.",
     sd.Pose.fixed(azimuth_deg=-70, distance=1.2)),
    ("HORATIO", "bf_emma", "Long live the king!", sd.Pose.line((1, 1, 0), (1, -1, 0), duration=2)),
    ("MARCELLUS", "bm_george", "You come most carefully.",
     sd.Pose.fixed(azimuth_deg=150, distance=2)),
    ("DAIYU", "zf_xiaobei", "这个妹妹我曾见过。", sd.Pose.fixed(azimuth_deg=30, distance=1)),
    ("BAOYU", "zm_yunxi", "可又是胡说。", sd.Pose.fixed(azimuth_deg=-30, distance=1.4)),
    ("JIAMU", "zf_xiaoxiao", "你何曾见过他？", sd.Pose.line((-1, 1, 0), (1, 1, 0), duration=2)),
    ("LUXUN", "zm_yunyang", "今日只作远别重逢。", sd.Pose.fixed(azimuth_deg=-110, distance=1.6)),
)  # fmt: skip
#: Flow loss (of 2 at the start), mel error in dB a bin, error rate of what was learned.
BARS = {"flow": 0.15, "mel_db": 4.0, "cer_griffin_lim": 0.25}
PROMPTS = {"en": "Good evening to you all.", "zh": "大家晚上好。"}


def recorded(mel: Any) -> tuple[list, dict[str, np.ndarray], sd.Script]:
    """Speak and place the lines; return examples, voice prompts and a script with phones."""
    voice, renderer = load("voice", "kokoro"), load("renderer", "physical")
    examples, prompts, lines = [], {}, []

    def say(text: str, who: str) -> sd.Speech:
        return levelled(trimmed(voice.speak(text, identity=who, seed=1).resampled(RATE)), -26.0)

    at = 0.0
    for name, who, text, pose in LINES:
        speech = say(text, who)
        audio = renderer.render(speech.samples, pose, rate=RATE)
        prompts[name] = say(PROMPTS["zh" if who[0] == "z" else "en"], who).samples
        known = mel_of(two_ears(torch.from_numpy(np.array(prompts[name]))), mel)
        line = sd.Line(name, text, phones=speech.phones)
        prompt = padded(known, mel)[0][0]
        examples.append(example_of(line, speech, audio, pose, mel, prompt=prompt))
        length = examples[-1].length / mel.frames_per_second
        lines.append(attrs.evolve(line, start=at, end=at + length))
        at += length + 0.5
    return examples, prompts, sd.Script(lines)


def pace(step: int, steps: int) -> float:
    """Return the factor on the learning rate: up over 20 steps, then half a cosine."""
    return min(1.0, (step + 1) / 20) * (0.5 + 0.5 * np.cos(np.pi * step / steps))


def descend(parameters: Any, loss_of: Any, steps: int, rate: float, told: str) -> list[float]:
    """Do `steps` of Adam; return the losses and print ten of them."""
    optimiser = torch.optim.Adam(parameters, lr=rate, betas=(0.9, 0.99))
    seen, began = [], time.perf_counter()
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * pace(step, steps)
        loss = loss_of()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        seen.append(float(loss.detach()))
        if (step + 1) % max(steps // 10, 1) == 0:
            took = time.perf_counter() - began
            print(f"  {told} {step + 1:5}: {np.mean(seen[-20:]):.4f}   {took:.0f} s", flush=True)
    return seen


def learn_mels(model: Any, batches: list, steps: int, rate: float) -> float:
    """Teach the autoencoder; return the mean absolute error in dB of a mel bin."""

    def errors(power: int) -> torch.Tensor:
        total = count = 0
        for mel, mask in batches:
            there = mask[:, None, None]
            gap = model.reconstruct(mel, mask).mel - mel
            total = total + (gap.abs() ** power * there).sum()
            count = count + there.sum() * 160
        return total / count

    descend(list(model.parameters()), lambda: errors(2), steps, rate, "autoencoder")
    model.eval().calibrate(batches)
    with torch.no_grad():
        return 20 * float(errors(1))


def heard(audio: sd.BinauralAudio, line: sd.Line) -> tuple[float, str]:
    """Return the character error rate of a line's sound, and what the recogniser read."""
    language = "zh" if any(ord(c) > 0x2E80 for c in line.text) else "en"
    asked = sd.Line(line.speaker, line.text, language=language, start=0.0, end=audio.duration)
    score = load("metric", "cer").score(audio, line=asked)
    return score.value, str(score.details.get("heard", ""))


def main() -> int:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--autoencoder-steps", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--out", type=Path, help="keep the drama and figures.json here")
    options = parser.parse_args()
    width = {"width": 64, "latent": 24}
    config = preset("tiny", autoencoder=width, transformer={**width, "fan_inner": 64},
                    vocoder={"source": "shaped"}, gamma=1.0, alpha=1.0,
                    drop_prompt=0.0, other_prompt=0.0, temperature_steps=options.steps)  # fmt: skip
    torch.manual_seed(0)
    examples, prompts, script = recorded(config.mel)
    batch, parts = collate(examples), build(config)
    began = time.perf_counter()
    autoencoder = parts["autoencoder"]
    error = learn_mels(
        autoencoder, [(batch.mel, batch.mask), (batch.prompt, batch.prompt_mask)],
        options.autoencoder_steps, 2.5e-3,
    )  # fmt: skip
    joint = Joint(parts["content"], parts["pose"], parts["transformer"], autoencoder)
    draw = torch.Generator().manual_seed(1)
    latents = joint.latents(batch)
    flows: list[float] = []

    def loss() -> torch.Tensor:
        noise = torch.randn(latents[0].shape, generator=draw)
        at = torch.rand(len(examples), generator=draw)
        tau = temperature(len(flows), config.transformer)
        said = joint(batch, noise, at, tau=tau, generator=draw, latents=latents)
        flows.append(float(said.drama.flow.detach()))
        return said.total

    descend(list(joint.parameters()), loss, options.steps, 2e-3, "joint")
    trained = time.perf_counter() - began
    joint.eval()
    with torch.no_grad():
        conditions, _ = joint.conditions(batch, latents[1])
        noise = torch.randn(latents[0].shape, generator=draw)
        made = sample(parts["transformer"], attrs.evolve(conditions, f0=None), noise,
                      gamma=1.0, alpha=1.0, steps=25)  # fmt: skip
        mel = autoencoder.decode(made.latent, batch.mask)
    there = batch.mask[:, None, None]
    off = 20 * float(((mel - batch.mel).abs() * there).sum() / (there.sum() * 160))
    seconds = float(batch.mask.sum()) / config.mel.frames_per_second
    print(f"\n{len(examples)} lines, {seconds:.1f} s of sound, learned in {trained:.0f} s")
    print(f"  flow loss {np.mean(flows[:5]):.2f} -> {np.median(flows[-50:]):.3f} (median)")
    print(f"  mel error: autoencoder {error:.2f} dB, generated {off:.2f} dB a bin")
    folder = Path(tempfile.mkdtemp()) / "weights"
    checkpoints.save(folder, config, parts, provenance={"benchmark": "isdrama_overfit"})
    scene = sd.Scene(None, {name: pose.shifted(line.start) for (name, _, _, pose), line in
                            zip(LINES, script, strict=True)})  # fmt: skip
    voices = {name: sd.Speech(samples, RATE) for name, samples in prompts.items()}
    speaker = sd.load_generator(
        "isdrama", weights=folder, device="cpu", scene_encoder="none", cache=False
    )
    drama = sd.generate(script, scene, voices=voices, seed=3, generator=speaker, progress=False)
    rows = []
    print(f"\n  {'line':32}{'flow, Griffin-Lim':>20}{'generator':>12}")
    for i, line in enumerate(drama.script):
        n = examples[i].length
        wave = griffin_lim(mel[i : i + 1, :, :, :n], config.mel, 32, phase="shared")[0].numpy()
        plain, _ = heard(sd.BinauralAudio(wave, RATE), line)
        cut = drama.audio.cut(line.start, line.end)
        whole, text = heard(cut, line)
        rows.append({"line": line.text, "cer_griffin_lim": plain, "cer": whole, "heard": text})
        print(f"  {line.text:32}{plain:20.2f}{whole:12.2f}   {text}")
    figures = {
        "seconds": trained, "mel_db": off, "autoencoder_mel_db": error,
        "flow": [float(np.mean(flows[:5])), float(np.median(flows[-50:]))], "lines": rows,
        "cer": float(np.mean([r["cer"] for r in rows])),
        "cer_griffin_lim": float(np.mean([r["cer_griffin_lim"] for r in rows])),
    }  # fmt: skip
    print(f"  mean: {figures['cer_griffin_lim']:.3f} and {figures['cer']:.3f}")
    if options.out:
        drama.save(options.out)
        (options.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    met = True
    for name, value in (("flow", figures["flow"][1]), ("mel_db", off),
                        ("cer_griffin_lim", figures["cer_griffin_lim"])):  # fmt: skip
        met &= value <= BARS[name]
        said = "met" if value <= BARS[name] else "NOT MET"
        print(f"  {name} {value:.3f}, bar {BARS[name]:g}: {said}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
