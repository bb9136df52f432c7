"""Weights of a linear mixture: the best ones for a text, by expectation maximisation.

Knows log-probabilities and kinds of context as numbers, nothing of models.

Source: Jelinek and Mercer, "Interpolated estimation of Markov source parameters from sparse data" (1980).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.interface import Floats

THIN = 20.0
"""A bin's weights are drawn to those of all events together as if it had so many more events of those."""
ENOUGH = 1e-8
"""EM ends when the mean log p of an event grows by less in a round, in nats."""
ROUNDS = 2000


def fit(logprobs: Floats, start: Floats | None = None) -> Floats:
    """The weights that make the events most likely, `[members]`; they sum to one.

    Events that every member finds impossible say nothing of the weights.

    Args:
        logprobs: natural log p of each event under each member, `[n, members]`.
        start: where to begin; even weights by default.
    """
    members = logprobs.shape[1]
    bins = np.zeros(len(logprobs), dtype=np.int64)
    begin = np.full(members, 1 / members) if start is None else start
    found: Floats = _climb(logprobs, bins, begin[None], np.zeros((1, members)))[0]
    return found


def fit_bins(
    logprobs: Floats, bins: NDArray[np.int64], count: int, together: Floats, thin: float = THIN
) -> Floats:
    """Weights of their own for the events of each bin, `[count, members]`.

    Each bin has a Dirichlet prior around the weights of all events together, so a bin with few events
    keeps near to those, and one without events has them.

    Args:
        logprobs: natural log p of each event under each member, `[n, members]`.
        bins: the bin of each event, `[n]`, 0 to `count - 1`.
        count: number of bins.
        together: the weights of all events together (`fit`).
        thin: weight of the prior in events.
    """
    if count == 1:
        return together[None]
    prior = np.tile(thin * together, (count, 1))
    return _climb(logprobs, bins, np.tile(together, (count, 1)), prior)


def _climb(logprobs: Any, bins: Any, weights: Floats, prior: Floats) -> Floats:
    from lmcompare.models.mixture import kernels

    top = logprobs.max(axis=1, keepdims=True, initial=-np.inf)
    possible = ~np.isneginf(top[:, 0])
    if not possible.any():
        return weights
    odds = np.ascontiguousarray(np.exp(logprobs[possible] - top[possible]))
    bins = bins[possible]
    shares = np.empty_like(weights)
    before = -np.inf
    for _ in range(ROUNDS):
        reached = kernels.expect(odds, bins, weights, shares)
        with np.errstate(divide="ignore", invalid="ignore"):
            reached += float(np.where(prior > 0, prior * np.log(weights), 0.0).sum())
        if reached - before < ENOUGH * len(odds):
            break
        before = reached
        shares += prior
        weights = shares / shares.sum(axis=1, keepdims=True)
    return weights
