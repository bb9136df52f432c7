"""Markov languages: each word depends on the `order` words before it, and on nothing else.

Every context is followed by a few words of its own, chosen by chance when the language is made. What an
n-gram model with n > `order` assumes is then simply true. Knows nothing of how sentences are drawn.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from lmcompare.text.grammar import Entropy
from lmcompare.text.synthetic.process import Array, Index, Process, bits_of


class Markov(Process):
    """Which words follow each context is chosen by chance; how probable the first, second, ... is, is told.

    Args:
        symbols: the words.
        order: words back that matter; before the sentence's start stands a sign of its own.
        weights: of the words that may follow a context, from the most probable on.
        end: probability of the sentence's end after each word.
        seed: chooses which words follow.
    """

    kinds = ("chain-word", "end")

    def __init__(
        self, symbols: Sequence[str], order: int, weights: Sequence[float], end: float, seed: int
    ) -> None:
        self.symbols, self.order, self.weights, self.end = tuple(symbols), order, tuple(weights), end
        number = len(self.symbols)
        source = random.Random(seed)
        shares = np.array(weights, dtype=np.float64) / np.sum(weights)
        rows = (number + 1) ** order
        self._table = np.zeros((rows, number + 1))
        for row in range(rows):
            # Drawn with `random()` alone, which is the same in every Python.
            keys = [source.random() for _ in range(number)]
            followers = sorted(range(number), key=keys.__getitem__)[: len(shares)]
            started = order == 0 or row % (number + 1) != number
            self._table[row, followers] = shares * (1 - end) if started else shares
            self._table[row, number] = end if started else 0.0
        self._powers = (number + 1.0) ** np.arange(order)[::-1]

    def begin(self, rows: int) -> Array:
        """The words before a sentence are the sign for its start: number `len(symbols)`."""
        return np.full((rows, self.order), float(len(self.symbols)))

    def probabilities(self, state: Array) -> Array:
        """See `Process.probabilities`."""
        return self._table[(state @ self._powers).astype(np.int64)]

    def advance(self, state: Array, symbols: Index) -> Array:
        """See `Process.advance`."""
        return np.concatenate([state[:, 1:], symbols[:, None].astype(np.float64)], axis=1)[:, -self.order :]

    def kinds_of(self, state: Array) -> Index:
        """See `Process.kinds_of`."""
        kinds = np.zeros((len(state), len(self.symbols) + 1), dtype=np.int64)
        kinds[:, -1] = 1
        return kinds

    def entropy(self) -> Entropy:
        """The first word costs H(weights); each later event H(end), and H(weights) where it is a word.

        A sentence has 1 / `end` words on average.
        """
        words = 1 / self.end
        choice = bits_of(self.weights)
        return Entropy(words * (choice + bits_of([self.end, 1 - self.end])), words + 1)
