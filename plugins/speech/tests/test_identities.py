"""The grammar of identities, and style vectors against the published ones."""

import numpy as np
import pytest
from spatialdrama_speech.identities import Identity, names

from spatialdrama.errors import UnknownNameError, ValidationError


def test_native_identities():
    assert len(names()) == 36
    assert sum(n.startswith("z") for n in names()) == 8
    assert {"am_michael", "bm_george", "zf_xiaoxiao", "zm_yunxi"} <= set(names())


def test_weights_are_divided_by_their_sum():
    assert Identity.parse("af_heart:3+bm_george").parts == (
        ("af_heart", 0.75),
        ("bm_george", 0.25),
    )
    assert str(Identity.parse(" zf_xiaoxiao : 0.6 + bm_george:.4 ")) == (
        "zf_xiaoxiao:0.6+bm_george:0.4"
    )
    assert str(Identity.parse("am_michael:5")) == "am_michael"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must have a name"),
        (None, "must have a name"),
        ("af_heart+", "without a name"),
        ("af_heart:x", "positive number"),
        ("af_heart:-1", "positive number"),
        ("af_heart:0", "positive number"),
        ("af_heart:nan", "positive number"),
        ("af_heart:", "positive number"),
        ("af_heart+af_heart", "twice"),
    ],
)
def test_what_breaks_the_grammar_is_said(text, says):
    with pytest.raises(ValidationError, match=says):
        Identity.parse(text)


def test_unknown_names_get_the_nearest():
    with pytest.raises(UnknownNameError, match="am_michael"):
        Identity.parse("am_micheal")


def test_a_blend_is_the_weighted_mean_of_its_vectors():
    a, b = (Identity.parse(n).style(60).astype(float) for n in ("zf_xiaoxiao", "bm_george"))
    mixed = Identity.parse("zf_xiaoxiao:0.6+bm_george:0.4").style(60)
    np.testing.assert_allclose(mixed, 0.6 * a + 0.4 * b, atol=1e-6)


def test_vectors_are_the_published_ones():
    # First four values of row 50 (a text of 51 symbols) in kokoro-js 1.2.1's voices/*.bin.
    published = {
        "af_heart": [-0.222396, 0.160518, -0.014031, -0.124046],
        "zm_yunxi": [-0.005198, 0.182815, -0.091137, -0.176752],
        "bm_george": [-0.216834, 0.069208, -0.299692, 0.313591],
    }
    for name, values in published.items():
        np.testing.assert_allclose(Identity.parse(name).style(51)[:4], values, atol=3e-5)


def test_lengths_beyond_the_table_take_its_ends():
    who = Identity.parse("af_heart")
    np.testing.assert_array_equal(who.style(9999), who.style(510))
    assert who.style(1).shape == (256,)
    assert np.isfinite(who.style(0)).all()


def test_accent_follows_the_heavier_english_part():
    assert Identity.parse("bm_george:0.4+zf_xiaoxiao:0.6").british
    assert not Identity.parse("zf_xiaoxiao").british
    assert not Identity.parse("bf_emma:0.4+am_adam:0.6").british
