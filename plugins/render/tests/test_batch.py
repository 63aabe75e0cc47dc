"""Batches on the CPU, and what the CUDA road does before it needs a device."""

import warnings

import attrs
import numpy as np
import pytest
from spatialdrama_render.batch import RenderItem, plan_of, render_batch
from spatialdrama_render.cuda import buses, control, lang, pack, tail
from spatialdrama_render.cuda.render import lots, render_all

from spatialdrama.errors import DeviceError, SpatialDramaWarning, ValidationError
from spatialdrama.runtime.device import Device
from spatialdrama.types import Pose, Room

ROOM = Room((6, 5, 3), rt60=0.3, listener=(3, 2.5, 1.5))


@pytest.fixture
def items(noise):
    walk = Pose.line((1.5, 0.5, 0), (-0.5, 1.5, 0.2), duration=1)
    turning = Pose.line((0, 0, 0), (0.3, 0.1, 0), duration=1)
    return [
        RenderItem(noise(9_000), walk, ROOM),
        RenderItem(noise(3_001, 1), walk, directivity="omni", gain_db=-6.0),
        RenderItem(noise(6_000, 2), walk, ROOM, turning, start=0.25),
    ]


def jumping():
    t = np.arange(10) / 20
    places = [(1 + 0.01 * i, 1, 0) if i < 5 else (-1 - 0.01 * i, 0.7, 0) for i in range(10)]
    return Pose.from_samples(t, places)


def rendering(renderer, item):
    return pack.cut(plan_of(renderer, item))


def test_a_batch_on_the_cpu_is_what_render_gives_in_the_order_of_items(sphere, items):
    for item, audio in zip(items, render_batch(sphere, items, device="cpu"), strict=True):
        alone = sphere.render(
            item.mono, item.pose, room=item.room, listener=item.listener, start=item.start,
            directivity=item.directivity, gain_db=item.gain_db,
        )  # fmt: skip
        assert np.array_equal(audio.samples, alone.samples)
        assert dict(audio.provenance) == dict(alone.provenance)


