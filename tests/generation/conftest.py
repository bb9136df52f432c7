"""Toys of the generation tests: a chain of known probabilities, and a model that recites a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer
from lmcompare.text.tokenizers.word import WordTokenizer


@dataclass
class Spent:
    """A state that can be stepped once, as the seam says."""

    last: Ids
    read: int
    spent: bool = False

    def rows(self, index: Ids) -> Spent:
        assert not self.spent
        return Spent(self.last[np.asarray(index)], self.read)


class Chain(LanguageModel):
    """P(next | last) from a table of log-probabilities; counts the rows that it stepped."""

    kind, policy, context = "chain", "document", 1

    def __init__(self, tokenizer: Any, table: Floats) -> None:
        self.tokenizer, self.table, self.stepped = tokenizer, table, 0

    def start(self, batch: int) -> tuple[Floats, State]:
        return self.table[np.full(batch, self.tokenizer.bos)], Spent(np.full(batch, self.tokenizer.bos), 0)

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        assert isinstance(state, Spent) and not state.spent
        assert len(tokens) == len(state.last)
        state.spent = True
        self.stepped += len(tokens)
        return self.table[tokens], Spent(np.asarray(tokens), state.read + 1)


class Reciter(LanguageModel):
    """Says the same ids over and over, whatever is read: position alone decides."""

    kind, policy, context = "reciter", "document", None

    def __init__(self, tokenizer: Any, ids: Sequence[int]) -> None:
        self.tokenizer, self.ids = tokenizer, list(ids)

    def _say(self, batch: int, place: int) -> Floats:
        out = np.full((batch, self.tokenizer.size), -np.inf)
        out[:, self.ids[place % len(self.ids)]] = 0
        return out

    def start(self, batch: int) -> tuple[Floats, State]:
        return self._say(batch, 0), Spent(np.zeros(batch), 0)

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        assert isinstance(state, Spent)
        return self._say(len(tokens), state.read + 1), Spent(np.asarray(tokens), state.read + 1)


@pytest.fixture
def tokenizer() -> Tokenizer:
    """bos 0, eos 1, unk 2, a 3, b 4, c 5."""
    return WordTokenizer(["a", "b", "c"])


@pytest.fixture
def chain_model(tokenizer: Tokenizer) -> Chain:
    table = np.random.default_rng(5).dirichlet(np.ones(tokenizer.size), size=tokenizer.size)
    table[:, [tokenizer.bos, 2]] = 0
    with np.errstate(divide="ignore"):
        return Chain(tokenizer, np.log(table / table.sum(axis=1, keepdims=True)))


@pytest.fixture
def reciter() -> Callable[..., Reciter]:
    return Reciter
