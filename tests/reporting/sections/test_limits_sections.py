from __future__ import annotations

import pytest

from lmcompare.evaluation.results import Analyses
from lmcompare.evaluation.results.limits import (
    Exposure,
    ExposureCell,
    ExposureCurve,
    ExposureDrift,
    ExposurePoint,
    ExposureRow,
    Gap,
    GapCell,
    GapRow,
    GapScores,
    LengthCost,
    LengthCostCell,
    LengthCostRow,
    LengthPoint,
    OrderGroup,
    OrderRow,
    Orders,
    Search,
    SearchCell,
    SearchModel,
    SearchRow,
    SearchText,
)
from lmcompare.reporting import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.language import language
from lmcompare.reporting.sections import exposure as exposure_section
from lmcompare.reporting.sections import gap as gap_section
from lmcompare.reporting.sections import search as search_section
from lmcompare.reporting.sections import sections

LANGUAGES = pytest.mark.parametrize("lang", ["en", "zh"])
ALONE = {"gap": gap_section.section, "search": search_section.section, "exposure": exposure_section.section}
KEYS = ["orders", "gap", "length_cost", "search", "exposure"]


def orders(names):
    found = {
        "forward": (20.0, None, None),
        "reversed": (20.2, 1.04, (-0.2, 2.3)),
        "shuffled": (31.0, 55.06, (50.0, 60.0)),
    }
    rows = [
        OrderRow(
            model=name, order=order, bits_per_byte=bits / 40, bits_per_sentence=bits, percent=more, ci95=ends
        )
        for name, (order, (bits, more, ends)) in zip(names, found.items(), strict=True)
    ]
    return Orders(split="test", unit="sentences", groups=[OrderGroup(kind="ngram", rows=rows)])


def gap(names, whole=True):
    def side(accuracy, bits):
        return GapScores(
            accuracy=accuracy, accuracy_ci95=(accuracy - 0.1, accuracy + 0.1), mean_rank=2.5,
            bits=bits, bits_ci95=(bits - 0.2, bits + 0.2),
        )  # fmt: skip

    cell = GapCell(
        order="reversed", gaps=90, candidates=300, whole=whole, before=side(0.41, 3.0), both=side(0.87, 1.0),
        saved=2.0, saved_ci95=(1.7, 2.3),
    )  # fmt: skip
    return Gap(split="test", rows=[GapRow(model=name, cell=cell) for name in names])


def length_cost(names):
    points = [
        LengthPoint(context=16, milliseconds_step=1.0, milliseconds_scratch=2.0),
        LengthPoint(context=2048, milliseconds_step=3.0, milliseconds_scratch=600.0),
    ]
    cells = [LengthCostCell(window=window, points=points) for window in (None, 4, 2065)]
    return LengthCost(
        rows=[LengthCostRow(model=name, cell=cell) for name, cell in zip(names, cells, strict=True)]
    )


def search(names, proven=15, longer=3, empty=0.25):
    def row(method, size, bits, errors, empty=0.0):
        some = (0.5, 0.7) if proven else None
        return SearchRow(
            method=method, size=size, complete=0.9, bits=bits if proven else None,
            bits_ci95=(bits - 1, bits + 1) if proven else None, excess=bits - 6 if proven else None,
            excess_ci95=None if method == "exact" else some, length=bits / 2 if proven else None,
            length_ci95=(bits / 2 - 1, bits / 2 + 1) if proven else None, empty=empty if proven else None,
            empty_ci95=some, errors=errors if proven or errors is None else 0,
            errors_ci95=None if errors is None else some,
        )  # fmt: skip

    rows = [
        row("greedy", None, 8.0, 11),
        row("beam", 4, 7.0, 6),
        row("beam", 16, 6.5, 3),
        row("normalised", 16, 9.0, None),
        row("sample", 16, 7.5, 9),
        row("exact", None, 6.0, None, empty),
        row("human", None, 12.0, None),
    ]
    text = SearchText(prompt="the", human=" dog", greedy=" cat", beam=" cow", exact="", proven=False)
    cell = SearchCell(prompts=16, proven=proven, longer=longer, nodes=40.0, rows=rows, texts=[text])
    return Search(
        split="test",
        max_tokens=24,
        node_limit=4000,
        rows=[SearchModel(model=name, cell=cell) for name in names],
    )


