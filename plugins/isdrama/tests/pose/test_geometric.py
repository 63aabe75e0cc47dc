"""The geometric branch: against a convolution by hand, under mirrors and padding."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from spatialdrama_isdrama.pose import geometry, views
from spatialdrama_isdrama.pose.geometric import GeometricBranch

from spatialdrama.errors import ValidationError

ALL = {"distance": True, "log_distance": True, "direction": True}


@pytest.mark.parametrize("orientation", ["quaternion", "axes"])
@pytest.mark.parametrize("layers", [1, 3])
def test_mirror_swaps_the_ears_exactly(tiny, batch, orientation, layers):
    features, _, mask = batch
    branch = GeometricBranch(tiny(orientation=orientation, geometric_layers=layers, **ALL)).double()
    z_p = branch(features, mask)
    other = branch(geometry.mirror(features), mask)
    torch.testing.assert_close(other, z_p.flip(1), rtol=0, atol=0)
    assert (z_p[:, 0] - z_p[:, 1]).abs().max() > 0.1


def test_joint_does_not_swap(tiny, batch):
    features, _, mask = batch
    branch = GeometricBranch(tiny(geometric="joint")).double()
    z_p = branch(features, mask)
    assert z_p.shape == (3, 2, 14, 16)
    assert (branch(geometry.mirror(features), mask) - z_p.flip(1)).abs().max() > 0.1


def test_both_signs_of_a_quaternion_are_one_orientation(tiny, batch):
    features, _, mask = batch
    flipped = features.clone()
    flipped[..., geometry.QUATERNION] *= -1
    axes = GeometricBranch(tiny(orientation="axes")).double()
    torch.testing.assert_close(axes(flipped, mask), axes(features, mask))
    printed = GeometricBranch(tiny()).double()
    assert (printed(flipped, mask) - printed(features, mask)).abs().max() > 0.1


def test_is_a_convolution_of_what_each_ear_sees(tiny, batch):
    features, _, mask = batch
    branch = GeometricBranch(tiny(**ALL)).double()
    weight, bias = (p.detach().numpy() for p in branch.convs[0].conv.parameters())
    z_p = branch(features, mask).detach().numpy()
    item, length = 0, 9
    # The right ear's view by hand: own place first, outwards to +y; the quaternion of the mirror.
    for ear, (own, far, side) in enumerate([(0, 3, 1), (3, 0, -1)]):
        frames = []
        for row in features[item, :length].numpy():
            flip = np.array([1, side, 1])
            one, two = row[own : own + 3] * flip, row[far : far + 3] * flip
            turn = row[6:10] * [side, 1, side, 1]
            speeds = row[10:12][::side]
            reach = [np.linalg.norm(one), np.linalg.norm(two)]
            frames.append(
                np.concatenate(
                    [one, two, turn, speeds, reach, np.log(reach), one / reach[0], two / reach[1]]
                )
            )
        frames = np.array(frames)
        for t in range(length):
            for channel in range(16):
                total = bias[channel]
                for k in range(5):
                    if 0 <= t + k - 2 < length:
                        total += weight[channel, :, k] @ frames[t + k - 2]
                assert z_p[item, ear, t, channel] == pytest.approx(total, abs=1e-9)


def test_padding_changes_nothing(tiny, batch):
    features, _, mask = batch
    branch = GeometricBranch(tiny(geometric_layers=2, **ALL)).double()
    whole = branch(features.masked_fill(~mask[..., None], float("nan")), mask)
    for i, length in enumerate(mask.sum(1).tolist()):
        alone = branch(features[i : i + 1, :length], mask[i : i + 1, :length])
        torch.testing.assert_close(whole[i, :, :length], alone[0])
        assert (whole[i, :, length:] == 0).all()


def test_axes_are_scipys_columns():
    q = Rotation.random(20, rng=np.random.default_rng(1))
    mouth, crown = views.axes(torch.from_numpy(q.as_quat()))
    np.testing.assert_allclose(mouth, q.apply([1, 0, 0]), atol=1e-12)
    np.testing.assert_allclose(crown, q.apply([0, 0, 1]), atol=1e-12)


def test_other_features_are_refused(tiny):
    with pytest.raises(ValidationError, match=r"\(b, t, 12\).*\(1, 3, 11\)"):
        GeometricBranch(tiny())(torch.zeros(1, 3, 11), torch.ones(1, 3, dtype=torch.bool))
