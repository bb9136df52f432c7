from __future__ import annotations

import math

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.calibration import CALIBRATION
from lmcompare.evaluation.calibration.analysis import mean
from lmcompare.evaluation.calibration.predictions import EDGES, predict
from lmcompare.evaluation.calibration.summary import FEWEST, summarise
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.text.tokenizers.word import WordTokenizer

SIZE = 14


def drawn(table: np.ndarray, documents: int, length: int, seed: int) -> list[np.ndarray]:
    """Documents from the chain itself."""
    random, found = np.random.default_rng(seed), []
    for _ in range(documents):
        last, tokens = 0, []
        for _ in range(length):
            last = int(random.choice(len(table), p=table[last]))
            tokens.append(last)
        found.append(np.array(tokens))
    return found


@pytest.fixture(scope="module")
def source():
    """A chain and text from it."""
    tokenizer = WordTokenizer([f"w{number}" for number in range(SIZE - 3)])
    table = markov_table(SIZE, 3) ** 2
    table /= table.sum(axis=1, keepdims=True)
    return tokenizer, table, drawn(table, 60, 100, 1)


def test_a_model_that_is_its_own_source_is_calibrated(source):
    tokenizer, table, text = source
    found = summarise(predict(Markov(tokenizer, table), text), 1000, 0)
    assert found.events == 6000 and found.passages == 60
    assert found.ece.value < 0.02 and found.ece_every.value < 0.05
    assert found.excess.ci95[0] < 0 < found.excess.ci95[1]
    assert found.excess.value == pytest.approx(found.surprisal.value - found.entropy.value)
    # Two out of many intervals may miss what they should cover.
    for bins in (found.first_guess, found.every_token):
        missed = [not each.came_true.ci95[0] <= each.predicted <= each.came_true.ci95[1] for each in bins]
        assert sum(missed) <= 2 and len(bins) >= 4
    missed = [not each.surprisal.ci95[0] <= each.entropy <= each.surprisal.ci95[1] for each in found.surprise]
    assert sum(missed) <= 1 and len(missed) >= 2
    assert found.accuracy[0].share.value == pytest.approx(found.confidence.value, abs=0.02)


@pytest.mark.parametrize(("power", "sign"), [(2.0, 1), (0.5, -1)])
def test_a_model_that_is_too_sure_or_too_cautious_is_found_out(source, power, sign):
    tokenizer, table, text = source
    wrong = table**power
    wrong /= wrong.sum(axis=1, keepdims=True)
    found = summarise(predict(Markov(tokenizer, wrong), text), 1000, 0)
    assert sign * found.excess.value > 0.1
    assert found.excess.ci95[0] > 0 or found.excess.ci95[1] < 0
    assert found.ece.ci95[0] > 0.05
    assert sign * (found.confidence.value - found.accuracy[0].share.value) > 0.05


def test_each_number_is_the_count_of_a_slow_loop(source):
    tokenizer, table, text = source
    told = predict(Markov(tokenizer, table), text[:10])
    found = summarise(told, 200, 0)
    first, right = np.exp(told.top), told.rank == 1
    gap = 0.0
    for low in range(10):
        inside = [n for n in range(1000) if low / 10 <= first[n] < (low + 1) / 10]
        gap += abs(sum(first[n] - right[n] for n in inside))
        bins = [each for each in found.first_guess if each.low == low / 10]
        assert bool(bins) == (len(inside) >= FEWEST)
        if bins:
            assert bins[0].number == len(inside)
            assert bins[0].came_true.value == pytest.approx(np.mean([right[n] for n in inside]))
            assert bins[0].predicted == pytest.approx(np.mean([first[n] for n in inside]))
    assert found.ece.value == pytest.approx(gap / 1000)
    assert found.ece_every.value == pytest.approx(
        sum(abs(told.mass[:, b].sum() - told.hits[:, b].sum()) for b in range(len(EDGES))) / 1000
    )
    assert [each.share.value for each in found.accuracy] == [np.mean(told.rank <= k) for k in (1, 5, 10)]
    assert [(each.first, each.last) for each in found.ranks][:4] == [(1, 1), (2, 2), (3, 4), (5, 8)]
    for each in found.ranks:
        inside = (told.rank >= each.first) & (told.rank <= each.last)
        assert each.share.value == pytest.approx(np.mean(inside))
        assert each.share.ci95[0] <= each.share.value <= each.share.ci95[1]
    for each in found.surprise:
        bits = told.entropy / math.log(2)
        inside = (bits >= each.low) & (bits < each.high)
        assert each.number == inside.sum() and each.entropy == pytest.approx(bits[inside].mean())
        assert each.surprisal.value == pytest.approx(-told.logprob[inside].mean() / math.log(2))


