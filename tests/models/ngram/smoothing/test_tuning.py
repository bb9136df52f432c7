import dataclasses

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize
from small_models import evidence, held_out_of
from tiny_texts import from_seed

from lmcompare.errors import InputError
from lmcompare.models.ngram.smoothing import METHODS
from lmcompare.models.ngram.smoothing.discounting import MARGIN, Discounting, dependence
from lmcompare.models.ngram.smoothing.held_out import log_likelihood
from lmcompare.models.ngram.smoothing.method import Evidence, Floats, Smoothing
from lmcompare.models.ngram.smoothing.tuning import Linear

SEEDS = (5, 21), (7, 15)


def known(order: int, prune: tuple[int, ...] = (0,)) -> Evidence:
    train, valid = ([s for seed in seeds for s in from_seed(seed)] for seeds in SEEDS)
    return evidence(train, valid, order, prune)


def linear(known: Evidence, method: Discounting, levels: int) -> list[Linear]:
    steps = held_out_of(known).steps
    return [
        dependence(step, counts, keep, levels)
        for step, counts, keep in zip(steps, method.orders, known.keep, strict=True)
    ]


@pytest.mark.parametrize("prune", [(0,), (0, 1)])
@pytest.mark.parametrize(
    ("name", "levels"),
    [("absolute", 1), ("kneser-ney", 1), ("modified-kneser-ney", 3), ("modified-kneser-ney", 5)],
)
def test_no_other_discounts_make_the_held_out_text_more_likely(
    name: str, levels: int, prune: tuple[int, ...]
) -> None:
    found = known(3, prune)
    plan = Smoothing(name, discounts="tuned", discount_levels=levels)
    method = METHODS[name](found, plan)
    assert isinstance(method, Discounting)
    parts, held_out = linear(found, method, levels), held_out_of(found)

    def loss(flat: Floats) -> float:
        rows = flat.reshape(-1, levels)
        return -log_likelihood(held_out, [part.portions(row) for part, row in zip(parts, rows, strict=True)])[
            0
        ]

    tuned = np.array(method.discounts).ravel()
    bounds = [(MARGIN, number - MARGIN) for number in range(1, levels + 1)] * 3
    searched = minimize(loss, np.full(len(tuned), 0.5), bounds=bounds, method="L-BFGS-B")  # no gradient given
    assert loss(tuned) == pytest.approx(searched.fun, abs=1e-5)
    textbook = METHODS[name](found, dataclasses.replace(plan, discounts="textbook"))
    assert isinstance(textbook, Discounting)
    padded = np.array([(d + d[-1:] * levels)[:levels] for d in textbook.discounts])
    assert loss(tuned) < loss(padded.ravel())


def test_slopes_by_parameters_are_those_of_finite_differences() -> None:
    found = known(3, (0, 1))
    method = METHODS["modified-kneser-ney"](found, Smoothing())
    assert isinstance(method, Discounting)
    parts, held_out = linear(found, method, 3), held_out_of(found)

    def value(flat: Floats) -> float:
        rows = flat.reshape(-1, 3)
        return log_likelihood(held_out, [part.portions(row) for part, row in zip(parts, rows, strict=True)])[
            0
        ]

    at = np.array(method.discounts).ravel()
    portions = [part.portions(row) for part, row in zip(parts, at.reshape(-1, 3), strict=True)]
    _, by_number = log_likelihood(held_out, portions)
    slopes = [part.gradient(numbers) for part, numbers in zip(parts, by_number, strict=True)]
    np.testing.assert_allclose(np.concatenate(slopes), approx_fprime(at, value, 1e-7), rtol=1e-4, atol=1e-7)


def test_tuned_models_say_on_which_text_and_what_follows_from_it() -> None:
    method = METHODS["kneser-ney"](known(2), Smoothing(discounts="tuned"))
    assert method.notes == [
        'discounts = "tuned" is fitted on the validation text, whose own perplexity is too low thereby'
    ]


def test_without_validation_text_that_is_one_sentence() -> None:
    without = dataclasses.replace(known(2), held_out=None)
    with pytest.raises(
        InputError, match='discounts = "tuned" is fitted on validation text, and there is none'
    ):
        METHODS["kneser-ney"](without, Smoothing(discounts="tuned"))
