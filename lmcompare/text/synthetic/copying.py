"""Copying: some words by chance, a sign, and the same words again.

Whoever can look back at the place where the copy stands knows every word of it; the words before it say
nothing. Knows nothing of how sentences are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lmcompare.text.grammar import Entropy
from lmcompare.text.synthetic.process import Array, Index, Process

NEW, SIGN, COPIED, END = range(4)


class Copying(Process):
    """`w1 ... wn sign w1 ... wn`, each word and the number n equally probable.

    Args:
        symbols: the words, without the sign.
        sign: stands before the copy.
        fewest: least n, at least 1.
        most: largest n.
    """

    kinds = ("new", "sign", "copied", "end")

    def __init__(self, symbols: Sequence[str], sign: str, fewest: int, most: int) -> None:
        self.symbols = (*symbols, sign)
        self.words, self.fewest, self.most = len(symbols), fewest, most

    def begin(self, rows: int) -> Array:
        """Columns: words read, words copied (-1 before the sign), then the words."""
        state = np.zeros((rows, 2 + self.most))
        state[:, 1] = -1
        return state

    def probabilities(self, state: Array) -> Array:
        """See `Process.probabilities`."""
        found = np.zeros((len(state), self.words + 2))
        read, copied = state[:, 0].astype(np.int64), state[:, 1].astype(np.int64)
        first = copied < 0
        # All lengths that are still possible are equally probable.
        stop = np.where(read < self.fewest, 0.0, 1.0 / np.maximum(self.most - read + 1, 1))
        found[:, : self.words] = np.where(first, (1 - stop) / self.words, 0.0)[:, None]
        found[:, self.words] = np.where(first, stop, 0.0)
        at = np.flatnonzero(~first & (copied < read))
        found[at, state[at, 2 + copied[at]].astype(np.int64)] = 1.0
        found[~first & (copied == read), -1] = 1.0
        return found

    def advance(self, state: Array, symbols: Index) -> Array:
        """See `Process.advance`."""
        state = state.copy()
        first = state[:, 1] < 0
        new = np.flatnonzero(first & (symbols != self.words))
        state[new, 2 + state[new, 0].astype(np.int64)] = symbols[new]
        state[new, 0] += 1
        state[~first | (symbols == self.words), 1] += 1
        return state

    def kinds_of(self, state: Array) -> Index:
        """See `Process.kinds_of`."""
        kinds = np.full((len(state), self.words + 2), NEW, dtype=np.int64)
        kinds[state[:, 1] >= 0] = COPIED
        kinds[:, self.words] = SIGN
        kinds[:, -1] = END
        return kinds

    def entropy(self) -> Entropy:
        """The length, then the words; the copy costs nothing."""
        mean = (self.fewest + self.most) / 2
        lengths = self.most - self.fewest + 1
        return Entropy(float(np.log2(lengths) + mean * np.log2(self.words)), 2 * mean + 2)
