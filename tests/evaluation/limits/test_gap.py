from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from markov_toy import Markov, markov_table
from scipy.stats import binomtest

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.limits.gap import GAP, candidates, gaps
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.options.limits import GapOptions
from lmcompare.text.tokenizers.char import CharTokenizer
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


def chosen_of(text, corpus, tokenizer, options=OPTIONS.gap):
    return gaps(np.asarray(text.test.ids), corpus.sentences("test"), tokenizer, options, words=corpus.words)


def chosen_in(lines, tokenizer, options, words=True):
    return gaps(tokenizer.encode_document(lines), lines, tokenizer, options, words=words)


def by_hand(model, text):
    """Bits of the right token before and after the right side is seen, from the chain's own table."""
    found = []
    for ids, place in chosen_of(text, text.corpus, model.tokenizer):
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
        wilson = binomtest(int(column[:, 1].sum()), len(column)).proportion_ci(method="wilson")
        assert side.accuracy_ci95 == pytest.approx((wilson.low, wilson.high))
    assert found.saved == pytest.approx(found.before.bits - found.both.bits)
    contender = Contender(merge([cell], [scores], text, OPTIONS), [scores], text, [cell])
    assert GAP.gather([contender], OPTIONS).rows[0].cell == found


def test_the_same_words_are_missing_in_every_order(make_corpus, encoded):
    corpus, found = make_corpus(40), []
    for order in ORDERS:
        tokenizer = in_order(WordTokenizer(["a", "b", "c"]), order)
        chosen = chosen_of(encoded(corpus, tokenizer), corpus, tokenizer)
        found.append(
            [tokenizer.decode(np.where(np.arange(len(ids)) == place, 2, ids)) for ids, place in chosen]
        )
    assert found[0] == found[1] == found[2]
    assert all(text.count("<unk>") == 1 for text in found[0])


def test_all_places_of_a_sentence_are_asked_for(make_corpus, encoded):
    corpus, tokenizer = make_corpus(200), WordTokenizer(["a", "b", "c"])
    chosen = chosen_of(encoded(corpus, tokenizer), corpus, tokenizer, GapOptions(gaps=150))
    sixes = [place for ids, place in chosen if len(ids) == 7]
    assert set(sixes) == set(range(6))


def test_gaps_are_in_whole_sentences_of_fitting_length_and_never_unknown():
    tokenizer = WordTokenizer(["a", "b"])
    lines = ["a b a b", "a", "x x x x", "a b a b b b b b b", "x a x x"]
    chosen = chosen_in(lines, tokenizer, GapOptions(gaps=10, shortest=2, longest=5))
    assert [tokenizer.decode(ids).strip() for ids, _ in chosen] == ["a b a b", "<unk> a <unk> <unk>"]
    assert chosen[1][1] == 1


def test_in_sentences_of_words_punctuation_is_not_missing():
    lines = [f"a , b , {'c , ' * number}c ." for number in range(12)]
    tokenizer = WordTokenizer(["a", "b", "c", ",", "."])
    options = GapOptions(gaps=12)
    missing = {tokenizer.token(ids[place]) for ids, place in chosen_in(lines, tokenizer, options)}
    assert missing == {"a", "b", "c"}
    # Where spaces part no words, and where lines are no sentences, all that is written may be missing.
    missing = {tokenizer.token(ids[place]) for ids, place in chosen_in(lines, tokenizer, options, False)}
    assert "," in missing
    bare = [line.removesuffix(" .") for line in lines]
    assert "," in {tokenizer.token(ids[place]) for ids, place in chosen_in(bare, tokenizer, options)}


@pytest.mark.parametrize("order", ORDERS)
def test_a_word_that_was_taken_out_of_the_text_is_neither_missing_nor_tried(order):
    lines = [f"{'a ' * number}<unk> b <unk> c ." for number in range(1, 13)]
    words = in_order(WordTokenizer(["<unk>", "a", "b", "c", "."]), order)
    options = GapOptions(gaps=12, shortest=1)
    assert {words.token(ids[place]) for ids, place in chosen_in(lines, words, options)} == {"a", "b", "c"}
    assert candidates(np.ones(8, dtype=int), 4, words, 300).tolist() == [4, 5, 6, 7]
    # Nor is a piece of the sign, where the tokens are shorter.
    letters = in_order(CharTokenizer([*" .<>abcknu"]), order)
    assert {letters.token(ids[place]) for ids, place in chosen_in(lines, letters, options)} == {"a", "b", "c"}


def test_of_wikitext_words_of_sentences_are_missing():
    path = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "wikitext-2" / "test.txt"
    if not path.exists():
        pytest.skip("WikiText-2 is not here")
    lines = path.read_text(encoding="utf-8").splitlines()
    tokenizer = WordTokenizer(sorted({word for line in lines for word in line.split()}))
    chosen = chosen_in(lines, tokenizer, GapOptions(gaps=60))
    assert len(chosen) == 60
    for ids, place in chosen:
        assert not tokenizer.decode(ids).startswith("=")
        assert tokenizer.token(ids[place]) != "<unk>" and re.search(r"\w", tokenizer.token(ids[place]))


def test_of_a_large_vocabulary_the_right_the_frequent_and_the_equally_frequent_are_tried():
    tokenizer = WordTokenizer([f"w{i}" for i in range(50)])
    counts = np.arange(53)[::-1] * 10  # the lower the id, the more frequent
    counts[2] = 999
    assert candidates(counts, 40, tokenizer, 8).tolist() == [3, 4, 5, 6, 38, 39, 40, 41]
    assert candidates(counts, 40, tokenizer, 2).tolist() == [3, 40]
    # A frequent one is tried beside the next frequent ones, the rarest beside those that are almost as rare.
    assert candidates(counts, 4, tokenizer, 8).tolist() == list(range(3, 11))
    assert candidates(counts, 52, tokenizer, 5).tolist() == [3, 4, 50, 51, 52]
    assert candidates(counts, 40, tokenizer, 50).tolist() == list(range(3, 53))


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
