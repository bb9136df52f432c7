"""Associative recall: names with their things, then questions by name, each answered with its thing.

The answer stands in the sentence, after an earlier mention of the name; where, is never the same (Ba et
al. 2016; Olsson et al. 2022 on the heads of a transformer that do this). Knows nothing of how sentences
are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lmcompare.text.grammar import Entropy
from lmcompare.text.synthetic.process import Array, Index, Process

NAME, THING, SIGN, ASKED, RECALLED, END = range(6)
_PAIRS, _STAGE, _LAST, _ASKED = range(4)
_NAMING, _GIVING, _ASKING, _ANSWERING = range(4)


class Recall(Process):
    """`n1 t1 n2 t2 ... sign n t sign n t`: names differ, things are drawn anew for each name.

    Args:
        names: the keys.
        things: the values.
        sign: stands before each question.
        fewest: least number of pairs.
        most: largest number of pairs, at most as many as there are names.
        questions: how many are asked, each of any of the names with equal chance.
    """

    kinds = ("name", "thing", "sign", "asked", "recalled", "end")

    def __init__(
        self, names: Sequence[str], things: Sequence[str], sign: str, fewest: int, most: int, questions: int
    ) -> None:
        self.symbols = (*names, *things, sign)
        self.names, self.things = len(names), len(things)
        self.fewest, self.most, self.questions = fewest, most, questions

    def begin(self, rows: int) -> Array:
        """Columns: pairs read, stage, last name, questions answered; then the thing of each name, or -1."""
        state = np.zeros((rows, 4 + self.names))
        state[:, 4:] = -1
        return state

    def probabilities(self, state: Array) -> Array:
        """See `Process.probabilities`."""
        found = np.zeros((len(state), len(self.symbols) + 1))
        named = state[:, 4:] >= 0
        pairs, stage = state[:, _PAIRS], state[:, _STAGE]
        last, asked = state[:, _LAST].astype(np.int64), state[:, _ASKED]
        naming = np.flatnonzero((stage == _NAMING) & (asked == 0))
        count = pairs[naming]
        stop = np.where(count < self.fewest, 0.0, 1.0 / np.maximum(self.most - count + 1, 1))
        fresh = (~named[naming]) / np.maximum(self.names - count, 1)[:, None]
        found[naming, : self.names] = (1 - stop)[:, None] * fresh
        found[naming, self.names + self.things] = stop
        things = slice(self.names, self.names + self.things)
        found[np.flatnonzero(stage == _GIVING), things] = 1.0 / self.things
        asking = np.flatnonzero(stage == _ASKING)
        found[asking, : self.names] = named[asking] / pairs[asking, None]
        answering = np.flatnonzero(stage == _ANSWERING)
        found[answering, self.names + state[answering, 4 + last[answering]].astype(np.int64)] = 1.0
        answered = (stage == _NAMING) & (asked > 0)
        found[answered & (asked < self.questions), self.names + self.things] = 1.0
        found[answered & (asked == self.questions), -1] = 1.0
        return found

    def advance(self, state: Array, symbols: Index) -> Array:
        """See `Process.advance`."""
        state = state.copy()
        stage = state[:, _STAGE].copy()
        sign = self.names + self.things
        named = np.flatnonzero((stage == _NAMING) & (symbols < self.names))
        state[named, _LAST], state[named, _STAGE] = symbols[named], _GIVING
        given = np.flatnonzero(stage == _GIVING)
        state[given, 4 + state[given, _LAST].astype(np.int64)] = symbols[given] - self.names
        state[given, _PAIRS] += 1
        state[given, _STAGE] = _NAMING
        state[np.flatnonzero((stage == _NAMING) & (symbols == sign)), _STAGE] = _ASKING
        asked = np.flatnonzero(stage == _ASKING)
        state[asked, _LAST], state[asked, _STAGE] = symbols[asked], _ANSWERING
        answered = np.flatnonzero(stage == _ANSWERING)
        state[answered, _ASKED] += 1
        state[answered, _STAGE] = _NAMING
        return state

    def kinds_of(self, state: Array) -> Index:
        """See `Process.kinds_of`."""
        kinds = np.empty((len(state), len(self.symbols) + 1), dtype=np.int64)
        asking = (state[:, _STAGE] >= _ASKING) | (state[:, _ASKED] > 0)
        kinds[:, : self.names] = np.where(asking, ASKED, NAME)[:, None]
        kinds[:, self.names : -2] = np.where(asking, RECALLED, THING)[:, None]
        kinds[:, -2], kinds[:, -1] = SIGN, END
        return kinds

    def entropy(self) -> Entropy:
        """The number of pairs, the names without repetition, the things, the names asked for."""
        counts = np.arange(self.fewest, self.most + 1)
        names = np.array([sum(np.log2(self.names - n) for n in range(count)) for count in counts])
        bits = np.log2(len(counts)) + names + counts * np.log2(self.things) + self.questions * np.log2(counts)
        return Entropy(float(bits.mean()), float((2 * counts).mean() + 3 * self.questions + 1))
