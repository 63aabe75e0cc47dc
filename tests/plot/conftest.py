"""A small drama whose interaural differences are known by construction."""

from __future__ import annotations

import numpy as np
import pytest

import spatialdrama as sd

RATE = 48_000
HOSTILE = "<script>alert('x')</script> & \"quoted\" $5 to $6"


def _line(seconds: float, itd_s: float, ild_db: float, seed: int) -> np.ndarray:
    """(2, n) noise; positive delay and level mean that the left ear gets it first and louder."""
    n = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(0, 0.1, n))
    omega = 2 * np.pi * np.fft.rfftfreq(n, 1 / RATE)
    half = np.exp(0.5j * omega * itd_s) * 10 ** (ild_db / 40)
    return np.stack([np.fft.irfft(spectrum * half, n), np.fft.irfft(spectrum / half, n)])


@pytest.fixture(scope="session")
def drama() -> sd.Drama:
    """Three lines: ANNA on the left (300 us, 8 dB), BEN on the right, and Mandarin from above."""
    speakers = {
        "ANNA": sd.Pose.fixed(azimuth_deg=70, distance=1.5),
        "BEN": sd.Pose.walk([(1, -1, 0), (-1, -1, 0)], speed=0.5, start=1.0),
        "宝玉": sd.Pose.fixed((1.0, 0.0, 0.5)),
    }
    rows = [
        ("ANNA", HOSTILE, 0.2, 1.2, 300e-6, 8.0),
        ("BEN", "Only me.", 1.6, 2.6, -300e-6, -8.0),
        ("宝玉", "这个妹妹我曾见过的。", 3.0, 4.0, 0.0, 0.0),
    ]
    samples = np.zeros((2, round(4.6 * RATE)))
    lines, stems = [], []
    for seed, (who, text, start, end, itd, ild) in enumerate(rows):
        lines.append(sd.Line(who, text, start=start, end=end))
        sound = _line(end - start, itd, ild, seed)
        first = round(start * RATE)
        samples[:, first : first + sound.shape[1]] += sound
        f0 = np.where(np.arange(80) % 20 < 15, 120.0 + 40.0 * seed, 0.0)
        stems.append(sd.Speech(sound[0], RATE, f0=f0, f0_hop=0.0125, text=text))
    return sd.Drama(
        sd.BinauralAudio(samples, RATE),
        sd.Script(lines),
        sd.Scene(sd.Room((6, 5, 3), rt60=0.3), speakers, description="a <b>cold</b> night"),
        stems,
        {
            "seed": 7,
            "voices": {"ANNA": "<img src=http://x.example/a>"},
            "assets": {"kokoro": "ab" * 32},
            "versions": {"spatialdrama": "0.1.0"},
            "credits": ["Voice: Kokoro, Apache-2.0"],
        },
    )


@pytest.fixture(scope="session")
def scores(drama: sd.Drama) -> sd.ScoreTable:
    names = [f"{i:03d} {line.speaker}" for i, line in enumerate(drama.script, start=1)]
    cer = [0.0, 0.125, 0.25]
    heard = ["alert x <b>", "only knee", "这个妹妹"]
    return sd.ScoreTable.from_scores(
        {
            "cer": {
                n: sd.Score(v, weight=10, details={"hypothesis": h.replace(" ", ""), "heard": h})
                for n, v, h in zip(names, cer, heard, strict=True)
            },
            "itd_mae": {n: sd.Score(v) for n, v in zip(names, [10.0, 20.0, 30.0], strict=True)},
            "quality": {"whole drama": sd.Score(3.5)},
        },
        direction={"cer": "down", "itd_mae": "down", "quality": "up"},
        unit={"cer": "", "itd_mae": "us", "quality": ""},
        chance={"itd_mae": 331.0},
        notes=("the reference is <dry>.",),
    )
