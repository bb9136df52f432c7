from __future__ import annotations

import math

import pytest

from lmcompare.evaluation.results import Analyses, Extremes
from lmcompare.evaluation.results.extremes import ExtremePair, ExtremeSide, ExtremeText, ExtremeToken
from lmcompare.reporting import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.section import Folded
from lmcompare.reporting.sections import sections

EVIL = "<script>alert(1)</script>"


def side(fewer: float, more: float, a_first: bool, tokens: bool = True) -> ExtremeSide:
    a, b = (fewer, more) if a_first else (more, fewer)
    return ExtremeSide(
        tokens=[ExtremeToken(before="the cat ", token=EVIL, after=" on", bits_a=a, bits_b=b)]
        if tokens
        else [],
        sentences=[ExtremeText(name="", text=EVIL, size=12, bits_a=a, bits_b=b)],
        documents=[ExtremeText(name="page 1", text="a page", size=1200, bits_a=a, bits_b=b)],
    )


@pytest.fixture
def differing(make_results):
    results = make_results()
    first, second, third = [model.name for model in results.models]
    pairs = [
        ExtremePair(
            a=first,
            b=second,
            unit="token",
            easier_for_a=side(0.25, math.inf, True),
            easier_for_b=side(1.5, 9.75, False),
        ),
        ExtremePair(
            a=first,
            b=third,
            unit="byte",
            easier_for_a=side(1, 2, True, False),
            easier_for_b=side(1, 2, False, False),
        ),
    ]
    return results.model_copy(update={"analyses": Analyses(extremes=Extremes(split="test", pairs=pairs))})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_section_tells_the_token_that_sets_two_models_apart(differing, lang):
    section = sections(differing, lang)["extremes"]
    # Tokens are told where both models have the same ones, in both directions.
    assert len(section.findings) == 2
    assert "0.2" in section.findings[0] and "∞" in section.findings[0]
    assert "1.5" in section.findings[1] and "9.8" in section.findings[1]
    assert all(f"the cat ⟦{EVIL}⟧" in told for told in section.findings)


def test_the_page_holds_the_section_and_escapes_text(differing):
    page = to_html(Comparison(differing))
    assert 'id="extremes"' in page and EVIL not in page


def test_tables_of_the_first_pair_stand_open_and_all_others_are_folded(differing):
    parts = sections(differing)["extremes"].parts
    assert [type(part) is Folded for part in parts] == [False, False, True, True]
    assert [len(part.parts) for part in parts[2:]] == [4, 4]
    assert parts[1].texts() == [[f"⟦{EVIL}⟧", "9.75", "1.50", "+8.25"]]
    assert parts[1].rows[0][0].note == f"the cat ⟦{EVIL}⟧ on"
    document = parts[3].parts[2].rows[0][0]
    assert (document.text, document.note) == ("page 1 · 1,200 bytes", "a page")


def test_pairs_without_the_best_model_are_folded_and_not_told(differing):
    found = differing.analyses.extremes
    first, second, third = [model.name for model in differing.models]
    before = sections(differing)["extremes"]
    other = found.pairs[0].model_copy(update={"a": second, "b": third})
    after = sections(
        differing.model_copy(
            update={"analyses": Analyses(extremes=Extremes(split="test", pairs=[*found.pairs, other]))}
        )
    )["extremes"]
    assert after.findings == before.findings and len(after.parts) == len(before.parts) + 1
    assert isinstance(after.parts[-1], Folded) and after.parts[-1].title.startswith(
        f"{second} against {third}"
    )


def test_without_the_analysis_there_is_no_section(make_results):
    assert "extremes" not in sections(make_results())
