"""The late part: decay, level, coherence, determinism."""

from itertools import pairwise

import attrs
import numpy as np
import pytest
from scipy.signal import butter, coherence, csd, sosfiltfilt, welch
from spatialdrama_render.air import Air
from spatialdrama_render.images import shoebox_images
from spatialdrama_render.tail import binaural_tail, diffuse_noise, diffuse_tail, tail_energy

from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose, Room

RATE = 48_000
ROOM = Room((6, 5, 3), rt60=0.35, listener=(2.2, 2.1, 1.5))


def schroeder_rt60(response, low=-5.0, high=-35.0):
    """RT60 from the slope of the backward-integrated energy (ISO 3382-1, T30)."""
    energy = np.cumsum(response[::-1].astype(float) ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-20)
    span = np.flatnonzero((level <= low) & (level >= high))
    slope = np.polyfit(span / RATE, level[span], 1)[0]
    return -60 / slope


def at_a_point(room, source, order, *, air=None, seed=0):
    """Response of a room at one point, direct sound and all the rest, (2, n).

    Images are added up in the frequency domain, with their exact delays and with zero-phase
    colours, so that no part of the renderer but the images and the tail is in it.
    """
    images = shoebox_images(room, order, air=air)
    tail = diffuse_tail(room, RATE, order=order, air=air, seed=seed)[0]
    n = len(tail) + 4096
    frequency = np.fft.rfftfreq(n, 1 / RATE)
    spectra = np.zeros((2, len(frequency)), complex)
    distance = np.linalg.norm(images.sign * source + images.offset, axis=1)
    octaves = np.log([125.0, 250, 500, 1000, 2000, 4000, 8000])
    for i, r in enumerate(distance):
        left = np.interp(np.log(np.maximum(frequency, 1)), octaves, images.bands[i])
        left = left * images.gain[i] / r
        if air is not None:
            left = left * 10 ** (-air.attenuation(frequency) * r / 20)
        spectra[min(i, 1)] += left * np.exp(-2j * np.pi * frequency * r / 343)
    spectra[1] += np.fft.rfft(tail, n)
    # Faded out below Nyquist, so that no pulse rings all round the transform.
    return np.fft.irfft(spectra * np.clip((22_000 - frequency) / 4000, 0, 1), n)


def octave(response, centre):
    sos = butter(4, np.array([2**-0.5, 2**0.5]) * centre, "bandpass", fs=RATE, output="sos")
    return sosfiltfilt(sos, response)


def places(room, count, seed, *, apart=1.0):
    """Yield rooms with random listeners, sources at least `apart` from them, and distances."""
    rng = np.random.default_rng(seed)
    size = np.array(room.size)
    while count:
        listener, source = rng.uniform(0.8, size - 0.8, (2, 3))
        distance = np.linalg.norm(source - listener)
        if distance > apart:
            count -= 1
            yield attrs.evolve(room, listener=tuple(listener)), source - listener, distance


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("room", "air"),
    [
        (Room((6, 5, 3), rt60=0.35), None),
        (Room((6, 5, 3), rt60=0.35), Air()),
        (Room((10, 8, 4), rt60=0.9), Air(humidity=20)),
        (Room((6, 5, 3), rt60=0.35, drr_db=4), None),
        (Room((6, 5, 3), rt60=[0.6, 0.55, 0.5, 0.45, 0.4, 0.35, 0.35]), Air()),
        (Room((7, 5, 3), absorption={"walls": 0.2, "floor": 0.4, "ceiling": 0.4}), None),
    ],
    ids=["plain", "air", "dry-air", "drr", "bands", "walls"],
)
def test_rt60_of_images_and_tail(room, air, order):
    """T30 of the octaves where a few responses suffice, mean of places, against the request.

    For walls that are given: Eyring's formula, computed here.
    """
    want = room.rt60 if isinstance(room.rt60, tuple) else np.full(7, room.rt60 or np.nan)
    if room.absorption is not None:
        alpha = (2 * (35 * 0.4) + (15 + 15 + 21 + 21) * 0.2) / (70 + 72)
        want = np.full(7, 24 * np.log(10) * 105 / (343 * 142 * -np.log(1 - alpha)))
    times = []
    for seed, (here, source, _) in enumerate(places(room, 6, seed=order)):
        whole = at_a_point(here, source, order, air=air, seed=seed).sum(axis=0)
        times.append([schroeder_rt60(octave(whole, f)) for f in (1000, 2000, 4000)])
    np.testing.assert_allclose(np.mean(times, axis=0), want[3:6], rtol=0.05)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(
    "room",
    [
        Room((6, 5, 3), rt60=0.35),
        Room((10, 8, 4), rt60=0.9),
        Room((6, 5, 3), rt60=0.35, drr_db=6.0),
        Room((6, 5, 3), rt60=0.35, drr_db=-6.0),
    ],
)
def test_direct_to_reverberant_ratio(room, order):
    """Within 1 dB of the request on average over places; of Barron's formula where none is made."""
    off = []
    for seed, (here, source, distance) in enumerate(places(room, 10, seed=order)):
        direct, rest = at_a_point(here, source, order, seed=seed)
        ratio = 10 * np.log10(np.sum(direct**2) / np.sum(rest**2))
        beyond_1m = 20 * np.log10(distance) - 60 * (distance - 1) / (343 * room.rt60)
        at_1m = room.drr_db
        if at_1m is None:
            energy = 4 * np.pi * 343 * room.rt60 / (np.prod(room.size) * 6 * np.log(10))
            at_1m = -10 * np.log10(energy) + 60 / (343 * room.rt60)
        off.append(ratio + beyond_1m - at_1m)
    assert abs(np.mean(off)) < 0.5
    assert np.abs(off).max() < 1.5


