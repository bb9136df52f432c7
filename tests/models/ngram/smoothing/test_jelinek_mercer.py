import dataclasses

import numpy as np
import pytest
from scipy.optimize import minimize
from small_models import evidence, held_out_of
from tiny_texts import from_seed

from lmcompare.errors import InputError
from lmcompare.models.ngram.smoothing.held_out import log_likelihood
from lmcompare.models.ngram.smoothing.jelinek_mercer import JelinekMercer, bins_of, mixtures
from lmcompare.models.ngram.smoothing.method import Floats, Smoothing


@pytest.mark.parametrize("prune", [(0,), (0, 1)])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_em_finds_the_weights_that_scipy_finds(order: int, prune: tuple[int, ...]) -> None:
    known = evidence(from_seed(5) + from_seed(21), from_seed(7) + from_seed(15), order, prune)
    method = JelinekMercer(known, Smoothing())
    held_out = held_out_of(known)
    parts = mixtures(held_out, method.orders, known.keep)
    sizes = [len(weights) for weights in method.weights]

    def loss(flat: Floats) -> float:
        weights = np.split(flat, np.cumsum(sizes)[:-1])
        portions = [part.portions(w) for part, w in zip(parts, weights, strict=True)]
        return -log_likelihood(held_out, portions)[0]

    first = np.full(sum(sizes), 0.3)
    best = minimize(loss, first, bounds=[(1e-3, 1 - 1e-3)] * len(first), method="L-BFGS-B")
    assert loss(np.concatenate(method.weights)) == pytest.approx(best.fun, abs=2e-5)


def test_a_bin_holds_the_counts_between_two_powers_of_two() -> None:
    counts = np.array([0, 1, 2, 3, 4, 7, 8, 1023, 1024], dtype=np.float64)
    assert bins_of(counts).tolist() == [0, 0, 1, 1, 2, 2, 3, 9, 10]


def test_bins_that_the_held_out_text_never_meets_take_the_nearest_weight() -> None:
    frequent = [["a", "b"]] * 40 + [["c", "d"]] * 3 + [["e", "f"]]
    known = evidence(frequent, [["a", "b"], ["c", "d"], ["c", "a"]], 2)
    weights = JelinekMercer(known, Smoothing()).weights[1]
    # Contexts that occur 3 times (c, d) and 40 times or more are met; those that occur once (e, f) are not.
    assert weights.tolist() == [weights[1]] * 4 + [weights[5]] * 2
    assert weights[1] != weights[5]


def test_without_validation_text_that_is_one_sentence() -> None:
    known = evidence([["a", "b"]], [["a"]], 2)
    without = dataclasses.replace(known, held_out=None)
    with pytest.raises(InputError, match="jelinek-mercer is fitted on validation text, and there is none"):
        JelinekMercer(without, Smoothing())
