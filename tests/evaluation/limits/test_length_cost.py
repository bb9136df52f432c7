from __future__ import annotations

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.errors import InputError
from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.limits import length_cost
from lmcompare.evaluation.limits.length_cost import LENGTH_COST, far_seeing, timed
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.text.tokenizers.ordered import in_order
from lmcompare.text.tokenizers.word import WordTokenizer

OPTIONS = EvaluationOptions(
    resamples=100, generation={"prompts": 0}, windows={"enabled": False},
    length_cost={"enabled": True, "contexts": [2, 8], "steps": 4, "repeats": 2},
)  # fmt: skip


class Clock:
    """Time that passes only when a model reads: one millisecond a token."""

    now = 0.0

    def perf_counter(self):
        return self.now


class Ticking(Markov):
    clock = Clock()

    def step(self, tokens, state):
        self.clock.now += 0.001
        return super().step(tokens, state)


@pytest.fixture
def ticking(monkeypatch):
    monkeypatch.setattr(length_cost, "time", Ticking.clock)
    tokenizer = WordTokenizer(["a", "b", "c"])
    return Ticking(tokenizer, markov_table(tokenizer.size, 3))


def test_a_step_costs_one_reading_and_from_scratch_it_costs_the_whole_context(ticking):
    ids = np.full(100, 3)
    assert timed(ticking, ids, 10, 4) == (pytest.approx(1.0), pytest.approx(10.0))
    assert timed(ticking, ids, 50, 8) == (pytest.approx(1.0), pytest.approx(50.0))


def test_each_length_of_context_has_a_point(ticking, make_corpus, encoded):
    corpus = make_corpus(5)
    text = encoded(corpus, ticking.tokenizer)
    cell, scores = evaluate(ticking, text, OPTIONS, prepare(corpus, OPTIONS), name="m", seed=1)
    found = cell.analyses.length_cost
    assert [point.context for point in found.points] == [2, 8]
    assert [point.milliseconds_scratch for point in found.points] == [pytest.approx(2), pytest.approx(8)]
    assert found.window == ticking.context
    contender = Contender(merge([cell], [scores], text, OPTIONS), [scores], text, [cell])
    assert LENGTH_COST.gather([contender], OPTIONS).rows[0].cell == found


def test_another_order_is_not_timed_again(ticking, make_corpus, encoded):
    corpus = make_corpus(5)
    model = Ticking(in_order(ticking.tokenizer, "reversed"), markov_table(6, 3))
    cell, _ = evaluate(
        model, encoded(corpus, model.tokenizer), OPTIONS, prepare(corpus, OPTIONS), name="m", seed=1
    )
    assert cell.analyses.length_cost is None


class Sliding(Markov):
    context = 8

    def windowed(self, window, stride):
        if self.tied:
            raise InputError("no such places")
        return (window, stride)

    def __init__(self, tied):
        tokenizer = WordTokenizer(["a"])
        super().__init__(tokenizer, markov_table(tokenizer.size, 1))
        self.tied = tied


def test_a_window_is_made_long_enough_where_the_model_can_have_it():
    assert far_seeing(Sliding(tied=False), 20) == (20, 10)
    tied, short = Sliding(tied=True), Sliding(tied=False)
    assert far_seeing(tied, 20) is tied
    assert far_seeing(short, 8) is short
