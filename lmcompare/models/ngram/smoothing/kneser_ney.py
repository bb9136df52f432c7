"""Kneser-Ney: absolute discounting, with lower orders counting contexts in place of occurrences.

Knows nothing of discounts by count (`modified_kneser_ney`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lmcompare.models.ngram.counts import Level
from lmcompare.models.ngram.smoothing.absolute import AbsoluteDiscounting
from lmcompare.models.ngram.smoothing.method import Evidence


class KneserNey(AbsoluteDiscounting):
    """P(w | h) = (max(a(hw) - D, 0) + D T(h) p(w | h')) / the sum of a(h.), T(h) how many words follow h.

    a is the adjusted count: of the highest order, and of what begins with `bos`, c(hw); of any other n-gram
    N1+(.hw), the number of different words before it. For a lower order is only asked where a longer n-gram
    was not seen. D = n1 / (n1 + 2 n2) for each order, from how many n-grams have the adjusted counts 1 and 2.

    Sources: Kneser and Ney, "Improved backing-off for m-gram language modeling" (1995); interpolated: Chen
    and Goodman, TR-10-98 (1998), section 2.7; Heafield et al., "Scalable modified Kneser-Ney language model
    estimation" (2013), section 3, for the adjusted counts at a sentence's start.
    """

    def recount(self, evidence: Evidence) -> None:
        """See `Discounting.recount`."""
        self.orders = evidence.orders(adjusted_counts(evidence.levels))


def adjusted_counts(levels: Sequence[Level]) -> list[NDArray[np.int32]]:
    """For each order, in how many contexts to the left an n-gram occurs.

    The highest order keeps its plain counts, and so does what begins with `bos`: nothing stands before it.
    """
    adjusted = list[NDArray[np.int32]]()
    for level, above in zip(levels, levels[1:], strict=False):
        kinds = np.where(level.opens, level.counts, np.int32(0))
        np.add.at(kinds, above.suffixes, np.int32(1))  # none of them ends in what begins with `bos`
        adjusted.append(kinds)
    return [*adjusted, levels[-1].counts]
