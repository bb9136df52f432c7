"""Counts of every n-gram of a text, for all orders up to a given one, by sorting.

Knows ids and sentence ends, nothing of probabilities. An n-gram of order n is one 64-bit key: the
number of its prefix among the n-grams of order n - 1, packed with its last word. So each order is one
sort of as many keys as the text has tokens, and each n-gram's number is its rank among the keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
        counts: how often it occurs, `[n]`, int64.
        opens: whether its first word is `bos`, `[n]`: then nothing ever stands before it.
    """

    prefixes: Ints
    words: Ints
    suffixes: Ints
    counts: NDArray[np.int64]
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


def count(stream: Stream, order: int, size: int, bos: int) -> list[Level]:
    """The n-grams of orders 1 to `order`; those of order 1 are all `size` ids, seen or not.

    `bos` is never predicted, so as an n-gram of order 1 its count is 0. N-grams never cross a
    sentence's start: those nearest to it begin with the one `bos`.
    """
    worst = int(stream.ids.min() if stream.ids.min() < 0 else stream.ids.max())
    if not 0 <= worst < size:
        raise InputError(f"the text holds id {worst}, the tokenizer has ids 0 to {size - 1}")
    unigrams = np.bincount(stream.ids, minlength=size).astype(np.int64)
    unigrams[bos] = 0
    zeros = np.zeros(size, dtype=np.int32)
    opens = np.zeros(size, dtype=bool)
    levels = [Level(zeros, np.arange(size, dtype=np.int32), zeros, unigrams, opens)]
    numbers = stream.ids  # number of the n-gram of the current order that ends at each place
    for n in range(2, order + 1):
        places = np.flatnonzero(stream.offsets >= n - 1)
        keys = numbers[places - 1].astype(np.uint64) * np.uint64(size) + stream.ids[places].astype(np.uint64)
        limit = len(levels[-1].words) * size
        keys, places = _sort_with(keys, places, limit, len(stream.ids))
        fresh = np.empty(len(keys), dtype=bool)
        fresh[:1] = True
        np.not_equal(keys[1:], keys[:-1], out=fresh[1:])
        del keys
        firsts = np.flatnonzero(fresh)
        sample = places[firsts]
        levels.append(
            Level(
                prefixes=numbers[sample - 1],
                words=stream.ids[sample],
                suffixes=numbers[sample],
                counts=np.diff(np.append(firsts, len(places))),
                opens=stream.offsets[sample] == n - 1,
            )
        )
        if n < order:
            following = np.zeros(len(stream.ids), dtype=np.int32)
            following[places] = np.cumsum(fresh, dtype=np.int32) - np.int32(1)
            numbers = following
    return levels


def _sort_with(
    keys: NDArray[np.uint64], places: NDArray[np.intp], limit: int, length: int
) -> tuple[NDArray[np.uint64], NDArray[Any]]:
    """Keys in rising order, each with its place. Packed into one word where both fit: twice as fast."""
    bits = max(length - 1, 1).bit_length()
    if bits + max(limit - 1, 1).bit_length() <= 64:
        packed = (keys << np.uint64(bits)) | places.astype(np.uint64)
        packed.sort()
        return packed >> np.uint64(bits), (packed & np.uint64((1 << bits) - 1)).astype(np.int64)
    ranks = np.argsort(keys)
    return keys[ranks], places[ranks]
