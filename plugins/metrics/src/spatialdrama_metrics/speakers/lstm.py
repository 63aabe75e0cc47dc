"""A stack of LSTM layers in numpy, for many sequences at once.

Source: S. Hochreiter and J. Schmidhuber (1997), "Long short-term memory", Neural Computation 9,
with the forget gate of F. A. Gers et al. (2000); names, shapes and gate order (input, forget, cell,
output) of ``torch.nn.LSTM``, which is the oracle in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit


@attrs.frozen(eq=False)
class Lstm:
    """Layers of equal width; gates stored in the order input, forget, output, cell.

    Parameters
    ----------
    layers : tuple of (inputs (d, 4h), recurrent (h, 4h), bias (4h,))

    Examples
    --------
    >>> zero = Lstm(((np.zeros((3, 8)), np.zeros((2, 8)), np.zeros(8)),))
    >>> zero.last(np.ones((5, 7, 3))).shape
    (5, 2)
    """

    layers: tuple[tuple[NDArray, NDArray, NDArray], ...]

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray], prefix: str = "lstm.") -> Lstm:
        """Take the weights of a ``torch.nn.LSTM`` with biases, in one direction."""
        layers = []
        while f"{prefix}weight_ih_l{len(layers)}" in state:
            n = len(layers)
            kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            parts = [_sorted(state[f"{prefix}{kind}_l{n}"]) for kind in kinds]
            layers.append(
                (
                    np.ascontiguousarray(parts[0].T),
                    np.ascontiguousarray(parts[1].T),
                    parts[2] + parts[3],
                )
            )
        return cls(tuple(layers))

    def last(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Hidden state of the top layer after the last step.

        Parameters
        ----------
        inputs : ndarray, shape (b, t, d)

        Returns
        -------
        ndarray, shape (b, h)
        """
        steps = np.ascontiguousarray(inputs.transpose(1, 0, 2))
        for layer in self.layers:
            steps = _run(steps, *layer)
        return steps[-1]


def _sorted(weight: NDArray) -> NDArray:
    """Gates i, f, g, o to i, f, o, g: those through a sigmoid lie side by side."""
    i, f, g, o = np.split(np.asarray(weight), 4)
    return np.concatenate([i, f, o, g])


def _run(steps: NDArray, inputs: NDArray, recurrent: NDArray, bias: NDArray) -> NDArray:
    """One layer over (t, b, d); returns (t, b, h)."""
    count, batch, _ = steps.shape
    width = len(recurrent)
    driven = steps @ inputs + bias  # what does not wait for the step before, all at once
    out = np.empty((count, batch, width), dtype=driven.dtype)
    hidden = np.zeros((batch, width), dtype=driven.dtype)
    cell = np.zeros_like(hidden)
    for t in range(count):
        gates = hidden @ recurrent
        gates += driven[t]
        opened = expit(gates[:, : 3 * width])
        cell *= opened[:, width : 2 * width]
        cell += opened[:, :width] * np.tanh(gates[:, 3 * width :])
        hidden = np.multiply(opened[:, 2 * width :], np.tanh(cell), out=out[t])
    return out
