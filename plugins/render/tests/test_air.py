"""Air absorption against the published table of ISO 9613-2."""

import numpy as np
import pytest
from spatialdrama_render.air import Air

from spatialdrama.errors import ValidationError

#: ISO 9613-2:1996, table 2: degrees C, per cent, then dB/km in the octaves from 63 Hz to 8 kHz.
TABLE = [
    (10, 70, [0.1, 0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117]),
    (20, 70, [0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6]),
    (30, 70, [0.1, 0.3, 1.0, 3.1, 7.4, 12.7, 23.1, 59.3]),
    (15, 20, [0.3, 0.6, 1.2, 2.7, 8.2, 28.2, 88.8, 202]),
    (15, 50, [0.1, 0.5, 1.2, 2.2, 4.2, 10.8, 36.2, 129]),
    (15, 80, [0.1, 0.3, 1.1, 2.4, 4.1, 8.3, 23.7, 82.8]),
]


@pytest.mark.parametrize(("temperature", "humidity", "row"), TABLE)
def test_the_published_table(temperature, humidity, row):
    exact = 1000 * 10 ** (0.3 * np.arange(-4, 4))  # the standard's exact mid-band frequencies
    got = 1000 * Air(temperature_c=temperature, humidity=humidity).attenuation(exact)
    # Printed with one decimal, without any above 100; one cell (15 degrees, 80 %, 1 kHz) is
    # printed 4.1 where the standard's own formula gives 4.151.
    half_a_digit = np.where(np.array(row) >= 100, 0.5, 0.052)
    assert (np.abs(got - row) <= half_a_digit).all()


def test_thin_air_and_the_classical_limit():
    """Far above relaxation only viscosity and heat conduction grow with f squared."""
    air = Air(humidity=0, pressure_kpa=101.325)
    ratio = air.attenuation(2e6) / air.attenuation(1e6)
    assert ratio == pytest.approx(4, rel=0.01)
    assert air.attenuation(1e6) == pytest.approx(8.686 * 1.84e-11 * 1e12, rel=0.05)
    assert Air(humidity=0, pressure_kpa=50.6625).attenuation(2e6) == pytest.approx(
        2 * air.attenuation(2e6), rel=0.01
    )


def test_decay_is_attenuation_at_the_speed_of_sound():
    assert Air().decay(4000.0) == pytest.approx(343 * Air().attenuation(4000.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature_c": 300}, "temperature .* from -50 to 60; got 300"),
        ({"humidity": -1}, "humidity in per cent"),
        ({"humidity": "wet"}, "got 'wet'"),
        ({"pressure_kpa": float("nan")}, "pressure in kPa"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValidationError, match=message):
        Air(**options)
