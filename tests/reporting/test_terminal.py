from __future__ import annotations

import io
import itertools
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.console import Console

from lmcompare.evaluation.results import Results
from lmcompare.reporting import Comparison
from lmcompare.reporting.table import Column, Table, TableCell
from lmcompare.reporting.terminal import _wrapped, print_comparison, print_table


def printed(results: Results, lang: str, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    print_comparison(Comparison(results, lang), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_variant_fits_the_terminal(variant: tuple[str, str, Results], width: int) -> None:
    lang, _, results = variant
    text = printed(results, lang, width)
    assert max(cell_len(line) for line in text.split("\n")) <= width
    flat = "".join(text.split())
    assert "".join(Comparison(results, lang).verdict().split()) in flat  # wrapped, and whole
    for model in results.models:
        assert "".join(model.name.split()) in flat


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_columns_end_under_their_heads(make_results: Callable[..., Results], lang: str) -> None:
    lines = printed(make_results(lang), lang, 80).split("\n")
    start = next(index for index, line in enumerate(lines) if "[95" in line)
    table = [lines[start], *lines[start + 2 : start + 5]]
    assert "5-gram KN" in table[-1]
    assert len({cell_len(line.rstrip()) for line in table}) == 1
    marks = {cell_len(line[: line.rindex("]")]) for line in table}  # [95 %] above the intervals
    assert len(marks) == 1


@pytest.mark.parametrize("width", [20, 37, 50, 80])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_lines_are_full_and_part_no_number_from_its_unit(
    make_results: Callable[..., Results], lang: str, width: int
) -> None:
    comparison = Comparison(make_results(lang), lang)
    for sentence in [comparison.verdict(), *comparison.findings(), *comparison.table().notes]:
        lines = _wrapped(sentence, width).split("\n")
        gap = "" if lang == "zh" else " "
        assert "".join(gap.join(lines).split()) == "".join(sentence.split())  # nothing lost
        for line, after in itertools.pairwise(lines):
            assert cell_len(line) <= width
            assert line == line.rstrip() and after == after.lstrip()
            assert after[0] not in "，。；：）”%" and line[-1] not in "（“<="
            if lang == "zh":
                assert cell_len(line) > width - 25  # a Latin phrase at most is carried over


FOUR = ("first", "second", "third", "fourth")
WORDS = ("P(organisation | governments of internationalisation)", "任何词都一样，不论上文")
LONG = Table(
    "a table that no terminal of 80 columns holds",
    (
        Column("order", "Order"),
        Column("gram", "n-gram", "left"),
        Column("seen", "Seen so often"),
        *(Column(key, f"The {key} head") for key in FOUR),
    ),
    tuple(
        tuple(map(TableCell, (str(order), words, "1,045,432 of 20,020,001", *["−4.98×10⁻⁴²"] * 4)))
        for order, words in enumerate(WORDS)
    ),
)


@pytest.mark.parametrize("width", [24, 40, 60, 70, 80, 90, 100, 140, 200])
def test_a_table_that_is_too_wide_loses_no_digit_and_no_letter(width: int) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    print_table(LONG, console)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert max(cell_len(line) for line in said.split("\n")) <= width and "…" not in said
    assert said.count("−4.98×10⁻⁴²") == 8
    assert said.count("1,045,432") == said.count("20,020,001") == 2
    for words in WORDS:
        assert all(said.count(char) >= words.count(char) for char in set(words))
    if width >= 100:
        assert all(
            word in said for word in ("P(organisation", "governments", "internationalisation)", "head")
        )
    if width >= 160:
        assert all(words in said for words in WORDS)


def test_a_wider_terminal_shows_more_columns(make_results: Callable[..., Results]) -> None:
    heads = ["Matched", "Memory", "Disk"]
    shown = {width: printed(make_results(), "en", width) for width in (60, 80, 120, 200)}
    seen = {width: [head in text for head in heads] for width, text in shown.items()}
    assert seen[60] == [False, False, False]
    assert seen[80] == [True, False, False]
    assert seen[120] == [True, True, False]
    assert seen[200] == [True, True, True]


def test_cautions_are_printed_each_behind_a_mark(make_results: Callable[..., Results]) -> None:
    results = make_results(infinite=True)
    text = printed(results, "en", 400)
    for sentence in Comparison(results).cautions():
        assert f"! {sentence}\n" in text


def test_names_that_look_like_markup_are_printed_as_they_are(make_results: Callable[..., Results]) -> None:
    results = make_results(models=1)
    results.models[0].name = "[bold]5-gram[/]"
    assert "[bold]5-gram[/]" in printed(results, "en", 120)
