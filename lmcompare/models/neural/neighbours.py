"""A store of vectors with what followed each, and the exact search for the nearest ones.

Knows nothing of networks. Vectors are kept as float16, equal ones once, with the count of each token that
followed. The search is a product of matrices, block by block; `faiss`, where it is installed, does the same.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lmcompare.interface import Floats, Ids

QUERIES = 256
"""Vectors that are searched for at once."""
KEYS = 1 << 14
"""Keys that they are compared with at once: a block of distances is 16 MiB."""
GROUP = 8
"""Keys of which the least distance is found first: the k nearest lie in the k groups whose least is least."""
TIES = 1e-4
"""Of a key's mean squared length: what lies so little beyond the k-th neighbour is a neighbour too, so that
rounding decides nothing."""


@dataclass(frozen=True)
class Found:
    """The nearest keys of some queries, nearest first.

    Attributes:
        keys: numbers of keys, `[queries, asked]`.
        distances: squared, `[queries, asked]`, float64; `inf` where there are no more keys.
    """

    keys: Ids
    distances: Floats


@dataclass(frozen=True)
class Store:
    """What was read, as pairs of a key and a token.

    Attributes:
        keys: different vectors, `[keys, width]`, float16.
        starts: where each key's tokens start, `[keys + 1]`.
        tokens: what followed each key, increasing, `[pairs]`, int32.
        counts: how often, `[pairs]`, int32.
    """

    keys: NDArray[np.float16]
    starts: NDArray[np.int64]
    tokens: NDArray[np.int32]
    counts: NDArray[np.int32]

    @classmethod
    def of(cls, vectors: Floats, tokens: Ids) -> Self:
        """Vectors `[n, width]`, and the token that followed each, `[n]`."""
        rounded = np.ascontiguousarray(vectors, dtype=np.float16)
        rounded += np.float16(0)  # there are two zeros
        rows = rounded.view(np.dtype((np.void, 2 * rounded.shape[1])))[:, 0]
        _, first, number = np.unique(rows, return_index=True, return_inverse=True)
        span = int(np.max(tokens, initial=0)) + 1
        pairs, counts = np.unique(number.reshape(-1).astype(np.int64) * span + tokens, return_counts=True)
        starts = np.searchsorted(pairs, np.arange(len(first) + 1) * span)
        followed = (pairs % span).astype(np.int32)
        return cls(rounded[first], starts.astype(np.int64), followed, counts.astype(np.int32))

    @property
    def bytes(self) -> int:
        """Size of all arrays."""
        return sum(each.nbytes for each in (self.keys, self.starts, self.tokens, self.counts))

    def totals(self) -> NDArray[np.int64]:
        """How often anything followed each key, `[keys]`."""
        return np.asarray(np.add.reduceat(self.counts, self.starts[:-1], dtype=np.int64))

    def counts_of(self, keys: Ids, tokens: Ids) -> NDArray[np.int64]:
        """How often a token followed each of some keys: keys `[n, asked]`, tokens `[n]`."""
        span = int(self.tokens.max(initial=0)) + 1
        if not hasattr(self, "_pairs"):
            numbers = np.repeat(np.arange(len(self.keys), dtype=np.int64), np.diff(self.starts))
            object.__setattr__(self, "_pairs", numbers * span + self.tokens)
        pairs: NDArray[np.int64] = self._pairs  # type: ignore[attr-defined]
        wanted = keys.astype(np.int64) * span + tokens[:, None]
        place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
        there = (pairs[place] == wanted) & (tokens < span)[:, None]
        return np.where(there, self.counts[place], 0)


class Search:
    """The exact search among the keys of a store.

    Args:
        keys: `[keys, width]`, any float type.
        faiss: whether to use that library; by default where it is installed.
    """

    def __init__(self, keys: NDArray[Any], faiss: bool | None = None) -> None:
        self.keys = keys
        self.squares = np.concatenate(
            [np.zeros(0, np.float32), *(np.square(part).sum(axis=1) for part in self._blocks())]
        )
        self.slack = TIES * float(self.squares.mean()) if len(keys) else 0.0
        self.index: Any = None
        if faiss if faiss is not None else importlib.util.find_spec("faiss") is not None:
            library: Any = importlib.import_module("faiss")
            self.index = library.IndexFlatL2(keys.shape[1])
            for part in self._blocks():
                self.index.add(part)

    def nearest(self, queries: Floats, k: int) -> Found:
        """The `k` nearest keys of each query, `[n, width]`, and up to as many tied with the last."""
        asked = min(2 * k, len(self.keys))
        found, distances = [], []
        for begin in range(0, len(queries), QUERIES):
            few = np.ascontiguousarray(queries[begin : begin + QUERIES], dtype=np.float32)
            far, number = (
                self.index.search(few, asked) if self.index is not None else self._search(few, asked)
            )
            order = np.lexsort((number, far))
            found.append(np.take_along_axis(number, order, axis=1))
            distances.append(np.take_along_axis(far, order, axis=1).astype(np.float64))
        keys = np.concatenate([np.zeros((0, asked), np.int64), *found])
        squared = np.concatenate([np.zeros((0, asked)), *distances])
        return within(Found(keys, squared), k, self.slack)

    def _blocks(self) -> list[Floats]:
        return [
            np.ascontiguousarray(self.keys[begin : begin + KEYS], dtype=np.float32)
            for begin in range(0, len(self.keys), KEYS)
        ]

    def _search(self, queries: Floats, asked: int) -> tuple[Floats, Ids]:
        """Squared distances and numbers of the nearest keys, `[n, asked]`, in no order."""
        far = np.full((len(queries), 0), np.inf, dtype=np.float32)
        numbers = np.zeros((len(queries), 0), dtype=np.int64)
        own = np.square(queries).sum(axis=1)[:, None]
        for begin in range(0, len(self.keys), KEYS):
            part = np.asarray(self.keys[begin : begin + KEYS], dtype=np.float32)
            squared = queries @ (-2.0 * part.T)
            squared += self.squares[begin : begin + KEYS]
            columns = _smallest(squared, asked)
            far = np.concatenate([far, np.take_along_axis(squared, columns, axis=1)], axis=1)
            numbers = np.concatenate([numbers, columns + begin], axis=1)
            if far.shape[1] > asked:
                kept = np.argpartition(far, asked - 1, axis=1)[:, :asked]
                far, numbers = (
                    np.take_along_axis(far, kept, axis=1),
                    np.take_along_axis(numbers, kept, axis=1),
                )
        return np.maximum(far + own, 0), numbers


def within(found: Found, k: int, slack: float) -> Found:
    """Of neighbours in order the `k` nearest and those at most `slack` further than the last of them."""
    if k >= found.keys.shape[1]:
        return found
    edge = found.distances[:, k - 1 : k] + slack
    return Found(found.keys, np.where(found.distances <= edge, found.distances, np.inf))


def _smallest(table: Floats, number: int) -> Ids:
    """Columns of the `number` smallest values of each row, in no order."""
    columns = table.shape[1]
    groups = -(-columns // GROUP)
    if number >= columns:
        return np.tile(np.arange(columns), (len(table), 1))
    if groups <= 2 * number:
        return np.argpartition(table, number - 1, axis=1)[:, :number]
    # Column c is in group c % groups: the least of all groups is a minimum of whole stretches of the row.
    missing = groups * GROUP - columns
    padded = np.pad(table, ((0, 0), (0, missing)), constant_values=np.inf) if missing else table
    least = padded.reshape(len(table), GROUP, groups).min(axis=1)
    chosen = np.argpartition(least, number - 1, axis=1)[:, :number]
    candidates = (chosen[:, :, None] + groups * np.arange(GROUP)).reshape(len(table), -1)
    values = np.take_along_axis(padded, candidates, axis=1)
    best = np.argpartition(values, number - 1, axis=1)[:, :number]
    return np.take_along_axis(candidates, best, axis=1)
