from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.position import POSITION, curve, leads, places
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


@pytest.fixture
def long_texts(make_corpus, encoded):
    """Thirty documents of 100 to 335 tokens, and a model of each kind with scores of the test's own."""
    corpus = make_corpus(30)
    documents = [replace(one, sentences=(" ".join("abca"[: 3 + n % 2] * (30 + n)),) * (1 + n % 2))
                 for n, one in enumerate(corpus.splits["test"])]  # fmt: skip
    corpus = replace(corpus, splits={**corpus.splits, "test": documents})
    text = encoded(corpus, WordTokenizer(["a", "b", "c"]))
    cell, scores = evaluate(
        Markov(text.tokenizer, markov_table(6, 3)), text, OPTIONS, prepare(corpus, OPTIONS), name="m", seed=1
    )
    row = merge([cell], [scores], text, OPTIONS)
    starts = scores.starts["test"]
    place = np.arange(starts[-1]) - np.repeat(starts[:-1], np.diff(starts)) + 1

    def contender(name, context, bits):
        found = replace(scores, logprobs={("test", "native"): -math.log(2) * bits})
        return Contender(row.model_copy(update={"name": name, "context": context}), [found], text, [cell])

    # The text grows harder along a document for every model alike.
    return place, 5 + 0.01 * place + np.random.default_rng(0).normal(size=len(place)), contender


def test_text_that_grows_harder_is_no_loss_and_what_a_memory_gains_is_told(long_texts):
    place, harder, contender = long_texts
    models = [
        contender("unigram of 9", 9, harder),
        contender("bigram", 1, harder),
        contender("level", None, harder - 0.5),
        contender("gains", None, harder - 0.25 - 0.5 * (place > 64)),
        contender("impossible", None, np.where(place == 70, np.inf, harder)),
    ]
    found = leads(models, "test", OPTIONS)
    assert found.reference == "bigram"
    assert (found.early, found.late) == ((17, 64), (65, 128))
    sizes = np.diff(models[0].scores[0].starts["test"])
    assert found.documents == (sizes >= 128).sum() >= 20 > (sizes >= 256).sum()
    level, gains = found.rows
    assert (level.model, gains.model) == ("level", "gains")
    assert (level.gain, level.ci95) == (pytest.approx(0, abs=1e-9), pytest.approx((0, 0), abs=1e-9))
    assert gains.gain == pytest.approx(0.5)
    assert [(point.first, point.last) for point in gains.points] == [(17, 32), (33, 64), (65, 128)]
    assert [point.bits for point in gains.points] == pytest.approx([0.25, 0.25, 0.75])


def test_a_gain_is_the_mean_over_the_long_documents_of_late_less_early(long_texts):
    place, harder, contender = long_texts
    noise = np.random.default_rng(1).normal(size=len(place))
    (row,) = leads([contender("a", 2, harder), contender("b", None, harder + noise)], "test", OPTIONS).rows
    starts = contender("a", 2, harder).scores[0].starts["test"]
    wanted = [
        np.mean(-noise[start + 64 : start + 128]) - np.mean(-noise[start + 16 : start + 64])
        for start, end in zip(starts, starts[1:], strict=False)
        if end - start >= 128
    ]
    assert row.gain == pytest.approx(np.mean(wanted))
    error = np.std(wanted, ddof=1) / math.sqrt(len(wanted))
    assert row.ci95 == pytest.approx((row.gain - 1.96 * error, row.gain + 1.96 * error), abs=0.4 * error)


def test_no_gain_is_told_where_no_model_forgets_or_documents_are_short_few_or_no_real_ones(
    long_texts, contender
):
    _, harder, make = long_texts
    models = [make("a", 2, harder), make("b", None, harder)]
    assert leads(models, "test", OPTIONS) is not None
    assert leads(models[1:], "test", OPTIONS) is None
    assert leads(models[:1], "test", OPTIONS) is None
    lines = replace(models[0].encoded, corpus=replace(models[0].encoded.corpus, by_document=False))
    assert leads([replace(each, encoded=lines) for each in models], "test", OPTIONS) is None
    assert leads([contender, replace(contender, result=models[1].result)], "test", OPTIONS) is None
