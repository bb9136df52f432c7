from __future__ import annotations

import pytest

from lmcompare.evaluation.results import Accuracy, Analyses, Cloze, ClozeRow, MinimalPairs
from lmcompare.reporting import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.sections import sections


def row(model, phenomenon, accuracy):
    return Accuracy(
        model=model,
        phenomenon=phenomenon,
        pairs=200,
        accuracy=accuracy,
        ci95=(accuracy - 0.06, accuracy + 0.06),
        accuracy_per_token=accuracy - 0.01,
        ties=0.02,
        unknown=0.3,
    )


@pytest.fixture
def tested(make_results):
    def tested(lang):
        results = make_results(lang)
        rows = [
            row(model.name, phenomenon, 0.52 + 0.1 * place)
            for place, model in enumerate(results.models)
            for phenomenon in ("", "island_effects", "<b>binding</b>")
        ]
        cloze = ClozeRow(
            model=results.models[0].name,
            texts=50,
            accuracy=0.18,
            ci95=(0.1, 0.31),
            accuracy_first=0.22,
            perplexity=88.25,
            unknown=0.04,
        )
        analyses = Analyses(minimal_pairs=MinimalPairs(rows=rows), cloze=Cloze(rows=[cloze]))
        return results.model_copy(update={"analyses": analyses})

    return tested


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_section_shows_each_phenomenon_and_the_last_words(tested, lang):
    results = tested(lang)
    section = sections(results, lang)["targeted"]
    assert len(section.findings) == len(results.models)
    assert "72.0" in section.findings[2]
    drawing, pairs, cloze = section.parts
    assert len(drawing.figure.axes[0].get_yticks()) == 3
    assert len(pairs.rows) == 3
    assert "18 [10, 31]" in cloze.texts()[0][2]
    page = to_html(Comparison(results, lang))
    assert "<b>binding</b>" not in page
    assert "&lt;b&gt;binding&lt;/b&gt;" in page


def test_nothing_is_shown_where_nothing_was_tested(make_results):
    assert "targeted" not in sections(make_results())
