"""Witten-Bell: a context frees as much as it had different words, each of which was new once.

Knows nothing of discounts: nothing is estimated but what is counted.
"""

from __future__ import annotations

import numpy as np

from lmcompare.models.ngram.smoothing.method import Method, OrderCounts, Shares


class WittenBell(Method):
    """P(w | h) = (c(hw) + T(h) p(w | h')) / (c(h) + T(h)), T(h) the number of different words after h.

    Sources: Witten and Bell, "The zero-frequency problem" (1991), method C; Chen and Goodman, TR-10-98
    (1998), section 2.5.
    """

    def shares(self, counts: OrderCounts) -> Shares:
        """See `Method.shares`."""
        return Shares(counts.counts.astype(np.float64), counts.types)