@pytest.mark.parametrize("order", [1, 2, 3])
def test_air_takes_the_highs_of_a_hall_with_given_walls(order):
    """8 kHz: walls and air together, Eyring and ISO 9613-1 (20 degrees, 50 %: 105 dB/km)."""
    hall = Room((15, 12, 6), absorption=0.08)
    walls = -24 * 1.0 / (24 * np.log(10) * 1080 / (343 * 684 * np.log(1 - 0.08)) * 24) * 60
    tail = diffuse_tail(hall, RATE, channels=3, order=order, air=Air())
    for centre, air in ((1000.0, 4.66e-3), (8000.0, 0.1052)):
        narrow = butter(4, np.array([0.95, 1.05]) * centre, "bandpass", fs=RATE, output="sos")
        times = [schroeder_rt60(sosfiltfilt(narrow, c)) for c in tail]
        assert np.mean(times) == pytest.approx(60 / (walls + 343 * air), rel=0.06)


def test_channels_are_incoherent_and_weighted():
    weights = np.array([1.0, 3**-0.5, 3**-0.5, 3**-0.5])
    room = Room((6, 5, 3), rt60=0.6)
    tails = [
        diffuse_tail(room, RATE, channels=4, order=1, weights=weights, seed=s) for s in range(12)
    ]
    assert tails[0].dtype == np.float32
    parts = np.concatenate([t[:, 1000:9000] for t in tails], axis=1)
    alike = np.corrcoef(parts)
    assert np.abs(alike - np.eye(4)).max() < 0.03
    energy = np.mean([(t.astype(float) ** 2).sum(axis=1) for t in tails], axis=0)
    np.testing.assert_allclose(energy / energy[0], weights**2, rtol=0.1)
    # Each channel alone has the energy of the images that are left out.
    time = np.arange(tails[0].shape[1]) / RATE
    np.testing.assert_allclose(energy[0], tail_energy(room, time, order=1).sum() / RATE, rtol=0.06)


def test_bands_keep_the_coherence_of_the_ears(kemar):
    """Tails with a decay of their own in each band are as coherent as the head says."""
    room = Room((6, 5, 3), rt60=[3.0, 2.6, 2.4, 2.2, 2.0, 1.8, 1.5])
    tails = [
        binaural_tail(kemar.head, room, order=1, seed=s, air=Air())[:, 1500:44508]
        for s in range(12)
    ]
    left, right = np.concatenate(tails, axis=1)
    frequency, cross = csd(left, right, RATE, nperseg=512)
    powers = [welch(x, RATE, nperseg=512)[1] for x in (left, right)]
    got = cross.real / np.sqrt(powers[0] * powers[1])
    want = np.interp(
        frequency, np.linspace(0, RATE / 2, len(kemar.head.coherence)), kemar.head.coherence
    )
    band = (frequency > 150) & (frequency < 8000)
    assert np.sqrt(np.mean((got - want)[band] ** 2)) < 0.05


