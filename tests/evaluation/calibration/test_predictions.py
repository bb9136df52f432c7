from __future__ import annotations

import math

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.evaluation.calibration import predictions
from lmcompare.evaluation.calibration.predictions import EDGES, bin_of, passages, predict
from lmcompare.models.ngram.family import NGRAM
from lmcompare.registry import Training
from lmcompare.text.tokenizers.word import WordTokenizer


@pytest.fixture
def models(make_corpus, encoded, tmp_path):
    """The text, a Markov chain, and an n-gram model, in which many tokens are equally probable."""
    corpus = make_corpus(40)
    tokenizer = WordTokenizer(["a", "b", "c", *(f"never{number}" for number in range(30))])
    text = encoded(corpus, tokenizer)
    options = NGRAM.options.model_validate({"order": 2})
    told = Training(
        options, tokenizer, text.train.documents, text.valid.documents, 1, tmp_path, 1, lambda _: None
    )
    return text, [Markov(tokenizer, markov_table(tokenizer.size, 5)), NGRAM.train(told)]


@pytest.mark.parametrize("rows", [1, 7, 32])
@pytest.mark.parametrize("which", [0, 1])
def test_every_number_is_what_the_whole_distribution_says_token_by_token(models, which, rows, monkeypatch):
    monkeypatch.setattr(predictions, "ROWS", rows)
    monkeypatch.setattr(predictions, "_BLOCK", 90)
    text, model = models[0], models[1][which]
    pieces = text.test.documents
    found = predict(model, pieces)
    event = 0
    for number, piece in enumerate(pieces):
        counts, mass, hits = (np.zeros(len(EDGES)) for _ in range(3))
        for place, token in enumerate(piece):
            logprobs = model.next_logprobs([piece[:place]])[0]
            order = sorted(range(len(logprobs)), key=lambda index, of=logprobs: (-of[index], index))
            assert found.passage[event] == number
            assert found.logprob[event] == pytest.approx(logprobs[token], abs=1e-12)
            assert found.rank[event] == order.index(int(token)) + 1
            assert found.top[event] == pytest.approx(max(logprobs), abs=1e-12)
            entropy = -sum(math.exp(value) * value for value in logprobs if value > -math.inf)
            assert found.entropy[event] == pytest.approx(entropy, abs=1e-9)
            for value in np.exp(logprobs):
                place_of = sum(bool(value >= edge) for edge in EDGES[:-1])
                counts[place_of] += 1
                mass[place_of] += value
            hits[sum(bool(math.exp(logprobs[token]) >= edge) for edge in EDGES[:-1])] += 1
            event += 1
        np.testing.assert_allclose(found.counts[number], counts)
        np.testing.assert_allclose(found.mass[number], mass, atol=1e-9)
        np.testing.assert_allclose(found.hits[number], hits)
    assert event == len(found.logprob)


def test_the_probability_of_what_came_is_the_models_own_score(models):
    text = models[0].test
    for model in models[1]:
        found = predict(model, text.documents)
        np.testing.assert_allclose(found.logprob, np.concatenate(model.score(text.documents)), atol=1e-9)


def test_an_impossible_event_stays_impossible_and_its_entropy_finite():
    tokenizer = WordTokenizer(["a", "b"])
    table = np.tile([0.0, 0.25, 0.0, 0.75, 0.0], (5, 1))
    found = predict(Markov(tokenizer, table), [np.array([3, 4, 1])])
    assert np.isneginf(found.logprob).tolist() == [False, True, False]
    assert found.rank.tolist() == [1, 5, 2]
    assert found.entropy == pytest.approx([-(0.25 * math.log(0.25) + 0.75 * math.log(0.75))] * 3)


def test_one_is_in_the_last_bin_and_an_edge_in_the_bin_that_it_opens():
    assert bin_of(np.array([0.0, 5e-5, EDGES[0], EDGES[1], 0.99, 1.0])).tolist() == [0, 0, 1, 2, 8, 8]


def test_passages_are_the_beginnings_of_documents_where_these_are_enough(make_corpus, encoded):
    text = encoded(make_corpus(400), WordTokenizer(["a", "b", "c"])).test
    found = passages(text, 1, 640)
    assert 0.8 * 640 < sum(map(len, found)) < 1.2 * 640
    heads = {bytes(document[:20].astype(np.int64)) for document in text.documents}
    assert all(bytes(piece.astype(np.int64)) in heads and len(piece) <= 20 for piece in found)


@pytest.mark.parametrize("documents", [1, 6])
def test_passages_of_few_documents_begin_where_a_sentence_does_and_never_overlap(
    make_corpus, encoded, documents
):
    corpus = make_corpus(200)
    together = corpus.splits["test"]
    size = len(together) // documents
    merged = [
        type(together[0])(
            f"{n}", tuple(line for one in together[n * size : (n + 1) * size] for line in one.sentences)
        )
        for n in range(documents)
    ]
    corpus.splits["test"][:] = merged
    text = encoded(corpus, WordTokenizer(["a", "b", "c"])).test
    # Numbers in place of the tokens, so that one can see where a passage is from.
    ids = np.asarray(text.ids).astype(np.int64)
    found = passages(text, 1, 900)
    places, last = [], 0
    for piece in found:
        at = next(
            place
            for place in range(last, len(ids))
            if (place == 0 or ids[place - 1] == 1) and np.array_equal(ids[place : place + len(piece)], piece)
        )
        places.append(at)
        last = at + len(piece)
        inside = np.searchsorted(text.starts, [at, last - 1], side="right")
        assert inside[0] == inside[1]  # never over a document's end
    assert len(found) >= 20 and 0.6 * 900 < sum(map(len, found)) <= 1.2 * 900
    assert places[0] == 0 and places[-1] > 0.9 * len(ids)


def test_all_of_a_small_text_is_asked_about(make_corpus, encoded):
    text = encoded(make_corpus(10), WordTokenizer(["a", "b", "c"])).test
    assert sum(map(len, passages(text, 1, 10_000))) == len(text.ids)
