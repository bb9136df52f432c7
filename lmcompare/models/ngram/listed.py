"""N-grams that are listed in any order, order by order, and the back-off tables that they grow into.

Knows numbers, not text: an ARPA file and a file of counts list n-grams in this way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.models.ngram.tables import LIMIT, BackoffTables


@dataclass(frozen=True, slots=True)
class Grams:
    """N-grams of one order n in any order: words `[k, n]`, natural log p `[k]`, natural log weight `[k]`."""

    words: NDArray[np.int32]
    logprobs: NDArray[np.float64]
    backoffs: NDArray[np.float64]


def grow(grams: Sequence[Grams], refuse: Callable[[int, int, str], NoReturn]) -> BackoffTables:
    """Tables of listed n-grams.

    Args:
        grams: order by order; order 1 lists every id, in order.
        refuse: called with order, row and reason for an n-gram that is listed twice, or whose beginning
            (without its last word) is not listed.
    """
    size = len(grams[0].words)
    keys: list[NDArray[np.int64]] = []  # of each order from 2 on: number of the prefix * size + last word
    ranks = [np.arange(size)]
    first = np.concatenate([[0, 1], 1 + np.cumsum([len(g.words) for g in grams])]).astype(np.int64)
    if first[-1] > LIMIT:
        raise InputError(f"{first[-1]:,} n-grams are too many")
    for n, gram in enumerate(grams[1:], 2):
        prefixes = find(keys, gram.words[:, :-1], size)
        if len(missing := np.flatnonzero(prefixes < 0)):
            refuse(
                n, int(missing[0]), f"the first {n - 1} words are not listed as an n-gram of order {n - 1}"
            )
        unsorted = prefixes * size + gram.words[:, -1]
        ranks.append(np.argsort(unsorted))
        keys.append(unsorted[ranks[-1]])
        if len(twice := np.flatnonzero(keys[-1][1:] == keys[-1][:-1])):
            refuse(n, int(ranks[-1][twice[0] + 1]), "the n-gram stands twice")
    children = [np.array([size])]
    children += [np.bincount(k // size, minlength=len(g.words)) for k, g in zip(keys, grams, strict=False)]
    suffixes = [np.zeros(1 + size, dtype=np.int64)] if len(grams) > 1 else [np.zeros(1, dtype=np.int64)]
    for n in range(2, len(grams)):
        words = grams[n - 1].words[ranks[n - 1]]
        nodes = np.full(len(words), -1, dtype=np.int64)
        for skipped in range(1, n):  # pruned models may lack the ending: then a shorter one serves
            absent = np.flatnonzero(nodes < 0)
            numbers = find(keys, words[absent, skipped:], size)
            nodes[absent] = np.where(numbers < 0, -1, numbers + first[n - skipped])
        suffixes.append(nodes)
    ordered = [(gram.logprobs[rank], gram.backoffs[rank]) for gram, rank in zip(grams, ranks, strict=True)]
    root = np.zeros(1)
    last_words = [np.zeros(1), np.arange(size), *(k % size for k in keys)]
    return BackoffTables(
        words=np.concatenate(last_words).astype(np.int32),
        logprobs=np.concatenate([root, *(logprobs for logprobs, _ in ordered)]).astype(np.float32),
        starts=(1 + np.concatenate([[0], np.cumsum(np.concatenate(children))])).astype(np.int32),
        backoffs=np.concatenate([root, *(backoffs for _, backoffs in ordered[:-1])]).astype(np.float32),
        suffixes=np.concatenate(suffixes).astype(np.int32),
        levels=first,
    )


def find(keys: Sequence[NDArray[np.int64]], words: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    """The number of each n-gram among those of its order, or -1 where it is not listed, `[k]`.

    Args:
        keys: of the orders from 2 on, rising: the number of each n-gram's prefix * size + its last word.
        words: n-grams of one order n, `[k, n]`; those of order 1 are numbered by their word.
        size: number of ids.
    """
    numbers = words[:, 0].astype(np.int64)
    for n in range(2, words.shape[1] + 1):
        wanted = np.where(numbers < 0, -1, numbers * size + words[:, n - 1])
        listed = keys[n - 2]
        places = np.searchsorted(listed, wanted)
        inside = np.minimum(places, max(len(listed) - 1, 0))
        hit = listed[inside] == wanted if len(listed) else np.zeros(len(wanted), dtype=bool)
        numbers = np.where(hit, inside, -1)
    return numbers
