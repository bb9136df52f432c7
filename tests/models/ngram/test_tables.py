from dataclasses import fields, replace
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_texts import PRUNING, TEXTS, document, from_seed, random_contexts, word_tokenizer

from lmcompare.errors import InputError
from lmcompare.models.ngram import listed as listed_module
from lmcompare.models.ngram import tables as tables_module
from lmcompare.models.ngram.counts import count, lay_out
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.listed import Grams, grow
from lmcompare.models.ngram.smoothing import Smoothing, estimate
from lmcompare.models.ngram.tables import BackoffTables


def trained(sentences: list[list[str]], order: int, prune: list[int] | None = None) -> BackoffTables:
    tokenizer = word_tokenizer(sentences)
    options = NgramOptions(order=order, prune=prune[:order] if prune else None)
    return train_ngram([document(tokenizer, sentences)], tokenizer, options).tables


def listed(tables: BackoffTables, order: int, shuffle: np.random.Generator) -> Grams:
    first, last = tables.levels[order], tables.levels[order + 1]
    rows = np.arange(last - first) if order == 1 else shuffle.permutation(last - first)
    backoffs = tables.backoffs[first:last] if order < tables.order else np.zeros(last - first)
    words = tables.grams(first, last).reshape(-1, order)
    return Grams(words[rows], tables.logprobs[first:last][rows], backoffs[rows])


def test_words_are_taken_from_the_counts_without_a_copy_and_are_the_same_with_one() -> None:
    sentences = from_seed(3)
    tokenizer = word_tokenizer(sentences)
    stream = lay_out([document(tokenizer, sentences)], tokenizer.bos, tokenizer.eos)
    levels = count(stream, 3, tokenizer.size, tokenizer.bos)
    apart = [replace(level, words=level.words.copy()) for level in levels]
    ends = {"bos": tokenizer.bos, "eos": tokenizer.eos, "unk": tokenizer.unk}
    one, other = (estimate(each, stream, Smoothing(), **ends).tables for each in (levels, apart))
    assert np.shares_memory(one.words, levels[2].words)
    assert not np.shares_memory(other.words, apart[2].words)
    for field in fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def never(order: int, row: int, what: str) -> NoReturn:
    raise AssertionError(f"{order} {row} {what}")


@given(TEXTS, st.integers(1, 5), PRUNING, st.integers(0, 99))
@settings(deadline=None, max_examples=50)
def test_a_walk_gives_the_bits_of_the_distributions(
    sentences: list[list[str]], order: int, prune: list[int] | None, seed: int
) -> None:
    tokenizer = word_tokenizer(sentences)
    tables = trained(sentences, order, prune)
    nodes = np.full(1, tables.opening(tokenizer.bos))
    for token in np.concatenate([*random_contexts(tokenizer, 6, seed), [tokenizer.eos]]).astype(int):
        row = tables.distributions(nodes)[0]
        scores, matched, nodes = tables.walk(
            np.array([token]), np.array([0, 1]), nodes, bos=tokenizer.bos, eos=tokenizer.eos
        )
        assert scores[0] == row[token]
        assert tables.words[matched[0]] == token


@given(TEXTS, st.integers(1, 5), PRUNING, st.integers(0, 99))
@settings(deadline=None, max_examples=50)
def test_listed_in_any_order_the_same_ngrams_grow_the_same_tables(
    sentences: list[list[str]], order: int, prune: list[int] | None, seed: int
) -> None:
    tables = trained(sentences, order, prune)
    shuffle = np.random.default_rng(seed)
    grown = grow([listed(tables, n, shuffle) for n in range(1, order + 1)], never)
    for field in fields(tables):
        np.testing.assert_array_equal(getattr(grown, field.name), getattr(tables, field.name))


def test_an_ngram_that_is_listed_twice_or_has_no_beginning_is_named() -> None:
    single = Grams(np.arange(4, dtype=np.int32)[:, None], np.full(4, -1.0), np.zeros(4))

    def of(*words: list[int]) -> Grams:
        return Grams(np.array(words, dtype=np.int32), np.full(len(words), -1.0), np.zeros(len(words)))

    def refuse(order: int, row: int, what: str) -> NoReturn:
        raise ValueError(f"order {order}, row {row}: {what}")

    with pytest.raises(ValueError, match="order 2, row 2: the n-gram stands twice"):
        grow([single, of([2, 3], [3, 2], [2, 3])], refuse)
    with pytest.raises(ValueError, match="order 3, row 1: the first 2 words are not listed"):
        grow([single, of([2, 3]), of([2, 3, 1], [3, 2, 1])], refuse)


def test_nodes_know_their_order_and_spell_their_ngram() -> None:
    sentences = [["a", "b"], ["a", "b", "a"]]
    tables, tokenizer = trained(sentences, 3), word_tokenizer(sentences)
    bos, eos, a, b = tokenizer.bos, tokenizer.eos, *tokenizer.encode("a b").ids.tolist()
    first, last = tables.levels[3], tables.levels[4]
    found = {tuple(gram) for gram in tables.grams(first, last).tolist()}
    assert found == {(bos, a, b), (a, b, eos), (a, b, a), (b, a, eos)}
    np.testing.assert_array_equal(tables.orders_of(np.array([1, first - 1, first, last - 1])), [1, 2, 3, 3])
    assert tables.numbers == len(tables.logprobs) + len(tables.backoffs) - 2


@pytest.mark.parametrize("make", ["flatten", "grow"])
def test_more_ngrams_than_can_be_numbered_is_one_clear_sentence(
    make: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = trained([["a", "b"], ["b", "a"]], 2)
    grams = [listed(tables, n, np.random.default_rng(0)) for n in (1, 2)]
    monkeypatch.setattr(tables_module, "LIMIT", 5)
    monkeypatch.setattr(listed_module, "LIMIT", 5)
    with pytest.raises(InputError, match="n-grams are too many"):
        trained([["a", "b"], ["b", "a"]], 2) if make == "flatten" else grow(grams, never)


DAMAGE = {
    "levels": [(0, 1), (1, 2), (-1, 10**6), (2, 3)],
    "words": [(3, -1), (3, 7), (-1, 10**6)],
    "starts": [(0, 0), (-1, 10**6), (3, 10**6), (1, 0)],
    "suffixes": [(-1, -5), (-1, 10**6), (0, 3), (3, 3)],
}


@pytest.mark.parametrize(
    ("name", "place", "value"), [(name, *spot) for name, spots in DAMAGE.items() for spot in spots]
)
def test_arrays_that_could_not_be_walked_are_found_out(name: str, place: int, value: int) -> None:
    tables = trained(from_seed(1), 3)
    assert not tables.faults()
    array = getattr(tables, name).copy()
    array[place] = value
    assert replace(tables, **{name: array}).faults()


@pytest.mark.parametrize("name", ["words", "logprobs", "starts", "backoffs", "suffixes", "levels"])
def test_arrays_of_a_wrong_length_or_shape_are_found_out(name: str) -> None:
    tables = trained(from_seed(1), 3)
    array = getattr(tables, name)
    assert replace(tables, **{name: array[:-1]}).faults()
    assert replace(tables, **{name: array[:, None]}).faults()
