"""The triangles between directions: closed, found by walking, cut alike on both sides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spatialdrama_render.mesh import SphereMesh, find, nearest


def rings(step=10.0):
    a, e = np.meshgrid(np.arange(0, 360, step), np.arange(-80, 81, step), indexing="ij")
    a, e = np.deg2rad(a.ravel()), np.deg2rad(e.ravel())
    around = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=1)
    return np.concatenate([around, [[0, 0, 1.0], [0, 0, -1.0]]])


def scattered(n=150, seed=0):
    points = np.random.default_rng(seed).normal(size=(n, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.fixture(params=["rings", "scattered"])
def grid(request):
    return rings() if request.param == "rings" else scattered()


def test_triangles_close_the_sphere(grid):
    mesh = SphereMesh.of(grid)
    assert len(mesh.corners) == 2 * len(grid) - 4  # Euler
    for side in range(3):
        other = mesh.neighbours[:, side]
        shared = np.delete(mesh.corners, side, axis=1)
        for mine, theirs in zip(shared, mesh.corners[other], strict=True):
            assert set(mine) <= set(theirs)
    a, b, c = (grid[mesh.corners[:, k]] for k in range(3))
    # Solid angles after Van Oosterom and Strackee add up to the whole sphere: no overlap, no hole.
    volume = np.abs(np.einsum("ni,ni->n", a, np.cross(b, c)))
    below = 1 + sum(np.einsum("ni,ni->n", p, q) for p, q in ((a, b), (b, c), (c, a)))
    np.testing.assert_allclose(2 * np.arctan2(volume, below).sum(), 4 * np.pi, rtol=1e-9)


def test_weights_give_the_direction_back(grid):
    mesh = SphereMesh.of(grid)
    wanted = scattered(3000, 1)
    index, weight = mesh.weights(wanted)
    assert (weight >= 0).all()
    np.testing.assert_allclose(weight.sum(axis=1), 1.0, atol=1e-12)
    found = np.einsum("nk,nka->na", weight, grid[index])
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    np.testing.assert_allclose(found, wanted, atol=1e-9)
    index, weight = mesh.weights(grid)
    at = weight.argmax(axis=1)
    np.testing.assert_array_equal(index[np.arange(len(grid)), at], np.arange(len(grid)))


@given(start=st.integers(0, 10_000), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=60)
def test_the_walk_arrives_from_anywhere(start, seed):
    grid = scattered()
    mesh = SphereMesh.of(grid)
    weight, other = np.empty(3), np.empty(3)
    x, y, z = scattered(1, seed)[0]
    a = find(x, y, z, start % len(mesh.corners), mesh.neighbours, mesh.inverse, weight)
    b = find(x, y, z, 0, mesh.neighbours, mesh.inverse, other)
    assert a >= 0
    first, second = (
        sorted(zip(weight, mesh.corners[a], strict=True)),
        sorted(zip(other, mesh.corners[b], strict=True)),
    )
    for (wa, ca), (wb, cb) in zip(first, second, strict=True):
        assert wa == pytest.approx(wb, abs=1e-9)
        assert ca == cb or wa < 1e-8


def test_a_direction_that_is_no_number_ends():
    mesh = SphereMesh.of(rings())
    assert find(np.nan, 0.0, 1.0, 0, mesh.neighbours, mesh.inverse, np.empty(3)) == -1


def test_mirrored_directions_have_mirrored_corners():
    grid = rings()
    mesh = SphereMesh.of(grid)
    wanted = scattered(2000, 2)
    flip = np.array([1.0, -1.0, 1.0])
    index, weight = mesh.weights(wanted)
    other, same = mesh.weights(wanted * flip)
    left, right = np.sort(weight, axis=1), np.sort(same, axis=1)
    np.testing.assert_allclose(left, right, atol=1e-9)
    far = weight > 1e-9
    order, twin = np.argsort(weight, axis=1), np.argsort(same, axis=1)
    a = np.take_along_axis(index, order, axis=1)
    b = np.take_along_axis(other, twin, axis=1)
    inside = np.sort(far, axis=1).all(axis=1) & (np.diff(left, axis=1) > 1e-6).all(axis=1)
    assert inside.sum() > 1500
    np.testing.assert_allclose(grid[a[inside]], grid[b[inside]] * flip, atol=1e-9)


def test_nearest_is_the_largest_dot():
    grid = scattered()
    for x, y, z in scattered(50, 3):
        assert nearest(x, y, z, grid) == np.argmax(grid @ [x, y, z])


def test_half_a_sphere_has_no_mesh():
    grid = rings()
    assert SphereMesh.of(grid[grid[:, 2] > -0.05]) is None
    assert SphereMesh.of(grid[:3]) is None
