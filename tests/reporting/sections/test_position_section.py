from __future__ import annotations

import pytest

from lmcompare.evaluation.results import Analyses, Position, PositionCurve, PositionPoint
from lmcompare.reporting import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.sections import sections


@pytest.fixture
def placed(make_results):
    results = make_results()
    points = [
        PositionPoint(first=1, last=1, events=100, bits=11.5, ci95=(11.3, 11.7)),
        PositionPoint(first=17, last=32, events=100, bits=9.0, ci95=(8.8, 9.2)),
        PositionPoint(first=33, last=64, events=100, bits=7.25, ci95=(7.0, 7.5)),
    ]
    curves = [
        PositionCurve(model=model.name, within=within, points=points)
        for model in results.models
        for within in ("sentence", "document")
    ]
    return results.model_copy(update={"analyses": Analyses(position=Position(split="test", curves=curves))})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_section_tells_what_each_model_gains_along_a_document(placed, lang):
    section = sections(placed, lang)["position"]
    assert len(section.findings) == len(placed.models)
    assert all("9.00" in sentence and "7.25" in sentence for sentence in section.findings)
    page = to_html(Comparison(placed, lang))
    assert 'href="#position"' in page and 'id="position"' in page


def test_without_the_analysis_there_is_no_section(make_results):
    results = make_results()
    assert "position" not in sections(results)
    assert 'id="position"' not in to_html(Comparison(results))
