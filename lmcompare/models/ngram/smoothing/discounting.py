"""Taking a fixed part from each count: what absolute discounting and Kneser-Ney share.

Knows nothing of which counts these are. How many discounts there are, and how the counts of counts yield
them, is each method's; here stand what to do where they yield none, and their tuning on held-out text.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.models.ngram.smoothing.held_out import Portions, Step
from lmcompare.models.ngram.smoothing.method import Evidence, Method, OrderCounts, Shares, Smoothing
from lmcompare.models.ngram.smoothing.tuning import Linear, maximise

Discounts = tuple[float, ...]
MARGIN = 1e-3


class Discounting(Method):
    """Each n-gram keeps c - D_c, its context frees the sum of the D; the last D holds for all counts above.

    Attributes:
        discounts: D_1, D_2, ... of each order.
    """

    FALLBACK: Discounts
    MISSING: str

    def __init__(self, evidence: Evidence, smoothing: Smoothing) -> None:
        super().__init__(evidence, smoothing)
        self.recount(evidence)
        tuned = smoothing.discounts == "tuned"
        self.discounts = []
        for counts in self.orders:
            found = self.textbook(self.counts_of_counts(evidence, counts, smoothing))
            if found is None and len(counts.counts) and not tuned:
                self._fall_back(counts.order, smoothing)
            self.discounts.append(found or self.FALLBACK)
        if tuned:
            self._tune(evidence, smoothing.discount_levels if len(self.FALLBACK) > 1 else 1)
        self.parameters["discounts"] = self.discounts

    def recount(self, evidence: Evidence) -> None:
        """Replace `orders` where the method counts something else than occurrences."""

    def counts_of_counts(self, evidence: Evidence, counts: OrderCounts, smoothing: Smoothing) -> list[int]:
        """How many n-grams of an order occur once, twice, three and four times."""
        return [int(np.count_nonzero(counts.counts == number)) for number in range(1, 5)]

    @staticmethod
    @abstractmethod
    def textbook(counts_of_counts: Sequence[int]) -> Discounts | None:
        """The discounts that n1 to n4 yield; `None` where they are not usable."""

    def shares(self, counts: OrderCounts) -> Shares:
        """See `Method.shares`."""
        table = np.array([0.0, *self.discounts[counts.order - 1]])
        taken = table[np.minimum(counts.counts, len(table) - 1)]
        return Shares(counts.counts - taken, counts.per_context(taken))

    def _fall_back(self, order: int, smoothing: Smoothing) -> None:
        what = f"the discounts of order {order} cannot be estimated: {self.MISSING}"
        if not smoothing.fallback:
            raise InputError(what, remedy='Set fallback = "auto", or train on more text')
        *others, last = (f"{discount:g}" for discount in self.FALLBACK)
        used = f"{', '.join(others)} and {last} are used" if others else f"{last} is used"
        self.notes.append(f"{what}; {used}")

    def _tune(self, evidence: Evidence, levels: int) -> None:
        """Replace `discounts` by those that make the held-out text most likely, from the textbook's on."""
        remedy = 'Give the corpus a valid split, or use discounts = "textbook"'
        held_out = self.fitted_on(evidence, 'discounts = "tuned"', remedy)
        orders = [
            dependence(step, counts, keep, levels)
            for step, counts, keep in zip(held_out.steps, self.orders, evidence.keep, strict=True)
        ]
        first = np.array([(found + found[-1:] * levels)[:levels] for found in self.discounts])
        most = np.broadcast_to(np.arange(1.0, levels + 1) - MARGIN, first.shape)
        tuned, _ = maximise(held_out, orders, first, np.full(first.shape, MARGIN), most)
        self.discounts = [tuple(row) for row in tuned.tolist()]


def dependence(step: Step, counts: OrderCounts, keep: NDArray[np.bool_], levels: int) -> Linear:
    """How one order's part in the held-out events depends on its discounts."""
    own = step.gather(counts.counts, keep)
    taken_from = np.where(keep, np.minimum(counts.counts, levels), 0)
    numbers = np.arange(1, levels + 1)
    sharing = [counts.per_context(taken_from == number)[step.contexts] for number in numbers]
    pruned = counts.pruned(keep)[step.contexts]
    return Linear(
        Portions(own, pruned, counts.totals[step.contexts]),
        kept=-(np.minimum(own, levels)[:, None] == numbers).astype(np.float64),
        freed=np.stack(sharing, axis=1),
    )