def test_walls_that_absorb_by_direction_leave_the_late_sound_to_the_others():
    """Count real images between two soft and four hard walls, as for the plain room below."""
    room = Room((6, 5, 3), absorption={"walls": 0.1, "floor": 0.7, "ceiling": 0.7})
    images = shoebox_images(room, 12)
    size, origin = np.array(room.size), np.array(room.listener)
    rng, late, every = np.random.default_rng(1), 0.0, 0.0
    for _ in range(200):
        head, source = rng.uniform(0, 1, (2, 3)) * size - origin
        distance = np.linalg.norm(images.sign * source + images.offset - head, axis=1)
        slot = (distance > 3.5) & (distance < 7.0)
        energy = images.gain[slot] ** 2 / distance[slot] ** 2
        late += energy[images.order[slot] > 2].sum()
        every += energy.sum()
    time = np.linspace(3.5 / 343, 7.0 / 343, 200)
    share = np.sum(tail_energy(room, time, order=2)) / np.sum(tail_energy(room, time, order=-1))
    assert share == pytest.approx(late / every, abs=0.06)


def test_a_measured_room_has_no_tail_of_its_own(kemar):
    with pytest.raises(ValidationError, match="has no walls"):
        binaural_tail(kemar.head, Room.measured("hall.wav"), order=1)


@pytest.mark.parametrize(
    ("size", "rt60"), [((6, 5, 3), 0.35), ((4, 3, 2.5), 0.25), ((10, 8, 4), 0.9)]
)
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_rt60_of_a_rendered_click(sphere_with, size, rt60, order):

    room = Room(size, rt60=rt60)
    click = np.zeros(16, np.float32)
    click[0] = 1
    renderer = sphere_with(order=order)
    audio = renderer.render(click, Pose.fixed((1.3, -0.6, 0.1)), room=room, directivity="omni")
    for ear in audio.samples:
        assert abs(schroeder_rt60(ear) / rt60 - 1) < 0.10


@pytest.mark.parametrize("order", [1, 2, 3])
def test_reverberant_energy_is_barrons(kemar, order):
    """All that is not direct sound, against (4 pi c / V) times the decay from the direct sound on.

    Mean over places of source and head, as the formula is; both ears; the diffuse-field power of
    the head is one.
    """
    from spatialdrama_render.physical import PhysicalRenderer

    renderer = PhysicalRenderer(order=order)
    click = np.zeros(16, np.float32)
    click[0] = 1
    rng = np.random.default_rng(order)
    got, want = [], []
    for _ in range(12):
        origin = rng.uniform([0.8, 0.8, 0.8], [5.2, 4.2, 2.2])
        source = rng.uniform([0.8, 0.8, 0.8], [5.2, 4.2, 2.2])
        if np.linalg.norm(source - origin) < 1:
            continue
        room = Room((6, 5, 3), rt60=0.35, listener=tuple(origin))
        pose = Pose.fixed(tuple(source - origin))
        wet = renderer.render(click, pose, room=room, directivity="omni").samples
        dry = renderer.render(click, pose, directivity="omni").samples
        wet = wet.astype(float)
        wet[:, : dry.shape[1]] -= dry
        # The head's diffuse power is one from about 300 Hz to 12 kHz only; compare there.
        power = np.abs(np.fft.rfft(wet)) ** 2
        frequency = np.fft.rfftfreq(wet.shape[1], 1 / RATE)
        band = (frequency > 300) & (frequency < 12_000)
        got.append(power[:, band].mean())
        gone = np.linalg.norm(source - origin) / 343
        want.append(4 * np.pi * 343 / 90 * 0.35 / (6 * np.log(10)) * 10 ** (-6 * gone / 0.35))
    assert abs(10 * np.log10(np.mean(got) / np.mean(want))) < 1.0


def test_tail_energy_grows_into_the_whole():
    time = np.linspace(0, 0.4, 2000)
    whole = tail_energy(ROOM, time, order=-1)
    parts = [tail_energy(ROOM, time, order=n) for n in (1, 2, 3)]
    for lower, higher in pairwise(parts):
        assert (higher <= lower * (1 + 1e-9)).all()  # what images take over, the tail gives up
    assert parts[1][0] == 0
    np.testing.assert_allclose(parts[1][-1], whole[-1], rtol=1e-3)


