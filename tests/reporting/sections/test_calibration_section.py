from __future__ import annotations

import pytest

from lmcompare.evaluation.results import Analyses, Calibration, CalibrationCell, CalibrationRow
from lmcompare.evaluation.results.calibration import (
    Estimate,
    RankBin,
    ReliabilityBin,
    SurpriseBin,
    TopAccuracy,
)
from lmcompare.reporting import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.sections import sections


def near(value: float, half: float = 0.05) -> Estimate:
    return Estimate(value=value, ci95=(value - half, value + half))


def cell(excess: float) -> CalibrationCell:
    never = Estimate(value=0.0, ci95=(0.0, 0.0))
    bins = [(0.0, 0.1, near(0.06)), (0.1, 0.2, near(0.16)), (0.9, 1.0, near(0.9))]
    every = [(0.0, 1e-4, never), (1e-4, 1e-3, never), (0.1, 1.0, near(0.4))]
    return CalibrationCell(
        events=4000,
        passages=32,
        impossible=7,
        confidence=near(0.41),
        accuracy=[TopAccuracy(k=k, share=near(share)) for k, share in ((1, 0.37), (5, 0.6), (10, 0.7))],
        ece=near(0.062),
        ece_every=near(0.031),
        entropy=near(5.0),
        surprisal=near(5.0 + excess),
        excess=near(excess),
        first_guess=[
            ReliabilityBin(low=low, high=high, number=300, predicted=(low + high) / 2, came_true=share)
            for low, high, share in bins
        ],
        every_token=[
            ReliabilityBin(low=low, high=high, number=300, predicted=(low + high) / 2, came_true=share)
            for low, high, share in every
        ],
        ranks=[RankBin(first=1, last=1, share=near(0.37)), RankBin(first=2, last=2, share=near(0.63))],
        surprise=[SurpriseBin(low=0, high=1, number=400, entropy=0.5, surprisal=near(0.7))],
    )


@pytest.fixture
def calibrated(make_results):
    results = make_results()
    rows = [
        CalibrationRow(model=model.name, found=cell(excess))
        for model, excess in zip(results.models, (0.5, -0.25, 0.01), strict=True)
    ]
    found = Analyses(calibration=Calibration(split="test", rows=rows))
    return results.model_copy(update={"analyses": found})


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", ("too sure", "too cautious", "as surprised as")), ("zh", ("自信", "谨慎", "一致"))],
)
def test_the_section_says_whether_each_model_is_too_sure(calibrated, lang, words):
    section = sections(calibrated, lang)["calibration"]
    numbers = ("0.500", "0.250", "0.010")
    for told, word, number in zip(section.findings, words, numbers, strict=True):
        assert word in told and number in told
        assert "37%" in told.replace(" %", "%") and "41%" in told.replace(" %", "%")
    # An interval is given the way round that its sentence tells.
    assert "[0.200, 0.300]" in section.findings[1]
    table = section.parts[0]
    assert table.rows[0][1].text == "6.2" and table.rows[0][1].note == "[1.2, 11.2]"
    assert "7" in table.notes[1]


def test_the_page_holds_the_section(calibrated):
    assert 'id="calibration"' in to_html(Comparison(calibrated))


def test_without_the_analysis_there_is_no_section(make_results):
    assert "calibration" not in sections(make_results())
