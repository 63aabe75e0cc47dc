"""Heads and signals that the tests share."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

RATE = 48_000


def _sphere_responses(rate: float = RATE, step_deg: float = 10.0) -> xr.Dataset:
    """Return responses of a rigid-sphere head: Woodworth's delays, Brown and Duda's shadow.

    Computed in the frequency domain from the closed forms, so nothing of the renderer is in it;
    mirror-symmetric to the last bit, on a grid of rings.
    """
    from spatialdrama.io.sofa import hrir_dataset

    azimuth, elevation = np.meshgrid(
        np.arange(0.0, 360.0, step_deg), np.arange(-80.0, 81.0, step_deg), indexing="ij"
    )
    a, e = np.deg2rad(azimuth.ravel()), np.deg2rad(elevation.ravel())
    directions = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=1)
    directions = np.concatenate([directions, [[0, 0, 1.0], [0, 0, -1.0]]])
    frequency = np.fft.rfftfreq(512, 1 / rate)
    corner = 343.0 / 0.0875
    s = 2j * np.pi * frequency
    spectra = []
    for side in (1.0, -1.0):
        theta = np.arccos(np.clip(side * directions[:, 1], -1, 1))
        delay = np.where(theta <= np.pi / 2, -np.cos(theta), theta - np.pi / 2) * 0.0875 / 343
        alpha = 1.05 + 0.95 * np.cos(theta * 180 / 150)
        shadow = (1 + s * alpha[:, None] / (2 * corner)) / (1 + s / (2 * corner))
        spectra.append(shadow * np.exp(-s * (delay[:, None] + 60 / rate)))
    response = np.fft.irfft(np.stack(spectra, axis=1), 512)
    return hrir_dataset(response, 1.4 * directions, rate=rate, title="rigid sphere")


@pytest.fixture(scope="session")
def sphere_responses():
    return _sphere_responses()


@pytest.fixture(scope="session")
def sphere_responses_44k1():
    return _sphere_responses(44_100)


@pytest.fixture(scope="session")
def sphere_with(sphere_responses):
    """Renderers with the rigid sphere's head and other options, each made once."""
    from functools import cache

    from spatialdrama_render.physical import PhysicalRenderer

    return cache(
        lambda **options: PhysicalRenderer(
            sphere_responses, **{"equalisation": "none", "air": "none", "near": "none"} | options
        )
    )


@pytest.fixture(scope="session")
def sphere(sphere_with):
    """A renderer with the rigid sphere's head and the default options."""
    return sphere_with()


@pytest.fixture(scope="session")
def kemar():
    """The default renderer; needs ``spatialdrama assets fetch kemar``."""
    from spatialdrama_render.physical import PhysicalRenderer

    return PhysicalRenderer()


@pytest.fixture
def noise():
    """(n,) float32 noise below 16 kHz that fades in and out."""

    def make(n: int, seed: int = 0) -> np.ndarray:
        from scipy.signal import firwin, lfilter

        raw = np.random.default_rng(seed).standard_normal(n)
        ramp = np.minimum(1.0, np.minimum(np.arange(n), np.arange(n)[::-1]) / 200)
        fade = np.sin(np.pi / 2 * ramp) ** 2  # an abrupt end would not be below 16 kHz
        return (0.1 * fade * lfilter(firwin(129, 16_000, fs=RATE), 1.0, raw)).astype(np.float32)

    return make
