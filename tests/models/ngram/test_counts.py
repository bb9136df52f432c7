from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.lm import NgramCounter
from nltk.util import everygrams
from tiny_texts import SMALL, TEXTS, document, sentence_ids, word_tokenizer

from lmcompare.errors import InputError
from lmcompare.models.ngram.counts import Level, count, lay_out

BOS, EOS = 0, 1


def grams_of(levels: list[Level], order: int) -> list[tuple[int, ...]]:
    """The n-grams of an order, spelled out through their prefixes."""
    grams = [(int(word),) for word in levels[0].words]
    for level in levels[1:order]:
        grams = [
            (*grams[prefix], int(word)) for prefix, word in zip(level.prefixes, level.words, strict=True)
        ]
    return grams


@given(TEXTS, st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_counts_of_all_orders_are_those_of_nltk(sentences: list[list[str]], order: int) -> None:
    tokenizer = word_tokenizer(sentences)
    levels = count(lay_out([document(tokenizer, sentences)], BOS, EOS), order, tokenizer.size, BOS)
    padded = [[BOS, *ids, EOS] for ids in sentence_ids(tokenizer, sentences)]
    expected = NgramCounter(everygrams(sentence, max_len=order) for sentence in padded)
    words = range(tokenizer.size)
    assert levels[0].counts.tolist() == [expected.unigrams[w] if w != BOS else 0 for w in words]
    for n in range(2, order + 1):
        found = dict(zip(grams_of(levels, n), levels[n - 1].counts.tolist(), strict=True))
        theirs = {(*context, word): k for context, words in expected[n].items() for word, k in words.items()}
        assert found == theirs


@given(SMALL, st.integers(2, 4))
@settings(deadline=None, max_examples=40)
def test_ngrams_are_sorted_know_their_endings_and_what_opens_a_sentence(
    sentences: list[list[str]], order: int
) -> None:
    tokenizer = word_tokenizer(sentences)
    levels = count(lay_out([document(tokenizer, sentences)], BOS, EOS), order, tokenizer.size, BOS)
    for n in range(2, order + 1):
        grams, below = grams_of(levels, n), grams_of(levels, n - 1)
        assert grams == sorted(grams)
        assert [below[number] for number in levels[n - 1].suffixes] == [gram[1:] for gram in grams]
        assert levels[n - 1].opens.tolist() == [gram[0] == BOS for gram in grams]


def test_ids_above_65535_are_counted_as_the_same_words_with_small_ids() -> None:
    small = np.random.default_rng(1).integers(2, 9, size=400)
    wide = np.array([0, 1, 5, 70_000, 70_005, 140_001, 140_002, 196_613, 200_000])  # rising, halves mixed
    levels = count(lay_out([small], BOS, EOS), 3, 9, BOS)
    wider = count(lay_out([wide[small]], BOS, EOS), 3, 200_001, BOS)
    for n in (2, 3):
        assert [tuple(wide[list(gram)]) for gram in grams_of(levels, n)] == grams_of(wider, n)
        assert levels[n - 1].counts.tolist() == wider[n - 1].counts.tolist()


def test_two_threads_count_what_one_counts() -> None:
    stream = lay_out([np.random.default_rng(2).integers(1, 9, size=4000)], BOS, EOS)
    for a, b in zip(count(stream, 5, 9, BOS), count(stream, 5, 9, BOS, threads=2), strict=True):
        for name in ("prefixes", "words", "suffixes", "counts", "opens"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_no_ngram_crosses_the_end_of_a_document_that_lacks_eos() -> None:
    levels = count(lay_out([np.array([2, 3]), np.array([4, EOS])], BOS, EOS), 2, 5, BOS)
    assert Counter(grams_of(levels, 2)) == Counter([(BOS, 2), (2, 3), (BOS, 4), (4, EOS)])


@given(SMALL, st.integers(1, 30))
@settings(deadline=None, max_examples=60)
def test_the_first_events_are_the_shortest_run_of_whole_sentences(
    sentences: list[list[str]], events: int
) -> None:
    tokenizer = word_tokenizer(sentences)
    stream = lay_out([document(tokenizer, sentences)], BOS, EOS)
    lengths = np.cumsum([len(words) + 1 for words in sentences])
    assert stream.events == lengths[-1]
    enough = lengths[lengths >= events]
    assert stream.first(events).events == (enough[0] if len(enough) else lengths[-1])


@pytest.mark.parametrize("documents", [[], [np.zeros(0, dtype=np.int32)]])
def test_an_empty_text_is_one_clear_sentence(documents: list[np.ndarray]) -> None:
    with pytest.raises(InputError, match="the training text is empty"):
        lay_out(documents, BOS, EOS)


@pytest.mark.parametrize(
    ("wrong", "message"), [(9, "holds id 9"), (-3, "holds id -3"), (BOS, r"holds bos \(id 0\)")]
)
def test_an_id_that_no_text_may_hold_is_one_clear_sentence(wrong: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        count(lay_out([np.array([2, wrong, EOS])], BOS, EOS), 2, 9, BOS)
