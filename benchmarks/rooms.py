"""Rooms for the quality benchmark: does a click decay, and mix, as was asked for?"""

from __future__ import annotations

from typing import Any

import measures
import numpy as np
import truth
from spatialdrama_render.heads import read_responses

import spatialdrama as sd
from spatialdrama.runtime.assets import locate

RATE = 48_000
#: (size in m, RT60 in s): a booth, a small and a large living room, a hall.
ROOMS = (
    ((4.0, 3.0, 2.5), 0.25),
    ((6.0, 5.0, 3.0), 0.35),
    ((7.0, 5.0, 2.8), 0.6),
    ((10.0, 8.0, 4.0), 0.9),
    ((20.0, 14.0, 8.0), 1.6),
)
#: Pairs of places per room; the formulas are means over places.
PLACES = 12
#: Hz; loudspeaker and microphone of the measurement leave little outside.
BAND = (300.0, 12_000.0)
#: Hz; third octaves for the coherence between the ears.
CENTRES = 125.0 * 2 ** (np.arange(19) / 3)
SEEDS = 24


def decays(options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return RT60 and direct-to-reverberant ratio of rendered clicks beside the request."""
    renderer = sd.load_renderer("physical", **options)
    head = truth.Head(read_responses(locate("kemar")))
    return [_decay(renderer, head, size, rt60) for size, rt60 in ROOMS]


def _decay(renderer: Any, head: truth.Head, size: tuple[float, ...], rt60: float) -> dict[str, Any]:
    click = np.zeros(16, np.float32)
    click[0] = 1.0
    decay, direct, reverberant, expected_direct, expected_reverberant = [], [], [], [], []
    for listener, source in _places(size):
        room = sd.Room(size, rt60=rt60, listener=tuple(listener))
        pose = sd.Pose.fixed(source - listener)
        wet = renderer.render(click, pose, room=room, directivity="omni").samples.astype(float)
        dry = renderer.render(click, pose, directivity="omni").samples.astype(float)
        decay.append(measures.t30(wet))
        curve = measures.decay_db(wet)
        wet[:, : dry.shape[1]] -= dry
        direct.append(measures.band_energy(dry, *BAND))
        reverberant.append(measures.band_energy(wet, *BAND))
        gap = float(np.linalg.norm(source - listener))
        expected_direct.append(_response_energy(head, (source - listener)[None] / gap) / gap**2)
        expected_reverberant.append(barron(size, rt60, gap) * _diffuse_energy(head))
    ratio = measures.db(np.sum(direct) / np.sum(reverberant))
    expected = measures.db(np.sum(expected_direct) / np.sum(expected_reverberant))
    decay = np.array(decay)
    return {
        "size_m": size,
        "rt60_s": rt60,
        "measured_rt60_s": float(decay.mean()),
        "rt60_error_percent": float(100 * abs(decay.mean() / rt60 - 1)),
        "rt60_worst_place_percent": float(100 * np.abs(decay / rt60 - 1).max()),
        "dr_db": float(ratio),
        "expected_dr_db": float(expected),
        "dr_error_db": float(ratio - expected),
        "decay_db": curve[:: RATE // 1000],
    }


def barron(size: tuple[float, ...], rt60: float, distance: float) -> float:
    """Return the energy of all reflections, re the direct sound's at 1 m.

    Barron and Lee (1988), "Energy relations in concert auditoriums", equation 3: 31,200 (T / V)
    exp(-0.04 r / T) re the direct sound's at 10 m, here with its constants written out.
    """
    volume = float(np.prod(size))
    whole = 4 * np.pi * truth.C / volume * rt60 / (6 * np.log(10))
    return whole * 10 ** (-6 * distance / truth.C / rt60)


def tail_coherence(options: dict[str, Any]) -> dict[str, Any]:
    """Return the coherence between the ears in a late tail and in a diffuse field of the head.

    The tail: clicks with different seeds, from the time on when only the tail is left. The field:
    the cross-spectra of the measured responses, averaged over the sphere (each direction counts as
    the area that it stands for; the lowest ring stands for what is below it).
    """
    room = sd.Room((10.0, 8.0, 4.0), rt60=0.9, listener=(4.1, 3.3, 1.6))
    click = np.zeros(16, np.float32)
    click[0] = 1.0
    n, cross, power = 2048, 0.0, 0.0
    for seed in range(SEEDS):
        renderer = sd.load_renderer("physical", tail_seed=seed, **options)
        pose = sd.Pose.fixed((2.0, 1.0, 0.0))
        ears = renderer.render(click, pose, room=room, directivity="omni").samples.astype(float)
        for first in range(round(0.12 * RATE), round(0.6 * RATE), n // 2):
            cut = ears[:, first : first + n]
            spectra = np.fft.rfft(cut * np.hanning(n) / np.sqrt((cut**2).mean()))
            cross = cross + spectra[0] * spectra[1].conj()
            power = power + np.abs(spectra) ** 2
    got = measures.coherence(cross, power, np.fft.rfftfreq(n, 1 / RATE), CENTRES)
    wanted = diffuse_coherence()
    return {
        "frequency_hz": CENTRES.tolist(),
        "tail": got.tolist(),
        "diffuse_field": wanted.tolist(),
        "rms_error": float(np.sqrt(np.mean((got - wanted) ** 2))),
        "largest_error": float(np.abs(got - wanted).max()),
    }


def diffuse_coherence() -> np.ndarray:
    """Return the coherence (third octaves) of the measured responses over the whole sphere."""
    responses = read_responses(locate("kemar"))
    directions = responses["position"].values
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    _, first = np.unique(directions.round(6), axis=0, return_index=True)
    area = truth.hull_areas(directions[first])
    spectra = np.fft.rfft(responses["impulse_response"].values[first], 8192)
    cross = np.einsum("v,vf->f", area, spectra[:, 0] * spectra[:, 1].conj())
    power = np.einsum("v,vef->ef", area, np.abs(spectra) ** 2)
    frequency = np.fft.rfftfreq(8192, 1 / float(responses.attrs["rate"]))
    return measures.coherence(cross, power, frequency, CENTRES)


def report(rows: list[dict[str, Any]], coherence: dict[str, Any]) -> None:
    """Print both tables."""
    print(f"\nRooms, clicks at {PLACES} pairs of places each")
    print(f"  {'size, m':>16}{'RT60':>8}{'measured':>10}{'error':>9}{'worst place':>13}"
          f"{'D/R':>8}{'expected':>10}{'error':>9}")  # fmt: skip
    for row in rows:
        size = " x ".join(f"{v:g}" for v in row["size_m"])
        print(f"  {size:>16}{row['rt60_s']:6.2f} s{row['measured_rt60_s']:8.3f} s"
              f"{row['rt60_error_percent']:7.1f} %{row['rt60_worst_place_percent']:11.1f} %"
              f"{row['dr_db']:8.2f}{row['expected_dr_db']:10.2f}"
              f"{row['dr_error_db']:+6.2f} dB")  # fmt: skip
    print("\n  coherence between the ears, third octaves")
    for what, key in (("Hz", "frequency_hz"), ("tail", "tail"), ("field", "diffuse_field")):
        digits = 0 if key == "frequency_hz" else 2
        cells = "".join(f"{v:7.{digits}f}" for v in coherence[key][::2])
        print(f"  {what:6}{cells}")
    print(f"  rms error {coherence['rms_error']:.3f}, largest {coherence['largest_error']:.3f}")


def _places(size: tuple[float, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return pairs of places, 0.7 m from the walls and at least 1 m apart."""
    random = np.random.default_rng(7)
    room = np.asarray(size)
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    while len(pairs) < PLACES:
        listener, source = (random.uniform(0.7, room - 0.7) for _ in range(2))
        gap = source - listener
        far = float(np.linalg.norm(gap))
        # Not below the lowest measured ring, where the direct sound's response would be a guess.
        if far >= 1.0 and gap[2] > -0.6 * far:
            pairs.append((listener, source))
    return pairs


def _response_energy(head: truth.Head, directions: np.ndarray) -> float:
    """Return the band's energy of the measured responses of one direction, both ears."""
    triangle, weight = head.weights(directions)
    mixed = np.einsum("j,jet->et", weight[0], head.aligned[head.corners[triangle[0]]])
    return _fine_energy(mixed)


def _diffuse_energy(head: truth.Head) -> float:
    """Return the same, averaged over the sphere."""
    area = truth.hull_areas(head.directions)
    return float(sum(a * _fine_energy(pair) for a, pair in zip(area, head.aligned, strict=True)))


def _fine_energy(pair: np.ndarray) -> float:
    """Return the band's energy of responses on the fine lines, scaled as filters at `RATE` are."""
    power = (np.abs(np.fft.rfft(pair, 4096)) ** 2).sum(axis=0)
    frequency = np.fft.rfftfreq(4096, 1 / (RATE * truth.FINE))
    band = (frequency >= BAND[0]) & (frequency < BAND[1])
    return float(2 * power[band].sum() / 4096)
