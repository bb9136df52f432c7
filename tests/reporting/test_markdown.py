from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from markdown_it import MarkdownIt
from rich.cells import cell_len

from lmcompare.evaluation.results import Results
from lmcompare.reporting import Comparison
from lmcompare.reporting.markdown import markdown_table, paragraph, to_markdown
from lmcompare.reporting.table import Column, Table, TableCell

AWKWARD = [
    "a|b",
    "<script>alert(1)</script>",
    "*_`x`_*",
    "a\\|b",
    "[x](http://y)",
    "![x][y]",
    "&lt;",
    "~~x~~",
    "</s>",
]


def rendered(text: str) -> list[str | list[str]]:
    """What another program reads: kinds of blocks, and what is inside them as text alone."""
    found: list[str | list[str]] = []
    for block in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        if block.type == "inline":
            assert block.children is not None
            assert {child.type for child in block.children} <= {"text", "text_special"}, block.content
            found.append(["".join(child.content for child in block.children)])
        else:
            found.append(block.type)
    return found


def cells(line: str) -> list[str]:
    assert line.startswith("| ") and line.endswith(" |")
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_every_variant_is_a_table_of_one_width_and_the_verdict(variant: tuple[str, str, Results]) -> None:
    lang, _, results = variant
    comparison = Comparison(results, lang)
    text = to_markdown(comparison)
    table, _, verdict = text.partition("\n\n")
    lines = table.split("\n")
    assert len(lines) == len(results.models) + 2
    assert len({len(cells(line)) for line in lines}) == 1
    assert len({cell_len(line) for line in lines}) == 1  # Chinese characters are two cells wide
    assert rendered(verdict)[1] == [comparison.verdict()]


def test_numbers_stand_at_the_right_and_names_at_the_left(make_results: Callable[..., Results]) -> None:
    lines = to_markdown(Comparison(make_results())).split("\n")
    assert [rule.endswith(":") for rule in cells(lines[1])] == [True, False, *[True] * 7]
    assert cells(lines[2])[:4] == ["1", "transformer", "19.4 M", "104.2 [101.7, 106.7]"]


@pytest.mark.parametrize("text", ["# x", "> x", "1. x", "5-gram", "- x", "x & y", "~~~", *AWKWARD])
def test_a_paragraph_is_shown_letter_for_letter(text: str) -> None:
    assert rendered(paragraph(text)) == ["paragraph_open", [text], "paragraph_close"]


def test_only_the_columns_asked_for_are_shown(make_results: Callable[..., Results]) -> None:
    text = to_markdown(Comparison(make_results()), "zh", ["model", "perplexity"])
    assert cells(text.split("\n")[0]) == ["模型", "困惑度 [95%]"]


@pytest.mark.parametrize("name", AWKWARD)
def test_a_name_in_a_cell_is_shown_letter_for_letter(name: str) -> None:
    table = Table("t", (Column("a", "A", "left"), Column("b", "B")), ((TableCell(name), TableCell("1")),))
    texts = [part for part in rendered(markdown_table(table)) if isinstance(part, list)]
    assert texts == [["A"], ["B"], [name], ["1"]]


def test_line_breaks_in_a_name_become_spaces() -> None:
    table = Table("t", (Column("a", "A", "left"),), ((TableCell("two\nlines"),),))
    assert cells(markdown_table(table).split("\n")[2]) == ["two lines"]


def test_what_needs_no_escape_has_none() -> None:
    assert paragraph("104.2 [101.7, 106.7], p < 0.001, a & b") == "104.2 [101.7, 106.7], p < 0.001, a & b"
