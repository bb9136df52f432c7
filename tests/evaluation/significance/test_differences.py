from __future__ import annotations

import itertools
import math
import time

import numpy as np
import pytest
from scipy import stats

from lmcompare.errors import InputError
from lmcompare.evaluation.significance import Paired, differences, holm

INF = math.inf


def compare(a, b, **options):
    return differences({"a": a, "b": b}, split="test", policy="native", **options)[0]


@pytest.fixture
def two(paired):
    random = np.random.default_rng(4)
    events = random.integers(20, 60, size=12)
    first = events * 3 + random.normal(size=12) * 6
    return paired(first, events), paired(first - 3 + random.normal(size=12) * 5, events)


def test_the_difference_is_in_bits_per_token_and_per_byte(two):
    a, b = two
    found = compare(a, b)
    nats = (a.finite - b.finite).sum()
    assert found.delta_bits_per_token == pytest.approx(nats / math.log(2) / a.units.events.sum())
    assert found.delta_bits_per_byte == pytest.approx(nats / math.log(2) / a.units.bytes.sum())
    assert (found.unit, found.units, found.split, found.policy) == ("documents", 12, "test", "native")


def test_p_agrees_with_all_sign_patterns_of_scipy(two):
    a, b = two
    found = compare(a, b, resamples=40_000)
    exact = stats.permutation_test(
        (a.finite[0], b.finite[0]),
        lambda x, y, axis: (x - y).sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=INF,
    )
    error = 4 * math.sqrt(exact.pvalue * (1 - exact.pvalue) / 40_000)
    assert found.p == pytest.approx(exact.pvalue, abs=error)


def test_p_counts_ties_like_scipy_does(paired):
    """Equal differences in both directions make many patterns exactly as extreme as what was seen."""
    events = np.full(10, 30)
    a = paired([91, 91, 91, 91, 89, 91, 91, 91, 89, 91], events)
    b = paired(np.full(10, 90.0), events)
    exact = stats.permutation_test(
        (a.finite[0], b.finite[0]), lambda x, y: (x - y).sum(), permutation_type="samples", n_resamples=INF
    )
    assert compare(a, b, resamples=40_000).p == pytest.approx(exact.pvalue, abs=0.01)


def test_the_interval_agrees_with_scipy(two):
    a, b = two
    found = compare(a, b, resamples=40_000)
    referee = stats.bootstrap(
        (a.finite[0], b.finite[0], a.units.events),
        lambda x, y, n, axis: (x - y).sum(axis=axis) / n.sum(axis=axis) / math.log(2),
        paired=True,
        method="percentile",
        n_resamples=40_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert found.ci95 == pytest.approx((referee.low, referee.high), abs=0.03 * (referee.high - referee.low))


def test_swapping_the_models_turns_the_signs_and_keeps_p(two):
    a, b = two
    one, other = compare(a, b), compare(b, a)
    assert one.delta_bits_per_token == pytest.approx(-other.delta_bits_per_token)
    assert one.ci95 == pytest.approx((-other.ci95[1], -other.ci95[0]))
    assert one.p == other.p


def test_a_model_does_not_differ_from_itself(two):
    found = compare(two[0], two[0])
    assert (found.delta_bits_per_token, found.ci95, found.p) == (0, (0, 0), 1)


def test_different_event_spaces_are_compared_per_byte(paired, units):
    a = paired([40.0, 50.0, 60.0], [10, 12, 14], fingerprint="words")
    b = Paired(
        units([31, 40, 44], a.units.bytes), np.array([[41.0, 49.0, 64.0]]), np.zeros((1, 3)), "characters"
    )
    found = compare(a, b)
    assert found.delta_bits_per_token is None
    assert found.delta_bits_per_byte == pytest.approx(-4 / math.log(2) / a.units.bytes.sum())
    assert found.ci95[0] <= found.delta_bits_per_byte <= found.ci95[1]


def test_other_texts_are_refused(paired):
    with pytest.raises(InputError, match="same text"):
        compare(paired([1.0, 2.0], [3, 4]), paired([1.0, 2.0], [3, 5]))


def test_p_is_never_zero(paired):
    a, b = paired(np.full(40, 200.0), np.full(40, 30)), paired(np.full(40, 100.0), np.full(40, 30))
    assert compare(a, b, resamples=999).p == 1 / 1000


def test_more_impossible_events_are_infinitely_worse(paired):
    events = np.full(30, 20)
    zeros = np.zeros(30)
    zeros[:12] = 1
    a, b = paired(np.full(30, 50.0), events, zeros), paired(np.full(30, 90.0), events)
    found = compare(a, b)
    assert found.delta_bits_per_token == found.delta_bits_per_byte == found.ci95[1] == INF
    assert found.p < 0.01


def test_one_impossible_event_alone_proves_nothing(paired):
    """Each sign pattern is as far from zero as what was seen, in the one unit that decides."""
    events = np.full(30, 20)
    zeros = np.zeros(30)
    zeros[3] = 1
    a, b = paired(np.full(30, 50.0), events, zeros), paired(np.full(30, 50.0), events)
    found = compare(a, b)
    assert found.p == 1
    assert found.ci95 == (0, INF)  # a third of the samples lack that unit


def test_impossible_events_act_as_a_surprisal_that_grows_without_bound(paired):
    random = np.random.default_rng(0)
    events = np.full(14, 20)
    nats = [random.normal(60, 8, size=14) for _ in range(2)]
    zeros = [random.integers(0, 2, size=14).astype(float) for _ in range(2)]
    found = compare(*(paired(n, events, z) for n, z in zip(nats, zeros, strict=True)))
    large = compare(*(paired(n + 1e6 * z, events) for n, z in zip(nats, zeros, strict=True)))
    assert found.p == large.p


def test_equal_numbers_of_impossible_events_leave_the_rest_to_decide(paired):
    events = np.full(30, 20)
    zeros = np.zeros(30)
    zeros[3] = 1
    a, b = paired(np.full(30, 55.0), events, zeros), paired(np.full(30, 50.0), events, zeros)
    found = compare(a, b)
    assert found.delta_bits_per_token == pytest.approx(5 / 20 / math.log(2))
    assert found.p < 0.001


def test_all_pairs_are_corrected_together(two, paired):
    a, b = two
    third = paired(a.finite + 40, a.units.events)
    found = differences({"a": a, "b": b, "c": third}, split="test", policy="native")
    assert [(f.a, f.b) for f in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [f.p_holm for f in found] == holm([f.p for f in found])
    assert found[0].p == compare(a, b).p  # other models beside it change nothing


def test_all_pairs_of_six_models_over_ten_thousand_documents_take_seconds(paired):
    random = np.random.default_rng(0)
    events = random.integers(50, 300, size=10_000)
    nats = events * 4.0
    models = {str(i): paired(nats + random.normal(size=10_000) * 9, events) for i in range(6)}
    begin = time.perf_counter()
    found = differences(models, split="test", policy="native")
    assert len(found) == len(list(itertools.combinations(range(6), 2)))
    assert time.perf_counter() - begin < 20
