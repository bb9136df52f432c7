"""A distribution over sentences, asked for many sentences at once: what may come next, and what it is.

A process knows symbols (words or characters) and the sentence's end, which is always the last column.
Knows nothing of token ids, of documents and of how any language works.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.text.grammar import Entropy

Array = NDArray[np.float64]
Index = NDArray[np.int64]

LONGEST = 10_000
"""Symbols after which a sentence that is drawn is no sentence."""
ROWS = 4096
"""Sentences that are read or drawn side by side."""


class Process(ABC):
    """A distribution over sentences.

    Every state is an array `[rows, width]` of float64 (numbers of symbols, counts, beliefs), so that rows
    are copied and dropped by indexing. A process is only told what it can have said itself.

    Attributes:
        symbols: all different, in the order of the columns; the column after the last is the sentence's end.
        kinds: names of the kinds of events ("verb", "closing bracket"); the last is "end".
    """

    symbols: tuple[str, ...]
    kinds: tuple[str, ...]

    @abstractmethod
    def begin(self, rows: int) -> Array:
        """The state of rows that have read nothing, `[rows, width]`."""

    @abstractmethod
    def probabilities(self, state: Array) -> Array:
        """P(next symbol | read), `[rows, symbols + 1]`; each row sums to one."""

    @abstractmethod
    def advance(self, state: Array, symbols: Index) -> Array:
        """The state after one more symbol a row, each of them possible and none the end."""

    @abstractmethod
    def kinds_of(self, state: Array) -> Index:
        """For each symbol its place in `kinds`, `[rows, symbols + 1]`: of those that cannot stand here too.

        So the symbols of one kind are what a reader chooses from, once it knows which kind comes next.
        """

    def finish(self, state: Array) -> Array:
        """The state of rows whose sentence has ended: they begin again, unless documents have a memory."""
        return self.begin(len(state))

    def entropy(self) -> Entropy | None:
        """Exact averages over all sentences; `None` where only a sample tells."""
        return None


def draw(process: Process, sentences: int, uniform: Callable[[int], Array]) -> list[Index]:
    """Sentences as numbers of symbols, without the end; each by inverting the distribution step by step.

    Args:
        process: the language.
        sentences: how many, independent of each other.
        uniform: gives so many numbers from 0 to 1.
    """
    found: list[Index] = []
    for first in range(0, sentences, ROWS):
        rows = min(ROWS, sentences - first)
        state, open_rows = process.begin(rows), np.arange(rows)
        steps: list[tuple[Index, Index]] = []
        while len(open_rows):
            if len(steps) == LONGEST:
                remedy = "Give its rules less weight where they lead back to themselves"
                raise InputError(f"a sentence has more than {LONGEST:,} symbols", remedy=remedy)
            chosen = _chosen(process.probabilities(state), uniform(len(open_rows)))
            on = chosen < len(process.symbols)
            open_rows, chosen = open_rows[on], chosen[on]
            state = process.advance(state[on], chosen)
            steps.append((open_rows, chosen))
        found += _by_row(steps, rows)
    return found


def _chosen(probabilities: Array, uniform: Array) -> Index:
    reached = np.cumsum(probabilities, axis=1)
    target = uniform * reached[:, -1]
    chosen = (reached <= target[:, None]).sum(axis=1)
    # Rounding may pass over the last symbol that can be.
    last = probabilities.shape[1] - 1 - np.argmax(probabilities[:, ::-1] > 0, axis=1)
    found: Index = np.minimum(chosen, last)
    return found


def _by_row(steps: Sequence[tuple[Index, Index]], rows: int) -> list[Index]:
    index = np.concatenate([rows_ for rows_, _ in steps])
    symbols = np.concatenate([chosen for _, chosen in steps])
    order = np.argsort(index, kind="stable")
    ends = np.cumsum(np.bincount(index, minlength=rows))[:-1]
    return list(np.split(symbols[order], ends))


def surprisals(process: Process, sentences: Sequence[Index]) -> list[Array]:
    """Bits of each symbol and of the end, one array a sentence; the process begins anew with each.

    From the first impossible symbol on, all are infinite.
    """
    sizes = np.array([len(sentence) for sentence in sentences], dtype=np.int64)
    order, end = np.argsort(-sizes, kind="stable"), len(process.symbols)
    found: dict[int, Array] = {}
    for first in range(0, len(order), ROWS):
        rows = order[first : first + ROWS]
        tokens = np.full((len(rows), int(sizes[rows[0]]) + 1), end)
        for place, row in enumerate(rows.tolist()):
            tokens[place, : sizes[row]] = sentences[row]
        bits = np.full(tokens.shape, math.inf)
        state, on = process.begin(len(rows)), np.arange(len(rows))
        for place in range(tokens.shape[1]):
            chosen = tokens[on, place]
            with np.errstate(divide="ignore"):
                bits[on, place] = -np.log2(process.probabilities(state)[np.arange(len(on)), chosen])
            kept = (chosen != end) & np.isfinite(bits[on, place])
            on, chosen = on[kept], chosen[kept]
            state = process.advance(state[kept], chosen)
        found |= {row: bits[place, : sizes[row] + 1] + 0.0 for place, row in enumerate(rows.tolist())}
    return [found[row] for row in range(len(sentences))]


def estimated_entropy(process: Process, sentences: int, seed: int) -> tuple[Entropy, float]:
    """The same averages from a sample, and the standard error of the bits per token (ratio estimator)."""
    sample = draw(process, sentences, np.random.default_rng([seed, 3]).random)
    bits = np.array([float(each.sum()) for each in surprisals(process, sample)])
    tokens = np.array([len(sentence) + 1.0 for sentence in sample])
    ratio = bits.sum() / tokens.sum()
    spread = float(np.sqrt(np.mean((bits - ratio * tokens) ** 2) / len(bits)) / tokens.mean())
    return Entropy(float(bits.mean()), float(tokens.mean())), spread


def bits_of(weights: Any) -> float:
    """Entropy of a distribution in bits; weights need not sum to one."""
    p = np.asarray(weights, dtype=np.float64)
    p = p[p > 0] / p.sum()
    return float(-(p * np.log2(p)).sum())
