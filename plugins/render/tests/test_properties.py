"""What must hold for any voice on any path: drawn by hypothesis, not chosen by us."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spatialdrama.types import Pose, Room

RATE, C = 48_000, 343.0
ROOM = Room((6, 5, 3), rt60=0.3)
FEW = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

azimuths = st.floats(-179, 180)
elevations = st.floats(-80, 85)
distances = st.floats(0.3, 2.2)
rooms = st.sampled_from([None, ROOM])
mouths = st.sampled_from(["speech", "omni"])
seeds = st.integers(0, 10_000)


@st.composite
def places(draw, nearest=0.3):
    """A point in the room, off the head."""
    point = np.array(
        [draw(st.floats(-2.9, 2.9)), draw(st.floats(-2.4, 2.4)), draw(st.floats(-1.4, 1.4))]
    )
    distance = np.linalg.norm(point)
    return point if distance >= nearest else np.array([nearest + 0.1, point[1], point[2]])


@st.composite
def poses(draw):
    """Still, or along a straight line that keeps off the head, at up to 3 m/s."""
    start = draw(places())
    if draw(st.booleans()):
        return Pose.fixed(tuple(start))
    # Sideways to where it starts, so that the line only leads away from the head.
    step = np.cross(start, draw(places()))
    size = np.linalg.norm(step)
    step = step / size * draw(st.floats(0.05, 0.4)) if size > 1e-6 else 0 * step
    end = np.clip(start + step, [-2.95, -2.45, -1.45], [2.95, 2.45, 1.45])
    return Pose.from_samples([0.0, 0.25], [tuple(start), tuple(end)])


def speech(seed, n=4800):
    rng = np.random.default_rng(seed)
    ramp = np.minimum(1.0, np.minimum(np.arange(n), np.arange(n)[::-1]) / 200)
    return (0.1 * rng.standard_normal(n) * np.sin(np.pi / 2 * ramp) ** 2).astype(np.float32)


@given(poses(), rooms, mouths, st.integers(1, 6000))
@FEW
def test_silence_in_silence_out(sphere, pose, room, mouth, n):
    audio = sphere.render(np.zeros(n, np.float32), pose, room=room, directivity=mouth)
    assert not audio.samples.any()
    assert audio.samples.shape[1] >= n


@given(poses(), rooms, mouths, seeds, st.floats(-4, 4), st.floats(-4, 4))
@FEW
def test_linearity(sphere, pose, room, mouth, seed, a, b):
    x, y = speech(seed), speech(seed + 1)
    one, two, both = (
        sphere.render(s.astype(np.float32), pose, room=room, directivity=mouth).samples
        for s in (x, y, a * x + b * y)
    )
    scale = max(np.abs(one).max() * abs(a), np.abs(two).max() * abs(b), 1e-3)
    np.testing.assert_allclose(both, a * one + b * two, atol=2e-6 * max(1, scale / 0.1))


@given(poses(), mouths, seeds)
@FEW
def test_a_mirrored_world_exchanges_the_ears(sphere_with, pose, mouth, seed):
    renderer, mono = sphere_with(tail=False), speech(seed)
    flip = np.array([1.0, -1.0, 1.0])
    # A reflection turns (x, y, z, w) into (-x, y, -z, w).
    quaternion = pose.orientation.values * np.array([-1.0, 1.0, -1.0, 1.0])
    mirrored = Pose.from_samples(pose.time.values, pose.position.values * flip, quaternion)
    for room in (None, ROOM):
        a, b = (
            renderer.render(mono, p, room=room, directivity=mouth).samples for p in (pose, mirrored)
        )
        # Squares of the grid are cut into triangles along either diagonal, so not to the bit.
        error = np.sqrt(np.mean((a - b[::-1]) ** 2) / np.mean(a**2))
        assert error < 1e-5


@given(places(), rooms, mouths, seeds, st.integers(0, 9000))
@FEW
def test_what_is_said_later_is_heard_later(sphere, place, room, mouth, seed, shift):
    mono, pose = speech(seed), Pose.fixed(tuple(place))
    late = np.concatenate([np.zeros(shift, np.float32), mono])
    early = sphere.render(mono, pose, room=room, directivity=mouth).samples
    got = sphere.render(late, pose, room=room, directivity=mouth).samples
    n = early.shape[1]
    np.testing.assert_allclose(got[:, shift : shift + n], early, atol=3e-6)
    assert not np.abs(got[:, :shift]).max(initial=0) > 1e-6


@given(azimuths, elevations, st.floats(1.0, 3.0), seeds)
@FEW
def test_a_still_voice_is_a_convolution(sphere, azimuth, elevation, distance, seed):
    """Between the measured directions, too: the head's own filter and delay at that place."""
    mono = speech(seed)
    pose = Pose.fixed(azimuth_deg=azimuth, elevation_deg=elevation, distance=distance)
    place = pose.position.values[0]
    got = sphere.render(mono, pose, directivity="omni").samples
    head, n = sphere.head, 16_384
    frequency = np.fft.rfftfreq(n, 1 / RATE)
    inside = frequency < 16_000
    for e in (0, 1):
        seconds = np.linalg.norm(place) / C + head.delays_at(place)[0, e]
        spectrum = np.fft.rfft(mono, n) * np.fft.rfft(head.filters_at(place)[0, e], n)
        want = spectrum * np.exp(-2j * np.pi * frequency * seconds) / np.linalg.norm(place)
        error = np.abs(np.fft.rfft(got[e], n) - want)[inside]
        assert error.max() < 1e-3 * np.abs(want).max()


