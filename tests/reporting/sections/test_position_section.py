from __future__ import annotations

import pytest

from lmcompare.evaluation.results import (
    Analyses,
    LeadPoint,
    Position,
    PositionCurve,
    PositionLead,
    PositionLeads,
    PositionPoint,
)
from lmcompare.reporting import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.language import language
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

    def lead(name, gain):
        points = [
            LeadPoint(first=first, last=2 * first - 2, bits=1 + gain * (first > 64), ci95=(0.9, 1.1 + gain))
            for first in (17, 33, 65)
        ]
        return PositionLead(model=name, points=points, gain=gain, ci95=(gain - 0.1, gain + 0.1))

    forgets, *others = (model.name for model in results.models)
    leads = PositionLeads(
        reference=forgets,
        documents=22,
        early=(17, 64),
        late=(65, 128),
        rows=[lead(name, gain) for name, gain in zip(others, (0.5, -0.04), strict=True)],
    )
    found = Position(split="test", curves=curves, leads=leads)
    return results.model_copy(update={"analyses": Analyses(position=found)})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_section_tells_what_each_memory_gains_on_a_model_that_forgets(placed, lang):
    section, say = sections(placed, lang)["position"], language(lang)
    forgets, gains, even = (model.name for model in placed.models)
    places = {"reference": forgets, "early": "17–64", "late": "65–128"}
    assert section.findings == (
        say("position.gain", model=gains, bits="0.50", low="+0.40", high="+0.60", **places),
        say("position.even", model=even, bits="−0.04", low="−0.14", high="+0.06", **places),
    )
    _, lead = section.parts
    lines = [line for line in lead.figure.axes[0].lines if len(line.get_xdata()) == 3]
    assert [list(line.get_ydata()) for line in lines] == [[1, 1, 1.5], [1, 1, pytest.approx(0.96)]]
    page = to_html(Comparison(placed, lang))
    assert 'href="#position"' in page and 'id="position"' in page


def test_a_lead_that_shrinks_is_told_and_nothing_where_no_model_forgets(placed):
    found = placed.analyses.position
    row = found.leads.rows[0].model_copy(update={"gain": -0.3, "ci95": (-0.4, -0.2)})
    for leads, told in ((found.leads.model_copy(update={"rows": [row]}), 1), (None, 0)):
        analyses = Analyses(position=found.model_copy(update={"leads": leads}))
        section = sections(placed.model_copy(update={"analyses": analyses}))["position"]
        assert len(section.findings) == told and len(section.parts) == 1 + told
        assert all("shrinks by 0.30" in sentence for sentence in section.findings)


def test_without_the_analysis_there_is_no_section(make_results):
    results = make_results()
    assert "position" not in sections(results)
    assert 'id="position"' not in to_html(Comparison(results))
