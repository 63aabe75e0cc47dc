"""Sources nearer than a head was measured: the sphere's closed forms, and measured shells."""

import numpy as np
import pytest
from spatialdrama_render.head_preparation import prepare_head
from spatialdrama_render.heads import load_head
from spatialdrama_render.near_field import (
    SHELLS,
    distance_variation,
    model_near_field,
    sphere_response,
)

from spatialdrama.dsp.pose_itd import sphere_transfer
from spatialdrama.errors import SpatialDramaWarning, ValidationError
from spatialdrama.io.sofa import hrir_dataset

RATE = 48_000
RADIUS = 0.0875
FFT = 1024
FREQUENCY = np.fft.rfftfreq(FFT, 1 / RATE)


def grid():
    """Rings every 15 degrees, and the poles."""
    out = [[0, 0, 1.0], [0, 0, -1.0]]
    for elevation in np.deg2rad(np.arange(-75, 76, 15)):
        azimuth = np.deg2rad(np.arange(0, 360, 15))
        z = np.full(24, np.sin(elevation))
        flat = np.cos(elevation)
        out.extend(np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), z], 1).tolist())
    return np.array(out)


def sphere_at(distance, directions, raw=False):
    """(v, 2, bins) at the ears of a rigid sphere, by the series that the tests below prove.

    `raw` adds a loudspeaker's own 1 / distance and flight from 1.5 m, as measurements have them.
    """
    angles = np.arccos(np.clip(np.stack([directions[:, 1], -directions[:, 1]], 1), -1, 1))
    different, back = np.unique(angles.round(9), return_inverse=True)
    known = sphere_response(np.maximum(FREQUENCY, 5.0), (distance,), different)[0]
    known = known[back].reshape(*angles.shape, -1)
    if raw:
        known = known * (1.5 / distance)
        known = known * np.exp(-2j * np.pi * FREQUENCY * (distance - 1.5) / 343.0)
    return known


def as_set(distances, directions, raw=False):
    response, position = [], []
    for distance in distances:
        spectra = sphere_at(distance, directions, raw)
        low = np.cos(np.clip((FREQUENCY - 18_000) / 6_000, 0, 1) * np.pi / 2)  # no brick wall
        late = np.exp(-2j * np.pi * FREQUENCY * 0.008)
        response.append(np.fft.irfft(spectra * low * late, FFT))
        position.append(distance * directions)
    return hrir_dataset(
        np.concatenate(response), np.concatenate(position), rate=RATE, title="a sphere"
    )


def between(head, distance):
    """Filters and delays at a distance, linear in 1 / distance, as the renderer mixes them."""
    near = head.near
    known = np.append(near.distances, head.far_distance)
    filters = np.concatenate([near.filters, head.filters[None]])
    delays = np.concatenate([near.delays, head.delays[None]])
    k = np.clip(np.searchsorted(known, distance) - 1, 0, len(known) - 2)
    share = (1 / known[k] - 1 / distance) / (1 / known[k] - 1 / known[k + 1])
    return (v[k] + share * (v[k + 1] - v[k]) for v in (filters, delays))


def itd_us(spectra):
    """Return in µs how much later the right ear is, below 1.5 kHz, at 768 kHz."""
    band = (FREQUENCY >= 100) & (FREQUENCY <= 1500)
    both = np.fft.irfft(spectra[:, 1] * spectra[:, 0].conj() * band, FFT * 16)
    both = np.roll(both, 1024, axis=-1)[:, :2048]
    return (np.argmax(both, axis=-1) - 1024) / (16 * RATE) * 1e6


def played(filters, delays):
    turn = np.exp(-2j * np.pi * FREQUENCY * delays[..., None])
    return np.fft.rfft(filters, FFT) * turn


@pytest.fixture(scope="module")
def sphere_head():
    directions = grid()
    return prepare_head(as_set([1.4], directions), rate=RATE, equalisation="none"), directions


def test_series_is_the_core_s():
    rng = np.random.default_rng(0)
    frequency = np.sort(rng.uniform(30, 20_000, 40))
    angles = rng.uniform(0, np.pi, 30)
    distances = (0.119, 0.3, 2.0)
    got = sphere_response(frequency, distances, angles)
    for s, distance in enumerate(distances):
        wanted = sphere_transfer(frequency, distance, angles[:, None])
        np.testing.assert_allclose(got[s], wanted, atol=1e-6)


