import numpy as np
import pytest

from lmcompare.models.mixture.adaptation import RATES, Adaptation, choose

TRAINED = np.array([[0.7, 0.3], [0.2, 0.8]])


def drawn(events: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    bounds = np.array([0, events // 3, events // 3, events])
    return np.log(rng.uniform(0.01, 1, (events, 2))), rng.integers(0, 2, events), bounds


@pytest.mark.parametrize("bayes", [False, True])
@pytest.mark.parametrize("rate", [0.0, 0.1, 1.0])
def test_weights_follow_the_equations_event_by_event(bayes: bool, rate: float) -> None:
    logprobs, bins, bounds = drawn()
    scores, ends = Adaptation(bayes, rate).read(logprobs, bins, bounds, TRAINED)
    for document in range(3):
        w = TRAINED.copy()
        for event in range(bounds[document], bounds[document + 1]):
            p, place = np.exp(logprobs[event]), bins[event]
            mixed = float(w[place] @ p)
            assert scores[event] == pytest.approx(np.log(mixed), abs=1e-12)
            r = w[place] * p / mixed
            w[place] = (1 - rate) * r + rate * TRAINED[place] if bayes else (1 - rate) * w[place] + rate * r
        np.testing.assert_allclose(ends[document], w, atol=1e-12)


def test_the_static_bayesian_mixture_gives_a_document_the_weighted_mean_of_its_probabilities() -> None:
    logprobs, _, _ = drawn()
    scores, ends = Adaptation(True, 0.0).read(logprobs, np.zeros(120, int), np.array([0, 120]), TRAINED[:1])
    whole = logprobs.sum(axis=0)
    expected = np.logaddexp(*(whole + np.log(TRAINED[0])))
    assert scores.sum() == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(ends[0, 0], np.exp(whole + np.log(TRAINED[0]) - expected), atol=1e-12)


@pytest.mark.parametrize("bayes", [False, True])
def test_a_later_event_changes_no_earlier_score(bayes: bool) -> None:
    logprobs, bins, bounds = drawn()
    before, _ = Adaptation(bayes, 0.2).read(logprobs, bins, bounds, TRAINED)
    changed = logprobs.copy()
    changed[60:] = changed[60:, ::-1]
    after, _ = Adaptation(bayes, 0.2).read(changed, bins, bounds, TRAINED)
    np.testing.assert_array_equal(before[:60], after[:60])
    assert np.abs(before[61:] - after[61:]).max() > 0.01


def test_an_event_that_nobody_thought_possible_moves_no_weight() -> None:
    logprobs, bins, bounds = drawn()
    logprobs[10] = -np.inf
    without = np.delete(logprobs, 10, axis=0)
    _, ends = Adaptation(False, 0.2).read(logprobs[:40], bins[:40], np.array([0, 40]), TRAINED)
    _, same = Adaptation(False, 0.2).read(without[:39], np.delete(bins, 10)[:39], np.array([0, 39]), TRAINED)
    np.testing.assert_array_equal(ends, same)


def test_the_rate_is_the_best_of_those_tried() -> None:
    rng = np.random.default_rng(3)
    halves = np.repeat(rng.integers(0, 2, 8), 40)  # the better member changes now and then
    logprobs = np.log(np.where(halves[:, None] == [0, 1], 0.6, 0.1)) + 0.0
    bins, bounds = np.zeros(len(logprobs), int), np.array([0, len(logprobs)])
    even = np.array([[0.5, 0.5]])
    for bayes in (False, True):
        found = choose(bayes, logprobs, bins, bounds, even)
        totals = [Adaptation(bayes, rate).read(logprobs, bins, bounds, even)[0].sum() for rate in RATES]
        assert found.rate == RATES[int(np.argmax(totals))] > 0
