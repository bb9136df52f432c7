"""Back-off tables: every n-gram of a model as a node of one tree, in five flat arrays.

Knows numbers, not text, and not how the numbers came about: a model that was trained here and one
that was read from an ARPA file have the same tables.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids
from lmcompare.models.ngram.counts import Level

LIMIT = 2**31 - 1


@dataclass(frozen=True)
class BackoffTables:
    """A back-off model. Node 0 is the empty context, nodes 1 to `size` are the ids, then order by order.

    Within an order, nodes are sorted by parent (the n-gram without its last word), then by last word, so
    that the children of a node stand side by side. The n-grams below the highest order come first and
    serve as contexts: there are `contexts` of them, the root included.

    Probabilities are stored as float32 natural logarithms: half the memory of float64, at an error under
    5e-7 for each, which is far below what any estimate is worth; they are summed in float64.

    Attributes:
        words: last word, `[nodes]`, int32 (0 for the root).
        logprobs: log p(last word | words before it), `[nodes]`, float32 (0 for the root).
        starts: first child, `[contexts + 1]`, int32; the next entry is one past the last child.
        backoffs: log of the weight given to the shorter context, `[contexts]`, float32.
        suffixes: the longest known context that ends like this one, `[contexts]`, int32.
        levels: first node of each order from 0, then the number of nodes, `[order + 2]`, int64.
    """

    words: NDArray[np.int32]
    logprobs: NDArray[np.float32]
    starts: NDArray[np.int32]
    backoffs: NDArray[np.float32]
    suffixes: NDArray[np.int32]
    levels: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Number of ids."""
        return int(self.levels[2] - self.levels[1])

    @property
    def order(self) -> int:
        """Length of the longest n-grams that the tables have room for."""
        return len(self.levels) - 2

    @property
    def numbers(self) -> int:
        """How many probabilities and back-off weights are stored, those of the root apart."""
        return len(self.words) - 1 + len(self.backoffs) - 1

    @cached_property
    def parents(self) -> NDArray[np.int32]:
        """The n-gram without its last word, `[nodes]` (0 for the root)."""
        parents = np.repeat(np.arange(len(self.backoffs), dtype=np.int32), np.diff(self.starts))
        return np.concatenate([np.zeros(1, dtype=np.int32), parents])

    def faults(self) -> str:
        """What makes these arrays no tree that can be walked, or "" where nothing does.

        A file can say anything, and the compiled loops believe what they are given.
        """
        nodes, contexts, levels = len(self.words), len(self.backoffs), self.levels
        arrays = (self.words, self.logprobs, self.starts, self.backoffs, self.suffixes, levels)
        if any(array.ndim != 1 for array in arrays):
            return "an array is not flat"
        if len(levels) < 3 or levels[0] != 0 or levels[1] != 1 or np.any(np.diff(levels) < 0):
            return "the orders do not follow each other"
        if levels[-1] != nodes or levels[-2] != contexts:
            return "the orders have other sizes than the arrays"
        if len(self.logprobs) != nodes or len(self.suffixes) != contexts or len(self.starts) != contexts + 1:
            return "the arrays have different lengths"
        if not np.array_equal(self.words[1 : levels[2]], np.arange(self.size)):
            return "the single words are not all ids in order"
        if self.words.min() < 0 or self.words.max() >= self.size:
            return "a word is not among the ids"
        if self.starts[0] != 1 or self.starts[-1] != nodes or np.any(np.diff(self.starts) < 0):
            return "the children of the contexts do not follow each other"
        if np.any(self.starts[levels[:-1]] != levels[1:]):
            return "a child is not of the next order"
        shorter = np.repeat(levels[:-2], np.diff(levels[:-1]))  # the first node of each context's order
        if self.suffixes.min() < 0 or np.any(self.suffixes[1:] >= shorter[1:]) or self.suffixes[0] != 0:
            return "an ending is not shorter than its context"
        return ""

    def limited(self, order: int) -> BackoffTables:
        """The tables of the n-grams up to `order` words: what the model says to a reader of so few."""
        if order >= self.order:
            return self
        nodes, contexts = int(self.levels[order + 1]), int(self.levels[order])
        return BackoffTables(
            self.words[:nodes],
            self.logprobs[:nodes],
            self.starts[: contexts + 1],
            self.backoffs[:contexts],
            self.suffixes[:contexts],
            self.levels[: order + 2],
        )

    def opening(self, bos: int) -> int:
        """The context in which each sentence starts: `bos`, or nothing in a model of order 1."""
        return 1 + bos if self.order > 1 else 0

    def walk(
        self, tokens: Ids, bounds: Ids, nodes: Ids, *, bos: int, eos: int
    ) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
        """Read rows of tokens, each from its own context; at `eos` a row starts its next sentence.

        Args:
            tokens: the rows one after the other, `[n]`.
            bounds: where each row starts, then `n`, `[rows + 1]`.
            nodes: the context of each row, `[rows]`.
            bos: id that opens each sentence.
            eos: id that ends it.

        Returns:
            log p of each token `[n]` (float64), the n-gram whose probability was used `[n]`, and the
            context in which each row ends `[rows]`.

        Errors: `InputError` for an id that the tables do not have.
        """
        from lmcompare.models.ngram import kernels

        check_ids(tokens, self.size)
        tokens = np.ascontiguousarray(tokens, dtype=np.int32)
        scores = np.empty(len(tokens), dtype=np.float64)
        matched = np.empty(len(tokens), dtype=np.int64)
        reached = np.array(nodes, dtype=np.int64)
        kernels.walk(
            self.words,
            self.logprobs,
            self.starts,
            self.backoffs,
            self.suffixes,
            eos,
            self.opening(bos),
            tokens,
            np.asarray(bounds, dtype=np.int64),
            reached,
            scores,
            matched,
        )
        return scores, matched, reached

    def read(
        self, tokens: Ids, bounds: Ids, *, bos: int, eos: int
    ) -> tuple[NDArray[np.float64], NDArray[np.uint32]]:
        """What `walk` says of rows that all start a sentence, in half the time.

        Args:
            tokens: the rows one after the other, `[n]`.
            bounds: where each row starts, then `n`, `[rows + 1]`.
            bos: id that opens each sentence.
            eos: id that ends it.

        Returns:
            log p of each token `[n]` (float64), and the n-gram whose probability was used `[n]`.

        Errors: `InputError` for an id that the tables do not have.
        """
        from lmcompare.models.ngram import kernels

        check_ids(tokens, self.size)
        scores, matched = np.empty(len(tokens)), np.empty(len(tokens), dtype=np.uint32)
        kernels.read(
            self.words.view(np.uint32),
            self.logprobs,
            self.starts.view(np.uint32),
            self.backoffs,
            self.order,
            np.uint32(eos),
            np.uint32(self.opening(bos)),
            np.ascontiguousarray(tokens, dtype=np.uint32),
            np.asarray(bounds, dtype=np.int64),
            scores,
            matched,
        )
        return scores, matched

    def distributions(self, nodes: Ids) -> Floats:
        """Natural log p(next | context) of every id, `[len(nodes), size]`, float64."""
        from lmcompare.models.ngram import kernels

        out = np.empty((len(nodes), self.size), dtype=np.float64)
        nodes = np.asarray(nodes, dtype=np.int64)
        words = self.words.view(np.uint32)
        kernels.distributions(
            words, self.logprobs, self.starts, self.backoffs, self.suffixes, self.order, nodes, out
        )
        return out

    def orders_of(self, nodes: Ids) -> NDArray[np.int8]:
        """The order of each n-gram: 1 for a single word."""
        return np.asarray(np.searchsorted(self.levels, nodes, side="right") - 1, dtype=np.int8)

    def grams(self, first: int, last: int) -> NDArray[np.int32]:
        """The words of nodes `first` to `last - 1`, all of one order n, `[last - first, n]`."""
        nodes: NDArray[np.integer[Any]] = np.arange(first, last)
        columns = []
        for _ in range(int(self.orders_of(nodes[:1])[0]) if last > first else 0):
            columns.append(self.words[nodes])
            nodes = self.parents[nodes]
        return np.stack(columns[::-1], axis=1) if columns else np.zeros((0, 0), dtype=np.int32)


