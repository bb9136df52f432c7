from __future__ import annotations

import pytest

from lmcompare.evaluation.results import AnalysisSeconds, RunSeconds
from lmcompare.reporting import Comparison
from lmcompare.reporting.evaluation_time import evaluation_time
from lmcompare.reporting.html import to_html
from lmcompare.reporting.language import language

EN, ZH = language("en"), language("zh")


@pytest.fixture
def timed(make_results):
    analyses = [
        ("position", True, 1.0),
        ("windows", True, 20.0),
        ("calibration", True, 12.0),
        ("slices", True, 7.0),
        ("gap", False, 90.0),
        ("search", False, 300.0),
    ]
    found = [AnalysisSeconds(name=name, default=usual, seconds=took) for name, usual, took in analyses]
    seconds = RunSeconds(
        cells=9, scoring=30.0, scoring_matched=20.0, statistics=10.0, writing=600.0, analyses=found
    )
    return make_results().model_copy(update={"seconds": seconds})


def test_scoring_is_set_against_statistics_and_what_is_on_by_default(timed):
    ratio, longest, asked, writing = evaluation_time(timed, EN)
    assert (
        "the 9 trained models took 50 s in all (30 s with" in ratio and "20 s with each line alone" in ratio
    )
    assert "together 1.2 times the scoring" in ratio  # (50 + 10) / 50
    assert "it is 2.0 times the scoring" in ratio  # (50 + 10 + 40) / 50
    assert "windows 20 s, calibration 12 s, slices 7.0 s." in longest and "position" not in longest
    assert "search 5.0 min, gap 90 s." in asked
    assert "10.0 min" in writing


def test_the_same_stands_in_chinese(timed):
    ratio, longest, asked, _ = evaluation_time(timed, ZH)
    assert "为 9 个训练好的模型打分共用 50 s" in ratio and "1.2 倍" in ratio and "2.0 倍" in ratio
    assert (
        "windows 20 s、calibration 12 s、slices 7.0 s。" in longest and "search 5.0 min、gap 90 s。" in asked
    )


def test_what_was_not_asked_for_is_not_named(timed):
    timed.seconds.analyses = []
    assert len(evaluation_time(timed, EN)) == 2


@pytest.mark.parametrize("scoring", [None, 0.0])
def test_nothing_is_told_where_nobody_measured(timed, make_results, scoring):
    results = make_results() if scoring is None else timed
    if scoring is not None:
        results.seconds.scoring = scoring
    assert evaluation_time(results, EN) == []


def test_it_stands_where_the_page_tells_how_to_get_it_again(timed):
    page = to_html(Comparison(timed))
    section = page[page.index('<section id="again">') : page.index('<section id="limits">')]
    assert "50\u00a0s" in section and "5.0\u00a0min" in section
