"""A voice of tones that costs nothing, as an installed plugin that worker processes find too."""

import sys

import pytest

VOICE = '''
"""Says each word as a pulse train; each Han character is a word."""
import os
import re
import time

import numpy as np

from spatialdrama.registry import VoiceSpec, hookimpl
from spatialdrama.types import Phone, Speech

RATE = 24_000
PITCH = {"low": 110.0, "mid": 160.0, "high": 220.0, "thin": 250.0, "deep": 95.0}


class ToneVoice:
    languages = ("en", "zh")

    def identities(self):
        return tuple(PITCH)

    def check(self, text, *, identity, language=None):
        pass

    def speak(self, text, *, identity, language=None, rate=1.0, pitch=0.0, style="", seed=0):
        if os.environ.get("TONE_LOG"):
            with open(os.environ["TONE_LOG"], "a") as log:
                log.write(text + "\\n")
        time.sleep(float(os.environ.get("TONE_DELAY", "0")))
        bad = os.environ.get("TONE_DIES_AT")
        if bad and bad in text:
            os._exit(1)
        words = re.findall(r"[\\u4e00-\\u9fff]|[A-Za-z']+", text)
        parts = [p.split(":") for p in identity.split("+")]
        hz = sum(PITCH[p[0]] * float(p[1] if len(p) > 1 else 1) for p in parts)
        hz *= 2 ** (pitch / 12)
        length = round((0.2 if language == "zh" else 0.3) / rate, 2)
        n = int(length * RATE)
        t = np.arange(n) / RATE
        noise = np.random.default_rng(seed % 2**32)
        phones, sound, at = [Phone("sil", 0.0, 0.25)], [np.zeros(RATE // 4)], 0.25
        for k, word in enumerate(words):
            tone = sum(np.sin(2 * np.pi * hz * m * t) / m for m in range(1, 30))
            tone = 0.05 * tone + 0.02 * noise.standard_normal(n)
            sound.append(tone * np.minimum(1, np.minimum(t, t[::-1]) / 0.01))
            phones.append(Phone(word[:1], round(at, 9), round(at + n / RATE, 9)))
            at += n / RATE
        sound.append(np.zeros(RATE // 4))
        phones.append(Phone("sil", round(at, 9), round(at + 0.25, 9)))
        f0 = np.concatenate([np.zeros(20), np.full(len(words) * n * 80 // RATE, hz), np.zeros(20)])
        return Speech(
            np.concatenate(sound), RATE, phones=phones, f0=f0, f0_hop=1 / 80, text=text,
            language=language or "en", identity=identity, provenance={"voice": "tone"},
        )


@hookimpl
def register_voices(register):
    register(VoiceSpec("tone", "tone_voice:ToneVoice", languages=("en", "zh"), rate=RATE))
'''
IDENTITIES = dict.fromkeys(("en", "zh"), ("low", "mid", "high", "thin", "deep"))


@pytest.fixture(scope="session")
def tone_path(tmp_path_factory):
    """A folder that holds the voice as an installed distribution."""
    folder = tmp_path_factory.mktemp("tone")
    (folder / "tone_voice.py").write_text(VOICE)
    about = folder / "tone_voice-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: tone-voice\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[spatialdrama]\ntone = tone_voice\n")
    return folder


@pytest.fixture
def tone(tone_path, tmp_path, monkeypatch):
    """The voice ``tone`` in this process, and a cache of its own."""
    from spatialdrama.registry import refresh

    monkeypatch.setenv("SPATIALDRAMA_HOME", str(tmp_path / "home"))
    monkeypatch.syspath_prepend(str(tone_path))
    refresh()
    yield "tone"
    monkeypatch.undo()
    sys.modules.pop("tone_voice", None)
    refresh()


@pytest.fixture
def config():
    """Return small configurations that speak with tones and need no asset."""
    from spatialdrama_corpora.simulate.config import SimulationConfig

    def make(**more):
        options = {
            "hours": 0.006, "seed": 5, "voice": "tone", "identities": IDENTITIES, "blends": 3,
            "drama_minutes": (0.2, 0.3), "heads": {"spaced-pinnae": 1}, "rooms_each": 3,
            "held_out": 0.4, "video": False, "text_prompts": 0, "scene_prompts": False,
            "splits": {"train": 0.5, "validation": 0.25, "test": 0.25},
        }  # fmt: skip
        return SimulationConfig(**options | more)

    return make
