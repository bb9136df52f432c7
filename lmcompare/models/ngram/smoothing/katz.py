"""Katz back-off: counts up to 5 are discounted by Good and Turing's estimate, larger ones are trusted.

Knows nothing of held-out text: the discounts come from how many n-grams occur once, twice, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lmcompare.errors import InputError
from lmcompare.models.ngram.smoothing.method import Evidence, Floats, Method, OrderCounts, Shares, Smoothing

MOST = 5
HALF = 0.5


class Katz(Method):
    """P(w | h) = d_c c(hw) / c(h) where hw was seen c times, else weight(h) p(w | h').

    Counts above k are not discounted; for c <= k, with c* = (c + 1) n_{c+1} / n_c (Good and Turing),

        d_c = (c*/c - (k + 1) n_{k+1} / n_1) / (1 - (k + 1) n_{k+1} / n_1),

    so that all n-grams of the order together free n_1. k is 5, or the largest below it whose d_c all lie
    between 0 and 1; where there is none, one half is taken from every count. A context whose words all occur
    more than k times would free nothing, and what never followed it would be impossible; there one
    occurrence more is counted, and freed (SRILM does so too).

    Sources: Katz, "Estimation of probabilities from sparse data" (1987); Chen and
    Goodman, TR-10-98 (1998), section 2.4.
    """

    def __init__(self, evidence: Evidence, smoothing: Smoothing) -> None:
        super().__init__(evidence, smoothing)
        self.ratios = [self._ratios(counts, smoothing.fallback) for counts in self.orders]
        self.parameters["ratios"] = [None if r is None else r[1:-1].tolist() for r in self.ratios]

    def shares(self, counts: OrderCounts) -> Shares:
        """See `Method.shares`."""
        ratios, numbers = self.ratios[counts.order - 1], counts.counts.astype(np.float64)
        if ratios is None:
            kept = numbers - np.where(numbers > 0, HALF, 0.0)
        else:
            kept = numbers * ratios[np.minimum(counts.counts, len(ratios) - 1)]
        freed = counts.per_context(numbers - kept)
        return Shares(kept, np.where((freed <= 0) & (counts.totals > 0), 1.0, freed))

    def _ratios(self, counts: OrderCounts, fallback: bool) -> Floats | None:
        """d_0, ..., d_k, then 1 for what occurs more often; `None` where no k will do."""
        of_counts = np.bincount(np.minimum(counts.counts, MOST + 2), minlength=MOST + 3)[1:]
        order = f"Good-Turing discounts of order {counts.order}"
        for k in range(MOST, 1, -1):
            found = good_turing_ratios(of_counts[: k + 1].tolist())
            if found is not None:
                if k < MOST:
                    self.notes.append(f"{order}: only counts up to {k} are discounted")
                return np.array([0.0, *found, 1.0])
        what = f"{order} cannot be estimated: too few n-grams occur 1, 2, 3 times"
        if not fallback:
            raise InputError(what, remedy='Set fallback = "auto", or train on more text')
        self.notes.append(f"{what}; one half is taken from each count")
        return None


def good_turing_ratios(counts_of_counts: Sequence[int]) -> list[float] | None:
    """d_1, ..., d_k from n_1, ..., n_{k+1}; `None` where they do not all lie between 0 and 1."""
    k = len(counts_of_counts) - 1
    n = [0.0, *map(float, counts_of_counts)]
    if not all(n[1:]):
        return None
    rest = (k + 1) * n[k + 1] / n[1]
    if rest >= 1:
        return None
    found = [((c + 1) * n[c + 1] / (c * n[c]) - rest) / (1 - rest) for c in range(1, k + 1)]
    return found if all(0 < ratio < 1 for ratio in found) else None
