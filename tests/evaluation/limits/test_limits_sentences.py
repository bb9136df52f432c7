from __future__ import annotations

import pytest

from lmcompare.evaluation.limits.sentences import FEWEST, choose, is_sentence
from lmcompare.text.tokenizers.word import WordTokenizer

TOKENIZER = WordTokenizer(["a", "b", ".", "="])


def chosen(lines, least=1, most=9, wanted=100):
    return choose(TOKENIZER.encode_document(lines), lines, TOKENIZER.eos, least, most, wanted)


@pytest.mark.parametrize(
    "line",
    [" It rains . ", 'He said " so . " ', "(See there.)", "真的吗？”", "（完。）", "« Oui ! »", "“Yes.”"],
)
def test_a_sentence_ends_as_one(line):
    assert is_sentence(line)


@pytest.mark.parametrize(
    "line",
    [" = = Discography = = ", " = What is it ? = ", "# 1.", " There were many types : ",
     ' " Kiss You " – 3 : 04 ', "return x", "a b a", "", "  ", "（见下文）"],
)  # fmt: skip
def test_a_heading_an_item_and_a_line_of_code_are_no_sentences(line):
    assert not is_sentence(line)


def test_only_sentences_of_fitting_length_are_taken_where_there_are_enough():
    lines = ["= a b =", "a b .", "a b a", "a a a a ."] * FEWEST
    found = chosen(lines, least=3, most=4)
    assert found.sentences and found.lines == ["a b ."] * FEWEST
    assert [TOKENIZER.decode(ids).strip() for ids in found.ids] == found.lines


def test_a_text_with_too_few_sentences_gives_all_its_lines():
    lines = ["a b ."] * (FEWEST - 1) + ["a b a"] * 30 + ["a", ""]
    found = chosen(lines, least=2)
    assert not found.sentences and len(found.ids) == FEWEST - 1 + 30
    # No more sentences are needed than are asked for.
    assert chosen(lines, wanted=FEWEST - 1).sentences
