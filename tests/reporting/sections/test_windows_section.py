from __future__ import annotations

import pytest

from lmcompare.evaluation.results import Analyses, ContextPoint, StridePoint, Windows, WindowsRow
from lmcompare.reporting import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.language import language
from lmcompare.reporting.sections import sections


def points(*bits):
    sizes = [0, 1, 2, 4, None]
    return [
        ContextPoint(context=size, bits=value, ci95=(value - 0.15, value + 0.15))
        for size, value in zip(sizes, bits, strict=True)
    ]


@pytest.fixture
def seen(make_results):
    results = make_results()
    short, long, longest = (model.name for model in results.models)
    stride = StridePoint(
        window=64,
        stride=32,
        perplexity=98.7,
        ci95=(90.2, 108.9),
        saved=0.0163,
        saved_ci95=(0.0121, 0.0206),
        mean_context=40.25,
        least_context=33,
        reads=1.875,
    )
    curves = (
        (short, True, points(10.0, 7.03, 7.01, 7.0, 7.0), []),
        (long, False, points(11.0, 9.0, 8.0, 7.2, 6.0), [stride]),
        (longest, None, points(11.0, 9.0, 5.0, 5.0, 5.0), []),
    )
    rows = [
        WindowsRow(model=model, events=500, own_orders=own, curve=curve, sweep=sweep)
        for model, own, curve, sweep in curves
    ]
    return results.model_copy(update={"analyses": Analyses(windows=Windows(split="test", rows=rows))})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_findings_tell_from_where_on_more_context_is_of_no_use(seen, lang):
    first, second, third = sections(seen, lang)["windows"].findings
    assert "1 tokens on" in first or "从 1 个词元起" in first
    assert "> 4 tokens" in second or "从 > 4 个词元起" in second
    assert "2 tokens on" in third or "从 2 个词元起" in third
    page = to_html(Comparison(seen, lang))
    assert 'id="windows"' in page
    table = sections(seen, lang)["windows"].parts[-1]
    assert table.texts()[0][3] == "98.7 [90.2, 108.9]" and table.texts()[0][4].startswith("1.63 [1.21, 2.06]")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_a_model_needs_with_no_context_is_told_with_what_it_then_reads(seen, lang):
    say = language(lang)
    own, strange, unknown = sections(seen, lang)["windows"].findings
    assert own.endswith(say("windows.none_own", none="10.00 [9.85, 10.15]"))
    assert strange.endswith(say("windows.none_strange", none="11.00 [10.85, 11.15]"))
    assert "11.0" not in unknown and "5.00 [4.85, 5.15]" in unknown


def test_points_at_which_a_model_reads_what_no_text_looks_like_are_hollow(seen):
    axes = sections(seen)["windows"].parts[0].figure.axes[0]
    hollow = [line for line in axes.lines if line.get_markerfacecolor() == "white"]
    assert [list(line.get_ydata()) for line in hollow] == [[11.0, 9.0]]


@pytest.mark.parametrize(("lang", "name"), [("en", "validation"), ("zh", "验证")])
def test_the_text_is_called_by_its_split(seen, lang, name):
    found = seen.analyses.windows.model_copy(update={"split": "valid"})
    section = sections(seen.model_copy(update={"analyses": Analyses(windows=found)}), lang)["windows"]
    assert name in section.lead and name in section.parts[-1].notes[0]


def test_strides_are_shown_only_of_models_that_have_windows(seen):
    table = sections(seen)["windows"].parts[-1]
    assert [row[0] for row in table.texts()] == [seen.models[1].name]
    without = [row.model_copy(update={"sweep": []}) for row in seen.analyses.windows.rows]
    plain = seen.model_copy(update={"analyses": Analyses(windows=Windows(split="test", rows=without))})
    assert len(sections(plain)["windows"].parts) == 1
