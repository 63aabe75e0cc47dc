"""Image sources and absorption against pyroomacoustics, an independent implementation."""

import numpy as np
import pytest
from spatialdrama_render.air import Air
from spatialdrama_render.images import (
    decay_rate,
    reverberant_gain,
    reverberation_time,
    shoebox_images,
    wall_absorption,
)

from spatialdrama.errors import ValidationError
from spatialdrama.types import Room
from spatialdrama.types.materials import BANDS

pra = pytest.importorskip("pyroomacoustics")
ROOM = Room((6, 5, 3), rt60=0.35, listener=(1.5, 2.5, 1.4))


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_positions_and_amplitudes_are_those_of_pyroomacoustics(order):
    source = np.array([1.7, -1.1, 0.6])  # scene frame
    ours = shoebox_images(ROOM, order, law="sabine")
    absorption = wall_absorption(ROOM, law="sabine")[0, 0]
    room = pra.ShoeBox(
        ROOM.size, fs=48_000, materials=pra.Material(absorption), max_order=order,
        air_absorption=False,
    )  # fmt: skip
    room.add_source(source + ROOM.listener)
    room.add_microphone(np.array(ROOM.listener)[:, None])
    room.image_source_model()
    theirs = room.sources[0]
    place = ours.sign * source + ours.offset
    assert len(ours) == theirs.images.shape[1]
    mine = np.concatenate([place, ours.gain[:, None], ours.order[:, None]], axis=1)
    other = np.concatenate(
        [
            theirs.images.T - ROOM.listener,
            theirs.damping.reshape(-1, 1),
            theirs.orders.reshape(-1, 1),
        ],
        axis=1,
    )

    def rows(table):
        table = table.round(5) + 0.0
        return table[np.lexsort(table.T)]

    np.testing.assert_allclose(rows(mine), rows(other), atol=2e-5)
    # Delays and 1/r follow from the places.
    distance = np.linalg.norm(place, axis=1)
    delays = np.linalg.norm(theirs.images.T - ROOM.listener, axis=1) / 343
    np.testing.assert_allclose(np.sort(distance / 343), np.sort(delays), atol=1e-7)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_amplitudes_by_wall_and_band_are_those_of_pyroomacoustics(order):
    names = {
        "front": "curtains_velvet", "back": "carpet_tufted_9m", "left": "wooden_lining",
        "right": "glass_window", "floor": "panel_fabric_covered_8pcf", "ceiling": "plasterboard",
    }  # fmt: skip
    theirs_of = {name: pra.Material(material) for name, material in names.items()}
    ours_of = {name: list(m.absorption_coeffs) for name, m in theirs_of.items()}
    axes = {"front": "east", "back": "west", "left": "north", "right": "south"}
    room = pra.ShoeBox(
        (6, 5, 3), fs=48_000, max_order=order, air_absorption=False,
        materials={axes.get(name, name): m for name, m in theirs_of.items()},
    )  # fmt: skip
    source = np.array([1.7, -1.1, 0.6])
    room.add_source(source + ROOM.listener)
    room.add_microphone(np.array(ROOM.listener)[:, None])
    room.image_source_model()
    theirs = room.sources[0]
    ours = shoebox_images(Room((6, 5, 3), absorption=ours_of, listener=ROOM.listener), order)
    place = ours.sign * source + ours.offset

    def rows(place, amplitude):
        table = np.concatenate([place, amplitude], axis=1).round(5) + 0.0
        return table[np.lexsort(table[:, :3].T)]

    np.testing.assert_allclose(
        rows(place, ours.gain[:, None] * ours.bands),
        rows(theirs.images.T - ROOM.listener, theirs.damping[:7].T),  # theirs go up to 16 kHz
        atol=3e-5,
    )
    np.testing.assert_allclose(np.mean(ours.bands**2, axis=1), 1.0)


def test_walls_without_colour_leave_none():
    for room in (ROOM, Room((6, 5, 3), absorption=0.3), Room((6, 5, 3), absorption="open")):
        np.testing.assert_array_equal(shoebox_images(room, 3).bands, 1.0)


def test_an_open_side_sends_nothing_back():
    images = shoebox_images(
        Room((6, 5, 3), absorption={"walls": 0.1, "floor": 0.1, "ceiling": "open"}), 1
    )
    above = images.offset[:, 2] > 0
    np.testing.assert_array_equal(images.gain[above & (images.order > 0)], 0.0)
    assert (images.gain[~above] > 0.9).all()
    assert np.isfinite(images.bands).all()


def test_the_source_comes_first():
    images = shoebox_images(ROOM, 2)
    np.testing.assert_array_equal(images.sign[0], 1)
    np.testing.assert_allclose(images.offset[0], 0, atol=1e-12)
    assert images.gain[0] == 1
    assert len(images) == 25


