"""Checks of config fields: what is let through, what is not, and the sentence that says so."""

import math
import re

import attrs
import numpy as np
import pytest
from spatialdrama_isdrama import checks
from spatialdrama_isdrama.autoencoder.config import AutoencoderConfig, MelConfig
from spatialdrama_isdrama.checks import from_list, number, one_of, option, truth, whole, wholes
from spatialdrama_isdrama.content.config import ContentConfig
from spatialdrama_isdrama.pose.config import PoseConfig
from spatialdrama_isdrama.transformer.config import TrainingConfig, TransformerConfig
from spatialdrama_isdrama.vocoder.config import VocoderConfig

from spatialdrama.errors import ValidationError


def given(check, value):
    """Return what a config with one field makes of a value."""
    Config = attrs.make_class("Config", {"size": option(value, check)}, frozen=True)
    return Config().size


ACCEPTED = [
    (whole(1), [1, 2, 10**12]),
    (whole(0), [0]),
    (whole(-3), [-3]),
    (whole(3, odd=True), [3, 5]),
    (whole(4, multiple=4), [4, 8]),
    (wholes(8), [(8,), (32, 64)]),
    (wholes(1, odd=True), [(1,), (3, 7, 11)]),
    (number(), [-1e300, 0, 0.5]),
    (number(0), [0, 0.0, 1e-300, 1e300]),
    (number(0, above=True), [5e-324]),
    (number(0, 1), [0, 1]),
    (number(0, 1, below=True), [0, math.nextafter(1, 0)]),
    (number(most=0, below=True), [-5e-324]),
    (one_of("a", "b"), ["a", "b"]),
    (truth, [True, False]),
    (checks.model_name, ["bert-base-chinese"]),
]


@pytest.mark.parametrize(
    ("check", "value"), [(check, value) for check, values in ACCEPTED for value in values]
)
def test_what_fits_stays_as_it_is(check, value):
    assert given(check, value) is value


NUMBERS = [True, "1", None, math.nan, math.inf, -math.inf, 1j, np.zeros(2)]
REFUSED = [
    (whole(1), [0, -1, 1.0, True, "1", None, math.nan], "a whole number from 1 on"),
    (whole(3, odd=True), [1, 2, 4, 5.0], "an odd whole number from 3 on"),
    (whole(2, multiple=2), [0, 3, 2.0], "an even whole number from 2 on"),
    (whole(4, multiple=4), [0, 2, 6], "a multiple of 4 from 4 on"),
    (
        wholes(8),
        [(), (7,), (8, True), (8.0,), [8], 8, "88"],
        "a tuple of whole numbers from 8 on",
    ),
    (wholes(1, odd=True), [(3, 4), (-1,)], "a tuple of odd whole numbers from 1 on"),
    (number(), NUMBERS, "a finite number"),
    (number(0), [-5e-324, *NUMBERS], "a finite number from 0 on"),
    (number(0, above=True), [0, -0.0, *NUMBERS], "a finite number above 0"),
    (number(0, 0.5), [-0.1, 0.6, *NUMBERS], "a number from 0 to 0.5"),
    (number(0, 1, below=True), [1, 1.0, *NUMBERS], "a number from 0 to below 1"),
    (number(0, 2, above=True), [0, 2.1], "a number above 0 to 2"),
    (number(most=2), [2.1, math.nan, -math.inf], "a finite number up to 2"),
    (number(most=0, below=True), [0, 1], "a finite number below 0"),
    (one_of("a", "b"), ["c", "A", None, 1, "ab"], "one of 'a', 'b'"),
    (truth, [0, 1, "yes", None, np.True_], "True or False"),
    (checks.model_name, ["", None, 3], "a model's hub name or its folder"),
]


@pytest.mark.parametrize(
    ("check", "value", "wanted"),
    [(check, value, wanted) for check, values, wanted in REFUSED for value in values],
)
def test_what_does_not_is_named_with_what_would(check, value, wanted):
    with pytest.raises(ValidationError) as caught:
        given(check, value)
    assert str(caught.value) == f"Config.size must be {wanted}; got {value!r}."


def test_lists_are_tuples_of_the_same():
    assert from_list([8, 16]) == (8, 16)
    # Whatever else is given reaches the check, and the message, as it was.
    assert from_list("816") == "816"


@pytest.mark.parametrize(
    "config",
    [
        MelConfig, AutoencoderConfig, ContentConfig, PoseConfig, TransformerConfig, TrainingConfig,
        VocoderConfig,
    ],
)  # fmt: skip
def test_every_field_of_every_room_refuses_what_none_can_be(config):
    for field in attrs.fields(config):
        with pytest.raises(
            ValidationError, match=re.escape(f"{config.__name__}.{field.name} must be ")
        ):
            config(**{field.name: {}})