@pytest.mark.parametrize("distance", [0.12, 0.25, 1.4])
def test_series_at_low_frequency_is_laplace_s(distance):
    """A point charge before a sphere, Neumann's condition: closed forms at 0 and 180 degrees."""
    x = RADIUS / distance
    front = 2 / (1 - x) + np.log(1 - x) / x
    behind = 2 / (1 + x) - np.log(1 + x) / x
    got = np.abs(sphere_response(np.array([2.0]), (distance,), np.array([0, np.pi])))[0, :, 0]
    np.testing.assert_allclose(got, [front, behind], rtol=1e-3)


def test_far_away_nothing_changes():
    filters, delays = distance_variation((3.0, 3.9), 4.0, float(RATE))
    level = 20 * np.log10(np.abs(np.fft.rfft(filters[1], 512)))
    assert np.abs(level).max() < 0.05
    assert np.abs(delays[1]).max() < 1e-6
    # ... and at 3 m more than at 3.9 m, at every ear.
    assert (np.abs(delays[0]) >= np.abs(delays[1]) - 1e-9).all()


@pytest.mark.parametrize("distance", [0.125, 0.13, 0.16, 0.2, 0.3, 0.6, 1.0])
def test_a_sphere_brought_near_is_the_sphere_there(sphere_head, distance):
    """Between the shells too: level within 0.5 dB and time between the ears within 10 µs."""
    head, directions = sphere_head
    ours = played(*between(head, distance))
    theirs = sphere_at(distance, directions)
    far_ours, far = played(head.filters, head.delays), sphere_at(1.4, directions)
    change = 20 * np.log10(np.abs(ours / far_ours)) - 20 * np.log10(np.abs(theirs / far))
    band = (FREQUENCY > 200) & (FREQUENCY < 12_000)
    assert np.percentile(np.abs(change[..., band]), 99) < 0.5
    late = np.abs(itd_us(ours) - itd_us(theirs))
    assert late.max() < 10


def test_the_level_between_the_ears_at_low_frequency(sphere_head):
    """Grows from 1.6 dB at 1.4 m to 23 dB at 0.12 m: Laplace's closed forms, as above."""
    head, directions = sphere_head
    left = int(np.argmax(directions[:, 1]))
    low = (FREQUENCY > 100) & (FREQUENCY < 200)
    filters = np.concatenate([head.near.filters, head.filters[None]])
    for one, distance in zip(filters, [*SHELLS, 1.4], strict=True):
        power = (np.abs(np.fft.rfft(one[left], FFT))[:, low] ** 2).sum(axis=1)
        x = RADIUS / distance
        front = 2 / (1 - x) + np.log(1 - x) / x
        behind = 2 / (1 + x) - np.log(1 + x) / x
        assert 10 * np.log10(power[0] / power[1]) == pytest.approx(
            20 * np.log10(front / behind), abs=1.0
        )


@pytest.mark.parametrize("raw", [True, False])
def test_measured_shells_are_used_whatever_their_gain(raw):
    """Three shells in one file, nearest first, with and without the loudspeaker's own 1 / r."""
    directions = grid()
    set_ = as_set([0.3, 0.6, 1.5], directions, raw)
    rng = np.random.default_rng(0)
    set_ = set_.isel(measurement=rng.permutation(set_.sizes["measurement"]))
    head = prepare_head(set_, rate=RATE, equalisation="none")
    assert head.far_distance == pytest.approx(1.5)
    assert len(head.directions) == len(directions)
    inner = [d for d in SHELLS if d < 0.27]
    np.testing.assert_allclose(head.near.distances, [*inner, 0.3, 0.6])
    far = sphere_at(1.5, head.directions)
    far_ours = played(head.filters, head.delays)
    for k, distance in enumerate(head.near.distances):
        ours = played(head.near.filters[k], head.near.delays[k])
        theirs = sphere_at(distance, head.directions)
        change = 20 * np.log10(np.abs(ours / far_ours)) - 20 * np.log10(np.abs(theirs / far))
        band = (FREQUENCY > 200) & (FREQUENCY < 12_000)
        assert np.percentile(np.abs(change[..., band]), 99) < 0.5
        assert np.abs(itd_us(ours) - itd_us(theirs)).max() < 10
        # The arrival itself, not only its difference between the ears: the median plane's.
        middle = np.abs(head.directions[:, 1]) < 1e-6
        band = (FREQUENCY > 100) & (FREQUENCY < 1500)
        turn = np.angle((ours / far_ours / (theirs / far))[middle][..., band])
        assert np.abs(turn / (2 * np.pi * FREQUENCY[band])).max() < 10e-6


