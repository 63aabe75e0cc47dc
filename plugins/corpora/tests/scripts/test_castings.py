"""Who plays whom: known and held-out voices never mix."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spatialdrama_corpora.scripts.castings import (
    KOKORO,
    STYLES,
    Character,
    cast,
    identity_pool,
    style_of,
)

from spatialdrama.errors import ValidationError


def parts(identity):
    return set(re.sub(r":[\d.]+", "", identity).split("+"))


class TestPools:
    @given(st.integers(0, 10**6), st.integers(0, 40), st.floats(0.05, 0.5))
    def test_no_voice_is_both_known_and_held_out(self, seed, blends, held_out):
        for native in KOKORO.values():
            pool = identity_pool(native, blends=blends, held_out=held_out, seed=seed)
            known = set().union(*map(parts, pool.train))
            unheard = set().union(*map(parts, pool.held_out))
            assert not known & unheard
            assert known | unheard == set(native)
            assert len(pool.train) + len(pool.held_out) <= len(native) + blends + 1
            assert len(unheard) >= 2

    def test_weights_of_a_blend_sum_to_one(self):
        pool = identity_pool(KOKORO["zh"], blends=24, held_out=0.2, seed=1)
        blends = [i for i in (*pool.train, *pool.held_out) if "+" in i]
        assert len(blends) > 10
        for blend in blends:
            weights = [float(w) for w in re.findall(r":([\d.]+)", blend)]
            assert sum(weights) == pytest.approx(1.0)
            assert min(weights) >= 0.3  # both parts are heard

    def test_the_same_seed_gives_the_same_pool(self):
        one, two = (identity_pool(KOKORO["en"], blends=5, seed=3) for _ in range(2))
        assert one == two
        assert identity_pool(KOKORO["en"], blends=5, seed=4) != one

    def test_nothing_held_out_leaves_all_to_everybody(self):
        pool = identity_pool(["a", "b"], held_out=0.0)
        assert set(pool.of("test")) == set(pool.of("train")) == {"a", "b"}

    @pytest.mark.parametrize("native", [["a"], ["a", "a"]])
    def test_one_voice_is_no_cast(self, native):
        with pytest.raises(ValidationError, match="two different"):
            identity_pool(native)

    def test_the_names_are_those_of_the_voice(self):
        import importlib.util

        if importlib.util.find_spec("spatialdrama_speech") is None:
            pytest.skip("spatialdrama-speech is not installed")
        from spatialdrama_speech.identities import names

        assert set().union(*KOKORO.values()) <= set(names())


class TestCasts:
    def test_nobody_shares_a_voice_before_all_are_used(self):
        people = cast("ABCDEF", list("uvwxyz"), rate=(1, 1), pitch=(0, 0), seed=1, drama="d")
        assert len({c.identity for c in people.values()}) == 6

    def test_ranges_hold(self):
        people = cast(map(str, range(50)), "ab", rate=(0.9, 1.1), pitch=(-1, 2), seed=1, drama="d")
        rates = [c.rate for c in people.values()]
        pitches = [c.pitch for c in people.values()]
        assert 0.9 <= min(rates) < 0.95
        assert 1.05 < max(rates) <= 1.1
        assert -1 <= min(pitches) < 0 < 1 < max(pitches) <= 2

    def test_exclamations_are_louder_more_often(self):
        lively = Character("a", 1.0, 0.0, 1.0)

        def share(text):
            draw = np.random.default_rng(0)
            styles = [style_of(text, lively, draw) for _ in range(600)]
            assert set(styles) <= set(STYLES)
            return sum(s in ("loudly", "shouting", "calling") for s in styles) / 600

        assert share("Come hither!") > 1.5 * share("Come hither.")
