"""Fixtures of the evaluation tests: random text over three words, encoded, and models of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markov_toy import Markov, markov_table, slow_logprob

from lmcompare.interface import Ids, Tokenizer
from lmcompare.text.corpus import Corpus, Document
from lmcompare.text.encoded import EncodedCorpus, encode_corpus
from lmcompare.text.tokenizers.word import WordTokenizer

WORDS = ["a", "b", "c"]


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


@pytest.fixture
def by_hand() -> Callable[[Markov, Ids], list[float]]:
    return slow_logprob
