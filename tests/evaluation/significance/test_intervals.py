from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from lmcompare.evaluation.resampling import bootstrap_sums
from lmcompare.evaluation.significance import differences
from lmcompare.evaluation.significance.intervals import Chance, bca, detectable, over_seeds, seed_draws


def compare(a, b, **options):
    return differences({"a": a, "b": b}, split="test", policy="native", **options)[0]


@pytest.fixture
def skewed(paired):
    random = np.random.default_rng(3)
    events = random.integers(20, 200, size=25)
    nats = events * 3.0
    return paired(nats + random.exponential(30, size=25) ** 1.5 / 10, events), paired(nats, events)


def test_bca_agrees_with_scipy(skewed):
    a, b = skewed
    found = compare(a, b, resamples=60_000)
    referee = stats.bootstrap(
        (a.finite[0], b.finite[0], a.units.events),
        lambda x, y, n, axis: (x - y).sum(axis=axis) / n.sum(axis=axis) / math.log(2),
        paired=True,
        method="BCa",
        n_resamples=60_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    width = referee.high - referee.low
    assert found.bca95 == pytest.approx((referee.low, referee.high), abs=0.02 * width)
    assert abs(found.bca95[1] - found.ci95[1]) > 0.05 * width  # so that the test can tell the two apart


def test_bca_of_models_of_different_event_spaces_agrees_with_scipy(paired):
    random = np.random.default_rng(8)
    a = paired(random.gamma(2, 40, size=30), random.integers(20, 90, size=30), fingerprint="words")
    b = paired(random.gamma(2, 40, size=30), a.units.events, fingerprint="characters")
    found = compare(a, b, resamples=60_000)
    referee = stats.bootstrap(
        (a.finite[0], b.finite[0], a.units.bytes),
        lambda x, y, n, axis: (x - y).sum(axis=axis) / n.sum(axis=axis) / math.log(2),
        paired=True,
        method="BCa",
        n_resamples=60_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    width = referee.high - referee.low
    assert found.bca95 == pytest.approx((referee.low, referee.high), abs=0.02 * width)


def test_bca_is_percentile_where_nothing_is_skewed_or_biased():
    samples = np.linspace(-1, 1, 10_001)
    assert bca(samples, 0.0, np.array([-1.0, 0, 1])) == pytest.approx((-0.95, 0.95), abs=3e-4)


def test_bca_is_not_given_where_it_is_not_defined(paired):
    assert bca(np.ones(100), 2.0, np.zeros(4)) is None
    assert bca(np.ones(100), math.inf, np.zeros(4)) is None
    assert bca(np.ones(100), 1.0, np.array([0.0, math.inf])) is None
    events = np.full(30, 20)
    zeros = np.zeros(30)
    zeros[3] = 1
    found = compare(paired(np.full(30, 50.0), events, zeros), paired(np.full(30, 50.0), events))
    assert (found.bca95, found.seeds95, found.sd_texts, found.detectable) == (None, None, None, None)


def test_the_standard_deviation_over_texts_is_that_of_the_bootstrap(skewed):
    a, b = skewed
    drawn = bootstrap_sums(np.stack([a.finite[0] - b.finite[0], a.units.events], axis=1), 20_000, 9)
    wanted = (drawn[:, 0] / drawn[:, 1] / math.log(2)).std()
    assert compare(a, b).sd_texts == pytest.approx(wanted, rel=0.03)


def test_the_mean_of_drawn_seeds_varies_as_a_mean_of_seeds_does():
    random = np.random.default_rng(0)
    for seeds in (2, 3, 5):
        weights = seed_draws(seeds, 200_000, random)
        assert weights.sum(axis=1) == pytest.approx(1)
        values = random.normal(size=seeds)
        assert (weights @ values).var() == pytest.approx(values.var(ddof=1) / seeds, rel=0.02)
    assert seed_draws(1, 4, random).tolist() == [[1.0]] * 4


def test_over_seeds_and_texts_it_is_welch_s_interval_where_both_are_normal():
    """Percentiles of a normal sample, stretched: the t interval with Satterthwaite's degrees of freedom."""
    random = np.random.default_rng(1)
    sds = (0.3, 0.4)
    samples = random.normal(size=400_000) * math.hypot(*sds) + 2
    low, high = over_seeds(samples, 2.0, [Chance(sds[0] ** 2, 7), Chance(sds[1] ** 2, 3)])
    # The scipy test of two samples of 8 and 4 with these standard errors: the least p that excludes a bound.
    for bound in (low, high):
        p = stats.ttest_ind_from_stats(
            2 - bound, sds[0] * math.sqrt(8), 8, 0, sds[1] * math.sqrt(4), 4, equal_var=False
        ).pvalue
        assert p == pytest.approx(0.05, rel=0.02)


def test_seeds_that_differ_widen_the_interval_and_one_seed_alone_leaves_it_unknown(paired):
    random = np.random.default_rng(2)
    events = random.integers(30, 90, size=60)
    nats = events * 3 + random.normal(size=60) * 9
    drift = events * np.array([[-0.3], [0.0], [0.3]])
    many, same = paired(nats + drift, events), paired(np.stack([nats] * 3), events)
    once, counted = paired(nats + 7, events), paired(nats + 7, events, seeded=False)
    assert compare(many, once).seeds95 is None and compare(many, once).sd_seeds is None
    wide, narrow = compare(many, counted), compare(same, counted)
    assert narrow.seeds95 == narrow.ci95 and narrow.sd_seeds == 0
    assert wide.seeds95[0] < wide.ci95[0] and wide.ci95[1] < wide.seeds95[1]
    assert wide.sd_seeds == pytest.approx(0.3 / math.log(2) / math.sqrt(3))
    assert wide.ci95 == pytest.approx(narrow.ci95)


def test_the_detectable_difference_is_that_of_the_normal_test():
    """Two-sided at 5 %: (1.96 + 0.84) standard errors; more for many pairs."""
    assert detectable(1.0, 1) == pytest.approx(stats.norm.isf(0.025) + stats.norm.isf(0.2))
    assert detectable(2.0, 15) == pytest.approx(2 * (stats.norm.isf(0.025 / 15) + stats.norm.isf(0.2)))
