"""Toys of the evaluation tests: a Markov chain whose every number can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer
from lmcompare.text.corpus import Corpus, Document
from lmcompare.text.encoded import EncodedCorpus, encode_corpus
from lmcompare.text.tokenizers.word import WordTokenizer

WORDS = ["a", "b", "c"]


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


@pytest.fixture
def word_tokenizer() -> WordTokenizer:
    """bos 0, eos 1, unk 2, a 3, b 4, c 5."""
    return WordTokenizer(WORDS)


@pytest.fixture
def make_model(word_tokenizer: WordTokenizer) -> Callable[..., Markov]:
    """`make(seed, policy="document", unk=0.0)`: a random Markov chain over a, b, c and the sentence's end."""

    def make(seed: int = 0, policy: Any = "document", unk: float = 0.01) -> Markov:
        return Markov(word_tokenizer, markov_table(word_tokenizer.size, seed, unk), policy)

    return make


@pytest.fixture
def make_corpus() -> Callable[..., Corpus]:
    """`make(documents=30, seed=0, ...)`: random sentences over a, b, c (and d, which only test text has)."""

    def make(documents: int = 30, seed: int = 0, extra: str = "", **changes: Any) -> Corpus:
        random = np.random.default_rng(seed)

        def text(name: str, letters: list[str]) -> list[Document]:
            return [
                Document(
                    f"{name}-{number}",
                    tuple(
                        " ".join(random.choice(letters, size=random.integers(1, 7)))
                        for _ in range(random.integers(1, 5))
                    ),
                )
                for number in range(documents)
            ]

        splits = {
            "train": text("train", WORDS),
            "valid": text("valid", WORDS),
            "test": text("test", [*WORDS, extra] if extra else WORDS),
        }
        given = {"name": "toy", "title": "Toy", "language": "en", "words": True, "licence": "none"}
        return Corpus(**(given | changes), splits=splits)

    return make


@pytest.fixture
def encoded(tmp_path: Path) -> Callable[[Corpus, Tokenizer], EncodedCorpus]:
    return lambda corpus, tokenizer: encode_corpus(corpus, tokenizer, cache=tmp_path / "encoded")


def slow_logprob(model: Markov, document: Ids) -> list[float]:
    """log p of each event, one look-up at a time."""
    last, found = model.tokenizer.bos, []
    for token in document:
        found.append(float(model.table[last, token]))
        last = int(token)
    return found


@pytest.fixture
def by_hand() -> Callable[[Markov, Ids], list[float]]:
    return slow_logprob
