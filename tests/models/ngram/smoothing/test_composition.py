import numpy as np
import pytest
from small_models import evidence
from tiny_texts import from_seed

from lmcompare.models.ngram.smoothing.composition import back_off, fractions, interpolated, uniform
from lmcompare.models.ngram.smoothing.method import OrderCounts, Shares, Smoothing
from lmcompare.models.ngram.smoothing.witten_bell import WittenBell

# Two contexts over ids 0 to 3 (0 is bos); the first was followed by 1 and 2, the second by 1, 2 and 3.
PREFIXES = np.array([0, 0, 1, 1, 1], dtype=np.int32)
LOWER = np.array([0.5, 0.3, 0.5, 0.3, 0.2])
OWN, FREED = np.array([0.6, 0.2, 0.5, 0.25, 0.15]), np.array([0.2, 0.1])


def test_interpolation_adds_the_share_of_the_shorter_context_to_every_word() -> None:
    probabilities, weights = interpolated(PREFIXES, OWN, FREED, LOWER)
    np.testing.assert_allclose(probabilities, [0.7, 0.26, 0.55, 0.28, 0.17])
    np.testing.assert_allclose(weights, FREED)


def test_back_off_asks_the_shorter_context_for_unseen_words_only() -> None:
    probabilities, weights = back_off(PREFIXES, OWN, FREED, LOWER)
    np.testing.assert_allclose(probabilities[:2], OWN[:2])
    assert weights[0] == pytest.approx(0.2 / 0.2)  # only id 3 is left: 1 - 0.5 - 0.3
    # After the second context all were seen: nothing can be handed down, and its shares are scaled.
    np.testing.assert_allclose(probabilities[2:], OWN[2:] / 0.9)
    assert weights[1] == 0


def test_what_keeps_nothing_is_unseen_for_back_off() -> None:
    own = np.array([0.6, 0.0, 0.5, 0.25, 0.15])
    probabilities, weights = back_off(PREFIXES, own, np.array([0.4, 0.1]), LOWER)
    assert weights[0] == pytest.approx(0.4 / 0.5)
    assert probabilities[1] == pytest.approx(0.8 * 0.3)


def test_what_is_pruned_is_freed_and_a_context_that_frees_and_keeps_nothing_hands_all_down() -> None:
    counts = OrderCounts(2, np.array([0, 0, 2], dtype=np.int32), np.array([3, 1, 2]), np.ones(4, dtype=bool))
    shares = Shares(np.array([2.5, 0.5, 1.5]), np.array([1.0, 0.0, 0.5, 0.0]))
    own, freed = fractions(counts, shares, np.array([True, False, True]))
    np.testing.assert_allclose(own, [2.5 / 4, 0, 1.5 / 2])
    np.testing.assert_allclose(freed, [1.5 / 4, 1, 0.5 / 2, 1])


def test_below_the_single_words_are_all_but_bos_or_the_unknown_word_or_the_unseen_ones() -> None:
    counts = np.array([0, 3, 0, 2, 0], dtype=np.int32)
    np.testing.assert_allclose(uniform(counts, interpolate=True, bos=0, unk=2), [0, 0.25, 0.25, 0.25, 0.25])
    np.testing.assert_allclose(uniform(counts, interpolate=False, bos=0, unk=2), [0, 0, 1, 0, 0])
    np.testing.assert_allclose(uniform(counts, interpolate=False, bos=0, unk=None), [0, 0, 0.5, 0, 0.5])
    seen = np.array([0, 1, 1], dtype=np.int32)
    np.testing.assert_allclose(uniform(seen, interpolate=False, bos=0, unk=None), [0, 0.5, 0.5])


def test_contexts_are_complete_that_are_as_long_as_can_be_or_open_a_sentence() -> None:
    known = evidence(from_seed(5), from_seed(7), 3)
    low, middle, high = (counts.complete for counts in WittenBell(known, Smoothing()).orders)
    assert low.tolist() == [False]
    assert np.flatnonzero(middle).tolist() == [known.bos]
    assert high.all()