def is_compiled() -> bool:
    """Whether the loop that scores text is compiled, or loaded from the disk, in this process."""
    kernels = sys.modules.get("lmcompare.models.ngram.kernels")
    return kernels is not None and bool(kernels.read.signatures)


def check_ids(ids: Ids, size: int) -> None:
    """Raise `InputError` unless all ids are from 0 to `size - 1`."""
    if len(ids) and not (ids.min() >= 0 and ids.max() < size):
        worst = int(ids.min() if ids.min() < 0 else ids.max())
        raise InputError(f"there is no id {worst}: the model has ids 0 to {size - 1}")


@dataclass(frozen=True, slots=True)
class Estimates:
    """Probabilities of some n-grams of one order, and weights of the contexts in which they stand.

    Attributes:
        order: length of the n-grams.
        grams: which of all n-grams of the order these are.
        contexts: which of all n-grams of the order below (the empty one below order 1) are their contexts.
        probabilities: of the n-grams, `[grams]`.
        weights: given by the contexts to shorter ones, `[contexts]`; not looked at for order 1.
    """

    order: int
    grams: slice
    contexts: slice
    probabilities: NDArray[np.float64]
    weights: NDArray[np.float64]


def flatten(
    levels: Sequence[Level], kept: Sequence[NDArray[np.bool_]], estimates: Iterable[Estimates]
) -> BackoffTables:
    """Tables of the n-grams that are `kept`.

    Args:
        levels: the n-grams of each order; every prefix and suffix of one that is kept is kept.
        kept: which to keep, one array an order; all of order 1.
        estimates: of all n-grams, in any order.
    """
    chosen = [_Kept(np.ones(1, dtype=bool)), *map(_Kept, kept)]
    first = np.cumsum([0, *(each.total for each in chosen)])
    if first[-1] > LIMIT:
        raise InputError(f"{first[-1]:,} n-grams are too many", remedy="Lower the order, or prune")
    logprobs, backoffs = np.empty(first[-1], dtype=np.float32), np.empty(first[-2], dtype=np.float32)
    with np.errstate(divide="ignore"):  # log 0 is -inf, and is meant
        for found in estimates:
            chosen[found.order].log(found.probabilities, found.grams, logprobs[first[found.order] :])
            chosen[found.order - 1].log(found.weights, found.contexts, backoffs[first[found.order - 1] :])
    logprobs[0], backoffs[0] = 0, 0
    suffixes, starts = np.empty(first[-2], dtype=np.int32), np.zeros(first[-2] + 1, dtype=np.int32)
    suffixes[: first[2]], starts[0] = 0, 1
    for n, (level, this, below) in enumerate(zip(levels, chosen[1:], chosen, strict=False), 1):
        children = starts[first[n - 1] + 1 : first[n] + 1]
        np.add.at(children, below.renumbered(this.of(level.prefixes)), np.int32(1))
        np.cumsum(children, out=children)
        children += np.int32(first[n])
        if 1 < n < len(levels):
            shorter = below.renumbered(this.of(level.suffixes))
            np.add(shorter, np.int32(first[n - 1]), out=suffixes[first[n] : first[n + 1]])
    words = _row([level.words for level in levels]) if all(each.mask is None for each in chosen) else None
    if words is None:
        kept_words = (each.of(level.words) for each, level in zip(chosen[1:], levels, strict=True))
        words = np.concatenate([np.zeros(1, dtype=np.int32), *kept_words])
    return BackoffTables(words, logprobs, starts, backoffs, suffixes, levels=first)


