"""Jelinek-Mercer: maximum likelihood mixed with the shorter context, by weights that held-out text teaches.

Knows nothing of discounts. Contexts that occur about equally often share a weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmcompare.models.ngram.smoothing.held_out import HeldOut, Portions, log_likelihood, probabilities
from lmcompare.models.ngram.smoothing.method import Evidence, Floats, Method, OrderCounts, Shares, Smoothing

ROUNDS, TOLERANCE, MARGIN = 500, 1e-7, 1e-3


class JelinekMercer(Method):
    """P(w | h) = l c(hw) / c(h) + (1 - l) p(w | h'), where l is that of c(h)'s bin: 1, 2-3, 4-7, 8-15, ...

    The weights of all orders are fitted together by EM: an event is either drawn from the context's own
    counts (l) or handed down (1 - l), and l becomes the expected share of the former, 0.001 to 0.999. Bins
    that the held-out text never meets take the weight of the nearest one that it meets.

    Sources: Jelinek and Mercer, "Interpolated estimation of Markov source parameters from sparse data"
    (1980); Chen and Goodman, TR-10-98 (1998), section 2.3.
    """

    def __init__(self, evidence: Evidence, smoothing: Smoothing) -> None:
        super().__init__(evidence, smoothing)
        remedy = "Give the corpus a valid split, or use another method"
        held_out = self.fitted_on(evidence, "jelinek-mercer", remedy)
        self.weights = fit_weights(held_out, mixtures(held_out, self.orders, evidence.keep))
        self.parameters["weights"] = [weights.tolist() for weights in self.weights]

    def shares(self, counts: OrderCounts) -> Shares:
        """See `Method.shares`."""
        weights = self.weights[counts.order - 1]
        trust = weights[np.minimum(bins_of(counts.totals), len(weights) - 1)]
        return Shares(trust[counts.prefixes] * counts.counts, (1 - trust) * counts.totals)


@dataclass(frozen=True, slots=True)
class Mixture:
    """One order's components for the events of its step.

    Attributes:
        bins: which weight, `[k]`.
        own: the n-gram's relative frequency in its context, `[k]`.
        lost: the relative frequency of all that was pruned from the context, which is handed down, `[k]`.
    """

    bins: NDArray[np.int64]
    own: Floats
    lost: Floats

    def portions(self, weights: Floats) -> Portions:
        """The step's numbers under these weights."""
        trust = weights[self.bins]
        return Portions(trust * self.own, trust * self.lost + 1 - trust, np.ones(len(trust)))


def mixtures(
    held_out: HeldOut, orders: Sequence[OrderCounts], keep: Sequence[NDArray[np.bool_]]
) -> list[Mixture]:
    """The components of each order for the held-out events."""
    found = []
    for step, counts, kept in zip(held_out.steps, orders, keep, strict=True):
        pruned = counts.pruned(kept)
        total = counts.totals[step.contexts]
        own, lost = step.gather(counts.counts, kept) / total, pruned[step.contexts] / total
        found.append(Mixture(bins_of(total), own, lost))
    return found


def bins_of(totals: Floats) -> NDArray[np.int64]:
    """The bin of each context: the number of binary digits of its count, less one; 0 for none."""
    return np.maximum(np.frexp(totals)[1].astype(np.int64) - 1, 0)


def fit_weights(held_out: HeldOut, mixtures: Sequence[Mixture]) -> list[Floats]:
    """The weights of each order's bins by EM, until a round gains less than 1e-7 in mean log p."""
    weights = [np.full(int(mixture.bins.max(initial=0)) + 1, 0.5) for mixture in mixtures]
    before = -np.inf
    for _ in range(ROUNDS):
        portions = [mixture.portions(w) for mixture, w in zip(mixtures, weights, strict=True)]
        value, _ = log_likelihood(held_out, portions)
        if value - before < TOLERANCE:
            break
        before, weights = value, _expected(held_out, mixtures, weights, portions)
    return [_spread(mixture, w) for mixture, w in zip(mixtures, weights, strict=True)]


def _expected(
    held_out: HeldOut, mixtures: Sequence[Mixture], weights: Sequence[Floats], portions: Sequence[Portions]
) -> list[Floats]:
    """The expected share of events that were drawn from their context's own counts, bin by bin."""
    by_order = probabilities(held_out, portions)
    reaches = np.ones(len(held_out.lowest))  # how likely it is that an event was handed down so far
    found = []
    for n in range(len(mixtures) - 1, -1, -1):
        mixture, step, weight = mixtures[n], held_out.steps[n], weights[n]
        p, lower, here = by_order[n + 1][step.events], by_order[n][step.events], reaches[step.events]
        drawn = here * weight[mixture.bins] * (mixture.own + mixture.lost * lower) / p
        size = len(weight)
        all_, own = np.bincount(mixture.bins, here, size), np.bincount(mixture.bins, drawn, size)
        share = np.divide(own, all_, out=weight.copy(), where=all_ > 0)
        found.append(np.clip(share, MARGIN, 1 - MARGIN))  # no word is impossible only because none was met
        reaches[step.events] = here * portions[n].freed * lower / p
    return found[::-1]


def _spread(mixture: Mixture, weights: Floats) -> Floats:
    """The weights, those of bins without events replaced by the nearest bin's that has any."""
    met = np.flatnonzero(np.bincount(mixture.bins, minlength=len(weights)))
    if not len(met):
        return np.full(1, 0.5)
    nearest = met[np.argmin(np.abs(np.arange(len(weights))[:, None] - met), axis=1)]
    return np.asarray(weights[nearest])
