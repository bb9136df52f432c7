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
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.interface import Ids
from lmcompare.side_by_side import side_by_side

Ints = NDArray[np.int32]
_PART = 1 << 16


@dataclass(frozen=True)
class Stream:
    """All sentences of a text in one row, each opened by one `bos`.

    Attributes:
        ids: token ids, `[n]`, int32; the first is `bos`.
        bos: id that opens each sentence and stands nowhere else.
    """

    ids: Ints
    bos: int

    @property
    def events(self) -> int:
        """Number of predictions in the stream: all tokens but `bos`."""
        return int(np.count_nonzero(self.ids != self.bos))

    @cached_property
    def offsets(self) -> Ints:
        """How many tokens of the same sentence stand before each, `[n]`: 0 at each `bos`."""
        places = np.arange(len(self.ids), dtype=np.int32)
        starts = np.where(self.ids == self.bos, places, np.int32(0))
        return np.asarray(places - np.maximum.accumulate(starts))

    def first(self, events: int) -> Stream:
        """The shortest run of whole sentences from the start that holds at least so many events."""
        seen = np.cumsum(self.ids != self.bos)
        end = int(np.searchsorted(seen, events))
        later = np.flatnonzero(self.ids[end + 1 :] == self.bos)
        return Stream(self.ids[: end + 1 + int(later[0])] if len(later) else self.ids, self.bos)


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

    def part(self, first: int, last: int | None) -> Level:
        """The n-grams from `first` to before `last`, a view."""
        part = slice(first, last)
        return Level(
            self.prefixes[part], self.words[part], self.suffixes[part], self.counts[part], self.opens[part]
        )


def lay_out(documents: Sequence[Ids], bos: int, eos: int) -> Stream:
    """Documents as one stream of sentences, each with one `bos` before it.

    A tail without `eos` is a sentence of its own: context never crosses a document's end.

    Errors: `InputError` for an empty text, and for `bos` inside a document: it is never predicted.
    """
    parts = [np.asarray(document, dtype=np.int32) for document in documents if len(document)]
    if not parts:
        raise InputError("the training text is empty", remedy="Give a corpus with at least one sentence")
    text = np.concatenate(parts) if len(parts) > 1 else parts[0]
    if np.any(text == bos):
        raise InputError(f"the training text holds bos (id {bos}), which no document may contain")
    ends = text == eos
    ends[np.cumsum([len(part) for part in parts]) - 1] = True
    starts = np.flatnonzero(ends)[:-1] + 1
    return Stream(np.insert(text, np.append(0, starts), np.int32(bos)), bos)


def count(stream: Stream, order: int, size: int, bos: int, *, threads: int = 1) -> list[Level]:
    """The n-grams of orders 1 to `order`; those of order 1 are all `size` ids, seen or not.

    `bos` is never predicted, so as an n-gram of order 1 its count is 0. N-grams never cross a
    sentence's start: those nearest to it begin with the one `bos`. With two threads, an order is numbered
    while the one above it is sorted.
    """
    ids = stream.ids
    worst = int(ids.min() if ids.min() < 0 else ids.max())
    if not 0 <= worst < size:
        raise InputError(f"the text holds id {worst}, the tokenizer has ids 0 to {size - 1}")
    text = ids.astype(np.min_scalar_type(size - 1))  # the less memory, the more of it is in cache
    # Room for all orders at once, which costs memory only where it is written to. One word stands before all
    # others: that of the root of the tables, which are then made of these words without copying them.
    most = 1 + size + (order - 1) * len(ids)
    prefixes, words, suffixes, counts = (np.empty(most, dtype=np.int32) for _ in range(4))
    room = Level(prefixes, words, suffixes, counts, np.empty(most, dtype=bool))
    room.words[0] = 0
    levels, room = [room.part(1, 1 + size)], room.part(1 + size, None)
    levels[0].prefixes[:] = levels[0].suffixes[:] = levels[0].opens[:] = 0
    levels[0].words[:], levels[0].counts[:] = np.arange(size), np.bincount(ids, minlength=size)
    levels[0].counts[bos] = 0
    numbers, opens = ids, np.arange(size) == bos  # of the n-grams of the order below, by place and by number
    with ThreadPoolExecutor(1) as second:
        places = _longer(text, _ranked(text), bos) if order > 1 else ids
        for n in range(2, order + 1):
            following = np.empty(len(ids) if n < order else 0, dtype=np.int32)
            numbering = second.submit(_number, text, places, n, numbers, opens, following, room, threads)
            if threads < 2:
                numbering.result()
            places = _longer(text, places, bos) if n < order else places
            levels.append(numbering.result())
            numbers, opens = following, levels[-1].opens
            room = room.part(len(opens), None)
    return levels


