import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_texts import PRUNING, TEXTS, document, from_seed, random_contexts, word_tokenizer

from lmcompare.models.ngram import kernels
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.listed import Grams, grow
from lmcompare.models.ngram.tables import BackoffTables

BOS, EOS = 0, 1


def trained(sentences: list[list[str]], order: int, prune: list[int] | None = None) -> BackoffTables:
    tokenizer = word_tokenizer(sentences)
    options = NgramOptions(order=order, prune=prune[:order] if prune else None)
    return train_ngram([document(tokenizer, sentences)], tokenizer, options).tables


def assert_read_as_walked(tables: BackoffTables, rows: list[np.ndarray]) -> None:
    bounds = np.cumsum([0, *map(len, rows)])
    tokens = np.concatenate(rows)
    opening = np.full(len(rows), tables.opening(BOS))
    scores, matched, _ = tables.walk(tokens, bounds, opening, bos=BOS, eos=EOS)
    read, found = tables.read(tokens, bounds, bos=BOS, eos=EOS)
    np.testing.assert_array_equal(read, scores)
    np.testing.assert_array_equal(found, matched)


@given(TEXTS, st.integers(1, 6), PRUNING, st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_rows_read_at_once_have_the_bits_of_a_walk(
    sentences: list[list[str]], order: int, prune: list[int] | None, seed: int
) -> None:
    tables = trained(sentences, order, prune)
    assert_read_as_walked(tables, random_contexts(word_tokenizer(sentences), 6, seed))


@pytest.mark.parametrize("length", [kernels._BLOCK - 1, kernels._BLOCK, 2 * kernels._BLOCK + 5])
def test_contexts_reach_over_the_ends_of_blocks_but_not_of_rows(length: int) -> None:
    tables = trained(from_seed(3), 5)
    text = np.random.default_rng(length).integers(1, tables.size, size=2 * length)
    text[(text == EOS) & (np.random.default_rng(0).random(2 * length) < 0.9)] = 3
    assert_read_as_walked(tables, [text[:length], text[length:], text[:0], text[:7]])


def test_where_endings_are_not_listed_the_next_shorter_context_serves() -> None:
    single = Grams(np.arange(6, dtype=np.int32)[:, None], np.linspace(-1, -2, 6), np.linspace(-0.1, -0.6, 6))

    def of(*words: list[int]) -> Grams:
        values = np.arange(len(words))
        return Grams(np.array(words, dtype=np.int32), -0.3 - 0.01 * values, -0.7 - 0.01 * values)

    def never(order: int, row: int, what: str) -> None:
        raise AssertionError(what)

    # (3, 4, 5) is listed and (4, 5) is not: after 3 4 5 the context is all three words, then 5 alone.
    tables = grow([single, of([0, 3], [3, 4], [5, 2]), of([3, 4, 5]), of([3, 4, 5, 2])], never)
    assert_read_as_walked(tables, [np.array([3, 4, 5, 2, 3, 4, 5, 3, 4, 5, 5, EOS, 3, 4, 5, 2])])


@given(TEXTS, st.integers(1, 5), PRUNING, st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_a_whole_distribution_has_the_bits_of_each_token_read_alone(
    sentences: list[list[str]], order: int, prune: list[int] | None, seed: int
) -> None:
    tables = trained(sentences, order, prune)
    text = np.concatenate([*random_contexts(word_tokenizer(sentences), 3, seed), [EOS]]).astype(int)
    nodes = np.full(1, tables.opening(BOS))
    for token in text:
        every = np.arange(tables.size)
        alone = tables.walk(
            every, np.arange(tables.size + 1), np.repeat(nodes, tables.size), bos=BOS, eos=EOS
        )
        np.testing.assert_array_equal(tables.distributions(nodes)[0], alone[0])
        nodes = tables.walk(np.array([token]), np.array([0, 1]), nodes, bos=BOS, eos=EOS)[2]
