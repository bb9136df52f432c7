from __future__ import annotations

import pytest

from lmcompare.evaluation.results import BackoffStep, Explanation
from lmcompare.reporting import numbers
from lmcompare.reporting.explanation import explanation_table
from lmcompare.reporting.language import language


def step(order: int, **values: object) -> BackoffStep:
    known = {
        "context": ["<s>", "the"][3 - order :],
        "seen": (3, 41),
        "counted": (3, 41),
        "kinds": False,
        "discount": 1.2,
        "own": 0.04,
        "weight": 0.5,
        "share": 0.04,
    }
    return BackoffStep.model_validate({"order": order, **known, **values})


MIXED = Explanation(
    token="a cat",
    interpolated=True,
    steps=[
        step(3),
        step(2, counted=(1, 7), kinds=True, discount=0.75, own=1 / 28, share=1 / 56),
        step(1, seen=(1200, 30_000), own=0.004, weight=None, share=0.001),
        step(0, context=[], seen=None, counted=None, discount=None, own=1e-5, weight=None, share=1.5e-6),
    ],
    probability=0.04 + 1 / 56 + 0.001 + 1.5e-6,
)


def test_each_order_has_a_row_and_the_last_row_is_their_sum() -> None:
    table = explanation_table(MIXED, language("en"), "5-gram")
    assert table.title == "5-gram: how “a␣cat” gets its probability"
    assert [column.key for column in table.columns] == [
        "order", "gram", "seen", "counted", "discount", "own", "weight", "share",
    ]  # fmt: skip
    rows = table.texts()
    assert rows[0] == ["3", "P(a␣cat | <s> the)", "3 of 41", "3 of 41", "1.200", "0.0400", "0.500", "0.0400"]
    assert rows[1][1:4] == ["P(a␣cat | the)", "3 of 41", "1 of 7"]
    assert rows[2][1:3] == ["P(a␣cat)", "1,200 of 30,000"]
    assert rows[3][1:5] == ["any word alike", "–", "–", "–"]
    assert rows[4] == ["", "sum: the probability", *[""] * 5, numbers.probability(MIXED.probability)]
    assert table.marked == {4} and table.rows[4][-1].note == "4.09 bits"
    assert len(table.notes) == 3 and "discount" in table.notes[0] and "different words" in table.notes[2]


def test_a_discount_that_multiplies_is_told_from_one_that_is_taken_off() -> None:
    steps = [step(3, discount=None, ratio=0.8127), step(2, own=None, discount=None)]
    found = Explanation(token="cat", interpolated=False, steps=steps, probability=0.04)
    table = explanation_table(found, language("en"))
    assert [row[4] for row in table.texts()[:2]] == ["×0.813", "–"]
    assert "count × discount" in table.notes[0] and not any("−" in note for note in table.notes)


def test_beside_a_long_context_the_token_is_w_and_the_title_says_so() -> None:
    words = ["governments", "of", "the", "international"]
    steps = [step(5, context=words), step(2, context=words[-1:])]
    found = Explanation(token="organisation", interpolated=True, steps=steps, probability=0.1)
    table = explanation_table(found, language("en"), "5-gram")
    assert table.title == "5-gram: how w = “organisation” gets its probability"
    assert table.rows[0][1].text == "P(w | governments of the international)"
    assert table.rows[1][1].text == "P(w | international)"


def test_what_is_not_known_has_no_column() -> None:
    steps = [step(3, seen=None, counted=None, discount=None), step(2, seen=None, counted=None, discount=None)]
    table = explanation_table(
        Explanation(token="x", interpolated=False, steps=steps, probability=0.0), language("zh"), "模型"
    )
    assert [column.key for column in table.columns] == ["order", "gram", "own", "weight", "share"]
    assert table.rows[-1][-1].text == "0" and table.rows[-1][-1].note == "∞ 比特"
    assert len(table.notes) == 1 and "最长" in table.notes[0]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_cell_is_text_in_both_languages(lang: str) -> None:
    table = explanation_table(MIXED, language(lang))
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert table.title and all(table.notes)
