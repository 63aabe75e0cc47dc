"""Numbers of subjective tests, against closed forms, statsmodels and published examples."""

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from spatialdrama import stats
from spatialdrama.errors import UnknownNameError, ValidationError


def table(listeners=12, items=6, spread=0.5, gap=0.0, seed=0):
    """Two systems; each listener is strict or kind by `spread`, "b" is `gap` better."""
    rng = np.random.default_rng(seed)
    made = []
    for n in range(listeners):
        own = rng.normal(0, spread)
        for system, shift in (("a", 0.0), ("b", gap)):
            for item in range(items):
                score = float(np.clip(3 + own + shift + rng.normal(0, 0.7), 1, 5))
                made.append({"listener": n, "system": system, "item": item, "score": score})
    return made


class TestMos:
    def test_the_t_interval_is_scipys(self):
        checked = stats.tidy(table()).of("a")
        found = stats.mos(table())["a"]
        low, high = scipy_stats.t.interval(
            0.95, len(checked) - 1, checked.score.mean(), scipy_stats.sem(checked.score)
        )
        assert found.t == pytest.approx((low, high))
        assert (found.ratings, found.listeners) == (72, 12)

    def test_the_clustered_interval_is_that_of_statsmodels(self):
        models = pytest.importorskip("statsmodels.api")
        checked = stats.tidy(table()).of("a")
        groups = np.unique(checked.listener, return_inverse=True)[1]
        fit = models.OLS(checked.score, np.ones(len(checked))).fit(
            cov_type="cluster", cov_kwds={"groups": groups}, use_t=True
        )
        found = stats.mos(table())["a"]
        assert found.clustered == pytest.approx(tuple(fit.conf_int()[0]), rel=1e-9)
        assert found.half == pytest.approx(np.diff(fit.conf_int()[0])[0] / 2)

    def test_strict_and_kind_listeners_widen_it(self):
        """With m ratings each and correlation r the variance is 1 + (m - 1) r times as large."""
        found = stats.mos(table(listeners=400, spread=0.7))["a"]
        ratio = np.diff(found.clustered)[0] / np.diff(found.t)[0]
        assert ratio == pytest.approx(np.sqrt(1 + 5 * 0.5), rel=0.08)
        assert np.diff(found.bootstrap)[0] == pytest.approx(np.diff(found.clustered)[0], rel=0.08)

    def test_coverage_of_the_clustered_interval(self):
        held = 0
        for seed in range(200):
            low, high = stats.mos(table(listeners=15, seed=seed))["a"].clustered
            held += low <= 3 <= high
        assert 180 <= held <= 199  # 95 % of 200, three standard errors either way

    def test_one_listener(self):
        found = stats.mos(table(listeners=1))["a"]
        assert np.isnan(found.clustered[0])
        assert np.isfinite(found.bootstrap[0])
        assert str(found) == f"{found.mean:.2f} ± {np.diff(found.t)[0] / 2:.2f}"

    def test_one_rating(self):
        found = stats.mos([{"listener": 1, "system": "a", "item": 1, "score": 4}])["a"]
        assert str(found) == "4.00"

    def test_as_a_table(self):
        found = stats.mos(table())
        assert list(found) == ["a", "b"]
        assert f"{found['a'].mean:.2f}" in repr(found)
        assert "<table>" in found._repr_mimebundle_()["text/html"]
        assert found.to_dict()["a"]["p"] is None
        assert "b" in found
        assert found.get("c") is None
        with pytest.raises(UnknownNameError, match="there are a, b"):
            found["c"]


def test_cmos_tests_against_zero():
    scores = [-1, -2, 0, -1, -1, -3, 0, -1]
    rows = [
        {"listener": n, "system": "w/o FAN", "item": 1, "score": s} for n, s in enumerate(scores)
    ]
    found = stats.cmos(rows)["w/o FAN"]
    # One rating of each listener: clusters are ratings, and this is Student's one-sample test.
    assert found.p == pytest.approx(scipy_stats.ttest_1samp(scores, 0).pvalue)
    assert found.mean == pytest.approx(-9 / 8)
    assert found.clustered == pytest.approx(found.t)


class TestHolm:
    def test_against_statsmodels(self):
        multitest = pytest.importorskip("statsmodels.stats.multitest")
        p = np.random.default_rng(0).uniform(0, 0.2, 20)
        want = multitest.multipletests(p, method="holm")[1]
        assert stats.holm(p) == pytest.approx(want)

    def test_gaps_do_not_count(self):
        assert stats.holm([0.01, np.nan, 0.04]) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
        assert len(stats.holm([])) == 0