def test_share_of_the_tail_is_what_the_image_lattice_leaves():
    """Count real images: energy of order above 2 in 5 ms slots, mean over random places."""
    images = shoebox_images(ROOM, 12)
    size, origin = np.array(ROOM.size), np.array(ROOM.listener)
    slots = np.arange(0, 0.041, 0.005)
    energy = np.zeros(len(slots) - 1)
    rng = np.random.default_rng(0)
    for _ in range(300):
        head = rng.uniform(0, 1, 3) * size - origin
        source = rng.uniform(0, 1, 3) * size - origin
        distance = np.linalg.norm(images.sign * source + images.offset - head, axis=1)
        late = images.order > 2
        energy += np.histogram(
            distance[late] / 343, slots, weights=images.gain[late] ** 2 / distance[late] ** 2
        )[0]
    energy /= 300 * 0.005
    middle = (slots[:-1] + slots[1:]) / 2
    model = tail_energy(ROOM, np.linspace(0, 0.4, 4001), order=2)
    model = np.interp(middle, np.linspace(0, 0.4, 4001), model)
    # Heads and sources in a corner meet a third wall earlier than the mean; that is 3 % of it.
    heard = energy > 0.25 * energy.max()
    assert np.abs(10 * np.log10(model[heard] / energy[heard])).max() < 2.0
    assert abs(10 * np.log10(model.sum() / energy.sum())) < 0.6


def test_coherence_is_the_heads_and_near_two_ears_in_a_diffuse_field(kemar):
    head = kemar.head
    left, right = diffuse_noise(head, 40 * RATE, seed=3)
    frequency, cross = csd(left, right, RATE, nperseg=2048)
    powers = [welch(x, RATE, nperseg=2048)[1] for x in (left, right)]
    got = cross.real / np.sqrt(powers[0] * powers[1])
    grid = np.linspace(0, RATE / 2, len(head.coherence))
    band = (frequency > 100) & (frequency < 15_000)
    want = np.interp(frequency, grid, head.coherence)
    assert np.abs(got - want)[band].max() < 0.12
    # Two points in space would cross zero at c / (2 d), 980 Hz for ears 0.175 m apart; round a
    # head waves take longer, and measured ones cross between 500 and 800 Hz (Lindevald and
    # Benade, 1986).
    first_zero = frequency[(frequency > 150) & (got < 0)][0]
    assert 400 < first_zero < 900
    assert got[(frequency > 80) & (frequency < 150)].mean() > 0.8
    assert np.abs(got[(frequency > 1500) & (frequency < 8000)]).mean() < 0.2


def test_coherence_of_the_tail_itself(kemar):
    tails = [binaural_tail(kemar.head, ROOM, order=2, seed=s)[:, 2000:10_000] for s in range(30)]
    left, right = np.concatenate(tails, axis=1)
    frequency, magnitude = coherence(left, right, RATE, nperseg=512)
    assert np.sqrt(magnitude[(frequency > 2000) & (frequency < 8000)]).mean() < 0.25
    assert np.sqrt(magnitude[1]) > 0.75


def test_seed(kemar):
    a, b, c = (binaural_tail(kemar.head, ROOM, order=2, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 0.1 * np.abs(a).max()
    assert a.dtype == np.float32


def test_a_receiver_keeps_the_tails_asked_for_last():
    from spatialdrama_render import plan

    made = []

    def tail_of(room, acoustics):
        made.append(room.rt60)
        return np.zeros((2, 1), dtype=np.float32)

    receiver = plan.Receiver(None, tail_of)
    acoustics = plan.Acoustics(1, "eyring", None, 0.1, True, 0)
    rooms = [Room((6, 5, 3), rt60=0.3 + 0.01 * k) for k in range(plan._TAILS + 4)]
    for room in rooms:
        receiver.tail(room, acoustics)
        receiver.tail(rooms[0], acoustics)  # always among the last
    assert made == [room.rt60 for room in rooms]
    receiver.tail(rooms[-1], acoustics)
    assert len(made) == len(rooms)
    receiver.tail(rooms[1], acoustics)  # long dropped
    assert made[-1] == rooms[1].rt60
    assert len(receiver._tails) == plan._TAILS
