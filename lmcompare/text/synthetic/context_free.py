"""Context-free languages: a grammar as a process, with the kind of each event told by the rule it stands in.

The states of the grammar's automaton become rows of a table as they are met. Knows nothing of how a
grammar is read (`text.grammar`) and of how sentences are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lmcompare.errors import InputError
from lmcompare.text.grammar import END, Beliefs, Entropy, Grammar, Rule
from lmcompare.text.synthetic.process import Array, Index, Process

OTHER = "other"


class ContextFree(Process):
    """Sentences of one rule of a grammar.

    Args:
        grammar: the rules.
        starts: rule -> weight; a sentence comes from one of them, nobody knows which.
        tags: kind -> rules; what stands in these rules is of this kind. All else is "other".
    """

    def __init__(
        self, grammar: Grammar, starts: Mapping[str, float], tags: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self.grammar, self.starts = grammar, dict(starts)
        tags = tags or {}
        unknown = [rule for rules in tags.values() for rule in rules if rule not in grammar.rules]
        if unknown:
            raise InputError(f"there is no rule {unknown[0]!r}", where="grammar.tags")
        self.symbols = _symbols(grammar, starts)
        self.kinds = (*tags, OTHER, "end")
        self._place = {symbol: index for index, symbol in enumerate((*self.symbols, END))}
        self._kind_of_rule = {rule: kind for kind, rules in enumerate(tags.values()) for rule in rules}
        # A symbol that cannot stand here is of the first kind whose rules have it.
        self._members = [
            np.array(
                sorted({self._place[s] for rule in rules for s in _texts(grammar, rule)}), dtype=np.int64
            )
            for rules in tags.values()
        ]
        self._usual = np.full(len(self._place), len(tags), dtype=np.int64)
        for kind in reversed(range(len(tags))):
            self._usual[self._members[kind]] = kind
        self._usual[-1] = len(tags) + 1
        self._known: dict[Beliefs, int] = {}
        self._beliefs: list[Beliefs] = []
        self._expanded = 0
        self._probabilities = np.zeros((0, len(self._place)))
        self._after = np.zeros((0, len(self._place)), dtype=np.int64)
        self._kinds = np.zeros((0, len(self._place)), dtype=np.int64)
        self._begin = self._row(grammar.begin(starts))

    def begin(self, rows: int) -> Array:
        """The row of the automaton's state in the table."""
        return np.full((rows, 1), float(self._begin))

    def probabilities(self, state: Array) -> Array:
        """See `Process.probabilities`."""
        rows = self._rows(state)
        return self._probabilities[rows]

    def advance(self, state: Array, symbols: Index) -> Array:
        """See `Process.advance`."""
        rows = self._rows(state)
        after = self._after[rows, symbols]
        for index in np.flatnonzero(after < 0).tolist():
            row, symbol = int(rows[index]), int(symbols[index])
            if self._after[row, symbol] < 0:
                _, beliefs = self.grammar.step(self._beliefs[row])[self.symbols[symbol]]
                self._after[row, symbol] = self._row(beliefs)
            after[index] = self._after[row, symbol]
        return after[:, None].astype(np.float64)

    def kinds_of(self, state: Array) -> Index:
        """See `Process.kinds_of`."""
        rows = self._rows(state)
        return self._kinds[rows]

    def entropy(self) -> Entropy | None:
        """Exact where no rule leads back to itself."""
        return None if self.grammar.recursive else self.grammar.entropy(self.starts)

    def _row(self, beliefs: Beliefs) -> int:
        if beliefs not in self._known:
            self._known[beliefs] = len(self._beliefs)
            self._beliefs.append(beliefs)
        return self._known[beliefs]

    def _rows(self, state: Array) -> Index:
        """The rows of the table, with all that are asked for filled in."""
        rows = state[:, 0].astype(np.int64)
        last = int(rows.max(initial=-1))
        if last >= len(self._probabilities):
            more = max(256, 2 * (last + 1)) - len(self._probabilities)
            wide = len(self._place)
            self._probabilities = np.concatenate([self._probabilities, np.zeros((more, wide))])
            self._after = np.concatenate([self._after, np.full((more, wide), -1)])
            self._kinds = np.concatenate([self._kinds, np.zeros((more, wide), dtype=np.int64)])
        while self._expanded <= last:
            self._expand(self._expanded)
            self._expanded += 1
        return rows

    def _expand(self, row: int) -> None:
        steps, kinds = self.grammar.step(self._beliefs[row]), self._usual.copy()
        writers = self.grammar.writers(self._beliefs[row])
        own = {self._place[s]: self._kind_of_rule.get(rule, -1) for s, rule in writers.items() if s != END}
        for kind in sorted({kind for kind in own.values() if kind >= 0}):
            kinds[self._members[kind]] = kind
        for place, kind in own.items():
            kinds[place] = kind if kind >= 0 else len(self.kinds) - 2
        for symbol, (probability, _) in steps.items():
            self._probabilities[row, self._place[symbol]] = probability
        # What is left is rounding, and the table's rows sum to one.
        self._probabilities[row] /= self._probabilities[row].sum()
        self._kinds[row] = kinds


def _symbols(grammar: Grammar, starts: Mapping[str, float]) -> tuple[str, ...]:
    """All that a sentence may hold, in the order of the rules."""
    grammar.begin(starts)  # refuses a start that is no rule
    found: dict[str, None] = {}
    seen, waiting = set(starts), list(starts)
    while waiting:
        for _, body in grammar.rules[waiting.pop(0)]:
            for symbol in body:
                if not isinstance(symbol, Rule):
                    found[symbol] = None
                elif symbol.name not in seen:
                    seen.add(symbol.name)
                    waiting.append(symbol.name)
    return tuple(found)


def _texts(grammar: Grammar, rule: str) -> list[str]:
    return [symbol for _, body in grammar.rules[rule] for symbol in body if not isinstance(symbol, Rule)]