class TestPermutation:
    def test_every_pattern_against_scipy(self):
        rng = np.random.default_rng(1)
        a, b = rng.normal(0, 1, 9), rng.normal(0.7, 1, 9)
        want = scipy_stats.permutation_test(
            (a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
        )
        assert stats.permutation_test(a, b) == pytest.approx(want.pvalue)

    def test_drawn_patterns_against_students_t(self):
        rng = np.random.default_rng(2)
        a = rng.normal(0, 1, 200)
        b = a + rng.normal(0.1, 0.7, 200)
        want = scipy_stats.ttest_rel(a, b).pvalue
        assert stats.permutation_test(a, b) == pytest.approx(want, abs=0.01)

    def test_weighted_means_by_brute_force(self):
        a, b = [1.0, 2.0, 4.0], [2.0, 2.5, 3.0]
        wa, wb = [10.0, 1.0, 2.0], [8.0, 2.0, 2.0]

        def difference(pattern):
            x = [(b[i], wb[i]) if s else (a[i], wa[i]) for i, s in enumerate(pattern)]
            y = [(a[i], wa[i]) if s else (b[i], wb[i]) for i, s in enumerate(pattern)]
            return sum(v * w for v, w in x) / sum(w for _, w in x) - sum(v * w for v, w in y) / sum(
                w for _, w in y
            )

        found = [abs(difference(p)) for p in itertools.product((0, 1), repeat=3)]
        want = np.mean([d >= found[0] - 1e-12 for d in found])
        assert stats.permutation_test(a, b, weight_a=wa, weight_b=wb) == want

    def test_false_alarms_are_as_rare_as_promised(self):
        alarms = 0
        for seed in range(300):
            a, b = np.random.default_rng(seed).normal(size=(2, 10))
            alarms += stats.permutation_test(a, b) <= 0.05
        assert alarms <= 300 * 0.05 + 3 * np.sqrt(300 * 0.05 * 0.95)

    def test_odd_pairs(self):
        assert np.isnan(stats.permutation_test([], []))
        assert stats.permutation_test([1.0, 2.0], [1.0, 2.0]) == 1.0
        with pytest.raises(ValidationError, match="got 1 and 2 values"):
            stats.permutation_test([1.0], [1.0, 2.0])


class TestPaired:
    def test_by_hand(self):
        """Four listeners, one item: differences 1, 1, 0, 2."""
        rows = [
            {"listener": n, "system": s, "item": 1, "score": v}
            for n, (ours, base) in enumerate([(4, 3), (5, 4), (3, 3), (4, 2)])
            for s, v in (("ours", ours), ("base", base))
        ]
        found = stats.paired(rows, "base", method="t")["ours"]
        want = scipy_stats.ttest_1samp([1, 1, 0, 2], 0)
        assert found.mean == 1.0
        assert found.p == pytest.approx(want.pvalue)
        assert found.interval == pytest.approx(tuple(want.confidence_interval()))
        # Of 16 sign patterns those with all of 1, 1, 2 alike; the 0 has no sign.
        assert stats.paired(rows, "base")["ours"].p == 4 / 16

    def test_wilcoxon_is_scipys_over_listeners(self):
        rows = table(gap=0.4)
        checked = stats.tidy(rows)
        means = {s: [checked.of(s).score[checked.of(s).listener == str(n)].mean()
                     for n in range(12)] for s in "ab"}  # fmt: skip
        want = scipy_stats.wilcoxon(means["b"], means["a"]).pvalue
        assert stats.paired(rows, "a", method="wilcoxon")["b"].p == pytest.approx(want)

    @pytest.mark.parametrize("method", ["permutation", "t", "wilcoxon"])
    def test_a_difference_is_found_although_listeners_differ_more(self, method):
        rows = table(listeners=20, spread=1.0, gap=0.5)
        one, other = stats.mos(rows)["a"], stats.mos(rows)["b"]
        assert one.clustered[1] > other.clustered[0]  # the separate intervals overlap
        found = stats.paired(rows, "a", method=method)["b"]
        assert found.p_holm < 0.01
        assert found.pairs == 120

    def test_holm_over_all_systems(self):
        rows = table(gap=0.3) + [r | {"system": "c"} for r in table(gap=0.3) if r["system"] == "b"]
        found = stats.paired(rows, "a")
        assert [f.p_holm for f in found.values()] == pytest.approx(
            stats.holm([f.p for f in found.values()])
        )
        assert "against a" in repr(found)
        assert "<table>" in found._repr_mimebundle_()["text/html"]

    def test_what_cannot_be_compared(self):
        with pytest.raises(UnknownNameError, match="baseline 'z'; there are a, b"):
            stats.paired(table(), "z")
        apart = [r | {"item": r["system"] + str(r["item"])} for r in table()]
        with pytest.raises(ValidationError, match="no listener rated the same item of 'b' and 'a'"):
            stats.paired(apart, "a")
        with pytest.raises(ValidationError, match="'sign'"):
            stats.paired(table(), "a", method="sign")


N = np.nan
#: K. Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", example C.
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
    ]
)
#: P. E. Shrout and J. L. Fleiss (1979), table 2: six targets, four judges.
JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
).T


