from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lmcompare.evaluation.significance import wilcoxon
from lmcompare.evaluation.significance.rank_test import EXACT


@pytest.mark.parametrize("number", [1, 2, 5, 12, EXACT])
def test_p_of_few_units_is_that_of_scipy_s_exact_test(number):
    random = np.random.default_rng(number)
    for shift in (0.0, 0.3, 1.5):
        values = random.normal(shift, size=number)
        assert wilcoxon(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue, rel=1e-12)


@pytest.mark.parametrize("number", [EXACT + 1, 400, 10_000])
def test_p_of_many_units_is_that_of_scipy_s_approximation(number):
    values = np.random.default_rng(number).standard_t(3, size=number) + 0.02
    referee = stats.wilcoxon(values, method="asymptotic", correction=False).pvalue
    assert wilcoxon(values) == pytest.approx(referee, rel=1e-9)


def test_ties_and_zeros_are_those_of_scipy():
    random = np.random.default_rng(2)
    for number in (20, 30, 300):
        values = np.round(random.normal(0.4, 2, size=number))
        assert np.any(values == 0)
        referee = stats.wilcoxon(values, method="asymptotic", correction=False, zero_method="wilcox").pvalue
        assert wilcoxon(values) == pytest.approx(referee, rel=1e-9)


def test_no_difference_anywhere_is_no_evidence():
    assert wilcoxon(np.zeros(7)) == 1


def test_impossible_events_act_as_differences_larger_than_all_others():
    random = np.random.default_rng(5)
    for number in (12, 80):
        values, zeros = random.normal(size=number), random.integers(-1, 2, size=number).astype(float)
        assert wilcoxon(values, zeros) == pytest.approx(wilcoxon(values + 1e6 * zeros), rel=1e-12)
