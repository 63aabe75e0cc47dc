"""Reading a pose out of z_p: against scipy and closed forms, under mirrors."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from spatialdrama_isdrama.pose import geometry
from spatialdrama_isdrama.pose.readback import ReadBack, Reading, read_back_loss, to_pose

import spatialdrama as sd
from spatialdrama.conventions import HEAD_CLEARANCE


def true_reading(features):
    """A reading that is right, by numpy and scipy, from (t, 12)."""
    seen = np.asarray(features, dtype=float)
    gaps = np.stack([seen[:, 0:3], seen[:, 3:6]])
    reach = np.linalg.norm(gaps, axis=-1)
    turn = Rotation.from_quat(seen[:, 6:10])
    numbers = (
        gaps / reach[..., None], np.log(reach), turn.apply([1.0, 0, 0]), turn.apply([0, 0, 1.0]),
        seen[:, 10:12].T,
    )  # fmt: skip
    return Reading(*(torch.from_numpy(np.ascontiguousarray(x))[None] for x in numbers))


@pytest.fixture
def walk():
    pose = sd.Pose.walk([(2, 1, 0.1), (0.5, -1, 0), (-1, -1.5, 0.3)], speed=0.9)
    times = geometry.frame_times(500)
    return pose, times, geometry.features(pose, times, 0.1)


def test_a_right_reading_is_the_pose(walk):
    pose, times, seen = walk
    back = to_pose(true_reading(seen), times, 0.1)
    truth = pose.at(times)
    np.testing.assert_allclose(back.position.values, truth.position.values, atol=1e-6)
    same = np.abs(np.sum(back.orientation.values * truth.orientation.values, axis=1))
    np.testing.assert_allclose(same, 1, atol=1e-6)
    again = true_reading(seen).features(0.1)[0].numpy()
    np.testing.assert_allclose(again[:, :6], seen[:, :6], atol=1e-6)
    np.testing.assert_allclose(again[:, 10:], seen[:, 10:], atol=1e-6)


def test_a_right_reading_costs_nothing_and_each_error_its_part(walk):
    _, _, seen = walk
    truth = torch.from_numpy(seen)[None].double()
    mask = torch.ones(1, 500, dtype=torch.bool)
    right = true_reading(seen)
    assert read_back_loss(right, truth, mask).item() < 1e-9
    far = right._replace(log_distance=right.log_distance + 0.3)
    assert read_back_loss(far, truth, mask).item() == pytest.approx(0.09, rel=1e-6)
    aside = right._replace(direction=-right.direction)
    assert read_back_loss(aside, truth, mask).item() == pytest.approx(2.0, rel=1e-6)
    turned = right._replace(mouth=-right.mouth)
    assert read_back_loss(turned, truth, mask).item() == pytest.approx(2.0, rel=1e-6)
    fast = right._replace(velocity=right.velocity + 3.0)
    assert read_back_loss(fast, truth, mask).item() == pytest.approx(2.5, rel=1e-6)


def test_loss_knows_no_padding(walk):
    _, _, seen = walk
    truth = torch.from_numpy(seen)[None].double()
    right = true_reading(seen)
    wrong = right._replace(log_distance=right.log_distance + torch.linspace(0, 1, 500))
    mask = torch.arange(500)[None] < 200
    part = Reading(*(x[..., :200] if x.ndim == 3 and x.shape[1] == 2 else x for x in wrong))
    part = part._replace(
        direction=wrong.direction[:, :, :200], mouth=wrong.mouth[:, :200],
        crown=wrong.crown[:, :200],
    )  # fmt: skip
    alone = read_back_loss(part, truth[:, :200], mask[:, :200])
    padded = read_back_loss(wrong, truth.masked_fill(~mask[..., None], float("nan")), mask)
    assert padded.item() == pytest.approx(alone.item(), rel=1e-9)
    assert padded.item() > 0.01


def test_quaternion_of_every_turn():
    # Among them half turns, where three of four numbers vanish.
    known = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    q = np.concatenate([Rotation.random(200, rng=np.random.default_rng(0)).as_quat(), known])
    turn = Rotation.from_quat(q)
    zero = torch.zeros(1, 2, len(q), dtype=torch.float64)
    reading = Reading(
        zero[..., None].expand(-1, -1, -1, 3), zero, torch.from_numpy(2.5 * turn.apply([1, 0, 0])),
        torch.from_numpy(turn.apply([0.3, 0, 0.7])), zero,
    )  # fmt: skip
    # Length and a slant of the crown towards the mouth do not matter.
    got = reading.quaternion().numpy()
    np.testing.assert_allclose(np.abs(np.sum(got * q, axis=1)), 1, atol=1e-9)


def test_swapped_ears_read_as_the_mirror_image(tiny):
    torch.manual_seed(0)
    head = ReadBack(tiny()).double()
    z_p = torch.randn(2, 2, 7, 16, dtype=torch.float64)
    one, two = head(z_p).features(), head(z_p.flip(1)).features()
    mirrored = geometry.mirror(one)
    torch.testing.assert_close(two[..., :6], mirrored[..., :6], rtol=0, atol=1e-12)
    torch.testing.assert_close(two[..., 10:], mirrored[..., 10:], rtol=0, atol=0)
    same = (two[..., 6:10] * mirrored[..., 6:10]).sum(-1).abs()
    torch.testing.assert_close(same, torch.ones_like(same))


def test_before_training_it_is_near_and_faces_the_listener(tiny):
    reading = ReadBack(tiny())(torch.zeros(1, 2, 3, 16))
    forward = Rotation.from_quat(reading.quaternion()[0].detach()).apply([1.0, 0, 0])
    assert forward[:, 0].max() < -0.8
    assert (reading.log_distance.exp() / 1.5).log().abs().max() < 0.4


def test_a_place_inside_the_head_is_moved_out():
    pose = sd.Pose.line((0.3, 0.02, 0), (-0.3, 0.02, 0), duration=1.0)
    times = np.linspace(0, 1, 61)
    back = to_pose(true_reading(geometry.features(pose, times)), times)
    reach = np.linalg.norm(back.position.values, axis=1)
    assert reach.min() >= HEAD_CLEARANCE
    assert reach.min() < HEAD_CLEARANCE + 0.01
    np.testing.assert_allclose(back.position.values[0], [0.3, 0.02, 0], atol=1e-6)
