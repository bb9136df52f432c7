"""Maximum likelihood: the share of each word among what followed a context.

Knows nothing of words that did not follow: they have no probability, and a text that holds one has an
infinite perplexity. A context that was never seen says nothing; there the next shorter seen one answers.
"""

from __future__ import annotations

import numpy as np

from lmcompare.models.ngram.smoothing.method import Method, OrderCounts, Shares


class MaximumLikelihood(Method):
    """P(w | h) = c(hw) / c(h) for the longest seen context h, nothing freed.

    Source: Chen and Goodman, TR-10-98 (1998), section 1.
    """

    def shares(self, counts: OrderCounts) -> Shares:
        """See `Method.shares`."""
        return Shares(counts.counts.astype(np.float64), np.zeros(len(counts.complete)))
