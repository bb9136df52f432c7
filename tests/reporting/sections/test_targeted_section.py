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
        paradigms=3,
        accuracy_per_token=accuracy - 0.01,
        ci95_per_token=(accuracy - 0.07, accuracy + 0.05),
        ties=0.02,
        unknown=0.3,
        known_pairs=140,
        accuracy_known=accuracy + 0.02,
        ci95_known=(accuracy - 0.05, accuracy + 0.09),
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
            ci95_first=(0.13, 0.35),
            perplexity=88.25,
            perplexity_ci95=(52.0, 150.0),
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
    for text in ("72.0 [66.0, 78.0]", "71.0 [65.0, 77.0]", "140", "74.0 [67.0, 81.0]"):
        assert text in section.findings[2]
    drawing, overall, sentence, token, known, cloze = section.parts
    assert len(drawing.figure.axes[0].get_yticks()) == 3
    last = dict(zip([column.key for column in overall.columns], overall.texts()[2], strict=True))
    assert last["sentence"].startswith("72.0 [66.0, 78.0]") and last["token"].startswith("71.0 [65.0, 77.0]")
    assert last["known"].startswith("74.0 [67.0, 81.0]") and last["known_pairs"] == "140"
    for table, share in ((sentence, "52.0"), (token.parts[0], "51.0"), (known.parts[0], "54.0")):
        assert len(table.rows) == 3
        assert table.texts()[1][:3] == ["island_effects", "3", "200"]
        assert table.texts()[1][3].startswith(f"{share} [")
    assert "140" in known.parts[0].rows[1][3].note
    assert "18 [10, 31]" in cloze.texts()[0][2] and "22 [13, 35]" in cloze.texts()[0][3]
    assert cloze.texts()[0][4] == "88 [52, 150]"
    page = to_html(Comparison(results, lang))
    assert "<b>binding</b>" not in page
    assert "&lt;b&gt;binding&lt;/b&gt;" in page


def test_nothing_is_shown_where_nothing_was_tested(make_results):
    assert "targeted" not in sections(make_results())


def test_results_that_record_no_interval_are_shown_without_one(tested):
    results = tested("en")
    found, cloze = results.analyses.minimal_pairs, results.analyses.cloze
    gone = {"paradigms": None, "ci95_per_token": None, "known_pairs": None, "accuracy_known": None}
    rows = [row.model_copy(update={**gone, "ci95_known": None}) for row in found.rows]
    bare = cloze.rows[0].model_copy(update={"ci95_first": None, "perplexity_ci95": None})
    analyses = Analyses(minimal_pairs=MinimalPairs(rows=rows), cloze=Cloze(rows=[bare]))
    section = sections(results.model_copy(update={"analyses": analyses}))["targeted"]
    _, overall, _, _, last = section.parts
    assert "without unknown" not in section.findings[0] and "51 % by mean" in section.findings[0]
    assert overall.texts()[0][3:6] == ["51 %", "–", "–"]
    assert last.texts()[0][3:5] == ["22 %", "88.25"]
