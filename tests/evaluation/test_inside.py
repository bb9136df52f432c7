from __future__ import annotations

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.evaluation import inside
from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.inside import INSIDE, frequent, named, spread
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.models.inside import GateActivity, LayerActivity, WrittenSample
from lmcompare.text.tokenizers.char import CharTokenizer
from lmcompare.text.tokenizers.word import WordTokenizer

QUIET = {"resamples": 200, "generation": {"prompts": 0}}


class Glass(Markov):
    """A Markov chain that lets itself be looked into, and remembers what it was asked."""

    context = 6

    def neighbours(self, token, k):
        return [(other, 0.5) for other in range(3, 6) if other != token][:k]

    def attention(self, sentence):
        self.looked_at = np.asarray(sentence)
        places = len(sentence)
        return np.tile(np.eye(places), (9, 5, 1, 1))

    def activity(self, documents):
        self.watched = [np.asarray(document) for document in documents]
        gate = GateActivity("update", np.array([0.0, 0.123456]), np.array([1.0, 0.25]))
        return [LayerActivity(np.array([0.5, 0.25]), np.full(20, 0.05), (gate,))]

    def training_samples(self):
        return [WrittenSample(step, 10 * step, f"text {step}") for step in range(1, 31)]


@pytest.fixture
def look(make_corpus, encoded, word_tokenizer):
    corpus = make_corpus(60)
    text = encoded(corpus, word_tokenizer)

    def make(model, **options):
        chosen = EvaluationOptions(**QUIET, **options)
        cell, scores = evaluate(model, text, chosen, prepare(corpus, chosen), name="m", seed=1)
        contender = Contender(merge([cell], [scores], text, chosen), [scores], text, [cell])
        return cell.analyses.inside, INSIDE.gather([contender], chosen)

    return make


@pytest.fixture
def glass(word_tokenizer):
    return Glass(word_tokenizer, markov_table(word_tokenizer.size, 3))


def test_a_model_is_asked_for_what_it_offers(look, glass):
    seen, gathered = look(glass)
    assert [row.seen for row in gathered.rows] == [seen]
    assert [one.token for one in seen.neighbours] == ["a", "b", "c"] or len(seen.neighbours) == 2
    assert [near.token for near in seen.neighbours[0].nearest] == [
        token for token in "abc" if token != seen.neighbours[0].token
    ]
    assert (seen.attention.layers, seen.attention.heads) == (9, 5)
    assert sorted({(head.layer, head.head) for head in seen.attention.shown})[0] == (1, 1)
    assert {head.layer for head in seen.attention.shown} == {1, 4, 6, 9}
    assert {head.head for head in seen.attention.shown} == {1, 2, 4, 5}
    (layer,) = seen.layers
    assert (layer.units, layer.saturated, layer.gates[0].closed) == (2, 0.375, [0.0, 0.1235])
    assert [text.step for text in seen.samples][:1] + [text.step for text in seen.samples][-1:] == [1, 30]
    assert len(seen.samples) == inside.TEXTS


def test_a_model_that_offers_nothing_is_left_out(look, make_model):
    assert look(make_model()) == (None, None)


def test_nothing_is_asked_where_the_options_say_no(look, glass):
    assert look(glass, inside={"enabled": False}) == (None, None)
    assert not hasattr(glass, "looked_at")


def test_attention_is_asked_over_as_many_places_as_the_model_sees(look, glass):
    seen, _ = look(glass, inside={"sentence": "a b c a b c a b c a b"})
    assert glass.looked_at.tolist() == [3, 4, 5, 3, 4, 5]
    assert seen.attention.tokens == ["<s>", "a", "b", "c", "a", "b"]
    glass.context = None
    seen, _ = look(glass, inside={"sentence": "a b"})
    assert glass.looked_at.tolist() == [3, 4, 1] and seen.attention.tokens == ["<s>", "a", "b"]


def test_units_are_watched_over_pieces_of_the_first_documents_of_test(look, glass, monkeypatch):
    monkeypatch.setattr(inside, "PIECE", 4)
    look(glass, inside={"events": 10})
    assert sum(map(len, glass.watched)) == 10 and max(map(len, glass.watched)) <= 4


def test_words_that_are_named_are_shown_and_unknown_ones_left_out(look, glass):
    seen, _ = look(glass, inside={"words": ["c", "z", "a"], "nearest": 1})
    assert [(one.token, len(one.nearest)) for one in seen.neighbours] == [("c", 1), ("a", 1)]
    assert named(CharTokenizer(list("今天")), ["天", "今天", "去"]) == [
        CharTokenizer(list("今天")).encode("天").ids[0]
    ]


def test_frequent_tokens_are_those_of_rank_1_2_4_8_among_words():
    tokenizer = WordTokenizer([".", "the", "on", "cat", "7", "mat", "dog"])
    counts = np.array([99, 98, 97, 96, 50, 40, 30, 20, 10, 0])
    assert [tokenizer.token(token) for token in frequent(tokenizer, counts)] == ["the", "on", "mat"]


def test_places_are_spread_evenly_from_the_first_to_the_last():
    assert spread(3, 8) == [0, 1, 2] and spread(0, 4) == []
    assert spread(10, 4) == [0, 3, 6, 9] and spread(5, 1) == [4]
