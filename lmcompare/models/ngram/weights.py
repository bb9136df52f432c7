"""What whole back-off tables imply: probabilities after shorter contexts, endings, and what contexts sum to.

Knows tables, not how they came about. Whatever changes tables (pruning, quantising) mends them with this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmcompare.models.ngram.tables import BackoffTables

Floats = NDArray[np.float64]


def shorter_logprobs(tables: BackoffTables, order: int) -> Floats:
    """For each n-gram of an order from 2 on, natural log p(last word | the shorter context), `[n]`."""
    from lmcompare.models.ngram import weight_kernels

    first, last = map(int, tables.levels[order - 1 : order + 1])
    out = np.empty(int(tables.levels[order + 1]) - last, dtype=np.float64)
    weight_kernels.shorter(
        tables.words,
        tables.logprobs,
        tables.starts,
        tables.backoffs,
        tables.suffixes,
        first,
        last,
        out,
    )
    return out


def endings(words: NDArray[np.int32], starts: NDArray[np.int32], contexts: int) -> NDArray[np.int32]:
    """The longest known context that ends like each one, `[contexts]`: `BackoffTables.suffixes` of a tree."""
    from lmcompare.models.ngram import weight_kernels

    out = np.empty(contexts, dtype=np.int32)
    weight_kernels.endings(words, starts, out)
    return out


@dataclass(frozen=True, slots=True)
class Mass:
    """The contexts of one length, and how their probability is split between listed and other words.

    Attributes:
        parents: the context of each n-gram, counted from the first of these contexts, `[n]`.
        own: p(last word | context) of each n-gram, `[n]`.
        lower: p(last word | shorter context) of each, `[n]`.
        weights: the back-off weight of each context, `[contexts]`.
        left: of the shorter context's distribution, what is not listed after the context, `[contexts]`.
    """

    parents: NDArray[np.int64]
    own: Floats
    lower: Floats
    weights: Floats
    left: Floats

    def sum_over(self, values: Floats) -> Floats:
        """Sums of values `[n]` over the n-grams of each context."""
        return np.asarray(np.bincount(self.parents, weights=values, minlength=len(self.weights)), np.float64)


def mass(tables: BackoffTables, order: int) -> Mass:
    """How the probability of the contexts of `order - 1` words is split; orders from 2 on."""
    first, last, end = map(int, tables.levels[order - 1 : order + 2])
    counts = np.diff(tables.starts[first : last + 1])
    parents = np.repeat(np.arange(last - first), counts)
    lower = np.exp(shorter_logprobs(tables, order))
    covered = np.bincount(parents, weights=lower, minlength=last - first)
    return Mass(
        parents=parents,
        own=np.exp(tables.logprobs[last:end].astype(np.float64)),
        lower=lower,
        weights=np.exp(tables.backoffs[first:last].astype(np.float64)),
        left=np.maximum(1 - covered, 0.0),
    )
