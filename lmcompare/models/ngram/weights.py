"""What whole back-off tables imply: probabilities after shorter contexts, endings, and what contexts sum to.

Knows tables, not how they came about. Whatever changes tables (pruning, quantising) mends them with this.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmcompare.models.ngram.tables import BackoffTables

Floats = NDArray[np.float64]

_PART = 1 << 17


def shorter_logprobs(tables: BackoffTables, first: int, last: int) -> Floats:
    """For each n-gram that begins with a context from `first` to `last - 1`, none of which is the root:
    natural log p(its last word | the shorter context), `[n]`.
    """  # fmt: skip
    from lmcompare.models.ngram import weight_kernels

    out = np.empty(int(tables.starts[last] - tables.starts[first]), dtype=np.float64)
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
    """Contexts that stand side by side, and how their probability is split between listed and other words.

    Attributes:
        grams: where the n-grams that begin with them stand in the tables.
        parents: the context of each n-gram, counted from the first of these contexts, `[n]`.
        own: p(last word | context) of each n-gram, `[n]`.
        lower: p(last word | shorter context) of each, `[n]`.
        weights: the back-off weight of each context, `[contexts]`.
        left: of the shorter context's distribution, what is not listed after the context, `[contexts]`.
    """

    grams: slice
    parents: NDArray[np.int64]
    own: Floats
    lower: Floats
    weights: Floats
    left: Floats

    def sum_over(self, values: Floats) -> Floats:
        """Sums of values `[n]` over the n-grams of each context."""
        return np.asarray(np.bincount(self.parents, weights=values, minlength=len(self.weights)), np.float64)


def mass(tables: BackoffTables, first: int, last: int) -> Mass:
    """How the probability of the contexts `first` to `last - 1` is split; the root is none of them."""
    grams = slice(int(tables.starts[first]), int(tables.starts[last]))
    parents = np.repeat(np.arange(last - first), np.diff(tables.starts[first : last + 1]))
    lower = np.exp(shorter_logprobs(tables, first, last))
    covered = np.bincount(parents, weights=lower, minlength=last - first)
    return Mass(
        grams=grams,
        parents=parents,
        own=np.exp(tables.logprobs[grams].astype(np.float64)),
        lower=lower,
        weights=np.exp(tables.backoffs[first:last].astype(np.float64)),
        left=np.maximum(1 - covered, 0.0),
    )


def parts(tables: BackoffTables, length: int) -> Iterator[slice]:
    """The contexts of a length from 1 on, in parts that few n-grams begin with, to save memory."""
    first, last = map(int, tables.levels[length : length + 2])
    starts = tables.starts[first : last + 1]
    cuts = np.searchsorted(starts, np.arange(starts[0], starts[-1], _PART))
    bounds = np.unique(np.concatenate([[0], cuts, [last - first]])) + first
    return itertools.starmap(slice, itertools.pairwise(bounds.tolist()))
