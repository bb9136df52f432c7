"""Counts of every n-gram of a text, for all orders up to a given one, by sorting.

Knows ids and sentence ends, nothing of probabilities. An n-gram is told by the place where it starts.
Places that are sorted by the n words that follow become sorted by n + 1 in one counting sort (`_longer`);
each n-gram's number is its rank, and prefix and suffix are numbers of the order below at the same place
and the next one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.interface import Ids

Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Stream:
    """All sentences of a text in one row, each opened by one `bos`.

    Attributes:
        ids: token ids, `[n]`, int32.
        offsets: how many tokens of the same sentence stand before each, `[n]`, int32: 0 at each `bos`.
    """

    ids: Ints
    offsets: Ints

    @property
    def events(self) -> int:
        """Number of predictions in the stream: all tokens but `bos`."""
        return int(np.count_nonzero(self.offsets))

    def first(self, events: int) -> Stream:
        """The shortest run of whole sentences from the start that holds at least so many events."""
        seen = np.cumsum(self.offsets > 0)
        end = int(np.searchsorted(seen, events))
        later = np.flatnonzero(self.offsets[end + 1 :] == 0)
        stop = end + 1 + int(later[0]) if len(later) else len(self.ids)
        return Stream(self.ids[:stop], self.offsets[:stop])


@dataclass(frozen=True, slots=True)
class Level:
    """The different n-grams of one order, sorted by prefix, then by last word.

    Attributes:
        prefixes: number of the n-gram without its last word among those of the order below, `[n]`.
        words: last word, `[n]`.
        suffixes: number of the n-gram without its first word among those of the order below, `[n]`.
        counts: how often it occurs, `[n]`.
        opens: whether its first word is `bos`, `[n]`: then nothing ever stands before it.
    """

    prefixes: Ints
    words: Ints
    suffixes: Ints
    counts: Ints
    opens: NDArray[np.bool_]


def lay_out(documents: Sequence[Ids], bos: int, eos: int) -> Stream:
    """Documents as one stream of sentences, each with one `bos` before it.

    A tail without `eos` is a sentence of its own: context never crosses a document's end.

    Errors: `InputError` for an empty text, and for `bos` inside a document: it is never predicted.
    """
    parts = [np.asarray(document, dtype=np.int32) for document in documents if len(document)]
    if not parts:
        raise InputError("the training text is empty", remedy="Give a corpus with at least one sentence")
    text = np.concatenate(parts)
    if np.any(text == bos):
        raise InputError(f"the training text holds bos (id {bos}), which no document may contain")
    ends = text == eos
    ends[np.cumsum([len(part) for part in parts]) - 1] = True
    starts = np.concatenate([[0], np.flatnonzero(ends)[:-1] + 1])
    lengths = np.diff(np.append(starts, len(text)))
    places = starts + np.arange(len(starts))  # each bos moves what follows by one
    ids = np.insert(text, starts, np.int32(bos)).astype(np.int32, copy=False)
    offsets = np.arange(len(ids), dtype=np.int32) - np.repeat(places, lengths + 1).astype(np.int32)
    return Stream(ids, offsets)


def count(stream: Stream, order: int, size: int, bos: int, *, threads: int = 1) -> list[Level]:
    """The n-grams of orders 1 to `order`; those of order 1 are all `size` ids, seen or not.

    `bos` is never predicted, so as an n-gram of order 1 its count is 0. N-grams never cross a
    sentence's start: those nearest to it begin with the one `bos`. With two threads, an order is sorted
    while the one below it is numbered.
    """
    ids = stream.ids
    worst = int(ids.min() if ids.min() < 0 else ids.max())
    if not 0 <= worst < size:
        raise InputError(f"the text holds id {worst}, the tokenizer has ids 0 to {size - 1}")
    unigrams = np.bincount(ids, minlength=size).astype(np.int32)
    unigrams[bos] = 0
    zeros = np.zeros(size, dtype=np.int32)
    levels = [Level(zeros, np.arange(size, dtype=np.int32), zeros, unigrams, np.zeros(size, dtype=bool))]
    numbers = ids  # of the n-gram of the order below that starts at each place
    with ThreadPoolExecutor(1) as second:
        sorting = second.submit(_longer, ids, _ranked(ids), bos) if order > 1 else None
        for n in range(2, order + 1):
            assert sorting is not None
            places = sorting.result()
            sorting = second.submit(_longer, ids, places, bos) if n < order else None
            if sorting and threads < 2:
                sorting.result()
            level, fresh = _level(ids, places, numbers, n, bos)
            levels.append(level)
            if n < order:
                numbers = np.empty(len(ids), dtype=np.int32)
                numbers[places] = np.cumsum(fresh, dtype=np.int32) - np.int32(1)
    return levels


def _level(ids: Ints, places: Ints, numbers: Ints, order: int, bos: int) -> tuple[Level, NDArray[np.bool_]]:
    """The n-grams that start at sorted places, and for each place whether it is the first of its n-gram."""
    prefixes, words = numbers.take(places), ids.take(places + np.int32(order - 1))
    fresh = np.ones(len(places), dtype=bool)
    np.not_equal(prefixes[1:], prefixes[:-1], out=fresh[1:])
    fresh[1:] |= words[1:] != words[:-1]
    firsts = np.flatnonzero(fresh)
    sample = places.take(firsts)
    level = Level(
        prefixes=prefixes.take(firsts),
        words=words.take(firsts),
        suffixes=numbers.take(sample + 1),
        counts=np.diff(firsts, append=len(places)).astype(np.int32),
        opens=ids.take(sample) == bos,
    )
    return level, fresh


def _longer(ids: Ints, places: Ints, bos: int) -> Ints:
    """Where n-grams of order n + 1 start, sorted; from the same for order n, where each is their ending.

    What stands one place before an ending is the first word. A stable sort by that word keeps the order of
    the endings, so nothing is ever compared by more than one word.
    """
    low, high = (find(places, bos, key=ids.__getitem__) for find in (bisect_left, bisect_right))
    before = np.concatenate([places[:low], places[high:]])  # nothing stands before `bos`
    before -= np.int32(1)
    return before.take(_ranked(ids.take(before)))


def _ranked(words: Ints) -> Ints:
    """The places of words in the order of the words, equal ones as they stood.

    numpy's stable sort of 16-bit numbers counts them instead of comparing: five times faster than a sort of
    wider ones. So ids above 65,535 are sorted by their lower half, then by their upper half.
    """
    ranks = np.argsort(words.astype(np.uint16), kind="stable").astype(np.int32)
    if len(words) and int(words.max()) >= 1 << 16:
        upper = (words >> 16).astype(np.uint16)
        ranks = ranks.take(np.argsort(upper.take(ranks), kind="stable"))
    return ranks
