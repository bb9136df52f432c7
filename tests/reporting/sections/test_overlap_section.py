from __future__ import annotations

import pytest

from lmcompare.evaluation.results import Analyses, Overlap, OverlapRow, OverlapScore
from lmcompare.reporting import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.sections import sections


def row(model, clean, dirty):
    parts = {"all": (200, (clean + dirty) / 2), "clean": (150, clean), "dirty": (50, dirty)}
    scores = [
        OverlapScore(
            part=part,
            events=events,
            perplexity=20 * bits,
            ci95=(19 * bits, 21 * bits),
            bits_per_byte=bits,
            bytes_ci95=(bits - 0.15, bits + 0.15),
        )  # fmt: skip
        for part, (events, bits) in parts.items()
    ]
    return OverlapRow(model=model, scores=scores)


def with_rows(results, rows, repeated=7):
    found = Overlap(
        split="test", length=13, unit="words", lines=90, repeated=repeated, overlapping=0, rows=rows
    )
    return results.model_copy(update={"analyses": Analyses(overlap=found)})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_change_of_order_on_clean_lines_is_told(make_results, lang):
    results = make_results(lang)
    first, second, third = (model.name for model in results.models)
    same = with_rows(results, [row(first, 2.0, 1.9), row(second, 2.2, 2.1), row(third, 2.4, 2.3)])
    other = with_rows(results, [row(first, 2.3, 0.1), row(second, 2.2, 2.1), row(third, 2.4, 2.3)])
    (plain,), (changed,) = (sections(each, lang)["overlap"].findings for each in (same, other))
    assert second not in plain
    assert changed.index(second) < changed.index(first)
    table = sections(other, lang)["overlap"].parts[0]
    assert {row[0] for row in table.texts()} == {first, second, third}
    assert {row[-1] for row in table.texts()} == {"25 %" if lang == "en" else "25%"}
    clean = {row[0]: row[4] for row in table.texts()}
    assert clean[second] == "2.20 [2.05, 2.35]"
    assert 'id="overlap"' in to_html(Comparison(other, lang))


def test_without_dirty_lines_there_is_a_sentence_and_no_table(make_results):
    section = sections(with_rows(make_results(), [], repeated=0))["overlap"]
    assert section.parts == ()
    assert "No line is dirty" in section.findings[0]