def _row(parts: Sequence[NDArray[np.int32]]) -> NDArray[np.int32] | None:
    """A zero and the parts as one array, if they stand so in memory (see `counts.count`): without a copy."""
    base = parts[0].base
    if not isinstance(base, np.ndarray) or base.dtype != np.int32 or base.ndim != 1 or base[0] != 0:
        return None
    end = 1
    for part in parts:
        if part.base is not base or part.ctypes.data != base[end:].ctypes.data or part.strides != (4,):
            return None
        end += len(part)
    return base[:end]


class _Kept:
    """Which n-grams of an order are kept, and their numbers among those; nothing is copied where all are."""

    def __init__(self, mask: NDArray[np.bool_]) -> None:
        self.mask = None if mask.all() else mask
        self.numbers = None if self.mask is None else np.cumsum(mask, dtype=np.int32) - np.int32(1)
        self.total = int(np.count_nonzero(mask))

    def of(self, values: NDArray[Any]) -> NDArray[Any]:
        """Those of one value for each n-gram that belong to what is kept."""
        return values if self.mask is None else values[self.mask]

    def renumbered(self, numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        """New numbers for old ones of n-grams that are kept."""
        return numbers if self.numbers is None else self.numbers[numbers]

    def log(self, values: NDArray[np.float64], part: slice, out: NDArray[np.float32]) -> None:
        """Put the logarithms of the values of a part of the n-grams where those that are kept have theirs."""
        start = part.start
        if self.mask is not None and self.numbers is not None:
            start = int(self.numbers[start - 1]) + 1 if start else 0
            values = values[self.mask[part]]
        np.log(values, out=out[start : start + len(values)], casting="same_kind")
