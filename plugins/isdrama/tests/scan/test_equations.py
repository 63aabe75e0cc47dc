"""Equations 13, 14 and 16 of A.3: where the scan is the paper's, and where Mamba's."""

import math

import numpy as np
import pytest
import torch
from scipy import linalg, signal
from spatialdrama_isdrama.scan import selective_scan

CHANNELS, STATES, STEPS = 3, 4, 40


def system(step=0.1, seed=0):
    """A diagonal system that does not change in time (equation 13), and its input."""
    rng = np.random.default_rng(seed)
    A = -np.exp(rng.uniform(-1.0, 1.0, (CHANNELS, STATES)))
    B, C = rng.standard_normal((2, STATES))
    return step, A, B, C, rng.standard_normal((CHANNELS, STEPS))


def scan(step, A, B, C, x):
    """y (d, t) of the package's scan, with the same step, B and C at every time."""

    def constant(row):
        return torch.from_numpy(np.repeat(row[None, :, None], x.shape[1], axis=2))

    u = torch.from_numpy(x)[None]
    delta = torch.full_like(u, step)
    y = selective_scan(u, delta, torch.from_numpy(A), constant(B), constant(C), kernel="reference")
    return y[0].numpy()


def held(step, A, B):
    """A-bar and B-bar of equation 14 for one channel, from its matrices as printed."""
    matrix = np.diag(step * A)
    a = linalg.expm(matrix)
    return a, np.linalg.inv(matrix) @ (a - np.eye(len(A))) @ (step * B)


def kernel(a, b, C, length):
    """K-bar of equation 16: C b, C a b, ... C a^(M-1) b."""
    return np.array([C @ np.linalg.matrix_power(a, k) @ b for k in range(length)])


def test_equation_14_is_the_exact_answer_to_a_held_input():
    # Equation 13, solved exactly over one step of a held input by one exponential of a block
    # matrix (Van Loan 1978), gives A-bar and B-bar.
    step, A, B, _, _ = system(0.5)
    for row in A:
        block = np.zeros((STATES + 1, STATES + 1))
        block[:STATES, :STATES], block[:STATES, -1] = np.diag(row), B
        whole = linalg.expm(step * block)
        a, b = held(step, row, B)
        np.testing.assert_allclose(a, whole[:STATES, :STATES], atol=1e-12)
        np.testing.assert_allclose(b, whole[:STATES, -1], atol=1e-12)


def test_equation_16_with_mambas_b():
    step, A, B, C, x = system()
    got = scan(step, A, B, C, x)
    for c in range(CHANNELS):
        a, _ = held(step, A[c], B)
        wanted = np.convolve(x[c], kernel(a, step * B, C, STEPS))[:STEPS]
        np.testing.assert_allclose(got[c], wanted, atol=1e-12)


def test_equation_16_as_printed_state_by_state():
    # Equation 14's B-bar is Euler's times (exp(step A) - 1) / (step A): with B scaled by it, a
    # channel at a time, the scan is the printed convolution.
    step, A, B, C, x = system(0.5)
    for c in range(CHANNELS):
        scale = np.array([math.expm1(step * a) / (step * a) for a in A[c]])
        got = scan(step, A[c : c + 1], B * scale, C, x[c : c + 1])[0]
        a, b = held(step, A[c], B)
        wanted = np.convolve(x[c], kernel(a, b, C, STEPS))[:STEPS]
        np.testing.assert_allclose(got, wanted, atol=1e-12)


def test_the_printed_convolution_is_scipys_simulation_of_equation_13():
    step, A, B, C, x = system(0.5)
    for c in range(CHANNELS):
        continuous = (np.diag(A[c]), B[:, None], C[None], np.zeros((1, 1)))
        a, b, out, _, _ = signal.cont2discrete(continuous, step, method="zoh")
        mine = held(step, A[c], B)
        np.testing.assert_allclose(mine[0], a, atol=1e-12)
        np.testing.assert_allclose(mine[1], b[:, 0], atol=1e-12)
        # Equation 15 looks at the state behind the input: one step before scipy's.
        state, wanted = np.zeros(STATES), []
        for value in x[c]:
            state = a @ state + b[:, 0] * value
            wanted.append((out @ state).item())
        got = np.convolve(x[c], kernel(*mine, C, STEPS))[:STEPS]
        np.testing.assert_allclose(got, wanted, atol=1e-12)


@pytest.mark.parametrize(("decay", "gap"), [(0.02, 0.01), (0.2, 0.1), (2.0, 1.0)])
def test_how_far_mamba_is_from_the_printed_equation(decay, gap):
    # One state that decays by z = -step A a step: Euler over zero-order hold is z / (1 - e^-z),
    # which is 1 + z / 2 + z^2 / 12 - ...: half of the decay too loud, whatever the input.
    rng = np.random.default_rng(1)
    step, x, one = 0.1, rng.random((1, STEPS)), np.ones(1)
    A = np.array([[-decay / step]])
    a, b = held(step, A[0], one)
    printed = np.convolve(x[0], kernel(a, b, one, STEPS))[:STEPS]
    ratio = scan(step, A, one, one, x)[0] / printed
    np.testing.assert_allclose(ratio, decay / -math.expm1(-decay), rtol=1e-12)
    assert ratio[0] - 1 == pytest.approx(gap, abs=decay**2 / 12 * 1.01)
