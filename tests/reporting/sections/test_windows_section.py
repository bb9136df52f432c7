from __future__ import annotations

import pytest

from lmcompare.evaluation.results import Analyses, ContextPoint, StridePoint, Windows, WindowsRow
from lmcompare.reporting import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.sections import sections


def points(*bits):
    sizes = [0, 1, 2, 4, None]
    return [
        ContextPoint(context=size, bits=value, ci95=(value - 0.1, value + 0.1))
        for size, value in zip(sizes, bits, strict=True)
    ]


@pytest.fixture
def seen(make_results):
    results = make_results()
    short, long, longest = (model.name for model in results.models)
    stride = StridePoint(
        window=64, stride=32, perplexity=98.7, mean_context=40.25, least_context=33, reads=1.875
    )
    rows = [
        WindowsRow(model=short, events=500, curve=points(10.0, 7.03, 7.01, 7.0, 7.0), sweep=[]),
        WindowsRow(model=long, events=500, curve=points(11.0, 9.0, 8.0, 7.2, 6.0), sweep=[stride]),
        WindowsRow(model=longest, events=500, curve=points(11.0, 9.0, 5.0, 5.0, 5.0), sweep=[]),
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
    assert "98.7" in page


def test_strides_are_shown_only_of_models_that_have_windows(seen):
    table = sections(seen)["windows"].parts[-1]
    assert [row[0] for row in table.texts()] == [seen.models[1].name]
    without = [row.model_copy(update={"sweep": []}) for row in seen.analyses.windows.rows]
    plain = seen.model_copy(update={"analyses": Analyses(windows=Windows(split="test", rows=without))})
    assert len(sections(plain)["windows"].parts) == 1
