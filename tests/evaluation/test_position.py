from __future__ import annotations

import math

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.position import POSITION, curve, places
from lmcompare.text.tokenizers.word import WordTokenizer

OPTIONS = EvaluationOptions(resamples=200, generation={"prompts": 0})


@pytest.fixture
def contender(make_corpus, encoded):
    corpus = make_corpus(200)
    tokenizer = WordTokenizer(["a", "b", "c"])
    text = encoded(corpus, tokenizer)
    model = Markov(tokenizer, markov_table(tokenizer.size, 3))
    cell, scores = evaluate(model, text, OPTIONS, prepare(corpus, OPTIONS), name="m", seed=1)
    return Contender(merge([cell], [scores], text, OPTIONS), [scores], text, [cell])


def test_places_count_from_one_in_each_piece():
    assert places(np.array([3, 1, 2])).tolist() == [1, 2, 3, 1, 1, 2]


@pytest.mark.parametrize("within", ["sentence", "document"])
def test_each_point_is_the_mean_of_the_events_at_its_places(contender, within):
    test, logprobs = contender.encoded.test, contender.scores[0].logprobs["test", "native"]
    wanted: dict[int, list[float]] = {}
    place = 0
    starts = set(np.asarray(test.starts).tolist())
    eos = contender.encoded.tokenizer.eos
    for event, token in enumerate(np.asarray(test.ids)):
        fresh = event in starts or (within == "sentence" and test.ids[event - 1] == eos)
        place = 1 if fresh else place + 1
        wanted.setdefault(math.ceil(math.log2(place)), []).append(-logprobs[event] / math.log(2))
        assert token != contender.encoded.tokenizer.bos
    points = curve(contender, "test", within, 200, 0)
    assert len(points) >= 3
    for point in points:
        values = wanted[math.ceil(math.log2(point.last))]
        assert point.events == len(values)
        assert point.bits == pytest.approx(np.mean(values), rel=1e-12)
        assert point.ci95[0] < point.bits < point.ci95[1]
        assert (point.first, point.last) == ((point.last // 2 + 1) if point.last > 1 else 1, point.last)


def test_the_analysis_is_off_where_the_options_say_so(contender):
    assert POSITION.gather([contender], OPTIONS) is not None
    off = EvaluationOptions(position={"enabled": False})
    assert POSITION.gather([contender], off) is None