def exposure(names, judge=3):
    points = [
        ExposurePoint(first=1, last=1, bits=2.0, ci95=(1.5, 2.5)),
        ExposurePoint(first=2, last=2, bits=1.0, ci95=(0.5, 1.5)),
    ]
    readers = ("self", "judge") if judge else ("self",)
    curves = [
        ExposureCurve(text=text, reader=reader, points=points)
        for reader in readers
        for text in ("human", "temperature(1.0)")
    ]
    drifts = [
        ExposureDrift(
            text="temperature(1.0)", reader=reader, early=0.11, late=0.42, growth=0.31, ci95=(0.2, 0.42)
        )
        for reader in readers
    ]
    cell = ExposureCell(prompts=48, prompt_tokens=16, tokens=64, judge=judge, curves=curves, drifts=drifts)
    return Exposure(split="test", rows=[ExposureRow(model=name, cell=cell) for name in names])


@pytest.fixture
def limited(make_results):
    results = make_results()
    names = [model.name for model in results.models]
    found = Analyses(
        orders=orders(names), gap=gap(names), length_cost=length_cost(names), search=search(names),
        exposure=exposure(names),
    )  # fmt: skip
    return results.model_copy(update={"analyses": found})


def test_each_limit_is_a_section_of_the_page(limited):
    page = to_html(Comparison(limited, "zh"))
    for key in KEYS:
        assert f'href="#{key}"' in page and f'id="{key}"' in page


def test_without_the_analyses_there_are_no_sections(make_results):
    assert not sections(make_results()).keys() & set(KEYS)


@LANGUAGES
def test_an_order_is_told_as_more_bits_or_as_no_difference(limited, lang):
    same, more = sections(limited, lang)["orders"].findings
    assert "1.0" in same and "−0.2" in same and "2.3" in same
    assert "55.1" in more and "50.0" in more
    assert ("cannot be told apart" in same and "more bits" in more) if lang == "en" else "分不出" in same


@LANGUAGES
def test_a_gap_is_told_from_one_side_and_from_both(limited, lang):
    section = sections(limited, lang)["gap"]
    assert len(section.findings) == 3
    sign = " %" if lang == "en" else "%"
    assert all(f"41 [31, 51]{sign}" in one and f"87 [77, 97]{sign}" in one for one in section.findings)
    assert all("2.00 [1.70, 2.30]" in one for one in section.findings)
    assert "300" in section.lead and "90" in section.lead
    texts = section.parts[1].texts()
    assert "41 [31, 51] %" in texts[0] and "87 [77, 97] %" in texts[0]


def test_some_candidates_are_not_called_the_whole_vocabulary(make_results):
    results = make_results()
    found = Analyses(gap=gap([model.name for model in results.models], whole=False))
    section = sections(results.model_copy(update={"analyses": found}))["gap"]
    assert ": 300 candidates" in section.lead and "same candidates" in section.lead
    assert any("same for all models" in note for note in section.parts[1].notes)


def test_the_whole_vocabulary_needs_no_word_on_candidates(limited):
    assert len(ALONE["gap"](limited, language("en")).parts[1].notes) == 1


@LANGUAGES
@pytest.mark.parametrize("key", ["gap", "search"])
def test_models_of_other_tokens_are_said_not_to_be_comparable(limited, lang, key):
    first, *others = limited.models
    strange = first.tokenizer.model_copy(update={"fingerprint": "other", "tokens": "other"})
    mixed = [first.model_copy(update={"tokenizer": strange}), *others]
    notes = [
        ALONE[key](results, language(lang)).parts[1].notes
        for results in (limited, limited.model_copy(update={"models": mixed}))
    ]
    assert len(notes[1]) == len(notes[0]) + 1
    assert ("compare only" if lang == "en" else "只应比较") in notes[1][-1]


