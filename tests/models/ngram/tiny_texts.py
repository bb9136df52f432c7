"""Small texts for hypothesis, and documents of them."""

import random
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from lmcompare.interface import Ids, Tokenizer
from lmcompare.text.tokenizers import TokenizerOptions, build


def from_seed(seed: int) -> list[list[str]]:
    """Sentences of few words, some frequent and some rare: enough to estimate discounts from, mostly."""
    rng = random.Random(seed)
    kinds = rng.choice([3, 8, 30])
    words, weights = [f"w{k}" for k in range(kinds)], [1 / (k + 1) for k in range(kinds)]
    return [rng.choices(words, weights, k=rng.randint(0, 7)) for _ in range(rng.choice([2, 10, 60]))] + [
        ["w0"]
    ]


WORDS = st.sampled_from("abcd")
SMALL = st.lists(st.lists(WORDS, max_size=5), min_size=1, max_size=8).filter(any)
SEEDED = st.integers(0, 10**6).map(from_seed)
TEXTS = SMALL | SEEDED
PRUNING = st.sampled_from([None, [0, 1], [0, 0, 1], [0, 1, 2]])


def word_tokenizer(sentences: Sequence[Sequence[str]], max_size: int | None = None) -> Tokenizer:
    return build(TokenizerOptions(kind="word", max_size=max_size), [" ".join(words) for words in sentences])


def document(tokenizer: Tokenizer, sentences: Sequence[Sequence[str]]) -> Ids:
    return tokenizer.encode_document([" ".join(words) for words in sentences])


def sentence_ids(tokenizer: Tokenizer, sentences: Sequence[Sequence[str]]) -> list[list[int]]:
    return [tokenizer.encode(" ".join(words)).ids.tolist() for words in sentences]


def random_contexts(tokenizer: Tokenizer, number: int, seed: int) -> list[Ids]:
    """Any ids but bos, seen side by side or not, eos now and then."""
    rng = np.random.default_rng(seed)
    allowed = np.setdiff1d(np.arange(tokenizer.size), [tokenizer.bos])
    return [rng.choice(allowed, size=rng.integers(0, 7)) for _ in range(number)]
