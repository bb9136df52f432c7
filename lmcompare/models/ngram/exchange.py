"""Word classes by the exchange algorithm: each word in turn moves to the class that fits the text best.

Knows pairs of neighbouring ids, nothing of n-gram models. What is maximised is the log-likelihood of a class
bigram model, p(w | v) = p(w | c(w)) p(c(w) | c(v)); no round lowers it.

Source: Kneser and Ney, "Improved clustering techniques for class-based statistical language modelling"
(1993); Martin, Liermann and Ney, "Algorithms for bigram and trigram word clustering" (1998), section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.interface import Ids

BOS, EOS, UNSEEN, FIRST = 0, 1, 2, 3
"""Classes that are given: what opens a sentence, what ends it, all ids that the text does not have; and the
first class whose words are found."""
AT_ONCE = 1000
"""Words that are moved between two notes of progress."""


@dataclass(frozen=True)
class Pairs:
    """How often one id follows another within a sentence, `bos` first; rows of a sparse matrix.

    Attributes:
        starts: row `v` is `starts[v]:starts[v + 1]` of the others, `[size + 1]`.
        others: the ids beside `v`, `[pairs]`.
        counts: how often, `[pairs]`.
    """

    starts: NDArray[np.int64]
    others: NDArray[np.int32]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, keys: Ids, others: Ids, counts: Ids, size: int) -> Pairs:
        """From one entry for each pair, in any order."""
        order = np.argsort(keys, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=size))])
        return cls(starts, others[order].astype(np.int32), counts[order].astype(np.int64))


def count_pairs(documents: Sequence[Ids], size: int, bos: int, eos: int) -> tuple[Pairs, Pairs]:
    """What follows each id, and what stands before it."""
    befores, afters = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for document in documents:
        tokens = np.asarray(document, dtype=np.int64)
        before = np.concatenate([[bos], tokens[:-1]])[: len(tokens)]
        befores.append(np.where(before == eos, bos, before))
        afters.append(tokens)
    keys = np.concatenate(befores) * size + np.concatenate(afters)
    keys.sort()
    fresh = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)])
    counts = np.diff(np.append(fresh, len(keys)))
    before, after = keys[fresh] // size, keys[fresh] % size
    return Pairs.of(before, after, counts, size), Pairs.of(after, before, counts, size)


def find_classes(
    documents: Sequence[Ids],
    size: int,
    bos: int,
    eos: int,
    *,
    classes: int,
    rounds: int,
    tell: Callable[[float, str], None] = lambda rounds, note: None,
) -> NDArray[np.int32]:
    """The class of each id, `[size]`: `BOS`, `EOS`, `UNSEEN`, or `FIRST` to `FIRST + classes - 1`.

    The words begin with the most frequent one a class, the others dealt out in turn; so nothing is random.

    Args:
        documents: ids with `eos` at each sentence's end.
        size: number of ids.
        bos: id that opens each sentence.
        eos: id that ends each sentence.
        classes: how many to find, at most.
        rounds: how often each word may move; fewer where none does any more.
        tell: called with the rounds done so far and a note.
    """
    from lmcompare.models.ngram.exchange_kernels import sweep

    after, before = count_pairs(documents, size, bos, eos)
    left, right = row_sums(after), row_sums(before)
    frequent = np.argsort(-right, kind="stable")
    words = frequent[(right[frequent] > 0) & (frequent != eos) & (frequent != bos)]
    found = np.full(size, UNSEEN, dtype=np.int32)
    found[bos], found[eos] = BOS, EOS
    found[words] = FIRST + np.arange(len(words)) % classes
    if len(words) <= classes:
        return found
    tables = tabulate(after, found, FIRST + classes)
    for done in range(rounds):
        moved = 0
        for begin in range(0, len(words), AT_ONCE):
            part = words[begin : begin + AT_ONCE]
            moved += sweep(part, found, *_flat(after), *_flat(before), left, right, *tables, FIRST)
            tell(done + (begin + len(part)) / len(words), f"{moved:,} of {begin + len(part):,} words moved")
        if not moved:
            break
    return found


def log_likelihood(after: Pairs, found: NDArray[np.int32]) -> float:
    """Of the text under the class bigram model with these classes, without what no class changes."""
    counts, _, left, right = tabulate(after, found, int(found.max()) + 1)
    return _entropy(counts) - _entropy(left) - _entropy(right)


def tabulate(after: Pairs, found: NDArray[np.int32], classes: int) -> tuple[Any, Any, Any, Any]:
    """How often class follows class, `[classes, classes]`, the same transposed, and both sides' sums."""
    rows = found[np.repeat(np.arange(len(after.starts) - 1), np.diff(after.starts))].astype(np.int64)
    counts = np.bincount(rows * classes + found[after.others], after.counts, classes * classes)
    counts = counts.astype(np.int64).reshape(classes, classes)
    return counts, counts.T.copy(), counts.sum(axis=1), counts.sum(axis=0)


def row_sums(pairs: Pairs) -> NDArray[np.int64]:
    """How many pairs each id stands in."""
    running = np.concatenate([[0], np.cumsum(pairs.counts)])
    return np.diff(running[pairs.starts])


def _entropy(counts: NDArray[np.int64]) -> float:
    seen = counts[counts > 0].astype(np.float64)
    return float((seen * np.log(seen)).sum())


def _flat(pairs: Pairs) -> tuple[Any, Any, Any]:
    return pairs.starts, pairs.others, pairs.counts
