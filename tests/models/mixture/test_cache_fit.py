import numpy as np
import pytest
from scipy.optimize import approx_fprime

from lmcompare.models.mixture import cache_kernels as kernels
from lmcompare.models.mixture.cache import CacheModel, Recall
from lmcompare.models.mixture.cache_fit import fit


def surprisal(model: CacheModel, documents) -> float:
    return -float(np.concatenate(model.score(documents)).mean())


def test_the_slopes_are_those_of_finite_differences(words, texts, ngram) -> None:
    model = CacheModel(words, Recall.of_order(3, over=True), ngram(2))
    documents = texts([60, 40], seed=3)
    numbers, bounds = model.numbers(documents)
    below = model.below(documents)
    out = np.empty(len(below))

    def total(logs: np.ndarray) -> float:
        own, masses, shares = np.exp(logs).reshape(3, 3)
        return kernels.score(numbers, bounds, own, masses, shares, below, np.zeros((0, 0)), out)

    point = np.log([0.02, 0.1, 0.004, 3.0, 0.5, 1.5, 0.3, 2.0, 0.8])
    slopes = np.zeros((3, 3))
    own, masses, shares = np.exp(point).reshape(3, 3)
    value = kernels.score(numbers, bounds, own, masses, shares, below, slopes, out)
    assert value == pytest.approx(total(point), abs=1e-10)
    np.testing.assert_allclose(slopes.ravel(), approx_fprime(point, total, 1e-6), rtol=1e-4, atol=1e-4)


def test_fitting_makes_the_text_more_likely_and_ends_where_no_step_helps(words, texts, ngram) -> None:
    documents = texts([200, 150, 250], seed=4)
    model = CacheModel(words, Recall.of_order(2, over=True), ngram(2))
    before = surprisal(model, documents)
    told = []
    numbers, bounds = model.numbers(documents)
    model.recall = fit(
        numbers, bounds, model.below(documents), model.recall, None, lambda done, loss: told.append(loss)
    )
    reached = surprisal(model, documents)
    assert reached < before - 0.01
    assert told[-1] == pytest.approx(reached, abs=1e-9)
    fitted = model.recall
    for change in (0.9, 1.1):
        for name in ("rates", "masses", "shares"):
            for order in range(2):
                moved = {key: getattr(fitted, key).copy() for key in ("rates", "masses", "shares")}
                moved[name][order] *= change
                model.recall = Recall(**moved)
                assert surprisal(model, documents) > reached - 1e-6


def test_given_rates_are_kept_and_the_rest_is_fitted(words, texts, ngram) -> None:
    documents = texts([100, 80], seed=4)
    model = CacheModel(words, Recall.of_order(2, over=True), ngram(2))
    numbers, bounds = model.numbers(documents)
    rates = np.array([0.01, 0.0])
    found = fit(numbers, bounds, model.below(documents), model.recall, rates)
    np.testing.assert_array_equal(found.rates, rates)
    assert found.masses[0] != model.recall.masses[0]


def test_without_a_text_nothing_is_fitted(words) -> None:
    model = CacheModel(words, Recall.of_order(1, over=False))
    numbers, bounds = model.numbers([])
    assert fit(numbers, bounds, model.below([]), model.recall, None) is model.recall