def test_intervals_are_those_of_passages_drawn_again(source):
    tokenizer, table, text = source
    told = predict(Markov(tokenizer, table), text)
    found = summarise(told, 2000, 0)
    right = np.array([(told.rank[told.passage == n] <= 5).mean() for n in range(len(text))])
    random = np.random.default_rng(4)
    means = [right[random.integers(0, len(right), len(right))].mean() for _ in range(2000)]
    wanted = np.percentile(means, [2.5, 97.5])
    assert found.accuracy[1].share.ci95 == pytest.approx(wanted, abs=0.15 * (wanted[1] - wanted[0]))


def test_impossible_events_are_counted_and_left_out_of_the_bits():
    tokenizer = WordTokenizer(["a", "b"])
    table = np.tile([0.0, 0.5, 0.0, 0.5, 0.0], (5, 1))
    found = summarise(predict(Markov(tokenizer, table), [np.array([3, 4, 1])] * 30), 200, 0)
    assert found.impossible == 30
    assert (found.entropy.value, found.surprisal.value, found.excess.value) == pytest.approx((1, 1, 0))
    assert found.accuracy[0].share.value == pytest.approx(1 / 3)


def test_the_mean_of_seeds_is_the_mean_of_their_numbers(source):
    tokenizer, table, text = source
    cells = [summarise(predict(Markov(tokenizer, markov_table(SIZE, k)), text[:20]), 200, 0) for k in (3, 8)]
    both = mean(cells)
    assert both.ece.value == pytest.approx(np.mean([cell.ece.value for cell in cells]))
    assert both.excess.ci95[1] == pytest.approx(np.mean([cell.excess.ci95[1] for cell in cells]))
    assert sum(each.share.value for each in both.ranks) == pytest.approx(1)
    assert sum(each.number for each in both.surprise) == pytest.approx(
        np.mean([sum(each.number for each in cell.surprise) for cell in cells])
    )
    lows = [each.low for each in both.first_guess]
    assert lows == sorted(lows) and set(lows) == {each.low for cell in cells for each in cell.first_guess}
    assert mean(cells[:1]) is cells[0]


def test_the_analysis_asks_each_model_and_can_be_switched_off(make_corpus, encoded):
    corpus = make_corpus(60)
    tokenizer = WordTokenizer(["a", "b", "c"])
    text = encoded(corpus, tokenizer)
    model = Markov(tokenizer, markov_table(tokenizer.size, 3))
    on, off = (
        EvaluationOptions(
            resamples=200,
            generation={"prompts": 0},
            windows={"enabled": False},
            calibration={"enabled": enabled, "events": 300},
        )
        for enabled in (True, False)
    )
    cell, scores = evaluate(model, text, on, prepare(corpus, on), name="m", seed=1)
    found = CALIBRATION.gather([Contender(merge([cell], [scores], text, on), [scores], text, [cell])], on)
    assert found.split == "test" and found.rows[0].model == "m"
    assert 200 < found.rows[0].found.events < 400
    model.kind = "kenlm"  # whole distributions take long there: it is asked about fewer events
    slow, _ = evaluate(model, text, on, prepare(corpus, on), name="m", seed=1)
    assert 20 < slow.analyses.calibration.events < 60
    silent, scores = evaluate(model, text, off, prepare(corpus, off), name="m", seed=1)
    assert silent.analyses.calibration is None
    row = merge([silent], [scores], text, off)
    assert CALIBRATION.gather([Contender(row, [scores], text, [silent])], off) is None
