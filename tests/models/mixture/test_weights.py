import numpy as np
import pytest
from scipy.optimize import minimize

from lmcompare.models.mixture import kernels, weights


def some_logprobs(events: int = 400, members: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.log(rng.dirichlet(np.full(members, 0.5), size=events) * rng.uniform(0.1, 1, (events, 1)))


def likelihood(logprobs: np.ndarray, mixed: np.ndarray) -> float:
    return float(np.log(np.exp(logprobs) @ mixed).mean())


def test_em_finds_the_optimum_that_scipy_finds() -> None:
    logprobs = some_logprobs() + np.log([0.9, 0.5, 0.7])

    def surprisal(logits: np.ndarray) -> float:
        mixed = np.exp(logits - logits.max())
        return -likelihood(logprobs, mixed / mixed.sum())

    best = minimize(surprisal, np.zeros(3), method="BFGS", options={"gtol": 1e-9})
    optimum = np.exp(best.x) / np.exp(best.x).sum()
    found = weights.fit(logprobs)
    np.testing.assert_allclose(found, optimum, atol=1e-3)
    assert likelihood(logprobs, found) == pytest.approx(-best.fun, abs=1e-7)


def test_a_round_of_em_never_lowers_the_likelihood() -> None:
    logprobs = some_logprobs(seed=1)
    bins = np.arange(len(logprobs)) % 4
    mixed = np.random.default_rng(0).dirichlet(np.ones(3), size=4)
    shares = np.empty_like(mixed)
    reached = []
    for _ in range(50):
        total = kernels.expect(np.exp(logprobs), bins, mixed, shares)
        reached.append(total)
        mixed = shares / shares.sum(axis=1, keepdims=True)
    assert np.all(np.diff(reached) >= -1e-10)
    assert reached[-1] > reached[0] + 1


def test_a_bin_with_many_events_has_its_own_weights_and_one_without_has_those_of_all() -> None:
    logprobs = some_logprobs(events=6000, seed=2)
    bins = (logprobs[:, 0] > logprobs[:, 1]).astype(np.int64)
    found = weights.fit_bins(logprobs, bins, 3, weights.fit(logprobs))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    for number in (0, 1):
        np.testing.assert_allclose(found[number], weights.fit(logprobs[bins == number]), atol=0.01)
    np.testing.assert_allclose(found[2], weights.fit(logprobs), atol=1e-6)


def test_a_thin_bin_stays_near_the_weights_of_all() -> None:
    logprobs = some_logprobs(events=3000, seed=3)
    bins = np.zeros(len(logprobs), dtype=np.int64)
    bins[:3] = 1
    together = weights.fit(logprobs)
    found = weights.fit_bins(logprobs, bins, 2, together)
    alone = weights.fit(logprobs[:3])
    assert np.abs(found[1] - together).max() < 0.3 * np.abs(alone - together).max()


def test_a_member_that_finds_events_impossible_is_weighed_without_fault() -> None:
    logprobs = some_logprobs(seed=4)
    logprobs[::2, 0] = -np.inf
    logprobs[5] = -np.inf
    found = weights.fit(logprobs)
    expected = weights.fit(np.delete(logprobs, 5, axis=0))
    np.testing.assert_allclose(found, expected, atol=1e-9)
    nothing = np.full((3, 2), -np.inf)
    np.testing.assert_array_equal(weights.fit(nothing), [0.5, 0.5])