def test_progress_hears_of_every_item(sphere, items):
    told = []
    render_batch(sphere, items, device="cpu", progress=lambda done, all_: told.append((done, all_)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_no_items_are_no_sounds(sphere):
    assert render_batch(sphere, [], device="cpu") == []


def test_something_else_than_an_item_is_refused(sphere, items):
    with pytest.raises(ValidationError, match=r"items\[1\] is a ndarray; give RenderItem"):
        render_batch(sphere, [items[0], items[0].mono], device="cpu")


def test_an_error_names_its_item(sphere, items):
    inside = RenderItem(items[0].mono, Pose.fixed((0.05, 0, 0)))
    with pytest.raises(ValidationError, match=r"items\[1\]: the source is 0\.05 m from the centre"):
        render_batch(sphere, [items[0], inside], device="cpu")


def test_cuda_that_is_not_there_is_refused_and_nothing_is_rendered_instead(sphere, items):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("a CUDA device is there")
    with pytest.raises(DeviceError, match="Use device='cpu'"):
        render_batch(sphere, items, device="cuda")


def test_missing_triton_is_named(monkeypatch):
    monkeypatch.setattr(lang, "triton", None)
    with pytest.raises(DeviceError, match="need Triton"):
        next(render_all([], Device("cuda")))


def test_a_measured_room_stays_on_the_cpu(sphere, items, tmp_path):
    import soundfile

    response = np.zeros((2_000, 2))
    response[100] = 0.5
    soundfile.write(tmp_path / "room.wav", response, 48_000)
    item = RenderItem(items[0].mono, items[0].pose, Room.measured(tmp_path / "room.wav"))
    with pytest.raises(ValidationError, match="use device='cpu'"):
        rendering(sphere, item)


def test_packing_keeps_every_sample_between_silence(sphere, items):
    lot = pack.pack([rendering(sphere, items[0]), rendering(sphere, items[2])])
    columns, width = (lot.rows[:, pack.ROW.index(what)] for what in ("columns", "width"))
    assert columns.tolist() == [0, width[0]]
    assert (width % pack.COLUMNS == 0).all()
    for begin, wide, item in zip(columns, width, (items[0], items[2]), strict=True):
        row = lot.mono[begin : begin + wide]
        spoken = row[pack.MARGIN :][: len(item.mono)]
        assert np.array_equal(spoken, item.mono)
        assert not row[: pack.MARGIN].any()
        assert not row[pack.MARGIN + len(item.mono) :].any()


def test_packing_applies_the_gain(sphere, items):
    lot = pack.pack([rendering(sphere, items[1])])
    assert np.allclose(lot.mono[pack.MARGIN :][:3_001], items[1].mono * 10**-0.3, rtol=1e-6)


def test_rows_have_a_control_point_more_than_hops(sphere, items):
    lot = pack.pack([rendering(sphere, item) for item in (items[0], items[2])])
    hops = lot.rows[:, pack.ROW.index("hops")]
    assert np.bincount(lot.hop_row).tolist() == hops.tolist()
    assert np.bincount(lot.point_row).tolist() == (hops + 1).tolist()
    assert np.bincount(lot.early_row).tolist() == (2 * hops + 1).tolist()
    lengths = [one.length for one in lot.renderings]
    assert (np.bincount(lot.out_item) * pack.OUT >= lengths).all()
    assert (hops * pack.HOP <= np.array(lengths) + pack.HOP).all()


def test_pieces_of_a_pose_that_jumps_add_up_to_the_voice(sphere, noise):
    mono = noise(20_000)
    with pytest.warns(SpatialDramaWarning, match="jumps"):
        one = rendering(sphere, RenderItem(mono, jumping(), ROOM))
    assert len(one.rows) == 2
    total = np.zeros(len(mono))
    for row in one.rows:
        total[row.first : row.first + len(row.signal)] += row.gain * row.signal
        assert row.begin % pack.HOP == 0
        assert row.begin <= max(0, row.first - 10)  # polynomials ring ten samples early
    assert np.allclose(total, mono, atol=1e-7)


def test_lots_are_of_one_kind_and_no_larger_than_allowed(sphere, items):
    every = [rendering(sphere, item) for item in items * 2]
    in_room = [one.bytes() for one in every if one.kind == every[0].kind]
    found = list(lots(every, in_room[0] + in_room[1], None))
    assert sorted(i for _, members in found for i in members) == list(range(6))
    for lot, members in found:
        assert {every[i].kind for i in members} == {lot.kind}
        assert len(members) <= 2


def test_one_rendering_that_is_too_large_still_gets_a_lot(sphere, items):
    every = [rendering(sphere, item) for item in items]
    assert [members for _, members in lots(every, 1, None)] == [[0], [1], [2]]


@pytest.mark.parametrize("taps", [1, 64, 65, 128, 130])
def test_toeplitz_blocks_are_a_convolution(taps):
    rng = np.random.default_rng(taps)
    filters = rng.standard_normal((2, taps)).astype(np.float32)
    matrices = buses.toeplitz(filters)
    blocks = matrices.shape[1]
    signal = rng.standard_normal(5 * buses.BLOCK)
    wanted = np.convolve(signal, filters[1])[: len(signal)]
    cut = np.concatenate([np.zeros((blocks - 1, buses.BLOCK)), signal.reshape(5, -1)])
    for k in range(5):
        got = sum(cut[k + j] @ matrices[1, j] for j in range(blocks))
        assert np.allclose(got, wanted[k * buses.BLOCK :][: buses.BLOCK], atol=1e-5)


def test_walks_begin_near_where_they_end(sphere):
    mesh, grid = sphere.head.mesh, sphere.head.directions
    starts = control.walk_starts(mesh).reshape((control.CELLS,) * 3)
    direction = np.random.default_rng(0).standard_normal((500, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    cell = np.minimum((direction + 1) * control.CELLS / 2, control.CELLS - 1).astype(int)
    middle = grid[mesh.corners[starts[tuple(cell.T)]]].mean(axis=1)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    # A cell's half diagonal is 3 degrees, and a triangle of this head reaches 8 from its middle.
    assert np.degrees(np.arccos(np.sum(middle * direction, axis=1))).max() < 12


def test_frames_cover_each_rendering_and_come_in_full_sets(sphere, items):
    lot = pack.pack([rendering(sphere, item) for item in (items[0], items[2])])
    ((response, size, whose, number),) = tail.lay_frames(lot)
    step = size - response.shape[1] + 1
    assert len(whose) % tail.FRAMES == 0
    for i, one in enumerate(lot.renderings):
        assert number[whose == i].tolist() == list(range(-(-one.length // step)))
        assert lot.items[i, pack.ITEM.index("step")] == step


def test_without_a_tail_there_are_no_frames(sphere, items):
    assert tail.lay_frames(pack.pack([rendering(sphere, items[1])])) == []


def test_warnings_of_an_item_are_given(sphere, noise):
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        render_batch(sphere, [RenderItem(noise(4_800), jumping())], device="cpu")
    assert any("jumps" in str(each.message) for each in given)


def test_the_renderer_has_the_method(sphere, noise):
    item = RenderItem(noise(2000), Pose.fixed((1, 1, 0)))
    (got,) = sphere.render_batch([item], device="cpu")
    np.testing.assert_array_equal(got.samples, sphere.render(item.mono, item.pose).samples)


def test_a_listener_who_jumps_is_refused_on_cuda(sphere, noise):
    from spatialdrama_render.batch import _plan_on_cuda

    jumps = RenderItem(noise(480), Pose.fixed((3, 1, 0)), listener=jumping())
    with (
        pytest.warns(SpatialDramaWarning, match="the listener jumps"),
        pytest.raises(ValidationError, match="not faded on CUDA; use device='cpu'"),
    ):
        _plan_on_cuda(sphere, jumps)
    assert _plan_on_cuda(sphere, attrs.evolve(jumps, listener=None)).heard_from == []
