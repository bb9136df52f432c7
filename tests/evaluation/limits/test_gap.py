from __future__ import annotations

import math

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.limits.gap import GAP, candidates, gaps
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.options.limits import GapOptions
from lmcompare.interface import split_sentences
from lmcompare.text.tokenizers.ordered import ORDERS, in_order
from lmcompare.text.tokenizers.word import WordTokenizer

OPTIONS = EvaluationOptions(
    resamples=200, generation={"prompts": 0}, windows={"enabled": False},
    gap={"enabled": True, "gaps": 40, "shortest": 2},
)  # fmt: skip
LETTERS = [3, 4, 5]


@pytest.fixture
def toy(make_corpus, encoded):
    corpus, tokenizer = make_corpus(60), WordTokenizer(["a", "b", "c"])
    return corpus, encoded(corpus, tokenizer), Markov(tokenizer, markov_table(tokenizer.size, 3))


def by_hand(model, text):
    """Bits of the right token before and after the right side is seen, from the chain's own table."""
    found = []
    for ids, place in gaps(np.asarray(text.test.ids), model.tokenizer, OPTIONS.gap):
        left = model.tokenizer.bos if place == 0 else ids[place - 1]
        before = np.exp(model.table[left, LETTERS])
        both = before * np.exp(model.table[LETTERS, ids[place + 1]])
        right = LETTERS.index(ids[place])
        found.append([(-math.log2(p[right] / p.sum()), p.argmax() == right, (p > p[right]).sum() + 1)
                      for p in (before, both)])  # fmt: skip
    return np.array(found, dtype=float)


def test_both_sides_are_bayes_rule_over_the_candidates(toy):
    corpus, text, model = toy
    cell, scores = evaluate(model, text, OPTIONS, prepare(corpus, OPTIONS), name="m", seed=1)
    found, wanted = cell.analyses.gap, by_hand(model, text)
    assert found.gaps == len(wanted) >= 30 and found.whole and found.candidates == 3
    for side, column in ((found.before, wanted[:, 0]), (found.both, wanted[:, 1])):
        assert side.bits == pytest.approx(column[:, 0].mean(), rel=1e-9)
        assert side.accuracy == pytest.approx(column[:, 1].mean())
        assert side.mean_rank == pytest.approx(column[:, 2].mean())
        assert side.bits_ci95[0] <= side.bits <= side.bits_ci95[1]
    assert found.saved == pytest.approx(found.before.bits - found.both.bits)
    contender = Contender(merge([cell], [scores], text, OPTIONS), [scores], text, [cell])
    assert GAP.gather([contender], OPTIONS).rows[0].cell == found


def test_the_same_words_are_missing_in_every_order(make_corpus, encoded):
    corpus, found = make_corpus(40), []
    for order in ORDERS:
        tokenizer = in_order(WordTokenizer(["a", "b", "c"]), order)
        chosen = gaps(np.asarray(encoded(corpus, tokenizer).test.ids), tokenizer, OPTIONS.gap)
        found.append(
            [tokenizer.decode(np.where(np.arange(len(ids)) == place, 2, ids)) for ids, place in chosen]
        )
    assert found[0] == found[1] == found[2]
    assert all(text.count("<unk>") == 1 for text in found[0])


def test_all_places_of_a_sentence_are_asked_for(make_corpus, encoded):
    corpus, tokenizer = make_corpus(200), WordTokenizer(["a", "b", "c"])
    chosen = gaps(np.asarray(encoded(corpus, tokenizer).test.ids), tokenizer, GapOptions(gaps=150))
    sixes = [place for ids, place in chosen if len(ids) == 7]
    assert set(sixes) == set(range(6))


def test_gaps_are_in_whole_sentences_of_fitting_length_and_never_unknown():
    tokenizer = WordTokenizer(["a", "b"])
    text = tokenizer.encode_document(["a b a b", "a", "x x x x", "a b a b b b b b b"])
    chosen = gaps(text, tokenizer, GapOptions(gaps=10, shortest=2, longest=5))
    assert [ids.tolist() for ids, _ in chosen] == [split_sentences(text, 1)[0].tolist()]


def test_of_a_large_vocabulary_the_likely_the_frequent_and_the_right_one_are_tried():
    tokenizer = WordTokenizer([f"w{i}" for i in range(50)])
    before = np.full(53, -9.0)
    before[[10, 11, 12]] = [-1.0, -2.0, -3.0]
    before[:3] = 0.0
    counts = np.zeros(53, dtype=int)
    counts[[1, 10, 20, 21]] = [99, 9, 8, 7]
    chosen = candidates(before, counts, 40, tokenizer, 4).tolist()
    assert chosen == [10, 11, 20, 21, 40]
    assert candidates(before, counts, 11, tokenizer, 4).tolist() == [10, 11, 20, 21]
    assert candidates(before, counts, 40, tokenizer, 50).tolist() == list(range(3, 53))


def test_a_gap_that_cannot_be_filled_is_infinitely_surprising(make_corpus, encoded):
    corpus, tokenizer = make_corpus(60), WordTokenizer(["a", "b", "c"])
    table = markov_table(tokenizer.size, 3)
    table[3, 4] = 0
    model = Markov(tokenizer, table / table.sum(axis=1, keepdims=True))
    cell, _ = evaluate(model, encoded(corpus, tokenizer), OPTIONS, prepare(corpus, OPTIONS), name="m", seed=1)
    assert cell.analyses.gap.both.bits == math.inf and cell.analyses.gap.both.mean_rank >= 1


def test_it_is_off_by_default(toy):
    corpus, text, model = toy
    options = EvaluationOptions(resamples=100, generation={"prompts": 0}, windows={"enabled": False})
    cell, _ = evaluate(model, text, options, prepare(corpus, options), name="m", seed=1)
    assert cell.analyses.gap is None
