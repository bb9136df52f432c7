"""What the parts of an evaluation took: added up by name, and the same when scores are found again."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import pytest

from lmcompare import registry
from lmcompare.evaluation import analyses, timing
from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.harness import evaluate, merge
from lmcompare.evaluation.material import prepare
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.position import PositionAnalysis
from lmcompare.evaluation.ranking import compare
from lmcompare.evaluation.results import CellSeconds
from lmcompare.evaluation.score_cache import ScoreCache
from lmcompare.evaluation.timing import Stopwatch, asked_for, of_run
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.text.corpus import Document

OPTIONS = EvaluationOptions(
    resamples=200,
    generation={"prompts": 0},
    calibration={"enabled": False},
    windows={"enabled": False},
    inside={"enabled": False},
)

NAMES = [each.name for each in analyses.ANALYSES if hasattr(getattr(OPTIONS, each.name), "enabled")]


def test_what_is_timed_twice_is_added(monkeypatch):
    clock = itertools.accumulate([0.0, 1.0, 10.0, 3.0, 100.0, 0.5])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    watch = Stopwatch()
    for name in ("a", "b", "a"):
        with watch.time(name):
            pass
    watch.add("b", 2.0)
    assert watch.seconds == {"a": 1.5, "b": 5.0}


def test_what_fails_is_timed_too():
    watch = Stopwatch()
    with pytest.raises(ValueError), watch.time("a"):
        raise ValueError
    assert watch.seconds.keys() == {"a"}


def test_an_analysis_is_asked_for_by_its_switch_or_by_its_files(tmp_path):
    usual = EvaluationOptions()
    asked = EvaluationOptions(gap={"enabled": True}, minimal_pairs={"files": [tmp_path / "a.jsonl"]})
    names = ("position", "gap", "minimal_pairs", "cloze")
    assert [asked_for(usual, name) for name in names] == [True, False, False, False]
    assert [asked_for(asked, name) for name in names] == [True, True, True, False]
    assert not asked_for(EvaluationOptions(position={"enabled": False}), "position")


def test_a_run_is_the_sum_of_its_cells_and_of_what_is_done_with_all():
    cells = [
        CellSeconds(
            scoring=1, scoring_matched=2, statistics=3, writing=4, analyses={"position": 5, "gap": 6}
        ),
        CellSeconds(scoring=10, scoring_matched=0, statistics=30, writing=40, analyses={"position": 50}),
    ]
    gathered = {"position": 500.0, "cloze": 0.0}
    found = of_run(cells, 300.0, gathered, EvaluationOptions(gap={"enabled": True}))
    assert (found.cells, found.scoring, found.scoring_matched, found.statistics, found.writing) == (
        2,
        11,
        2,
        333,
        44,
    )
    assert [(each.name, each.default, each.seconds) for each in found.analyses] == [
        ("position", True, 555),
        ("gap", False, 6),
    ]


def run(model, corpus, encoded, **more):
    text = encoded(corpus, model.tokenizer)
    return evaluate(model, text, OPTIONS, prepare(corpus, OPTIONS), name="m", seed=1, **more)[0]


def test_a_cell_tells_what_each_analysis_took_that_was_asked_for(
    make_model, make_corpus, encoded, monkeypatch
):
    def measure(self, subject):
        time.sleep(0.3)

    monkeypatch.setattr(PositionAnalysis, "measure", measure)
    took = run(make_model(), make_corpus(), encoded).seconds
    asked = {each.name for each in analyses.ANALYSES if asked_for(OPTIONS, each.name)}
    assert took.analyses.keys() == asked and "calibration" not in asked
    assert took.analyses["position"] >= 0.3 > took.analyses["extremes"]
    assert min(took.scoring, took.scoring_matched, took.statistics) > 0


def test_scores_that_are_found_again_count_as_when_they_were_computed(
    make_corpus, encoded, word_tokenizer, tmp_path
):
    corpus = make_corpus(30)
    text = encoded(corpus, word_tokenizer)
    model = train_ngram(text.train.documents, word_tokenizer, NgramOptions(order=2))
    model.save(tmp_path / "m")
    cache = ScoreCache.of(tmp_path / "scores", tmp_path / "m", 1)
    first, again = (run(model, corpus, encoded, cache=cache).seconds for _ in range(2))
    assert again.scoring == pytest.approx(first.scoring) and first.scoring > 0
    assert first.scoring_matched == again.scoring_matched == 0  # it forgets by itself, and is scored once


def batched(documents, number):
    return [documents[start : start + number] for start in range(0, len(documents), number)]


def joined(documents):
    """One document of about 200 tokens, as real ones have at least."""
    return Document(documents[0].name, tuple(line for each in documents for line in each.sentences))


@pytest.mark.slow
def test_scoring_and_statistics_take_at_most_three_times_the_scoring(
    make_corpus, encoded, word_tokenizer, tmp_path
):
    small = make_corpus(1500)
    splits = {name: [joined(each) for each in batched(found, 15)] for name, found in small.splits.items()}
    corpus = replace(small, splits=splits)
    text = encoded(corpus, word_tokenizer)
    options = EvaluationOptions(generation={"prompts": 0}, **dict.fromkeys(NAMES, {"enabled": False}))
    contenders = []
    for kind, chosen in (("ngram", {"order": 3}), ("lstm", {"width": 256, "steps": 2, "batch": 4})):
        family, folder = registry.models.get(kind), tmp_path / kind
        folder.mkdir()
        settings = family.options.model_validate(chosen)
        train, valid = text.train.documents[:5], text.valid.documents[:2]
        model = family.train(registry.Training(settings, word_tokenizer, train, valid, 1, folder))
        cell, scores = evaluate(model, text, options, prepare(corpus, options), name=kind, seed=1)
        contenders.append(Contender(merge([cell], [scores], text, options), [scores], text, [cell]))
    watch = Stopwatch()
    with watch.time("statistics"):
        assert compare(contenders, options)
    cells = [cell.seconds for contender in contenders for cell in contender.cells]
    took = of_run(cells, watch.seconds["statistics"], {}, options)
    assert took.analyses == []
    scoring = took.scoring + took.scoring_matched
    assert scoring + took.statistics <= 3 * scoring