class TestAgreement:
    @pytest.mark.parametrize(
        ("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
    )
    def test_krippendorffs_example(self, level, alpha):
        assert stats.krippendorff_alpha(OBSERVERS, level=level) == pytest.approx(alpha, abs=5e-4)

    def test_from_a_tidy_table(self):
        rows = [
            {"listener": n, "system": "s", "item": u, "score": OBSERVERS[n, u]}
            for n in range(4) for u in range(12) if np.isfinite(OBSERVERS[n, u])
        ]  # fmt: skip
        assert stats.krippendorff_alpha(rows) == stats.krippendorff_alpha(OBSERVERS)

    def test_chance_is_zero(self):
        noise = np.random.default_rng(0).integers(1, 6, (4, 4000)).astype(float)
        assert stats.krippendorff_alpha(noise) == pytest.approx(0, abs=0.02)

    def test_nothing_to_agree_about(self):
        assert np.isnan(stats.krippendorff_alpha(np.full((2, 5), 3.0)))
        with pytest.raises(ValidationError, match="all ratings are equal"):
            stats.icc(np.full((2, 5), 3.0))

    def test_shrout_and_fleiss(self):
        found = stats.icc(JUDGES)
        assert found.single == pytest.approx(0.29, abs=5e-3)
        assert found.average == pytest.approx(0.62, abs=5e-3)
        # R's psych::ICC of the same table, and pingouin's: .02 to .76, .07 to .93.
        assert found.single_ci == pytest.approx((0.02, 0.76), abs=5e-3)
        assert found.average_ci == pytest.approx((0.07, 0.93), abs=5e-3)
        assert (found.raters, found.units) == (4, 6)

    def test_icc_recovers_the_share_of_variance(self):
        """Units 1.0, raters 0.25, rest 0.75: ICC(2,1) is 1 / 2."""
        rng = np.random.default_rng(0)
        scores = (
            rng.normal(0, 1, (1, 3000)) + rng.normal(0, 0.5, (60, 1))
            + rng.normal(0, np.sqrt(0.75), (60, 3000))
        )  # fmt: skip
        assert stats.icc(scores).single == pytest.approx(0.5, abs=0.03)

    def test_what_is_refused(self):
        with pytest.raises(ValidationError, match="7 of 48 are missing"):
            stats.icc(OBSERVERS)
        with pytest.raises(ValidationError, match="two rated units"):
            stats.icc(np.ones((3, 1)))
        with pytest.raises(ValidationError, match="two raters or more; got 1"):
            stats.krippendorff_alpha(np.ones((1, 4)))
        with pytest.raises(ValidationError, match="no item was rated by two"):
            stats.krippendorff_alpha(np.array([[1, N], [N, 2]]))
        with pytest.raises(ValidationError, match="'ratio'"):
            stats.krippendorff_alpha(OBSERVERS, level="ratio")
        with pytest.raises(ValidationError, match=r"\(raters, units\)"):
            stats.icc(np.ones(3))


class TestSampleSize:
    @pytest.mark.parametrize(("difference", "power"), [(0.5, 0.8), (0.2, 0.9), (1.5, 0.8)])
    def test_a_difference_against_statsmodels(self, difference, power):
        models = pytest.importorskip("statsmodels.stats.power")
        want = models.TTestPower().solve_power(effect_size=difference, power=power, alpha=0.05)
        assert stats.for_difference(difference, 1.0, power=power).ratings == np.ceil(want)

    def test_cohens_table(self):
        """G*Power's classic: d = .5, two-sided .05, power .8: 34 pairs; with .95: 54."""
        assert stats.for_difference(0.5, 1.0).ratings == 34
        assert stats.for_difference(0.5, 1.0, power=0.95).ratings == 54

    def test_an_interval_is_as_narrow_as_wished_and_not_with_one_less(self):
        n = stats.for_half_width(0.15, 0.9).ratings
        half = [scipy_stats.t.ppf(0.975, m - 1) * 0.9 / np.sqrt(m) for m in (n - 1, n)]
        assert half[0] > 0.15 >= half[1]

    def test_listeners_share_what_they_think(self):
        alone = stats.for_half_width(0.1, 1.0)
        many = stats.for_half_width(0.1, 1.0, per_listener=20, icc=0.3)
        assert many.design_effect == pytest.approx(6.7)
        assert many.listeners == np.ceil(alone.ratings * 6.7 / 20)
        assert many.ratings == 20 * many.listeners

    def test_more_tests_need_more(self):
        assert stats.for_difference(0.5, 1, tests=5).ratings > stats.for_difference(0.5, 1).ratings

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"half_width": 0}, "half_width"),
            ({"sd": -1}, "sd"),
            ({"confidence": 95}, "confidence must be between 0 and 1; got 95"),
            ({"icc": 1.0}, "icc"),
            ({"per_listener": 0}, "per_listener"),
            ({"half_width": 1e-6}, "would be needed"),
        ],
    )
    def test_what_is_refused(self, given, message):
        with pytest.raises(ValidationError, match=message):
            stats.for_half_width(**{"half_width": 0.1, "sd": 1.0, **given})
        with pytest.raises(ValidationError, match="tests must be"):
            stats.for_difference(0.5, 1.0, tests=0)