@LANGUAGES
@pytest.mark.parametrize("key", ["gap", "search", "exposure"])
def test_the_split_that_was_looked_at_is_named(limited, lang, key):
    found = getattr(limited.analyses, key).model_copy(update={"split": "valid"})
    valid = limited.model_copy(update={"analyses": limited.analyses.model_copy(update={key: found})})
    words = {"en": ("test text", "validation text"), "zh": ("测试文本", "验证文本")}[lang]
    leads = [ALONE[key](results, language(lang)).lead for results in (limited, valid)]
    assert words[0] in leads[0] and words[1] not in leads[0]
    assert words[1] in leads[1] and words[0] not in leads[1]


@LANGUAGES
def test_the_cost_of_length_is_told_with_and_without_what_is_kept(limited, lang):
    section = sections(limited, lang)["length_cost"]
    assert all("3.0 ms" in one and "0.60 s" in one and "2,048" in one for one in section.findings)
    table = section.parts[1].parts[0].texts()
    assert len(table) == 6 and table[1][-1] == "200.0"


@LANGUAGES
def test_search_errors_and_the_length_of_the_optimum_are_told(limited, lang):
    section = sections(limited, lang)["search"]
    errors, bias, empty, longer, unproven, *_ = section.findings
    assert all(number in errors for number in ("15", "11", "3", "9")) and "beam 4" not in errors
    sign = " %" if lang == "en" else "%"
    assert f"73 [50, 70]{sign}" in errors
    assert "3.0 [2.0, 4.0]" in bias and "6.0 [5.0, 7.0]" in bias and "12.0 [11.0, 13.0]" in bias
    assert f"25 [50, 70]{sign}" in empty and "3" in longer and "24" in longer
    assert "1 of 16" in unproven if lang == "en" else "16" in unproven
    rows = {row[1]: row for row in section.parts[1].texts() if row[0] == section.parts[1].texts()[0][0]}
    assert rows["greedy" if lang == "en" else "贪心"][-1] == "11 / 15: 73 [50, 70] %"
    assert rows["exact" if lang == "en" else "精确"][3:] == [
        "0.00",
        "3.0 [2.0, 4.0]",
        "25 [50, 70] %",
        "90 %",
        "–",
    ]
    texts = section.parts[2].parts[0]
    assert texts.rows[0][4].text.startswith(("(", "（")) and texts.rows[0][4].note


def test_nothing_is_told_of_what_did_not_happen(make_results):
    results = make_results()
    names = [model.name for model in results.models]
    found = search(names, proven=16, longer=0, empty=0.0)
    section = sections(results.model_copy(update={"analyses": Analyses(search=found)}))["search"]
    assert len(section.findings) == 2 * len(names)


@LANGUAGES
def test_where_no_optimum_is_proven_only_that_is_told(make_results, lang):
    results = make_results()
    found = search([model.name for model in results.models], proven=0, longer=0)
    section = ALONE["search"](results.model_copy(update={"analyses": Analyses(search=found)}), language(lang))
    assert all("16" in one for one in section.findings) and len(section.findings) == 3
    for row in section.parts[1].texts():
        assert [row[2], row[3], row[4], row[5], row[7]] == ["–"] * 5 and row[6] == "90 %"


@LANGUAGES
@pytest.mark.parametrize("judge", [0, 3])
def test_drift_is_told_as_the_judge_sees_it_and_else_as_the_model_does(make_results, lang, judge):
    results = make_results()
    found = Analyses(exposure=exposure([model.name for model in results.models], judge))
    section = sections(results.model_copy(update={"analyses": found}), lang)["exposure"]
    assert len(section.findings) == 3
    assert all("+0.11" in one and "+0.42" in one and "+0.31" in one for one in section.findings)
    assert section.findings[0].startswith(
        {"en": "To the judge" if judge else "To itself", "zh": "在评判者看来" if judge else "在它自己看来"}[
            lang
        ]
    )
    assert ("3" in section.lead.replace("48", "")) == bool(judge)
    assert len(section.parts[0].figure.axes) == 3 * (2 if judge else 1)
