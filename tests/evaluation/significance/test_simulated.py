"""What the tests and intervals promise, seen in 2,000 simulated comparisons each."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from lmcompare.evaluation.significance import differences

SIMULATIONS = 2000
UNITS = {"documents": 200, "sentences": 300}
EVENTS = {"documents": (200, 900), "sentences": (4, 40)}


@pytest.fixture(params=["documents", "sentences"])
def simulated(request, paired):
    """`simulate(difference, skewed)`: 2,000 models against one, apart by so many bits per token.

    The noise of a unit grows with the root of its length. Where one model is as good as the other it has no
    side, since either could have been the other; `skewed`, it has one, as that of real text may have.
    """
    random = np.random.default_rng(17)
    events = random.integers(*EVENTS[request.param], size=UNITS[request.param])

    def simulate(difference, skewed):
        noise = random.gamma(4, size=(SIMULATIONS, len(events))) - 4
        if not skewed:
            noise -= random.gamma(4, size=noise.shape) - 4
        nats = noise * np.sqrt(events) + difference * math.log(2) * events
        models = {str(i): paired(row, events, name=request.param) for i, row in enumerate(nats)}
        models["reference"] = paired(np.zeros(len(events)), events, name=request.param)
        pairs = [(str(i), "reference") for i in range(SIMULATIONS)]
        return differences(models, split="test", policy="native", pairs=pairs, resamples=999)

    simulate.events = events
    return simulate


@pytest.mark.slow
def test_models_that_are_alike_are_told_apart_one_time_in_twenty(simulated):
    found = simulated(0.0, skewed=False)
    assert 0.04 <= np.mean([one.p <= 0.05 for one in found]) <= 0.06
    assert 0.04 <= np.mean([one.p_wilcoxon <= 0.05 for one in found]) <= 0.06


@pytest.mark.slow
def test_the_interval_covers_the_true_difference_19_times_in_20(simulated):
    found = simulated(0.07, skewed=True)
    for interval in ("ci95", "bca95"):
        ends = np.array([getattr(one, interval) for one in found])
        assert 0.94 <= np.mean((ends[:, 0] <= 0.07) & (ends[:, 1] >= 0.07)) <= 0.96, interval


@pytest.mark.slow
@pytest.mark.parametrize("simulated", ["documents"], indirect=True)
def test_the_detectable_difference_is_found_four_times_in_five(simulated):
    """True difference: (1.96 + 0.84) standard errors, the standard error from how the noise was made."""
    events = simulated.events
    error = math.sqrt(8 * events.sum()) / math.log(2) / events.sum()
    found = simulated(2.8016 * error, skewed=False)
    assert 0.78 <= np.mean([one.p <= 0.05 for one in found]) <= 0.82
    assert np.mean([one.detectable for one in found]) == pytest.approx(
        (norm.isf(0.025 / SIMULATIONS) + norm.isf(0.2)) * error, rel=0.02
    )


@pytest.mark.slow
def test_the_interval_over_seeds_covers_what_seeds_and_texts_change_together(paired):
    """Three seeds, as much chance as the texts: the interval over texts alone misses too often."""
    random, seeds = np.random.default_rng(3), 3
    events = random.integers(200, 900, size=150)
    noise = random.normal(size=(SIMULATIONS, 1, len(events))) * 3 * np.sqrt(events)
    texts = 3 / math.sqrt(events.sum())  # nats per token
    drift = random.normal(size=(SIMULATIONS, seeds, 1)) * texts * math.sqrt(seeds) * events
    models = {str(i): paired(row, events) for i, row in enumerate(noise + drift)}
    models["counted"] = paired(np.zeros(len(events)), events, seeded=False)
    pairs = [(str(i), "counted") for i in range(SIMULATIONS)]
    found = differences(models, split="test", policy="native", pairs=pairs, resamples=999)
    covered = {
        name: np.mean([getattr(one, name)[0] <= 0 <= getattr(one, name)[1] for one in found])
        for name in ("ci95", "seeds95")
    }
    assert covered["ci95"] < 0.87
    assert 0.935 <= covered["seeds95"] <= 0.965
