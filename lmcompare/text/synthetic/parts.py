"""A language of parts: each sentence, or each document, is of one part, and nobody is told which.

The reader keeps how probable each part is (Bayes' rule at each symbol); where the parts share no words,
the first one tells. Knows nothing of how the parts work.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lmcompare.text.grammar import Entropy
from lmcompare.text.synthetic.process import Array, Index, Process, bits_of


class Parts(Process):
    """A mixture of processes.

    Args:
        parts: name -> weight and process.
        by_document: whether a document keeps its part; else each sentence has one of its own.
    """

    def __init__(self, parts: Mapping[str, tuple[float, Process]], *, by_document: bool = False) -> None:
        self.parts = [process for _, process in parts.values()]
        weights = np.array([weight for weight, _ in parts.values()], dtype=np.float64)
        self.weights, self.by_document = weights / weights.sum(), by_document
        self.symbols = tuple(dict.fromkeys(s for part in self.parts for s in part.symbols))
        place = {symbol: index for index, symbol in enumerate(self.symbols)}
        names = [*dict.fromkeys(kind for part in self.parts for kind in part.kinds[:-1]), "end"]
        self.kinds = tuple(names)
        self._columns = [np.array([*(place[s] for s in part.symbols), len(place)]) for part in self.parts]
        self._own = []
        for columns in self._columns:
            own = np.full(len(place) + 1, -1)
            own[columns] = np.arange(len(columns))
            self._own.append(own)
        self._kinds = [np.array([names.index(kind) for kind in part.kinds]) for part in self.parts]
        widths = [part.begin(1).shape[1] for part in self.parts]
        self._ends = len(self.parts) + np.cumsum([0, *widths])

    def _states(self, state: Array, part: int) -> Array:
        return state[:, self._ends[part] : self._ends[part + 1]]

    def begin(self, rows: int) -> Array:
        """Columns: how probable each part is, then the state of each."""
        states = [part.begin(rows) for part in self.parts]
        return np.concatenate([np.tile(self.weights, (rows, 1)), *states], axis=1)

    def probabilities(self, state: Array) -> Array:
        """See `Process.probabilities`."""
        found = np.zeros((len(state), len(self.symbols) + 1))
        for number, part in enumerate(self.parts):
            rows = np.flatnonzero(state[:, number] > 0)
            if len(rows):
                own = part.probabilities(self._states(state[rows], number))
                found[rows[:, None], self._columns[number]] += state[rows, number, None] * own
        return found

    def advance(self, state: Array, symbols: Index) -> Array:
        """See `Process.advance`."""
        state = self._believed(state, symbols)
        for number, part in enumerate(self.parts):
            rows = np.flatnonzero(state[:, number] > 0)
            if len(rows):
                own = part.advance(self._states(state[rows], number), self._own[number][symbols[rows]])
                state[rows, self._ends[number] : self._ends[number + 1]] = own
        return state

    def finish(self, state: Array) -> Array:
        """See `Process.finish`: with documents of one part, what is believed of it stays."""
        fresh = self.begin(len(state))
        if self.by_document:
            ends = np.full(len(state), len(self.symbols))
            fresh[:, : len(self.parts)] = self._believed(state, ends)[:, : len(self.parts)]
        return fresh

    def _believed(self, state: Array, symbols: Index) -> Array:
        """The state with the parts' probabilities after one more symbol, by Bayes' rule."""
        state, rest = state.copy(), len(self.parts)
        for number, part in enumerate(self.parts):
            own = self._own[number][symbols]
            rows = np.flatnonzero((state[:, number] > 0) & (own >= 0))
            likely = np.zeros(len(state))
            if len(rows):
                table = part.probabilities(self._states(state[rows], number))
                likely[rows] = table[np.arange(len(rows)), own[rows]]
            state[:, number] *= likely
        state[:, :rest] /= state[:, :rest].sum(axis=1, keepdims=True)
        return state

    def kinds_of(self, state: Array) -> Index:
        """The kinds of the most probable part; a symbol of another part is what that part calls it."""
        best = np.argmax(state[:, : len(self.parts)], axis=1)
        found = np.full((len(state), len(self.symbols) + 1), len(self.kinds) - 1)
        for number, part in enumerate(self.parts):
            own = self._kinds[number][part.kinds_of(part.begin(1))][0]
            found[:, self._columns[number]] = own
        for number, part in enumerate(self.parts):
            rows = np.flatnonzero(best == number)
            if len(rows):
                own = self._kinds[number][part.kinds_of(self._states(state[rows], number))]
                found[rows[:, None], self._columns[number]] = own
        return found

    def entropy(self) -> Entropy | None:
        """Exact where no two parts share a symbol: H(part) and the mean of the parts' own."""
        found = [part.entropy() for part in self.parts]
        shared = sum(len(part.symbols) for part in self.parts) > len(self.symbols)
        exact = [each for each in found if each is not None]
        if shared or self.by_document or len(exact) < len(found):
            return None
        bits = bits_of(self.weights) + sum(
            w * e.bits_per_sentence for w, e in zip(self.weights, exact, strict=True)
        )
        tokens = sum(w * e.tokens_per_sentence for w, e in zip(self.weights, exact, strict=True))
        return Entropy(float(bits), float(tokens))