@pytest.mark.parametrize("seed", [0, 1])
@given(row=st.integers(0, 10_000))
@FEW
def test_a_measured_direction_is_its_own_response(sphere_responses, seed, row):
    """Plain convolution with the file's response, delay and all, up to one gain for all.

    With the measured phase the filters hold all of the response, so this is the file's own sound.
    Measured responses end below half their rate; the closed forms are made to, too, as no shift by
    a fraction of a sample is short for what lies there.
    """
    from scipy.ndimage import convolve1d
    from scipy.signal import firwin
    from spatialdrama_render.physical import PhysicalRenderer

    raw = sphere_responses["impulse_response"]
    ended = convolve1d(raw.values, firwin(63, 18_000, fs=RATE), axis=-1, mode="constant")
    sphere_responses = sphere_responses.assign(impulse_response=(raw.dims, ended))
    renderer = PhysicalRenderer(
        sphere_responses, equalisation="none", phase="measured", near="none", air="none"
    )
    row %= sphere_responses.sizes["measurement"]
    response = sphere_responses["impulse_response"].values[row]
    place = sphere_responses["position"].values[row]
    mono, n = speech(seed), 16_384
    got = np.fft.rfft(
        renderer.render(mono, Pose.fixed(tuple(place)), directivity="omni").samples, n
    )
    want = np.fft.rfft(mono, n) * np.fft.rfft(response, n)
    frequency = np.fft.rfftfreq(n, 1 / RATE)
    inside = (frequency > 100) & (frequency < 15_000)
    # One gain and one delay (time of flight against the file's own) for both ears.
    ratio = (got * want.conj())[:, inside]
    lag = np.angle((ratio[:, 1:] * ratio[:, :-1].conj()).sum()) / (2 * np.pi * RATE / n)
    # Differences of neighbours find it to a third of a microsecond, the phase's slope the rest.
    left = ratio * np.exp(-2j * np.pi * frequency[inside] * lag)
    slope = np.polyfit(
        np.tile(frequency[inside], 2), np.angle(left).ravel(), 1, w=np.abs(left).ravel()
    )
    lag += slope[0] / (2 * np.pi)
    aligned = got * np.exp(-2j * np.pi * frequency * lag)
    gain = (aligned * want.conj())[:, inside].sum() / (np.abs(want[:, inside]) ** 2).sum()
    error = np.abs(aligned - gain * want)[:, inside]
    assert np.sqrt(np.mean(error**2)) < 0.01 * np.sqrt(np.mean(np.abs(gain * want) ** 2))
    assert abs(np.angle(gain)) < 0.2
