"""What air takes from sound on its way: ISO 9613-1:1993.

Classical losses and the relaxation of oxygen and nitrogen molecules, which water vapour shifts.
Little happens below 2 kHz in a room; at 16 kHz a voice 10 m away has lost 3 dB.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from spatialdrama.conventions import SPEED_OF_SOUND
from spatialdrama.errors import ValidationError

_REFERENCE_KELVIN = 293.15
_REFERENCE_KPA = 101.325
_TRIPLE_POINT_KELVIN = 273.16


def _within(low: float, high: float, what: str) -> Any:
    def check(_: Any, __: Any, value: Any) -> None:
        try:
            inside = low <= float(value) <= high
        except (TypeError, ValueError):
            inside = False
        if not inside:
            raise ValidationError(f"{what} must be from {low:g} to {high:g}; got {value!r}.")

    return check


@attrs.frozen(kw_only=True)
class Air:
    """Air of some temperature, humidity and pressure.

    Parameters
    ----------
    temperature_c : float, degrees Celsius, -50 to 60
    humidity : float, per cent, 0 to 100
        Relative.
    pressure_kpa : float, kPa, 20 to 200

    Raises
    ------
    ValidationError
        For air outside these ranges.

    Examples
    --------
    >>> from spatialdrama_render.air import Air
    >>> (1000 * Air(humidity=70).attenuation([1000, 8000])).round(1).tolist()   # dB / km
    [5.0, 77.6]
    """

    temperature_c: float = attrs.field(
        default=20.0, validator=_within(-50, 60, "air temperature in degrees Celsius")
    )
    humidity: float = attrs.field(
        default=50.0, validator=_within(0, 100, "relative humidity in per cent")
    )
    pressure_kpa: float = attrs.field(
        default=_REFERENCE_KPA, validator=_within(20, 200, "air pressure in kPa")
    )

    def attenuation(self, frequency: Any) -> np.ndarray:
        """Return what pure tones lose, in dB per metre.

        Parameters
        ----------
        frequency : (...) float, Hz

        Returns
        -------
        (...) float64, dB/m
            Equations 3 to 5 and, for the water vapour, B.2 and B.3 of ISO 9613-1.
        """
        squared = np.asarray(frequency, dtype=float) ** 2
        kelvin = self.temperature_c + 273.15
        warmth = kelvin / _REFERENCE_KELVIN
        pressure = self.pressure_kpa / _REFERENCE_KPA
        saturation = 10 ** (-6.8346 * (_TRIPLE_POINT_KELVIN / kelvin) ** 1.261 + 4.6151)
        vapour = self.humidity * saturation / pressure  # molar concentration in per cent
        oxygen = pressure * (24 + 4.04e4 * vapour * (0.02 + vapour) / (0.391 + vapour))
        nitrogen = (
            pressure * warmth**-0.5 * (9 + 280 * vapour * np.exp(-4.170 * (warmth ** (-1 / 3) - 1)))
        )
        classical = 1.84e-11 / pressure * warmth**0.5
        relaxing = warmth**-2.5 * (
            0.01275 * np.exp(-2239.1 / kelvin) / (oxygen + squared / oxygen)
            + 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen + squared / nitrogen)
        )
        return 8.686 * squared * (classical + relaxing)

    def decay(self, frequency: Any) -> np.ndarray:
        """Return what sound that travels on loses, in dB per second."""
        return SPEED_OF_SOUND * self.attenuation(frequency)
