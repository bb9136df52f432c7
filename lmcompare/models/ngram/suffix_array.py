"""A suffix array: every n-gram of a text, however long, can be counted and found again.

Knows ids and where context ends, nothing of probabilities. The text is one row of tokens, laid out by
`counts.lay_out` with a `bos` before each piece, and all its suffixes in sorted order; those that begin with
an n-gram stand side by side. A piece is a sentence (policy "sentence") or a whole document (policy
"document", where an n-gram may hold the `eos` of a sentence that has ended); no n-gram leaves its piece.

Sources: Manber and Myers (1993) for the array and its search; Larsson and Sadakane (2007) for sorting by
doubling, in which only what is still tied is sorted again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.interface import Ids, Policy
from lmcompare.models.ngram.counts import lay_out

LIMIT = 2**31 - 2
_NOWHERE = -1
"""Takes the place of bos inside the sorted text: what goes on there belongs to another piece."""


@dataclass(frozen=True)
class SuffixArray:
    """The index of a text.

    Attributes:
        ids: the text with a `bos` before each piece, `[n]`, int32.
        suffixes: places of the text, by what stands there and after it, `[n]`, int32. Where a piece ends
            counts as less than any token; of equal suffixes the earlier one is first.
        lengths: tokens of each document, without `bos`, `[documents]`, int64.
        bos: id that opens each piece.
        eos: id that ends each sentence.
        size: number of ids.
        policy: what a piece is.
    """

    ids: NDArray[np.int32]
    suffixes: NDArray[np.int32]
    lengths: NDArray[np.int64]
    bos: int
    eos: int
    size: int
    policy: Policy

    @classmethod
    def build(
        cls, documents: Sequence[Ids], *, bos: int, eos: int, size: int, policy: Policy = "sentence"
    ) -> SuffixArray:
        """Sort the suffixes of documents, each one array with `eos` at every sentence's end.

        Errors: `InputError` for a text that is empty, too long for 32-bit places, or holds unknown ids.
        """
        ids = lay_out(documents, bos, eos if policy == "sentence" else _NOWHERE).ids
        if len(ids) > LIMIT:
            raise InputError(f"a text of {len(ids):,} tokens is too long for an index")
        if ids.min() < 0 or ids.max() >= size:
            worst = int(ids.min() if ids.min() < 0 else ids.max())
            raise InputError(f"the text holds id {worst}, the tokenizer has ids 0 to {size - 1}")
        lengths = np.array([len(document) for document in documents], dtype=np.int64)
        return cls(ids, sort_suffixes(ids, bos, size), lengths, bos, eos, size, policy)

    @cached_property
    def symbols(self) -> NDArray[np.int32]:
        """The text with -1 in place of each `bos` and at its end, `[n + 1]`."""
        symbols = np.append(self.ids, np.int32(_NOWHERE))
        symbols[self.openings] = _NOWHERE
        return symbols

    @cached_property
    def openings(self) -> NDArray[np.int64]:
        """The places of `bos`: where each piece starts."""
        return np.flatnonzero(self.ids == self.bos)

    @cached_property
    def firsts(self) -> NDArray[np.int64]:
        """The first suffix that begins with each id, then the number of suffixes, `[size + 1]`."""
        return np.concatenate([[0], np.cumsum(np.bincount(self.ids, minlength=self.size))])

    @cached_property
    def longest(self) -> int:
        """Tokens of the longest piece, its `bos` included."""
        return int(np.diff(np.append(self.openings, len(self.ids))).max())

    def count(self, ngrams: Sequence[Ids]) -> NDArray[np.int64]:
        """How often each n-gram occurs, `[len(ngrams)]`. It may begin with `bos`.

        Errors: `InputError` for an n-gram without tokens.
        """
        lows, highs = self._find(ngrams)
        return highs - lows

    def followed(self, ngram: Ids) -> int:
        """How often something stands behind an n-gram in its piece: as often as it occurs, but at the end."""
        low, high = (int(bound[0]) for bound in self._find([ngram]))
        return int(np.count_nonzero(self.symbols[self.suffixes[low:high].astype(np.int64) + len(ngram)] >= 0))

    def locate(self, ngram: Ids, limit: int | None = None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where an n-gram was seen, in the order of the text: the document, and the place in it.

        Args:
            ngram: may begin with `bos`; its place is then that of the token after it.
            limit: at most so many, the earliest; `None` is all.

        Returns:
            numbers of the documents, and places in them counted in tokens from 0.
        """
        low, high = (int(bound[0]) for bound in self._find([ngram]))
        places = self.suffixes[low:high].astype(np.int64)
        if limit is not None and limit < len(places):
            places = np.partition(places, limit)[:limit]
        places.sort()
        opened = np.searchsorted(self.openings, places, side="right")
        tokens = places - opened + (self.ids[places] == self.bos)
        starts = np.cumsum(self.lengths) - self.lengths
        # Empty documents start where the next one does: of those that start here, the last is meant.
        documents = np.searchsorted(starts, tokens, side="right") - 1
        return documents, tokens - starts[documents]

    def around(self, document: int, place: int, before: int, after: int) -> Ids:
        """The text of a document from `before` tokens before a place to `after` tokens after it.

        Args:
            document: its number, as from `locate`.
            place: place in it, as from `locate`.
            before: how many tokens before the place, fewer at the document's start.
            after: how many tokens from the place on, fewer at the document's end.
        """
        first, last = max(0, place - before), min(int(self.lengths[document]), place + after)
        start = int(self.lengths[:document].sum())
        # Token i of the text stands behind i other tokens and one bos for each piece up to its own.
        tokens = np.arange(start + first, start + last)
        pieces = np.searchsorted(self.openings - np.arange(len(self.openings)), tokens, side="right")
        found: Ids = self.ids[tokens + pieces]
        return found

    def matches(self, documents: Sequence[Ids]) -> list[NDArray[np.int32]]:
        """For each token the length of the longest n-gram that ends with it and was seen in the text.

        The n-gram may begin with the `bos` of its piece, which counts as one token. 0: the token is new.

        Args:
            documents: ids as in `build`; ids that the text does not have are allowed.

        Returns:
            one array a document, of the document's length.
        """
        from lmcompare.models.ngram import suffix_kernels

        tokens, bounds = join(documents)
        out = np.empty(len(tokens), dtype=np.int32)
        eos = self.eos if self.policy == "sentence" else _NOWHERE
        known = (self.symbols, self.suffixes, self.firsts)
        suffix_kernels.match(*known, self.bos, eos, tokens, bounds, self.longest + 2, out)
        return np.split(out, bounds[1:-1]) if documents else []

    def _find(self, ngrams: Sequence[Ids]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        from lmcompare.models.ngram import suffix_kernels

        if not all(map(len, ngrams)):
            raise InputError("an n-gram has at least one token")
        tokens, bounds = join(ngrams)
        lows, highs = np.zeros((2, len(ngrams)), dtype=np.int64)
        suffix_kernels.find(self.symbols, self.suffixes, self.firsts, tokens, bounds, lows, highs)
        return lows, highs


def join(documents: Sequence[Ids]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Documents as one array, and where each starts, then its length."""
    bounds = np.concatenate([[0], np.cumsum([len(document) for document in documents])]).astype(np.int64)
    parts = [np.asarray(document, dtype=np.int32) for document in documents]
    return np.concatenate([np.zeros(0, dtype=np.int32), *parts]), bounds


def sort_suffixes(ids: NDArray[np.int32], bos: int, size: int) -> NDArray[np.int32]:
    """The suffixes of a text in sorted order, `[n]`: see `SuffixArray.suffixes`.

    As many symbols as fit into 64 bits are sorted at once; then, round by round, suffixes that are still
    tied are sorted by the rank of what stands so many symbols further, and that number doubles.
    """
    n = len(ids)
    openings = np.flatnonzero(ids == bos)
    lengths = np.diff(np.append(openings, n))
    keys, depth = _beginnings(ids, bos, size)
    suffixes = np.argsort(keys).astype(np.int32)
    keys = keys[suffixes]
    ranks = np.empty(n, dtype=np.int32)
    tied = _rank(keys, suffixes, np.arange(n, dtype=np.int32), ranks)
    del keys
    pieces = np.repeat(np.arange(len(openings), dtype=np.uint32), lengths)
    ends = np.repeat((openings + lengths).astype(np.int32), lengths)
    while len(tied):
        places = suffixes[tied]
        further = places.astype(np.int64) + depth
        inside = further < ends[places]
        np.minimum(further, n - 1, out=further)
        # What ends before is less than what goes on, and of two that end the earlier is less.
        later = np.where(inside, ranks[further].astype(np.uint32) + np.uint32(len(openings)), pieces[places])
        keys = (ranks[places].astype(np.uint64) << np.uint64(32)) | later
        del further, inside, later
        order = np.argsort(keys)
        suffixes[tied] = places[order]
        tied = _rank(keys[order], places[order], tied, ranks)
        depth *= 2
    return suffixes


def _beginnings(ids: NDArray[np.int32], bos: int, size: int) -> tuple[NDArray[np.uint64], int]:
    """The first symbols of each suffix packed into one number, and how many they are."""
    bits = size.bit_length()
    depth = max(1, 64 // bits)
    symbols = ids.astype(np.uint64) + np.uint64(1)
    keys = symbols.copy()
    symbols[ids == bos] = 0
    inside = np.ones(len(ids), dtype=bool)
    for ahead in range(1, depth):
        keys <<= np.uint64(bits)
        inside[-ahead:] = False
        inside[:-ahead] &= symbols[ahead:] > 0
        keys[:-ahead] |= np.where(inside[:-ahead], symbols[ahead:], np.uint64(0))
    return keys, depth


def _rank(
    keys: NDArray[np.uint64], suffixes: NDArray[np.int32], slots: NDArray[Any], ranks: NDArray[np.int32]
) -> NDArray[Any]:
    """Give equal keys the slot of the first of them as their rank; returns the slots that are tied."""
    fresh = np.ones(len(keys) + 1, dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=fresh[1:-1])
    heads = np.where(fresh[:-1], slots, slots.dtype.type(0))
    ranks[suffixes] = np.maximum.accumulate(heads, out=heads)  # slots rise
    return slots[~(fresh[:-1] & fresh[1:])]
