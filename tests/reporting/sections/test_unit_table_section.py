from __future__ import annotations

import math

import pytest

from lmcompare.evaluation.results import Analyses, UnitRow, UnitScore, UnitScores, UnitTable
from lmcompare.evaluation.results.unit_table import UNITS
from lmcompare.reporting.sections import sections


def scored(treatment: str, bits: float, units=UNITS) -> UnitScores:
    return UnitScores(
        treatment=treatment,
        units=[
            UnitScore(unit=unit, count=1000, bits=bits, ci95=(bits - 0.02, bits + 0.02), perplexity=2**bits)
            for unit in units
        ],
    )


@pytest.fixture
def results(make_results):
    found = make_results()
    rows = [
        UnitRow(
            model=model.name,
            unknown=12,
            types=5,
            spread=5,
            scores=[scored("all", 3.0), scored("without", 3.5, UNITS[:2]), scored("charged", math.inf)],
        )
        for model in found.models
    ]
    table = UnitTable(split="test", stated=None, rows=rows)
    return found.model_copy(update={"analyses": Analyses(unit_table=table)})


def test_every_model_has_a_row_for_each_treatment_of_unknown_words(results):
    section = sections(results)["unit_table"]
    counts, bits, folded = section.parts
    assert counts.texts() == [["words (33,280)", *["1,000"] * 6, "12", "5"]]
    assert bits.texts()[:3] == [
        ["transformer", "all", *["3.000"] * 6],
        ["transformer", "without", "3.500", "3.500", *["–"] * 4],
        ["transformer", "charged", *["∞"] * 6],
    ]
    assert bits.rows[0][2].note == "[2.980, 3.020]"
    assert folded.parts[0].texts()[0] == ["transformer", "all", *["8.000"] * 6]
    assert bits.notes == (
        "Charged over 5 unseen types, as many as this text shows: the least that can be charged.",
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_best_model_s_three_perplexities_are_told(results, lang):
    (sentence,) = sections(results, lang)["unit_table"].findings
    places = [sentence.index(text) for text in ("transformer", "8.000", "11.31", "∞")]
    assert places == sorted(places)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_cannot_be_charged_is_not_shown_and_the_option_that_would_is_named(results, lang):
    for row in results.analyses.unit_table.rows:
        row.signs, row.types, row.spread = row.unknown, 0, 0
        row.scores = row.scores[:2]
    section = sections(results, lang)["unit_table"]
    counts, bits, _ = section.parts
    assert counts.texts()[0][-2:] == ["12", "–"]
    assert "12" in counts.notes[1] and "<unk>" in counts.notes[1]
    assert len(bits.texts()) == 2 * len(results.models)
    (note,), (finding,) = bits.notes, section.findings
    assert "open_vocabulary" in note and "open_vocabulary" in finding and "11.31" in finding


def test_where_some_unknown_words_stand_in_the_text_their_types_are_counted(results):
    for row in results.analyses.unit_table.rows:
        row.signs = 4
    counts, bits, _ = sections(results)["unit_table"].parts
    assert counts.texts()[0][-2:] == ["12", "5"] and counts.notes[1].startswith("4 unknown words")
    assert len(bits.notes) == 1 and bits.notes[0].startswith("Charged over 5")


def test_where_the_types_come_from_is_told(results):
    results.analyses.unit_table.stated = 5
    assert "open_vocabulary" in sections(results)["unit_table"].parts[1].notes[0]


def test_where_nothing_is_unknown_nothing_is_said_of_it(results):
    for row in results.analyses.unit_table.rows:
        row.unknown = row.types = row.spread = 0
        row.scores = row.scores[:1]
    section = sections(results)["unit_table"]
    assert section.findings == () and "<unk>" not in section.lead
    assert section.parts[1].texts()[0] == ["transformer", *["3.000"] * 6]
    assert section.parts[1].notes == ()


def test_without_the_analysis_there_is_no_section(make_results):
    assert "unit_table" not in sections(make_results())
