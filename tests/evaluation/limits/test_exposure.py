from __future__ import annotations

import math

import numpy as np
import pytest
from markov_toy import Markov, markov_table
from pydantic import ValidationError

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.limits.exposure import EXPOSURE, cut_passages, drift, judge, points
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.options.limits import ExposureOptions
from lmcompare.text.tokenizers.word import WordTokenizer

OPTIONS = EvaluationOptions(
    resamples=300, generation={"prompts": 0}, windows={"enabled": False},
    exposure={"enabled": True, "prompts": 60, "prompt_tokens": 3, "tokens": 12, "judge": 2},
)  # fmt: skip


@pytest.fixture
def toy(make_corpus, encoded):
    corpus, tokenizer = make_corpus(150), WordTokenizer(["a", "b", "c"])
    return corpus, encoded(corpus, tokenizer), Markov(tokenizer, markov_table(tokenizer.size, 3))


def test_the_human_curve_is_the_score_of_the_passages_and_the_own_one_costs_the_entropy(toy, by_hand):
    corpus, text, model = toy
    cell, scores = evaluate(model, text, OPTIONS, prepare(corpus, OPTIONS), name="m", seed=1)
    found = cell.analyses.exposure
    curves = {(curve.text, curve.reader): curve.points for curve in found.curves}
    assert len(curves) == 6 and found.prompts == 60
    passages = cut_passages(text.test, 1, 60, 15)
    bits = -np.array([by_hand(model, passage)[3:] for passage in passages]) / math.log(2)
    human = curves["human", "self"]
    assert [(point.first, point.last) for point in human] == [(1, 1), (2, 2), (3, 4), (5, 8), (9, 12)]
    for point in human:
        assert point.bits == pytest.approx(bits[:, point.first - 1 : point.last].mean(), rel=1e-9)
    # Far from the prompt a chain has its stationary distribution, and its own words cost the entropy rate.
    table = np.exp(model.table[1:, 1:])
    values, vectors = np.linalg.eig(table.T)
    stationary = np.real(vectors[:, np.argmax(np.real(values))])
    stationary /= stationary.sum()
    entropy = -(stationary[:, None] * table * np.log2(np.where(table > 0, table, 1))).sum()
    own = curves["temperature(1.0)", "self"][-1]
    assert own.ci95[0] - 0.05 < entropy < own.ci95[1] + 0.05
    greedy = curves["greedy()", "self"][-1]
    assert greedy.bits < own.bits
    contender = Contender(merge([cell], [scores], text, OPTIONS), [scores], text, [cell])
    assert EXPOSURE.gather([contender], OPTIONS).rows[0].cell == found


def test_points_and_drift_are_plain_means():
    random = np.random.default_rng(0)
    human, own = random.gamma(2, 1, (200, 16)), random.gamma(2, 1, (200, 16))
    own[:, 12:] += 1.5
    early, late, growth, (low, high) = drift(own, human, OPTIONS)
    assert early == pytest.approx((own - human)[:, :4].mean())
    assert late == pytest.approx((own - human)[:, 12:].mean())
    assert growth == pytest.approx(late - early) and low < 1.5 < high and low > 1
    found = points(own, OPTIONS)
    assert found[-1].bits == pytest.approx(own[:, 8:].mean()) and found[-1].last == 16


def test_an_impossible_word_makes_a_drift_infinite():
    human = np.ones((4, 8))
    own = human.copy()
    own[0, 0] = math.inf
    assert drift(own, human, OPTIONS)[2] == math.inf
    assert points(own, OPTIONS)[0].bits == math.inf and points(own, OPTIONS)[1].bits == 1.0


def test_passages_begin_with_a_sentence_and_stay_in_a_document_where_there_are_enough(toy):
    _, text, _ = toy
    ids, starts = np.asarray(text.test.ids), np.asarray(text.test.starts)
    ends = set(starts.tolist())

    def places(passages, length):
        """Where each passage stands: the first place after a sentence's end that fits."""
        begins = [0, *(np.flatnonzero(ids == 1) + 1)]
        return [[b for b in begins if ids[b : b + length].tolist() == p.tolist()] for p in passages]

    few = cut_passages(text.test, 1, 10, 8)
    assert len(few) == 10
    for found in places(few, 8):
        assert any(not (ends & set(range(begin + 1, begin + 8))) for begin in found)
    long = cut_passages(text.test, 1, 10, 60)
    assert len(long) == 10 and all(places(long, 60)), "no document has 60 tokens: read on"


def test_the_judge_is_an_n_gram_model_of_the_training_text(toy):
    _, text, _ = toy
    found = judge(text, 2)
    assert found.kind == "ngram" and found.context == 1
    assert found.tokenizer.fingerprint == text.tokenizer.fingerprint


def test_rules_are_read_and_named_once():
    assert ExposureOptions(rules=["top_p(0.9)"]).rules == ["top_p(0.9)"]
    with pytest.raises(ValidationError, match="named twice"):
        ExposureOptions(rules=["greedy()", "greedy"])
    with pytest.raises(ValidationError, match="no sampling rule"):
        ExposureOptions(rules=["greddy()"])
