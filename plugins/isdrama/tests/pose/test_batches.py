"""Attribute-aware batches: what poses are called, and that batches hold what they claim."""

from itertools import combinations, product

import numpy as np
import pytest
from spatialdrama_isdrama.pose.batches import CONTRASTS, AttributeBatches, Attributes, alike

import spatialdrama as sd
from spatialdrama.errors import ValidationError

TIMES = np.linspace(0, 2, 80)


def items(repeats=3):
    """All combinations of three values a group, each a few times, in no order."""
    made = [
        Attributes((d,), (p,), (q,)) for d, p, q in product(range(3), repeat=3)
    ] * repeats  # fmt: skip
    return [made[i] for i in np.random.default_rng(0).permutation(len(made))]


def test_names_of_a_walk():
    # Two metres to the left in two seconds, a metre and a bit ahead, facing where he goes.
    found = Attributes.of(sd.Pose.line((1.2, -0.8, 0.4), (1.2, 0.8, 0.4), duration=2), TIMES)
    assert found.dynamic == (2, 2)  # .8 m/s, towards +y
    assert found.postural == ("standing", 2)
    assert found.positional == (1, 0, 0)


def test_names_of_sitting_still():
    found = Attributes.of(sd.Pose.fixed((-2, -2, -0.1), facing="listener"), TIMES)
    assert found.dynamic == (0, -1)
    assert found.postural == ("sitting", 1)  # the mouth points front-left
    assert found.positional == (3, 5, 0)  # far, back-right
    given = Attributes.of(sd.Pose.fixed((-2, -2, -0.1)), TIMES, posture="standing")
    assert given.postural[0] == "standing"
    above = Attributes.of(sd.Pose.fixed((0.5, 0, 0.5)), TIMES)
    assert above.positional == (0, 0, 1)


def test_names_are_the_listeners():
    turned = sd.Pose.fixed((0, 0, 0), facing=(0, 1, 0))
    found = Attributes.of(sd.Pose.fixed((0, 2, 0.4)), TIMES, listener=turned)
    assert found.positional[1] == 0


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_batches_hold_what_they_claim(contrast):
    made = items()
    others = [name for name in CONTRASTS if name != contrast]
    checked = 0
    for batch in AttributeBatches(made, 3, contrasts=(contrast,)).epoch(0):
        assert batch.contrast == contrast
        pure = [made[i] for i in batch.indices[: batch.pure]]
        for one, two in combinations(pure, 2):
            assert getattr(one, contrast) != getattr(two, contrast)
            for name in others:
                assert getattr(one, name) == getattr(two, name)
            checked += 1
    assert checked > 60


def test_most_batches_are_pure_where_data_allows():
    batches = list(AttributeBatches(items(), 3, contrasts=CONTRASTS).epoch(0))
    assert np.mean([b.pure for b in batches]) > 2.4
    chance = [b.indices for b in AttributeBatches(items(), 3, contrasts=("any",)).epoch(0)]
    made = items()
    same = [
        sum(made[i].postural == made[b[0]].postural for i in b[1:]) for b in chance
    ]  # fmt: skip
    assert np.mean(same) < 1.2


def test_every_item_once_an_epoch():
    sampler = AttributeBatches(items(2), 4)
    seen = [i for batch in sampler.epoch(0) for i in batch.indices]
    assert sorted(seen) == list(range(54))
    assert len(list(sampler.epoch(0))) == len(sampler)
    assert {b.contrast for b in sampler.epoch(0)} == {*CONTRASTS, "any"}
    short = AttributeBatches(items(2), 4, drop_last=True)
    assert {len(b.indices) for b in short.epoch(0)} == {4}
    # A last batch of one contrasts with nothing.
    lone = AttributeBatches(items(1)[:9], 4)
    assert [len(b.indices) for b in lone.epoch(0)] == [4, 4]


def test_seed_and_epoch_decide():
    one, two = (list(AttributeBatches(items(), 4, seed=5).epoch(3)) for _ in range(2))
    assert one == two
    assert one != list(AttributeBatches(items(), 4, seed=6).epoch(3))
    assert one != list(AttributeBatches(items(), 4, seed=5).epoch(4))


def test_data_that_cannot_falls_back():
    # Nothing differs in the positional group, and all differ in the postural one.
    made = [Attributes((0,), (i,), (0,)) for i in range(12)]
    batches = list(AttributeBatches(made, 4, contrasts=("positional",)).epoch(0))
    assert [len(b.indices) for b in batches] == [4, 4, 4]
    assert {b.pure for b in batches} == {1}
    # Nothing differs at all.
    equal = list(AttributeBatches([made[0]] * 8, 4, contrasts=("dynamic",)).epoch(0))
    assert sorted(i for b in equal for i in b.indices) == list(range(8))


def test_second_best_comes_before_worst():
    anchor = Attributes((0,), (0,), (0,))
    half = Attributes((1,), (0,), (9,))
    far = Attributes((2,), (9,), (9,))
    made = [anchor] * 4 + [half] * 4 + [far] * 4
    for batch in AttributeBatches(made, 2, contrasts=("dynamic",), seed=1).epoch(0):
        first, second = (made[i] for i in batch.indices)
        if first is anchor and second is not anchor:
            assert second is half
            break
    else:
        pytest.fail("no batch began with the anchor")


def test_alike_is_equality_of_all_groups(told_poses):
    made = [Attributes.of(pose, np.linspace(0, 1, 40)) for _, pose in told_poses]
    got = alike([*made, made[3]])
    assert got[3, 12]
    assert got[12, 3]
    assert got.sum() == 13 + 2 * sum(a == b for a, b in combinations([*made, made[3]], 2))


@pytest.mark.parametrize(
    ("size", "contrasts", "message"),
    [(1, CONTRASTS, "at least 2"), (2, ("speed",), "got speed"), (2, (), "got none")],
)
def test_samplers_that_cannot_be(size, contrasts, message):
    with pytest.raises(ValidationError, match=message):
        AttributeBatches(items(), size, contrasts=contrasts)
