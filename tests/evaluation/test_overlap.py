from __future__ import annotations

import math

import numpy as np
import pytest
from markov_toy import Markov, markov_table

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.overlap import OVERLAP
from lmcompare.evaluation.seen import SeenIndex

OPTIONS = EvaluationOptions(
    resamples=200,
    generation={"prompts": 0},
    windows={"enabled": False},
    calibration={"enabled": False},
    overlap={"length": 4},
)


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_longest_copies_of_many_lines_are_those_of_each_alone(unit):
    random = np.random.default_rng(0)
    lines = [" ".join(random.choice(list("abc"), size=random.integers(0, 9))) for _ in range(60)]
    index = SeenIndex(lines[:20], unit)
    assert index.longest_of_lines(lines[20:]).tolist() == index.longest_copies(lines[20:])
    assert index.longest_of_lines([]).tolist() == []


def test_clean_and_dirty_lines_are_told_apart_by_hand(make_corpus, encoded, word_tokenizer):
    corpus = make_corpus(40)
    text = encoded(corpus, word_tokenizer)
    model = Markov(word_tokenizer, markov_table(6, 2))
    cell, scores = evaluate(model, text, OPTIONS, prepare(corpus, OPTIONS), name="m", seed=1)
    contender = Contender(merge([cell], [scores], text, OPTIONS), [scores], text, [cell])
    found = OVERLAP.gather([contender], OPTIONS)
    train = corpus.sentences("train")

    def shared(line):
        words = line.split()
        grams = [words[i : i + 4] for i in range(len(words) - 3)]
        return any(f" {' '.join(gram)} " in f" {other} " for gram in grams for other in train)

    lines = corpus.sentences("test")
    dirty = [line in train or shared(line) for line in lines]
    assert found.repeated == sum(line in train for line in lines)
    assert found.overlapping == sum(dirty) - found.repeated
    parts = {"all": [], "clean": [], "dirty": []}
    logprobs = iter(scores.logprobs["test", "native"].tolist())
    for line, is_dirty in zip(lines, dirty, strict=True):
        mine = [next(logprobs) for _ in [*line.split(), "</s>"]]
        parts["all"] += mine
        parts["dirty" if is_dirty else "clean"] += mine
    by_part = {score.part: score for score in found.rows[0].scores}
    for name, values in parts.items():
        assert by_part[name].events == len(values)
        assert by_part[name].perplexity == pytest.approx(math.exp(-np.mean(values)))
        low, high = by_part[name].ci95
        assert low < by_part[name].perplexity < high
    size = sum(len(line.encode()) + 1 for line, is_dirty in zip(lines, dirty, strict=True) if is_dirty)
    assert by_part["dirty"].bits_per_byte == pytest.approx(-sum(parts["dirty"]) / math.log(2) / size)
    whole = by_part["all"]
    assert whole.bits_per_byte == pytest.approx(-sum(parts["all"]) / math.log(2) / text.test.bytes.sum())
    for score in found.rows[0].scores:
        assert score.bytes_ci95[0] < score.bits_per_byte < score.bytes_ci95[1]
    bits = np.add.reduceat(-scores.logprobs["test", "native"], text.test.starts[:-1]) / math.log(2)
    error = np.std(bits - whole.bits_per_byte * text.test.bytes) * math.sqrt(40) / text.test.bytes.sum()
    assert whole.bytes_ci95[1] - whole.bytes_ci95[0] == pytest.approx(2 * 1.96 * error, rel=0.2)
    assert OVERLAP.gather([contender], EvaluationOptions(overlap={"enabled": False})) is None
