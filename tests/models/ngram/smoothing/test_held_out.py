from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import EVERY_METHOD, evidence, held_out_of, named
from tiny_texts import PRUNING, TEXTS, from_seed

from lmcompare.models.ngram.options import NgramOptions
from lmcompare.models.ngram.smoothing import METHODS, estimate
from lmcompare.models.ngram.smoothing.held_out import Portions, locate, log_likelihood
from lmcompare.models.ngram.smoothing.method import Evidence, Method

INTERPOLATED = [
    method
    for method in EVERY_METHOD
    if method["smoothing"] not in ("katz", "stupid", "mle") and method.get("composition") != "back-off"
]


def portions(known: Evidence, method: Method) -> list[Portions]:
    """The numbers of the held-out events that a method's shares make."""
    found = []
    for step, counts, keep in zip(held_out_of(known).steps, method.orders, known.keep, strict=True):
        shares = method.shares(counts)
        total = counts.per_context(shares.kept) + shares.freed
        freed = shares.freed + counts.per_context(np.where(keep, 0, shares.kept))
        handed_down = total == 0
        total, freed = np.where(handed_down, 1, total), np.where(handed_down, 1, freed)
        kept = step.gather(shares.kept, keep)
        found.append(Portions(kept, freed[step.contexts], total[step.contexts]))
    return found


@pytest.mark.parametrize("method", INTERPOLATED, ids=named)
@given(TEXTS, TEXTS, st.integers(1, 4), PRUNING)
@settings(deadline=None, max_examples=12)
def test_the_likelihood_along_the_chains_is_that_of_the_tables(
    method: dict[str, Any],
    sentences: list[list[str]],
    held_out: list[list[str]],
    order: int,
    prune: list[int] | None,
) -> None:
    prune = prune[:order] if prune else None
    known = evidence(sentences, held_out, order, prune or [0])
    plan = NgramOptions.model_validate({**method, "order": order, "prune": prune}).plan
    value, _ = log_likelihood(held_out_of(known), portions(known, METHODS[plan.method](known, plan)))
    tables = estimate(
        known.levels, known.stream, plan, bos=known.bos, eos=known.eos, unk=2, held_out=known.held_out
    ).tables
    assert known.held_out is not None
    text = known.held_out.ids[known.held_out.offsets > 0]
    start = np.array([tables.opening(known.bos)])
    scores, _, _ = tables.walk(text, np.array([0, len(text)]), start, bos=known.bos, eos=known.eos)
    assert value == pytest.approx(scores.mean(), abs=2e-6)


def test_its_derivatives_are_those_of_finite_differences() -> None:
    known = evidence(from_seed(5), from_seed(7), 3)
    held_out, rng = held_out_of(known), np.random.default_rng(0)
    numbers = [
        Portions(*(rng.uniform(0.1, 1, len(step.events)) for _ in range(3))) for step in held_out.steps
    ]
    _, slopes = log_likelihood(held_out, numbers)
    for part, slope in zip(numbers, slopes, strict=True):
        for name in ("kept", "freed", "total"):
            values, place = getattr(part, name), rng.integers(len(part.kept))
            ends = []
            for change in (-1e-6, 1e-6):
                values[place] += change
                ends.append(log_likelihood(held_out, numbers)[0])
                values[place] -= change
            assert getattr(slope, name)[place] == pytest.approx(
                (ends[1] - ends[0]) / 2e-6, rel=1e-4, abs=1e-9
            )


def test_events_that_nothing_can_make_possible_are_left_out() -> None:
    known = evidence([["a", "b"]], [["a", "new", "b"], ["b"]], 2)
    assert known.held_out is not None
    below = np.zeros(len(known.below))
    found = locate(known.levels, known.held_out, below)
    assert len(locate(known.levels, known.held_out, known.below).lowest) == 6
    assert len(found.lowest) == 5
    ones = [
        Portions(step.gather(level.counts), np.ones(len(step.events)), np.ones(len(step.events)))
        for step, level in zip(found.steps, known.levels, strict=True)
    ]
    assert np.isfinite(log_likelihood(found, ones)[0])
