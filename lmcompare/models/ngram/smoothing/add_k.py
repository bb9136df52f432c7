"""Add-k: every word is given k more occurrences in every context. Laplace's rule is k = 1.

Knows nothing of shorter contexts: only n-grams of the highest order count, and those that `bos` opens,
before which nothing can stand. All others are passed through, and after a context that was never seen all
words are equally likely.
"""

from __future__ import annotations

import math

import numpy as np

from lmcompare.models.ngram.smoothing.held_out import Portions, log_likelihood
from lmcompare.models.ngram.smoothing.method import Evidence, Method, OrderCounts, Shares, Smoothing
from lmcompare.models.ngram.smoothing.tuning import Linear

LEAST, MOST = 1e-9, 1e3


class AddK(Method):
    """P(w | h) = (c(hw) + k) / (c(h) + k V), V the number of ids but `bos`.

    With k fitted: the k from 1e-9 to 1000 with the highest likelihood of the held-out text. Sources: Lidstone
    (1920); Chen and Goodman, TR-10-98 (1998), section 2.1.
    """

    def __init__(self, evidence: Evidence, smoothing: Smoothing) -> None:
        super().__init__(evidence, smoothing)
        self.words = len(evidence.below) - 1
        self.k = self._fitted(evidence) if smoothing.k is None else smoothing.k
        self.parameters["k"] = self.k

    def shares(self, counts: OrderCounts) -> Shares:
        """See `Method.shares`."""
        kept = np.where(counts.complete[counts.prefixes], counts.counts, 0.0)
        return Shares(kept, np.where(counts.complete, self.k * self.words, 0.0))

    def _fitted(self, evidence: Evidence) -> float:
        from scipy.optimize import minimize_scalar

        held_out = self.fitted_on(evidence, "k", "Give k, such as k = 1 (Laplace)")
        parts = []
        for step, counts, keep in zip(held_out.steps, self.orders, evidence.keep, strict=True):
            complete = counts.complete[step.contexts]
            pruned = counts.pruned(keep)[step.contexts]
            at_zero = Portions(
                np.where(complete, step.gather(counts.counts, keep), 0.0),
                np.where(complete, pruned, 1.0),
                np.where(complete, counts.totals[step.contexts], 1.0),
            )
            added = np.where(complete, float(self.words), 0.0)[:, None]
            parts.append(Linear(at_zero, np.zeros_like(added), added, added))

        def loss(log_k: float) -> float:
            k = np.array([math.exp(log_k)])
            return -log_likelihood(held_out, [part.portions(k) for part in parts])[0]

        bounds = (math.log(LEAST), math.log(MOST))
        found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
        return math.exp(float(found.x))