def test_shells_with_other_directions_are_left_out_and_said():
    directions = grid()
    far, near = as_set([1.5], directions), as_set([0.5], directions[::40])
    import xarray as xr

    both = xr.concat([near, far], dim="measurement", combine_attrs="override")
    with pytest.warns(SpatialDramaWarning, match=r"at 0\.50 m are left out"):
        head = prepare_head(both, rate=RATE, equalisation="none", near="none")
    assert len(head.directions) == len(directions)
    assert head.near is None


def test_points_have_their_own_law(sphere_head):
    """Without a head only paths count: 1 / r to each ear, and its time."""
    directions = sphere_head[1]
    filters = np.zeros((len(directions), 2, 16))
    filters[..., 0] = 1
    near = model_near_field(
        directions, filters, np.zeros((len(directions), 2)), RATE, 1.4, "points"
    )
    ears = RADIUS * np.array([[0, 1.0, 0], [0, -1, 0]])
    for s, distance in enumerate(SHELLS):
        path, far = (
            np.linalg.norm(d * directions[:, None] - ears, axis=-1) for d in (distance, 1.4)
        )
        gain = (distance / path) / (1.4 / far)
        np.testing.assert_allclose(near.filters[s, ..., 0], gain, rtol=0.02)
        late = (path - distance - far + 1.4) / 343.0
        np.testing.assert_allclose(near.delays[s], late, atol=2e-6)


def test_a_head_on_the_disk_keeps_its_near_field(tmp_path, monkeypatch):
    from spatialdrama_render import heads

    monkeypatch.setenv("SPATIALDRAMA_CACHE", str(tmp_path))
    first = load_head("kemar", near="sphere")
    heads._KEPT.clear()
    again = load_head("kemar", near="sphere")
    assert again is not first
    np.testing.assert_array_equal(again.near.filters, first.near.filters)
    np.testing.assert_array_equal(again.near.delays, first.near.delays)
    assert again.far_distance == pytest.approx(1.4)


def test_kemar_grows_louder_at_the_near_ear_and_stays_itself(sphere_head):
    head = load_head("kemar")
    left = int(np.argmax(head.directions[:, 1] - np.abs(head.directions[:, 2])))
    levels = 10 * np.log10((head.near.filters[:, left] ** 2).sum(axis=-1))
    between_ears = levels[:, 0] - levels[:, 1]
    assert np.all(np.diff(between_ears) < 0)  # farther, less
    assert between_ears[0] > 15
    assert load_head("kemar", near="none").near is None
    np.testing.assert_array_equal(load_head("kemar", near="none").filters, head.filters)


def test_wrong_model():
    with pytest.raises(ValidationError, match="near must be one of auto, sphere"):
        load_head("kemar", near="close")


def test_a_horizontal_ring_is_completed_by_lateral_angle():
    """A sphere is the same all round the axis of the ears, so that there the rule is exact."""
    azimuth = np.deg2rad(np.arange(0, 360, 5))
    ring = np.stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth], axis=1)
    with pytest.warns(SpatialDramaWarning, match="in the horizontal plane only"):
        head = load_head(as_set([1.4], ring), equalisation="none")
    above = np.array([[0.2, 0.6, 0.7], [-0.3, -0.5, -0.9], [0, 0, 1.0], [1.0, 0.1, 0.8]])
    above /= np.linalg.norm(above, axis=1, keepdims=True)
    ours = played(head.filters_at(above), head.delays_at(above))
    theirs = sphere_at(1.4, above)
    assert np.abs(itd_us(ours) - itd_us(theirs)).max() < 15
    band = (FREQUENCY > 200) & (FREQUENCY < 8_000)

    def ild(x):
        power = (np.abs(x[..., band]) ** 2).sum(axis=-1)
        return 10 * np.log10(power[:, 0] / power[:, 1])

    np.testing.assert_allclose(ild(ours), ild(theirs), atol=0.5)
