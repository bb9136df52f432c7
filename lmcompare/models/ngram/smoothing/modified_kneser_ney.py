"""Modified Kneser-Ney: Kneser-Ney with a discount of its own for counts of 1, 2, and 3 or more.

Knows nothing of lmplz, but that its counts of counts are others (`lmplz`).
"""

from __future__ import annotations

from collections.abc import Sequence

from lmcompare.models.ngram.smoothing import lmplz
from lmcompare.models.ngram.smoothing.discounting import Discounts
from lmcompare.models.ngram.smoothing.kneser_ney import KneserNey
from lmcompare.models.ngram.smoothing.method import Evidence, OrderCounts, Smoothing


class ModifiedKneserNey(KneserNey):
    """P(w | h) = (a(hw) - D(a(hw)) + F(h) p(w | h')) / the sum of a(h.), a the adjusted counts.

    D(0) = 0, D(1) = D1, D(2) = D2, and D3+ from 3 on; F(h) = D1 N1(h) + D2 N2(h) + D3+ N3+(h), where N1(h)
    words have the adjusted count 1 after h, and so on. What was not seen after h so has F(h) p(w | h') alone.

    Sources: Chen and Goodman, "An empirical study of smoothing techniques for language modeling", TR-10-98
    (1998), section 3, the discounts in equation 26; Heafield et al., "Scalable modified Kneser-Ney language
    model estimation" (2013), section 3, for the adjusted counts at a sentence's start.
    """

    FALLBACK = (0.5, 1.0, 1.5)
    MISSING = "too few n-grams occur 1, 2, 3 times"

    def counts_of_counts(self, evidence: Evidence, counts: OrderCounts, smoothing: Smoothing) -> list[int]:
        """See `Discounting.counts_of_counts`."""
        found = super().counts_of_counts(evidence, counts, smoothing)
        if smoothing.discounts != "lmplz":
            return found
        return lmplz.counts_of_counts(evidence, counts, found)

    @staticmethod
    def textbook(counts_of_counts: Sequence[int]) -> Discounts | None:
        """See `Discounting.textbook`."""
        return discounts_from(counts_of_counts)


def discounts_from(counts_of_counts: Sequence[int]) -> tuple[float, float, float] | None:
    """D1, D2, D3+ (TR-10-98, equation 26) from n1 to n4; `None` where they are not usable."""
    n1, n2, n3, n4 = (float(n) for n in counts_of_counts)
    if not (n1 and n2 and n3):
        return None
    y = n1 / (n1 + 2 * n2)
    found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    usable = all(0 <= discount <= number for number, discount in enumerate(found, 1))
    return found if usable else None
