from __future__ import annotations

import pytest

from lmcompare.evaluation.textunits import lines, unit_ends, unit_name, units


def test_words_are_between_white_space_and_line_ends_are_none():
    assert units(" a  bc\n\nd ", "words") == ["a", "bc", "d"]
    assert lines(" a  bc\n\nd ", "words") == [["a", "bc"], ["d"]]


def test_characters_are_code_points_and_unk_is_one():
    assert units("我 <unk>。\n好", "characters") == ["我", " ", "<unk>", "。", "好"]


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_a_text_cut_at_a_unit_s_end_has_so_many_units(unit):
    text = "one two\n 三 four <unk> six"
    for most in range(1, 9):
        ends = unit_ends(text, unit, most)
        assert len(ends) == min(most, len(units(text, unit)))
        assert units(text[: ends[-1]], unit) == units(text, unit)[:most]


def test_the_unit_is_the_corpus_s():
    assert (unit_name(True), unit_name(False)) == ("words", "characters")
