"""Toys of the mixture tests: a tokenizer of a few words, documents of a little language, small n-grams."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from lmcompare.interface import Ids, Tokenizer
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.model import NgramModel
from lmcompare.registry import Training
from lmcompare.text.tokenizers.word import WordTokenizer


@pytest.fixture
def words() -> Tokenizer:
    """bos 0, eos 1, unk 2, and eight words."""
    return WordTokenizer([f"w{number}" for number in range(8)])


@pytest.fixture
def texts() -> Callable[..., list[Ids]]:
    """`make(lengths, seed=0)`: documents in which a word often comes back and a pair often follows itself."""

    def make(lengths: list[int], seed: int = 0) -> list[Ids]:
        rng = np.random.default_rng(seed)
        made = []
        for length in lengths:
            favourites = rng.choice(np.arange(2, 11), size=4, replace=False)
            document = [int(rng.integers(2, 11))]
            while len(document) < length:
                rolled = rng.random()
                if rolled < 0.15:
                    document.append(1)
                elif rolled < 0.6:
                    document.append(int(favourites[rng.integers(4)]))
                else:
                    document.append((document[-1] * 3 + int(rng.integers(2))) % 9 + 2)
            document[-1] = 1
            made.append(np.array(document[:length], dtype=np.int64))
        return made

    return make


@pytest.fixture
def ngram(words: Tokenizer, texts: Callable[..., list[Ids]]) -> Callable[..., NgramModel]:
    """`make(order, seed=0)`: an n-gram model of the little language."""

    def make(order: int = 2, seed: int = 0) -> NgramModel:
        return train_ngram(texts([60, 80, 50], seed), words, NgramOptions(order=order, curve=False))

    return make


@pytest.fixture
def training(words: Tokenizer, texts: Callable[..., list[Ids]], tmp_path: Path) -> Callable[..., Training]:
    """`make(options, **members)`: a job of a family on the little language."""

    def make(options: BaseModel, valid: list[Ids] | None = None, **members: Any) -> Training:
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        held_out = texts([70, 40, 90], 5) if valid is None else valid
        return Training(options, words, texts([60, 80, 50]), held_out, 1, work, members=members)

    return make
