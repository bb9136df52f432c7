"""The counts of counts as KenLM's lmplz takes them, with its fault (kpu/kenlm, issue 405).

Knows nothing of discounts. In each order below the highest, the n-gram that lmplz writes last is counted by
its occurrences in place of its adjusted count. Which one that is depends on how lmplz sorts: words are
numbered by first occurrence (`bos`, then `eos`, before all words), n-grams are sorted by last word, then by
the word before it, and so on; so the last of each order is found from right to left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lmcompare.errors import InputError
from lmcompare.models.ngram.counts import Level, Stream
from lmcompare.models.ngram.smoothing.method import Evidence, OrderCounts


def counts_of_counts(evidence: Evidence, counts: OrderCounts, right: Sequence[int]) -> list[int]:
    """N1 to n4 of one order as lmplz has them, from the right ones."""
    found = list(right)
    order, levels = counts.order, evidence.levels
    if evidence.stream is None:
        raise InputError(
            'discounts = "lmplz" needs the text: counts do not tell which n-gram lmplz writes last',
            remedy='Set discounts = "textbook"',
        )
    number = last_gram(levels, evidence.stream, order, evidence.eos) if order < len(levels) else None
    if number is not None:
        for count, change in ((counts.counts[number], -1), (levels[order - 1].counts[number], +1)):
            if count <= len(found):
                found[int(count) - 1] += change
    return found


def last_gram(levels: Sequence[Level], stream: Stream, order: int, eos: int) -> int | None:
    """The number of the n-gram that lmplz writes last in an order below the highest.

    `None` where a shorter one that begins with `bos` is last in its order: then none is left pending.
    """
    firsts = np.zeros(len(levels[0].words), dtype=np.int64)
    opened = stream.offsets > 0
    events = stream.ids[opened]
    firsts[events[::-1]] = np.arange(len(events), 0, -1)  # the earliest occurrence is written last
    firsts[eos] = 0
    places = np.flatnonzero(opened)
    for n in range(1, order + 1):
        if n > 1 and stream.offsets[places[0]] == n - 2:
            return None
        words = stream.ids[places - (n - 1)]
        ranks = np.where(stream.offsets[places] == n - 1, -1, firsts[words])
        places = places[ranks == ranks.max()]
    return _number_at(levels, stream, int(places[0]), order)


def _number_at(levels: Sequence[Level], stream: Stream, place: int, order: int) -> int:
    """The number of the n-gram of `order` that ends at a place of the stream."""
    number = int(stream.ids[place - order + 1])
    for n in range(2, order + 1):
        level = levels[n - 1]
        first, last = np.searchsorted(level.prefixes, [number, number + 1])
        word = stream.ids[place - order + n]
        number = int(first + np.searchsorted(level.words[first:last], word))
    return number
