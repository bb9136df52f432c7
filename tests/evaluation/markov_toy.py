"""A Markov chain as a language model: its every number can be worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer


@dataclass
class Last:
    tokens: Ids

    def rows(self, index: Ids) -> Last:
        return Last(self.tokens[np.asarray(index)])


class Markov(LanguageModel):
    """P(next | last) from a table; row 0 (bos) is the start. Reads on over eos, or starts afresh there."""

    kind = "markov"
    parameters = 12
    context = 1

    def __init__(self, tokenizer: Tokenizer, table: Floats, policy: Any = "document") -> None:
        self.tokenizer, self.policy = tokenizer, policy
        with np.errstate(divide="ignore"):
            self.table = np.log(table)
        if policy == "sentence":
            self.table[tokenizer.eos] = self.table[tokenizer.bos]

    def start(self, batch: int) -> tuple[Floats, State]:
        state = Last(np.full(batch, self.tokenizer.bos))
        return self.table[state.tokens], state

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        return self.table[tokens], Last(np.asarray(tokens))


def markov_table(size: int, seed: int, unk: float = 0.0) -> Floats:
    """Random rows that sum to one, with no mass on bos and `unk` on unk."""
    table = np.random.default_rng(seed).dirichlet(np.ones(size), size=size)
    table[:, 0] = 0
    table[:, 2] = unk
    return table / table.sum(axis=1, keepdims=True)


def slow_logprob(model: Markov, document: Ids) -> list[float]:
    """log p of each event, one look-up at a time."""
    last, found = model.tokenizer.bos, []
    for token in document:
        found.append(float(model.table[last, token]))
        last = int(token)
    return found
