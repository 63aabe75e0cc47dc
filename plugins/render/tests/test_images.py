"""Image sources and absorption against pyroomacoustics, an independent implementation."""

import numpy as np
import pytest
from spatialdrama_render.images import reverberation_time, shoebox_images, wall_absorption

from spatialdrama.errors import ValidationError
from spatialdrama.types import Room

pra = pytest.importorskip("pyroomacoustics")
ROOM = Room((6, 5, 3), rt60=0.35, listener=(1.5, 2.5, 1.4))


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_positions_and_amplitudes_are_those_of_pyroomacoustics(order):
    source = np.array([1.7, -1.1, 0.6])  # scene frame
    ours = shoebox_images(ROOM, order, law="sabine")
    absorption = wall_absorption(ROOM, law="sabine")
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
    np.testing.assert_allclose(wall_absorption(ROOM, law="sabine"), theirs, rtol=2e-3)


def test_eyring_inverts_its_own_formula():
    alpha = wall_absorption(ROOM, law="eyring")
    rt60 = 24 * np.log(10) * 90 / (343 * 126 * -np.log(1 - alpha))
    np.testing.assert_allclose(rt60, 0.35, rtol=1e-9)
    for law in ("eyring", "sabine"):
        again = Room((6, 5, 3), absorption=wall_absorption(ROOM, law=law))
        np.testing.assert_allclose(reverberation_time(again, law=law), 0.35, rtol=1e-9)


def test_an_rt60_that_no_walls_give():
    with pytest.raises(ValidationError, match=r"0\.05 s.*walls that absorb everything give"):
        wall_absorption(Room((6, 5, 3), rt60=0.05))
