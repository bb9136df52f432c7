"""Absolute discounting: the same part of a count is taken from every n-gram.

Knows nothing of contexts to the left: all orders count occurrences.
"""

from __future__ import annotations

from collections.abc import Sequence

from lmcompare.models.ngram.smoothing.discounting import Discounting, Discounts


class AbsoluteDiscounting(Discounting):
    """P(w | h) = (max(c(hw) - D, 0) + D T(h) p(w | h')) / c(h), T(h) the number of different words after h.

    D = n1 / (n1 + 2 n2) for each order, from how many n-grams occur once and twice. Sources: Ney, Essen
    and Kneser, "On structuring probabilistic dependences in stochastic language modelling" (1994); Chen
    and Goodman, TR-10-98 (1998), section 2.6.
    """

    FALLBACK: Discounts = (0.5,)
    MISSING = "no n-gram occurs once, or none twice"

    @staticmethod
    def textbook(counts_of_counts: Sequence[int]) -> Discounts | None:
        """See `Discounting.textbook`."""
        n1, n2 = counts_of_counts[:2]
        return (n1 / (n1 + 2 * n2),) if n1 and n2 else None
