"""Tables in a third of their size: eight bits for each number, and nothing that can be found again.

Knows tables, not models or files. Each order has a codebook of up to 256 probabilities and one of back-off
weights, made by k-means over their logarithms; what is stored of a number is its place in the book. Numbers
that are equal in many n-grams take one entry, which equal bins (KenLM's) give to them again and again: on
WikiText-2, order 5, perplexity 220.14 becomes 220.35, with equal bins 231.7.

Rounded numbers do not sum to one. So when they are read, all numbers of a context are divided by their sum,
the shorter contexts' first: the laws hold exactly, and some of the loss is mended. The tree is stored as one
bit a node (a 1 for each child, a 0 at the end of each context's), endings are found anew.

Sources: Lloyd, "Least squares quantization in PCM" (1982); Heafield, "KenLM: faster and smaller language
model queries" (2011); Jacobson, "Space-efficient static trees and graphs" (1989).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.models.ngram.tables import BackoffTables
from lmcompare.models.ngram.weights import endings, mass, parts

Singles = NDArray[np.float32]
Codes = NDArray[np.uint8]

NAMES = ("words", "tree", "levels", "probability_codes", "weight_codes", "probabilities", "weights")
_SIZE = 256
_ROUNDS = 40


@dataclass(frozen=True)
class QuantisedTables:
    """What is stored of a back-off model.

    Attributes:
        words: last word of each node, `[nodes]`, unsigned.
        tree: the bits of the tree, eight in a number.
        levels: as `BackoffTables.levels`.
        probability_codes: place of each log probability in its order's codebook, `[nodes]`.
        weight_codes: the same of the back-off weights, `[contexts]`.
        probabilities: codebooks of natural log probabilities, `[order, 256]`, float32.
        weights: codebooks of natural log weights, `[order, 256]`, float32; the last one is not used.
    """

    words: NDArray[np.unsignedinteger[Any]]
    tree: NDArray[np.uint8]
    levels: NDArray[np.int64]
    probability_codes: Codes
    weight_codes: Codes
    probabilities: Singles
    weights: Singles

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name."""
        return {name: getattr(self, name) for name in NAMES}

    def faults(self) -> str:
        """What makes these arrays no codes of tables, or "" where nothing does.

        Whether the tables can be walked is for `BackoffTables.faults` to say.
        """
        levels, codes = self.levels, (self.probability_codes, self.weight_codes)
        if levels.dtype != np.int64 or levels.ndim != 1 or len(levels) < 3 or levels[1] != 1:
            return "the orders do not follow each other"
        nodes, contexts, books = int(levels[-1]), int(levels[-2]), (len(levels) - 2, _SIZE)
        if [code.shape for code in codes] != [(nodes,), (contexts,)]:
            return "there are not as many codes as n-grams"
        if self.probabilities.shape != books or self.weights.shape != books:
            return "a codebook has another size"
        if any(array.dtype != np.uint8 for array in (self.tree, *codes)):
            return "a code is not of eight bits"
        if self.tree.shape != (-(-(nodes - 1 + contexts) // 8),) or len(self._ends()) != contexts:
            return "the tree has another size"
        return ""

    def tables(self) -> BackoffTables:
        """The model: numbers from the codebooks, divided so that every context sums to one.

        Where `BackoffTables.faults` would refuse them, they are not finished.
        """
        starts = (1 + np.concatenate([[0], self._ends() - np.arange(len(self.weight_codes))])).astype(
            np.int32
        )
        words = self.words.astype(np.int32)
        found = BackoffTables(
            words=words,
            logprobs=self._read(self.probability_codes, self.probabilities),
            starts=starts,
            backoffs=self._read(self.weight_codes, self.weights),
            suffixes=np.zeros(len(self.weight_codes), dtype=np.int32),
            levels=self.levels,
        )
        if not found.faults():
            found.suffixes[:] = endings(words, starts, len(found.suffixes))
            normalise(found)
        return found

    def _ends(self) -> NDArray[np.int64]:
        """Where in the bits the children of each context end, `[contexts]`."""
        bits = np.unpackbits(self.tree, count=int(self.levels[-1]) - 1 + int(self.levels[-2]))
        return np.asarray(np.flatnonzero(bits == 0))

    def _read(self, codes: Codes, books: Singles) -> Singles:
        numbers = np.zeros(len(codes), dtype=np.float32)
        for order, book in enumerate(books, 1):
            part = slice(*map(int, self.levels[order : order + 2]))
            numbers[part] = book[codes[part]]
        return numbers


def quantise(tables: BackoffTables) -> QuantisedTables:
    """The codes of tables, and the books that they stand in."""
    probabilities, probability_codes = _coded(tables.logprobs, tables.levels)
    weights, weight_codes = _coded(tables.backoffs, tables.levels)
    children = np.diff(tables.starts)
    bits = np.ones(len(tables.words) - 1 + len(children), dtype=np.uint8)
    bits[np.cumsum(children) + np.arange(len(children))] = 0
    return QuantisedTables(
        words=tables.words.astype(np.min_scalar_type(tables.size - 1)),
        tree=np.packbits(bits),
        levels=tables.levels.astype(np.int64),
        probability_codes=probability_codes,
        weight_codes=weight_codes,
        probabilities=probabilities,
        weights=weights,
    )


def shift(before: Singles, after: Singles) -> tuple[float, float]:
    """Mean and largest |difference| of two tables' log p in log10, the root and what is impossible apart."""
    possible = before > -np.inf
    possible[0] = False
    moved = np.abs(after[possible].astype(np.float64) - before[possible]) / np.log(10)
    return float(moved.mean()), float(moved.max())


def normalise(tables: BackoffTables) -> None:
    """Divide, in place, the numbers of each context by what its distribution sums to; shorter ones first."""
    first, last = map(int, tables.levels[1:3])
    singles = tables.logprobs[first:last].astype(np.float64)
    tables.logprobs[first:last] = singles - np.log(np.exp(singles).sum())
    for length in range(1, tables.order):
        for part in parts(tables, length):
            split = mass(tables, part.start, part.stop)
            sums = split.sum_over(split.own) + split.weights * split.left
            excess = np.log(np.where(sums > 0, sums, 1.0))
            tables.logprobs[split.grams] -= excess[split.parents]
            tables.backoffs[part] -= excess


def codebook(values: Singles, size: int = _SIZE) -> Singles:
    """At most `size` numbers, rising, near the values in the sense of least squares; -inf stays itself.

    Lloyd's k-means, which in one dimension is a search among sorted numbers, from centres that have equally
    many different values between them. Where there are no more values than that, the book is exact.
    """
    ordered: Singles = np.sort(values)
    fresh = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]
    counts = np.diff(np.flatnonzero(fresh), append=len(ordered))
    different: Singles = ordered[fresh]
    if len(different) <= size:
        return different
    if np.isneginf(different[0]):
        return np.concatenate([different[:1], codebook(values[values > -np.inf], size - 1)])
    members = np.concatenate([[0], np.cumsum(counts)])
    sums = np.concatenate([[0], np.cumsum(counts * different.astype(np.float64))])
    middles = (2 * np.arange(size) + 1) * len(different) // (2 * size)
    centres = different[middles].astype(np.float64)
    for _ in range(_ROUNDS):
        inner = np.searchsorted(different, (centres[1:] + centres[:-1]) / 2)
        edges = np.concatenate([[0], inner, [len(different)]])
        number = np.diff(members[edges])
        centres = np.divide(np.diff(sums[edges]), number, out=centres.copy(), where=number > 0)
    return np.asarray(np.unique(centres.astype(np.float32)), dtype=np.float32)


def _coded(numbers: Singles, levels: NDArray[np.int64]) -> tuple[Singles, Codes]:
    """The codebook of each order, the last number repeated to 256, and the code of each number."""
    books, codes = [], np.zeros(len(numbers), dtype=np.uint8)
    for first, last in zip(levels[1:-1].tolist(), levels[2:].tolist(), strict=True):
        values = numbers[first:last]  # none of the highest order where these are back-off weights
        book = codebook(values) if len(values) else np.zeros(1, dtype=np.float32)
        with np.errstate(invalid="ignore"):
            between = (book[1:].astype(np.float64) + book[:-1]) / 2  # -inf where the lower one is
        codes[first:last] = np.searchsorted(between, values)
        books.append(np.concatenate([book, np.repeat(book[-1:], _SIZE - len(book))]))
    return np.stack(books), codes
