from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from lmcompare.evaluation.analyses import gather_all
from lmcompare.evaluation.analysis import Contender, by_reading_order
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.limits.orders import ORDERS_ANALYSIS, alike, percent_more
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions, GenerationOptions
from lmcompare.evaluation.timing import Stopwatch
from lmcompare.interface import split_sentences
from lmcompare.models.ngram.options import NgramOptions
from lmcompare.registry import Training, models
from lmcompare.text.tokenizers.ordered import ORDERS, in_order
from lmcompare.text.tokenizers.word import WordTokenizer

OPTIONS = EvaluationOptions(resamples=200, generation={"prompts": 0}, windows={"enabled": False})


def train(tokenizer, lines, folder, **options):
    return models.get("ngram").train(
        Training(
            options=NgramOptions(**options),
            tokenizer=tokenizer,
            train=[tokenizer.encode_document(lines)],
            valid=[tokenizer.encode_document(lines[:5])],
            seed=1,
            folder=folder,
        )
    )


@pytest.mark.parametrize("order", ORDERS)
def test_a_model_that_knows_the_distribution_gives_a_sentence_the_same_probability_in_any_order(
    order, tmp_path
):
    """An n-gram model longer than every sentence, without smoothing, knows the text's own distribution."""
    tokenizer = in_order(WordTokenizer(["a", "b", "c"]), order)
    random = np.random.default_rng(4)
    lines = [" ".join(random.choice(["a", "b", "c"], size=random.integers(1, 5))) for _ in range(300)]
    model = train(tokenizer, lines, tmp_path, order=6, smoothing="mle")
    shares = Counter(lines)
    for line, count in shares.items():
        logprob = float(model.score([tokenizer.encode_document([line])])[0].sum())
        assert math.exp(logprob) == pytest.approx(count / len(lines), rel=1e-5)
    every = [" ".join(each) for n in range(1, 5) for each in itertools.product("abc", repeat=n)]
    scored = model.score([tokenizer.encode_document([line]) for line in every])
    assert sum(math.exp(float(each.sum())) for each in scored) == pytest.approx(1, abs=1e-5)


def test_percent_more_is_the_ratio_of_the_sums_and_pairs_the_units():
    base = np.array([10.0, 20.0, 40.0, 5.0])
    percent, (low, high) = percent_more(base, 1.1 * base, 300, 0)
    assert percent == pytest.approx(10) and low == pytest.approx(10) and high == pytest.approx(10)
    other = np.array([12.0, 20.0, 36.0, 6.0])
    percent, (low, high) = percent_more(base, other, 4000, 0)
    assert percent == pytest.approx(100 * (74 / 75 - 1))
    draws = np.random.default_rng(9).integers(0, 4, size=(20_000, 4))
    ratios = 100 * (other[draws].sum(1) / base[draws].sum(1) - 1)
    wanted = np.percentile(ratios, [2.5, 97.5])
    assert (low, high) == (pytest.approx(wanted[0], abs=0.7), pytest.approx(wanted[1], abs=0.7))


@pytest.fixture
def contenders(make_corpus, encoded, tmp_path):
    """A 3-gram in each order and a 2-gram, on random sentences."""
    corpus, found = make_corpus(60), []
    lines = list(corpus.sentences("train"))
    for number, (order, length) in enumerate([*((order, 3) for order in ORDERS), ("forward", 2)]):
        tokenizer = in_order(WordTokenizer(["a", "b", "c"]), order)
        (tmp_path / str(number)).mkdir()
        model, text = (
            train(tokenizer, lines, tmp_path / str(number), order=length),
            encoded(corpus, tokenizer),
        )
        cell, scores = evaluate(
            model,
            text,
            OPTIONS,
            prepare(corpus, OPTIONS),
            name=f"{length}-{order}",
            seed=1,
            summary=str(length),
        )
        found.append(Contender(merge([cell], [scores], text, OPTIONS), [scores], text, [cell]))
    return found


