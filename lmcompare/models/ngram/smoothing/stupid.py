"""Stupid back-off: relative frequencies, and a constant for each step to a shorter context.

Knows nothing of probabilities that sum to one: Brants' scores do not, so a language model is made of them by
dividing the scores of each context by their sum (`composition.normalised`). That keeps their order, and fits
back-off tables exactly. Below the single words stands the uniform distribution as one more step.
"""

from __future__ import annotations

import numpy as np

from lmcompare.models.ngram.smoothing.method import Method, OrderCounts, Shares


class StupidBackoff(Method):
    """S(w | h) = c(hw) / c(h) where hw was seen, else alpha S(w | h'); p(w | h) = S(w | h) / sum of S(. | h).

    Source: Brants et al., "Large language models in machine translation" (2007), section 4, equation 5.
    """

    def shares(self, counts: OrderCounts) -> Shares:
        """See `Method.shares`."""
        return Shares(counts.counts.astype(np.float64), np.zeros(len(counts.complete)))
