from __future__ import annotations

import pytest

from lmcompare.evaluation.results import Analyses, Slice, Slices, SliceScore, Slicing
from lmcompare.reporting import Comparison
from lmcompare.reporting.html import to_html
from lmcompare.reporting.section import Folded
from lmcompare.reporting.sections import sections

EVIL = "<b>5&gram"


def score(model: str, bits: float, gain: float | None) -> SliceScore:
    ci95 = None if gain is None else (gain - 0.1, gain + 0.1)
    return SliceScore(
        model=model,
        events=900,
        share_events=0.25,
        share_events_ci95=(0.2, 0.3),
        bits=bits,
        ci95=(bits - 0.2, bits + 0.2),
        share_bits=0.4,
        share_bits_ci95=(0.3, 0.5),
        gain=gain,
        gain_ci95=ci95,
    )


@pytest.fixture
def sliced(make_results):
    results = make_results()
    first, *others = [model.name for model in results.models]

    def slices(keys: tuple[str, ...], gains: tuple[float, ...]) -> list[Slice]:
        return [
            Slice(
                key=key, scores=[score(first, 9.5, None), *(score(name, 9.5 - gain, gain) for name in others)]
            )
            for key, gain in zip(keys, gains, strict=True)
        ]

    slicings = [
        Slicing(name="order", source=EVIL, slices=slices(("1", "2", "5"), (1.25, 0.02, -0.45))),
        Slicing(name="frequency", source="", slices=slices(("0", "1", "2-4"), (0.0, 0.05, 0.004))),
        Slicing(name="script", source="", slices=slices(("han", "latin", "eos"), (0.3, 0.2, 0.1))),
        Slicing(name="tags", source="x.conllu", slices=slices(tuple("ABCDEFG"), (0.1,) * 7)),
    ]
    found = Slices(
        split="test",
        unit="token",
        resampled="documents",
        references=dict.fromkeys(others, first),
        left_out={first: 1234},
        fewest=20,
        slicings=slicings,
    )
    return results.model_copy(update={"analyses": Analyses(slices=found)})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_section_says_where_a_model_surely_gains_most_and_loses_most(sliced, lang):
    section = sections(sliced, lang)["slices"]
    # Of each of two models: a gain and a loss by order; by frequency no gain is beyond doubt.
    assert len(section.findings) == 4
    assert all(told.count("1.25 ") + told.count("0.45 ") == 1 for told in section.findings)
    assert sum("[1.15, 1.35]" in told for told in section.findings) == 2
    assert sum("[0.35, 0.55]" in told for told in section.findings) == 2


def test_the_first_slicing_stands_open_and_the_others_are_folded(sliced):
    section = sections(sliced)["slices"]
    assert [type(part) is Folded for part in section.parts] == [False, False, True, True, True]
    table = section.parts[1]
    assert table.texts()[2][0] == "5" and table.rows[2][3].note == "40 % of bits · gain −0.45"
    assert "1,234" in " ".join(table.notes)


def test_the_page_holds_the_section_and_escapes_names(sliced):
    page = to_html(Comparison(sliced))
    assert 'id="slices"' in page and EVIL not in page


def test_without_the_analysis_there_is_no_section(make_results):
    assert "slices" not in sections(make_results())


def test_a_gain_that_is_sure_but_next_to_nothing_is_not_told(sliced):
    found = sliced.analyses.slices
    little = {"gain": 0.004, "gain_ci95": (0.003, 0.005)}
    small = [
        each if each.gain is None else each.model_copy(update=little)
        for each in found.slicings[0].slices[0].scores
    ]
    slicing = found.slicings[0].model_copy(update={"slices": [Slice(key="1", scores=small)] * 2})
    changed = found.model_copy(update={"slicings": [slicing]})
    results = sliced.model_copy(update={"analyses": Analyses(slices=changed)})
    assert sections(results)["slices"].findings == ()