def _number(
    text: Ids,
    places: Ints,
    order: int,
    numbers: Ints,
    opens: NDArray[np.bool_],
    following: Ints,
    room: Level,
    threads: int,
) -> Level:
    """The n-grams of an order, in the `room` for them.

    Args:
        text: the stream's ids.
        places: where the n-grams start, sorted.
        order: of the n-grams.
        numbers: of the n-gram of the order below that starts at each place.
        opens: whether those begin with `bos`.
        following: is given the numbers of the n-grams, unless it is empty.
        room: for as many n-grams as there are places.
        threads: how many look n-grams up side by side.
    """
    begun, k = 0, 0
    parts = range(0, len(places), _PART)
    look_up = partial(_looked_up, text, places, order, numbers)
    for start, part in zip(parts, side_by_side(look_up, parts, threads), strict=True):
        firsts = np.flatnonzero(part.fresh)
        new = room.part(k, k + len(firsts))
        new.prefixes[:], new.words[:], new.suffixes[:] = part.prefixes, part.words, part.suffixes
        new.opens[:] = opens.take(new.prefixes)
        if len(following):
            following[part.places] = np.cumsum(part.fresh, dtype=np.int32) + np.int32(k - 1)
        # How often an n-gram occurs is known where the next one begins.
        ends = np.diff(start + firsts, prepend=begun)
        room.counts[max(k - 1, 0) : k + len(firsts) - 1] = ends[k == 0 :]
        begun = start + firsts[-1] if len(firsts) else begun
        k += len(firsts)
    room.counts[k - 1 : k] = len(places) - begun
    return room.part(0, k)


@dataclass(frozen=True, slots=True)
class _Part:
    """Some places, whether another n-gram starts there than at the one before it, and those n-grams."""

    places: NDArray[np.intp]
    fresh: NDArray[np.bool_]
    prefixes: Ints
    words: Ids
    suffixes: Ints


def _looked_up(text: Ids, places: Ints, order: int, numbers: Ints, start: int) -> _Part:
    """The n-grams at `places[start : start + _PART]`."""
    before = min(start, 1)  # one place more, to be compared with
    here = places[start - before : start + _PART].astype(np.intp)
    prefixes, words = numbers.take(here), text.take(here + (order - 1))
    fresh = np.ones(len(here), dtype=bool)
    fresh[1:] = (prefixes[1:] != prefixes[:-1]) | (words[1:] != words[:-1])
    fresh[:before] = False
    firsts = np.flatnonzero(fresh)
    suffixes = numbers.take(here.take(firsts) + 1)
    return _Part(here[before:], fresh[before:], prefixes.take(firsts), words.take(firsts), suffixes)


def _longer(text: Ids, places: Ints, bos: int) -> Ints:
    """Where n-grams of order n + 1 start, sorted; from the same for order n, where each is their ending.

    What stands one place before an ending is the first word. A stable sort by that word keeps the order of
    the endings, so nothing is ever compared by more than one word.
    """
    low, high = (find(places, bos, key=text.__getitem__) for find in (bisect_left, bisect_right))
    before = np.concatenate([places[:low], places[high:]])  # nothing stands before `bos`
    before -= np.int32(1)
    return _at(before, _ranked(_at(text, before)))


def _ranked(words: Ids) -> Ints:
    """The places of words in the order of the words, equal ones as they stood.

    numpy's stable sort of 16-bit numbers counts them instead of comparing: five times faster than a sort of
    wider ones. So ids above 65,535 are sorted by their lower half, then by their upper half.
    """
    ranks = np.argsort(words.astype(np.uint16), kind="stable").astype(np.int32)
    if words.dtype.itemsize > 2:
        upper = _at((words >> 16).astype(np.uint16), ranks)
        ranks = _at(ranks, np.argsort(upper, kind="stable"))
    return ranks


def _at(values: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
    """values[places], in parts: numpy widens each index to 64 bits, which would fill memory."""
    found = np.empty(len(places), dtype=values.dtype)
    for start in range(0, len(places), _PART):
        part = slice(start, start + _PART)
        np.take(values, places[part], out=found[part], mode="clip")
    return found
