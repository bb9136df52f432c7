"""Dyck languages of bounded depth: every bracket is closed by its own partner, the last opened first.

To know which bracket closes, a reader must keep a stack (Hewitt et al. 2020 show that a recurrent network
can, with memory in the order of the depth). Knows nothing of how sentences are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lmcompare.text.grammar import Entropy
from lmcompare.text.synthetic.process import Array, Index, Process, bits_of

OPENING, NEAR, FAR, END = range(4)


class Brackets(Process):
    """Dyck-k with at most `depth` open brackets; a sentence ends only where none is open, and is not empty.

    Args:
        pairs: opening and closing bracket of each type, all different.
        depth: most brackets that are open.
        opens: probability that a bracket opens where one may open and another close; of each type alike.
        end: probability of the sentence's end where no bracket is open.
        near: a closing bracket is near where its partner stands at most so many tokens before it.
    """

    kinds = ("opening", "closing-near", "closing-far", "end")

    def __init__(
        self, pairs: Sequence[tuple[str, str]], depth: int, opens: float, end: float, near: int
    ) -> None:
        self.symbols = (*(left for left, _ in pairs), *(right for _, right in pairs))
        self.types, self.depth, self.opens, self.end, self.near = len(pairs), depth, opens, end, near

    def begin(self, rows: int) -> Array:
        """Columns: number of open brackets, tokens read, then type and place of each open bracket."""
        return np.zeros((rows, 2 + 2 * self.depth))

    def _partner(self, state: Array) -> tuple[Index, Index]:
        """Type and distance of the bracket that would close; without meaning where none is open."""
        top = np.maximum(state[:, 0].astype(np.int64) - 1, 0)
        rows = np.arange(len(state))
        distance = state[:, 1] - state[rows, 2 + self.depth + top]
        return state[rows, 2 + top].astype(np.int64), distance.astype(np.int64)

    def probabilities(self, state: Array) -> Array:
        """See `Process.probabilities`."""
        level, rows = state[:, 0], np.arange(len(state))
        found = np.zeros((len(state), 2 * self.types + 1))
        ground, fresh = level == 0, state[:, 1] == 0
        end = np.where(ground & ~fresh, self.end, 0.0)
        opens = np.where(ground, 1 - end, np.where(level == self.depth, 0.0, self.opens))
        found[:, : self.types] = opens[:, None] / self.types
        partner, _ = self._partner(state)
        found[rows, self.types + partner] = np.where(ground, 0.0, 1 - opens)
        found[:, -1] = end
        return found

    def advance(self, state: Array, symbols: Index) -> Array:
        """See `Process.advance`."""
        state = state.copy()
        opened = np.flatnonzero(symbols < self.types)
        level = state[:, 0].astype(np.int64)
        state[opened, 2 + level[opened]] = symbols[opened]
        state[opened, 2 + self.depth + level[opened]] = state[opened, 1]
        state[:, 0] += np.where(symbols < self.types, 1, -1)
        state[:, 1] += 1
        return state

    def kinds_of(self, state: Array) -> Index:
        """See `Process.kinds_of`."""
        kinds = np.full((len(state), 2 * self.types + 1), OPENING, dtype=np.int64)
        _, distance = self._partner(state)
        kinds[:, self.types : -1] = np.where(distance > self.near, FAR, NEAR)[:, None]
        kinds[:, -1] = END
        return kinds

    def entropy(self) -> Entropy:
        """Expected visits of each depth, by the linear system of its Markov chain, times the bits there."""
        levels = self.depth + 1
        moves, bits = np.zeros((levels, levels)), np.zeros(levels)
        kinds = np.log2(self.types)
        for level in range(levels):
            opens = 1 - self.end if level == 0 else self.opens if level < self.depth else 0.0
            bits[level] = bits_of([opens, 1 - opens]) + opens * kinds
            if level < self.depth:
                moves[level, level + 1] = opens
            if level:
                moves[level, level - 1] = 1 - opens
        # The first event is an opening bracket for certain; the chain then starts one level up.
        start = np.zeros(levels)
        start[1] = 1.0
        visits = np.linalg.solve(np.eye(levels) - moves.T, start)
        return Entropy(float(kinds + visits @ bits), float(1 + visits.sum()))
