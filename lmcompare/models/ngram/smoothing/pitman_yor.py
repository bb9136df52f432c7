"""Hierarchical Pitman-Yor, by a deterministic approximation: power-law discounting.

Knows nothing of sampling. In the Chinese restaurant of a context, the customers of a word sit at t tables,
and each table sends one customer to the shorter context. Where a sampler would draw t, it is set to the power
law that it follows on average, t = c^e.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lmcompare.models.ngram.smoothing.held_out import HeldOut, Portions, Step
from lmcompare.models.ngram.smoothing.method import Evidence, Floats, Method, OrderCounts, Shares, Smoothing
from lmcompare.models.ngram.smoothing.tuning import Linear, maximise

START = (0.7, 1.0)
LEAST, MOST = (1e-3, 1e-3), (0.999, 1e4)
CLOSE = 0.02


class PitmanYor(Method):
    """P(w | h) = (c(hw) - d t(hw) + (s + d t(h)) p(w | h')) / (c(h) + s), with t(hw) = c(hw)^e.

    t(h) is the sum of the tables t after h; where c is 0, t is. The customers c of a lower order are the
    tables of the order above; where `bos` opens the n-gram they are occurrences. All is fitted on held-out
    text: discount d and strength s > -d of each order by L-BFGS with exact gradients, and around that the
    exponent e of all orders, to 0.02. With e = 0 and s = 0 this is interpolated Kneser-Ney. Huang and Renals
    take e = d; that seats more tables than there are where a word is likely in the shorter context too.

    Sources: Teh, "A hierarchical Bayesian language model based on Pitman-Yor processes" (2006), equation 9;
    Huang and Renals, "Power law discounting for n-gram language models" (2010).
    """

    def __init__(self, evidence: Evidence, smoothing: Smoothing) -> None:
        super().__init__(evidence, smoothing)
        remedy = "Give the corpus a valid split, or use another method"
        held_out = self.fitted_on(evidence, "pitman-yor", remedy)
        self.exponent, fitted = fit(evidence, held_out)
        self.discounts, self.strengths = fitted[:, 0], fitted[:, 1] - fitted[:, 0]
        self.orders, self.tables = seat(evidence, self.exponent)
        self.parameters.update(
            exponent=float(self.exponent),
            discounts=self.discounts.tolist(),
            strengths=self.strengths.tolist(),
        )

    def shares(self, counts: OrderCounts) -> Shares:
        """See `Method.shares`."""
        taken = self.discounts[counts.order - 1] * self.tables[counts.order - 1][counts.grams]
        freed = self.strengths[counts.order - 1] + counts.per_context(taken)
        return Shares(counts.counts - taken, np.where(counts.totals > 0, freed, 1.0))


def seat(evidence: Evidence, exponent: float) -> tuple[list[OrderCounts], list[Floats]]:
    """Customers and tables of each order, seated from the highest order down."""
    levels = evidence.levels
    customers = [levels[-1].counts.astype(np.float64)]
    tables = [customers[0] ** exponent]
    for level, above in zip(levels[-2::-1], levels[:0:-1], strict=True):
        sent = np.bincount(above.suffixes, weights=tables[-1], minlength=len(level.words))
        customers.append(np.where(level.opens, level.counts, sent))
        tables.append(np.where(customers[-1] > 0, customers[-1] ** exponent, 0.0))
    return evidence.orders(customers[::-1]), tables[::-1]


def fit(evidence: Evidence, held_out: HeldOut) -> tuple[float, Floats]:
    """The exponent, and d and s + d of each order, `[orders, 2]`, with the highest likelihood."""
    from scipy.optimize import minimize_scalar

    shape = (len(evidence.levels), 2)
    low, high = np.broadcast_to(LEAST, shape), np.broadcast_to(MOST, shape)
    best = (np.inf, 0.0, np.broadcast_to(START, shape))

    def loss(exponent: float) -> float:
        nonlocal best
        orders, tables = seat(evidence, exponent)
        parts = [
            dependence(*order) for order in zip(held_out.steps, orders, tables, evidence.keep, strict=True)
        ]
        fitted, value = maximise(held_out, parts, best[2], low, high)
        best = min(best, (-value, exponent, fitted), key=lambda found: found[0])
        return -value

    minimize_scalar(loss, bounds=(0, 1), method="bounded", options={"xatol": CLOSE})
    return best[1], best[2]


def dependence(step: Step, counts: OrderCounts, tables: Floats, keep: NDArray[np.bool_]) -> Linear:
    """How one order's part in the held-out events depends on d and s + d."""
    own = step.gather(tables, keep)
    sharing = counts.per_context(tables if keep.all() else np.where(keep, tables, 0))[step.contexts]
    pruned = counts.pruned(keep)[step.contexts]
    none, one = np.zeros(len(own)), np.ones(len(own))
    return Linear(
        Portions(step.gather(counts.counts, keep), pruned, counts.totals[step.contexts]),
        kept=np.stack([-own, none], axis=1),
        freed=np.stack([sharing - 1, one], axis=1),
        total=np.stack([-one, one], axis=1),
    )
