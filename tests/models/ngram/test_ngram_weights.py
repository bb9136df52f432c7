import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_texts import PRUNING, TEXTS, document, from_seed, word_tokenizer

from lmcompare.models.ngram import weights
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.tables import BackoffTables
from lmcompare.models.ngram.weights import endings, mass, parts, shorter_logprobs


def trained(sentences: list[list[str]], order: int, prune: list[int] | None = None) -> BackoffTables:
    tokenizer = word_tokenizer(sentences)
    options = NgramOptions(order=order, prune=prune[:order] if prune else None)
    return train_ngram([document(tokenizer, sentences)], tokenizer, options).tables


@given(TEXTS, st.integers(2, 4), PRUNING)
@settings(deadline=None, max_examples=30)
def test_what_shorter_contexts_say_is_what_their_distributions_say(
    sentences: list[list[str]], order: int, prune: list[int] | None
) -> None:
    tables = trained(sentences, order, prune)
    for n in range(2, order + 1):
        first, last, end = map(int, tables.levels[n - 1 : n + 2])
        nodes = np.arange(last, end)
        shorter = tables.suffixes[tables.parents[nodes]]
        expected = tables.distributions(shorter)[np.arange(len(nodes)), tables.words[nodes]]
        np.testing.assert_array_equal(shorter_logprobs(tables, first, last), expected)


@given(TEXTS, st.integers(1, 4), PRUNING)
@settings(deadline=None, max_examples=30)
def test_the_endings_of_a_tree_are_those_of_its_tables(
    sentences: list[list[str]], order: int, prune: list[int] | None
) -> None:
    tables = trained(sentences, order, prune)
    found = endings(tables.words, tables.starts, len(tables.backoffs))
    np.testing.assert_array_equal(found, tables.suffixes)


def test_the_mass_of_contexts_is_that_of_their_distributions() -> None:
    tables = trained(from_seed(4), 3)
    first, last = int(tables.levels[2]), int(tables.levels[3])
    split = mass(tables, first, last)
    assert split.grams == slice(last, int(tables.levels[4]))
    for row, context in enumerate(range(first, last)):
        listed = tables.words[tables.starts[context] : tables.starts[context + 1]]
        own = np.exp(tables.distributions(np.array([context]))[0])
        lower = np.exp(tables.distributions(tables.suffixes[[context]])[0])
        mine = split.parents == row
        np.testing.assert_allclose(split.own[mine], own[listed], rtol=1e-12)
        np.testing.assert_allclose(split.lower[mine], lower[listed], rtol=1e-12)
        others = np.setdiff1d(np.arange(tables.size), listed)
        np.testing.assert_allclose(split.left[row], lower[others].sum(), atol=1e-6)
        np.testing.assert_allclose(split.weights[row] * split.left[row], own[others].sum(), atol=1e-6)
    np.testing.assert_allclose(split.sum_over(split.own)[0], split.own[split.parents == 0].sum())


@given(TEXTS, st.integers(1, 4), st.integers(1, 7))
@settings(deadline=None, max_examples=30)
def test_parts_are_all_contexts_of_a_length_with_few_ngrams_each(
    sentences: list[list[str]], order: int, most: int
) -> None:
    tables = trained(sentences, order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "_PART", most)
        for length in range(1, order):
            found = list(parts(tables, length))
            every = [context for part in found for context in range(part.start, part.stop)]
            assert every == list(range(int(tables.levels[length]), int(tables.levels[length + 1])))
            for part in found:
                sizes = np.diff(tables.starts[part.start : part.stop + 1])
                assert len(sizes) and sizes.sum() - sizes[sizes > 0][-1:].sum() < most
