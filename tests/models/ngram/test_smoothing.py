import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kneser_ney_oracle import Oracle
from nltk.lm import KneserNeyInterpolated
from nltk.util import everygrams
from tiny_texts import PRUNING, TEXTS, document, from_seed, random_contexts, sentence_ids, word_tokenizer

from lmcompare.errors import InputError
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.models.ngram.smoothing import discounts_from
from lmcompare.text.tokenizers import TokenizerOptions, build


@given(
    TEXTS,
    st.integers(1, 4),
    PRUNING,
    st.booleans(),
    st.sampled_from(["textbook", "lmplz"]),
    st.sampled_from([None, 5]),
    st.integers(0, 100),
)
@settings(deadline=None, max_examples=120)
def test_every_probability_is_that_of_the_definition(
    sentences: list[list[str]],
    order: int,
    prune: list[int] | None,
    interpolate: bool,
    discounts: str,
    max_size: int | None,
    seed: int,
) -> None:
    tokenizer = word_tokenizer(sentences, max_size)
    prune = prune[:order] if prune else None
    options = NgramOptions(
        order=order,
        prune=prune,
        interpolate_unigrams=interpolate,
        discounts=discounts,  # type: ignore[arg-type]
    )
    ids = sentence_ids(tokenizer, sentences)
    model = train_ngram([document(tokenizer, sentences)], tokenizer, options)
    oracle = Oracle(
        ids,
        order=order,
        size=tokenizer.size,
        bos=tokenizer.bos,
        eos=tokenizer.eos,
        unk=tokenizer.unk,
        prune=prune or [0],
        interpolate_unigrams=interpolate,
        last_raw=discounts == "lmplz",
    )
    contexts = [np.array(s[:k]) for s in ids[:4] for k in range(len(s) + 1)]
    contexts += random_contexts(tokenizer, 6, seed)
    found = np.exp(model.next_logprobs(contexts))
    for row, context in zip(found, contexts, strict=True):
        sentence = [tokenizer.bos, *context.tolist()]
        if tokenizer.eos in sentence:
            sentence = [tokenizer.bos, *sentence[len(sentence) - sentence[::-1].index(tokenizer.eos) :]]
        expected = [oracle.probability(word, tuple(sentence)) for word in range(tokenizer.size)]
        np.testing.assert_allclose(row, expected, rtol=3e-6, atol=1e-12)


def test_discounts_are_those_of_chen_and_goodman() -> None:
    # y = 10 / 18; 1 - 2 y 4/10, 2 - 3 y 3/4, 3 - 4 y 2/3
    assert discounts_from([10, 4, 3, 2]) == pytest.approx((5 / 9, 3 / 4, 41 / 27), rel=1e-12)


@pytest.mark.parametrize("counts", [(0, 4, 3, 2), (10, 0, 3, 2), (10, 4, 0, 2), (10, 1, 30, 2)])
def test_counts_that_yield_no_discounts_are_found_out(counts: tuple[int, ...]) -> None:
    assert discounts_from(counts) is None


class OneDiscount(Oracle):
    """The definition with one discount for all counts, and none for single words, as nltk has it."""

    def _discount(self, n: int, count: int) -> float:
        return 0.0 if n == 1 or not count else 0.7


def test_the_definition_gives_the_numbers_of_nltk_where_all_counts_have_one_discount() -> None:
    sentences = from_seed(3) + from_seed(5)
    tokenizer = word_tokenizer(sentences)
    ids, (bos, eos) = sentence_ids(tokenizer, sentences), (tokenizer.bos, tokenizer.eos)
    ours = OneDiscount(ids, order=3, size=tokenizer.size, bos=bos, eos=eos, unk=tokenizer.unk)
    theirs = KneserNeyInterpolated(3, 0.7)
    padded = (map(str, [bos, *s, eos]) for s in ids)
    theirs.fit((everygrams(s, max_len=3) for s in padded), vocabulary_text=map(str, range(tokenizer.size)))
    # nltk keeps no plain counts of what opens a sentence; away from there both agree.
    contexts = {tuple(s[i : i + 2]) for s in ids for i in range(len(s) - 1)}
    assert len(contexts) > 20
    for context in sorted(contexts):
        for word in range(bos + 1, tokenizer.size):
            expected = theirs.score(str(word), list(map(str, context)))
            assert ours.probability(word, context) == pytest.approx(expected, abs=1e-12)


def test_without_a_fallback_too_small_a_text_is_one_clear_sentence() -> None:
    sentences = [["a", "b"], ["a"]]
    tokenizer = word_tokenizer(sentences)
    options = NgramOptions(order=2, fallback="never")
    with pytest.raises(InputError, match="the discounts of order 1 cannot be estimated") as caught:
        train_ngram([document(tokenizer, sentences)], tokenizer, options)
    assert "fallback" in str(caught.value)
    model = train_ngram([document(tokenizer, sentences)], tokenizer, NgramOptions(order=2))
    assert len(model.notes) == 2 and "0.5, 1 and 1.5 are used" in model.notes[0]


def test_a_word_that_occurs_but_never_in_a_new_place_is_less_likely_alone() -> None:
    # "Francisco": frequent, but only ever after "San".
    sentences = [["san", "francisco"]] * 6 + [[x, "city"] for x in "abcdef"] + [["g", "a"]]
    tokenizer = word_tokenizer(sentences)
    model = train_ngram([document(tokenizer, sentences)], tokenizer, NgramOptions(order=2))
    alone = model.next_logprobs([np.array([tokenizer.unk])])[0]
    francisco, city = (int(tokenizer.encode(word).ids[0]) for word in ("francisco", "city"))
    assert math.exp(alone[city]) > 2 * math.exp(alone[francisco])


@given(st.integers(0, 10**6), st.integers(1, 5), PRUNING, st.booleans(), st.integers(0, 100))
@settings(deadline=None, max_examples=25)
def test_without_unknown_words_too_all_probabilities_sum_to_one(
    seed: int, order: int, prune: list[int] | None, interpolate: bool, context_seed: int
) -> None:
    tokenizer = build(TokenizerOptions(kind="byte"), [])
    options = NgramOptions(
        order=order, prune=prune[:order] if prune else None, interpolate_unigrams=interpolate
    )
    model = train_ngram([document(tokenizer, from_seed(seed))], tokenizer, options)
    contexts = random_contexts(tokenizer, 8, context_seed)
    contexts += [tokenizer.encode("w1 w").ids, tokenizer.encode("w0").ids]
    sums = np.exp(model.next_logprobs(contexts)).sum(1)
    np.testing.assert_allclose(sums, 1, rtol=0, atol=1e-5)


@given(TEXTS, st.integers(1, 5), PRUNING, st.booleans(), st.sampled_from([None, 5]), st.integers(0, 100))
@settings(deadline=None, max_examples=60)
def test_all_probabilities_sum_to_one_after_any_context(
    sentences: list[list[str]],
    order: int,
    prune: list[int] | None,
    interpolate: bool,
    max_size: int | None,
    seed: int,
) -> None:
    tokenizer = word_tokenizer(sentences, max_size)
    options = NgramOptions(
        order=order, prune=prune[:order] if prune else None, interpolate_unigrams=interpolate
    )
    model = train_ngram([document(tokenizer, sentences)], tokenizer, options)
    contexts = [*random_contexts(tokenizer, 10, seed), *map(np.array, sentence_ids(tokenizer, sentences)[:5])]
    sums = np.exp(model.next_logprobs(contexts)).sum(1)
    np.testing.assert_allclose(sums, 1, rtol=0, atol=1e-6)