def test_models_that_differ_in_the_order_alone_are_put_together_and_compared(contenders):
    assert [[each.result.name for each in group] for group in alike(contenders)] == [
        ["3-forward", "3-reversed", "3-shuffled"]
    ]
    assert [[e.result.name for e in g] for g in alike(contenders[::-1])] == [
        ["3-forward", "3-reversed", "3-shuffled"]
    ]
    found = ORDERS_ANALYSIS.gather(contenders, OPTIONS)
    (group,) = found.groups
    assert [row.order for row in group.rows] == list(ORDERS)
    assert group.rows[0].percent is None
    for row, contender in zip(group.rows, contenders, strict=False):
        text = contender.encoded.test
        bits = -contender.scores[0].logprobs["test", "native"].sum() / math.log(2)
        assert row.bits_per_byte == pytest.approx(bits / text.bytes.sum())
        assert row.bits_per_sentence == pytest.approx(bits / text.sentences)
        if row.percent is not None:
            assert row.percent == pytest.approx(100 * (row.bits_per_byte / group.rows[0].bits_per_byte - 1))
            assert row.ci95[0] <= row.percent <= row.ci95[1]


def test_the_same_sentences_are_scored_in_every_order(contenders):
    texts = []
    for contender in contenders[:3]:
        eos = contender.encoded.tokenizer.eos
        texts.append([sorted(each) for each in split_sentences(np.asarray(contender.encoded.test.ids), eos)])
    assert texts[0] == texts[1] == texts[2]


def test_without_two_orders_there_is_nothing_to_show(contenders):
    assert ORDERS_ANALYSIS.gather([contenders[0], contenders[3]], OPTIONS) is None
    assert ORDERS_ANALYSIS.gather(contenders, EvaluationOptions(orders={"enabled": False})) is None


def test_only_seeds_that_all_orders_have_are_compared(contenders):
    forward, reverse = contenders[:2]
    worse = [replace(each, logprobs={k: 2 * v for k, v in each.logprobs.items()}) for each in forward.scores]
    more = replace(
        forward,
        result=forward.result.model_copy(update={"seeds": [7, 1]}),
        scores=[*worse, *forward.scores],
    )
    same = ORDERS_ANALYSIS.gather([forward, reverse], OPTIONS)
    assert ORDERS_ANALYSIS.gather([more, reverse], OPTIONS).groups == same.groups
    other = replace(reverse, result=reverse.result.model_copy(update={"seeds": [2]}))
    assert ORDERS_ANALYSIS.gather([more, other], OPTIONS) is None


def test_only_a_model_that_reads_as_the_text_runs_continues_it(make_corpus, encoded, tmp_path):
    corpus = make_corpus(60)
    options = OPTIONS.model_copy(
        update={"generation": GenerationOptions(prompts=2, prompt_units=2, length=8)}
    )
    cells = {}
    for order in ORDERS:
        tokenizer = in_order(WordTokenizer(["a", "b", "c"]), order)
        (tmp_path / order).mkdir()
        model = train(tokenizer, list(corpus.sentences("train")), tmp_path / order, order=2)
        material = prepare(corpus, options)
        cells[order], _ = evaluate(model, encoded(corpus, tokenizer), options, material, name=order, seed=1)
    assert cells["forward"].generation and cells["forward"].predictions and cells["forward"].samples
    for order in ("reversed", "shuffled"):
        assert not (cells[order].generation or cells[order].predictions or cells[order].samples)
        assert cells[order].cost.generate_tokens_per_second > 0 and cells[order].chains


def test_models_of_another_order_stand_apart_from_the_comparison(contenders):
    main, others = by_reading_order(contenders)
    assert [each.result.name for each in main] == ["3-forward", "2-forward"]
    assert [each.result.name for each in others] == ["3-reversed", "3-shuffled"]
    assert by_reading_order(others) == (others, [])
    found = gather_all(contenders, OPTIONS, Stopwatch())
    assert [row.model for row in found.orders.groups[0].rows] == ["3-forward", "3-reversed", "3-shuffled"]
    assert {row.model for row in found.unit_table.rows} == {"3-forward", "2-forward"}


def test_of_a_model_that_was_trained_once_the_percent_is_of_one_training(contenders):
    (group,) = ORDERS_ANALYSIS.gather(contenders, OPTIONS).groups
    for row in group.rows[1:]:
        assert row.by_seed == [pytest.approx(row.percent)] and not row.drawn