def test_a_free_field_has_no_images():
    for room in (None, Room.free_field()):
        assert len(shoebox_images(room, 2)) == 1


def test_sabine_is_pyroomacoustics_inverse_sabine():
    theirs, _ = pra.inverse_sabine(ROOM.rt60, ROOM.size)
    assert wall_absorption(ROOM).shape == (6, 7)
    np.testing.assert_allclose(wall_absorption(ROOM, law="sabine"), theirs, rtol=2e-3)


def test_eyring_inverts_its_own_formula():
    alpha = wall_absorption(ROOM, law="eyring")[2, 4]
    rt60 = 24 * np.log(10) * 90 / (343 * 126 * -np.log(1 - alpha))
    np.testing.assert_allclose(rt60, 0.35, rtol=1e-9)
    for law in ("eyring", "sabine"):
        again = Room((6, 5, 3), absorption=wall_absorption(ROOM, law=law)[0])
        np.testing.assert_allclose(reverberation_time(again, law=law), 0.35, rtol=1e-9)


def test_an_rt60_that_no_walls_give():
    with pytest.raises(ValidationError, match=r"0\.05 s.*walls that absorb everything give"):
        wall_absorption(Room((6, 5, 3), rt60=0.05))
    short = [0.4] * 5 + [0.05, 0.4]
    with pytest.raises(ValidationError, match=r"0\.05 s at 4000 Hz; walls that absorb everything"):
        wall_absorption(Room((6, 5, 3), rt60=short))


def test_air_and_walls_together_meet_the_rt60():
    """The air's part as the standard has it (8 kHz, 20 degrees, 50 %: 105 dB/km)."""
    room = Room((6, 5, 3), rt60=0.35)
    alpha = wall_absorption(room, law="sabine", air=Air())[0]
    want = 24 * np.log(10) * 90 / (343 * 126) * (1 / 0.35 - 343 * 0.1052 / 60)
    assert alpha[6] == pytest.approx(want, rel=2e-3)
    assert alpha[0] == pytest.approx(wall_absorption(room, law="sabine")[0, 0], rel=1e-3)
    np.testing.assert_allclose(reverberation_time(room, air=Air()), 0.35)


def test_air_comes_on_top_of_given_walls():
    room = Room((6, 5, 3), absorption="carpet")
    extra = decay_rate(room, BANDS, air=Air()) - decay_rate(room, BANDS)
    np.testing.assert_allclose(extra, Air().decay(BANDS))
    # Between bands walls follow log frequency, and beyond them they are held.
    half_way = decay_rate(room, [np.sqrt(2) * 1000])[0]
    assert half_way == pytest.approx(decay_rate(room, [1000.0, 2000.0]).mean())
    assert decay_rate(room, [20_000.0]) == decay_rate(room, [8000.0])


def test_air_that_is_faster_than_the_request():
    hall = Room((20, 15, 8), rt60=3.0)
    times = reverberation_time(hall, air=Air())
    np.testing.assert_allclose(times[:5], 3.0)
    assert times[6] == pytest.approx(60 / (343 * 0.1052), rel=2e-3)
    np.testing.assert_array_equal(wall_absorption(hall, air=Air())[:, 6], 0.0)
    with pytest.raises(ValidationError, match=r"3 s at 8000 Hz: air alone takes 60 dB in 1\.66 s"):
        wall_absorption(Room((20, 15, 8), rt60=[3.0] * 7), air=Air())


def test_a_wished_direct_to_reverberant_ratio_moves_the_images():
    plain, wished = Room((6, 5, 3), rt60=0.35), Room((6, 5, 3), rt60=0.35, drr_db=6)
    gain = 10 ** ((plain.drr_at(1.0) - 6) / 20)
    assert reverberant_gain(wished) == pytest.approx(gain)
    assert reverberant_gain(plain) == 1
    before, after = shoebox_images(plain, 2).gain, shoebox_images(wished, 2).gain
    assert after[0] == before[0] == 1
    np.testing.assert_allclose(after[1:], gain * before[1:])


def test_only_shoeboxes_have_images():
    with pytest.raises(ValidationError, match=r"Room\(measured, hall\.wav\) has no walls"):
        shoebox_images(Room.measured("hall.wav"), 1)
    with pytest.raises(ValidationError, match="law must be one of eyring, sabine"):
        shoebox_images(ROOM, 1, law="norris")


def test_a_list_of_images_is_shared_and_cannot_be_written_to():
    one = shoebox_images(Room((6, 5, 3), rt60=0.35), 2)
    assert shoebox_images(Room((6, 5, 3), rt60=0.35), 2) is one
    other = shoebox_images(Room((6, 5, 3), rt60=0.36), 2)
    assert (other.gain[1:] > one.gain[1:]).all()
    with pytest.raises(ValueError, match="read-only"):
        one.gain[0] = 2.0
