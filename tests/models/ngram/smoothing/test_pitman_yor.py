import dataclasses

import numpy as np
import pytest
from lmplz_files import WIKITEXT, encoded, perplexities, split
from scipy.optimize import minimize
from small_models import evidence, held_out_of
from tiny_texts import from_seed

from lmcompare.errors import InputError
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.smoothing import adjusted_counts
from lmcompare.models.ngram.smoothing.held_out import log_likelihood
from lmcompare.models.ngram.smoothing.method import Evidence, Floats, Smoothing
from lmcompare.models.ngram.smoothing.pitman_yor import LEAST, MOST, PitmanYor, dependence, seat


def known(order: int) -> Evidence:
    return evidence(from_seed(5) + from_seed(21), from_seed(7) + from_seed(15), order)


def loss(known: Evidence, exponent: float, flat: Floats) -> float:
    held_out, (orders, tables) = held_out_of(known), seat(known, exponent)
    parts = map(dependence, held_out.steps, orders, tables, known.keep)
    rows = flat.reshape(-1, 2)
    return -log_likelihood(held_out, [part.portions(row) for part, row in zip(parts, rows, strict=True)])[0]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_no_other_discounts_and_strengths_make_the_held_out_text_more_likely(order: int) -> None:
    found = known(order)
    method = PitmanYor(found, Smoothing())
    ours = np.stack([method.discounts, method.strengths + method.discounts], axis=1).ravel()
    start, bounds = np.tile((0.5, 2.0), order), list(zip(LEAST, MOST, strict=True)) * order
    best = minimize(lambda flat: loss(found, method.exponent, flat), start, bounds=bounds, method="L-BFGS-B")
    assert loss(found, method.exponent, ours) < best.fun + 1e-5
    for exponent in (0.05, 0.3, 0.6, 0.9):
        other = minimize(
            lambda flat, e=exponent: loss(found, e, flat), start, bounds=bounds, method="L-BFGS-B"
        )
        assert loss(found, method.exponent, ours) < other.fun + 2e-4  # the exponent is found to 0.02


def test_with_one_table_for_each_word_the_customers_are_kneser_and_ney_s_counts() -> None:
    found = known(4)
    orders, tables = seat(found, 0.0)
    for counts, table, expected in zip(orders, tables, adjusted_counts(found.levels), strict=True):
        np.testing.assert_array_equal(counts.counts, expected)
        np.testing.assert_array_equal(table, expected > 0)


def test_each_table_sends_one_customer_to_the_shorter_context() -> None:
    found = known(3)
    orders, tables = seat(found, 0.6)
    for order in (0, 1):
        opened = found.levels[order].opens
        sent = tables[order + 1].sum() - tables[order + 1][opened[found.levels[order + 1].suffixes]].sum()
        assert orders[order].counts[~opened].sum() == pytest.approx(sent)


def test_without_validation_text_that_is_one_sentence() -> None:
    without = dataclasses.replace(known(2), held_out=None)
    with pytest.raises(InputError, match="pitman-yor is fitted on validation text, and there is none"):
        PitmanYor(without, Smoothing())


@pytest.mark.slow
def test_on_wikitext_2_it_is_the_best_single_model() -> None:
    tokenizer, train, test = encoded(WIKITEXT)
    valid = tokenizer.encode_document(split(WIKITEXT, "valid"))
    model = train_ngram([train], tokenizer, NgramOptions(order=5, smoothing="pitman-yor"), [valid])
    assert perplexities(model, test)[0] < 217.1
