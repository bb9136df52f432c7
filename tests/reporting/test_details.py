from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from lmcompare.evaluation.results import Results
from lmcompare.reporting.details import (
    chain_table,
    context_table,
    factor,
    generation_table,
    pairs_table,
    splits_table,
    spread_table,
    visible,
)
from lmcompare.reporting.language import language

EN, ZH = language("en"), language("zh")


def test_pairs_stand_under_both_contexts_with_interval_and_reading(
    make_results: Callable[..., Results],
) -> None:
    table = pairs_table(make_results(), EN)
    assert [row[1] for row in table.texts()] == ["native"] * 3 + ["matched"] * 3
    delta = math.log2(104.2) - math.log2(121.9)
    shown = f"{delta:.3f} [{delta - 0.031:.3f}, {delta + 0.031:.3f}]".replace("-", "−")
    first = ["transformer − LSTM 2×512", "native", shown, "< 0.001", "< 0.001", "< 0.001", "0.051"]
    assert table.texts()[0] == [*first, "transformer is better"]


def test_the_other_intervals_stand_in_small_print_where_they_differ(
    make_results: Callable[..., Results],
) -> None:
    results = make_results()
    delta = math.log2(104.2) - math.log2(121.9)
    bca = f"BCa [{delta - 0.031:.3f}, {delta + 0.035:.3f}]".replace("-", "−")
    seeds = f"with seeds [{delta - 0.05:.3f}, {delta + 0.05:.3f}]".replace("-", "−")
    assert pairs_table(results, EN).rows[0][2].note == f"{bca}; {seeds}"
    for one in results.comparisons:
        one.bca95, one.seeds95 = one.ci95, None
    assert pairs_table(results, EN).rows[0][2].note == "other seeds: not known"
    assert pairs_table(results, ZH).rows[0][2].note == "换种子如何：未知"


def test_the_pairs_end_with_the_groups_that_cannot_be_told_apart(
    make_results: Callable[..., Results],
) -> None:
    tie = "Native context: cannot be told apart on this text: transformer, LSTM 2×512."
    assert pairs_table(make_results(tie=True), EN).notes[0] == tie
    assert pairs_table(make_results(), EN).notes[0] == EN("significance.no_letters")
    results = make_results()
    results.ranking.letters = dict(zip(results.ranking.order, ("a", "ab", "b"), strict=True))
    assert "transformer, LSTM 2×512; LSTM 2×512, 5-gram KN." in pairs_table(results, EN).notes[0]
    assert "transformer、LSTM 2×512；LSTM 2×512、5-gram KN。" in pairs_table(results, ZH).notes[0]
    results.ranking.letters = {}
    assert not any("told apart" in note for note in pairs_table(results, EN).notes)


def test_what_another_text_and_another_seed_would_change_is_a_table(
    make_results: Callable[..., Results],
) -> None:
    table = spread_table(make_results(), EN)
    assert table.texts()[0] == ["transformer", "2", "0.018", "0.0061", "1.3", "0.44"]
    assert table.texts()[2] == ["5-gram KN", "1", "0.018", "0", "2.7", "0"]  # counting draws nothing
    results = make_results()
    results.models[2].splits["test"]["native"].variation.seeds_bits = None
    assert spread_table(results, EN).texts()[0][3] == "–"
    assert "bootstrap over documents" in table.notes[0]
    assert len(spread_table(make_results(infinite=True), EN).rows) == 2


def test_a_pair_that_cannot_be_told_apart_has_no_winner(make_results: Callable[..., Results]) -> None:
    row = pairs_table(make_results(tie=True), EN).texts()[0]
    assert row[3:] == ["0.31", "0.62", "0.28", "0.051", "no clear difference"]


def test_a_pair_with_an_impossible_event_is_not_finite(make_results: Callable[..., Results]) -> None:
    rows = pairs_table(make_results(infinite=True), EN).texts()
    found = next(row for row in rows if row[0] == "transformer − 5-gram KN")
    assert found[2] == "−∞" and found[6:] == ["–", "not finite: an event of probability zero"]


def test_each_difference_names_its_unit_where_units_differ(make_results: Callable[..., Results]) -> None:
    table = pairs_table(make_results(spaces=True), EN)
    assert table.columns[2].label == "Bits [95\u00a0%]"
    assert [row[2].rpartition("/")[2] for row in table.texts()][:3] == ["token", "byte", "byte"]
    alone = pairs_table(make_results(), EN)
    assert alone.columns[2].label == "Bits per token [95\u00a0%]"
    assert not any("/" in row[2] for row in alone.texts())


def test_the_human_text_is_the_first_row_of_the_generated_texts(make_results: Callable[..., Results]) -> None:
    table = generation_table(make_results(), EN)
    assert table is not None
    assert [row[0] for row in table.texts()] == [
        "people (the corpus)",
        "transformer",
        "LSTM 2×512",
        "5-gram KN",
    ]
    assert table.marked == {0}
    assert table.notes[0] == "Each row: 50 samples of 100 words."
    assert "Line length (words)" in [column.label for column in table.columns]


def test_without_human_text_no_ceiling_is_claimed(make_results: Callable[..., Results]) -> None:
    results = make_results()
    results.human = None
    table = generation_table(results, EN)
    assert table is not None
    assert table.marked == frozenset() and EN("generation.ceiling") not in table.notes


def test_where_nothing_was_generated_there_is_no_table(make_results: Callable[..., Results]) -> None:
    assert generation_table(make_results(generation=False), EN) is None


def test_what_each_model_may_look_at(make_results: Callable[..., Results]) -> None:
    rows = context_table(make_results(), EN).texts()
    assert rows[0][:4] == ["transformer", "words (33,280)", "256 tokens", "reads on"]
    assert rows[1][2] == "no limit"
    assert rows[2][3:] == ["forgets", "3.4", "245,569", "220.1", "214.3"]
    assert context_table(make_results("zh"), ZH).texts()[0][1] == "字符 (312)"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_least_that_is_seen_stands_beside_the_mean(
    make_results: Callable[..., Results], lang: str
) -> None:
    results, say = make_results(lang), language(lang)
    plain = context_table(results, say)
    for model, least in zip(results.models, (0, None, 128), strict=True):
        for found in model.splits["test"].values():
            found.least_context = least
    table = context_table(results, say)
    place = [column.key for column in table.columns].index("least")
    assert [row[place - 1 : place + 1] for row in table.texts()] == [
        ["3.4", "128"],
        ["3.4", "–"],
        ["3.4", "0"],
    ]
    assert table.notes == (say("context.note"),)
    assert plain.notes == () and "least" not in [column.key for column in plain.columns]
    kept = [row[:place] + row[place + 1 :] for row in table.texts()]
    assert kept == plain.texts()


def test_words_are_counted_only_in_text_that_has_them(make_results: Callable[..., Results]) -> None:
    table = splits_table(make_results("en"), EN)
    assert table.texts()[2] == ["test", "62", "2,891", "241,211", "1,255,018", "1,256,449", "9", "0.08 %"]
    assert table.texts()[0][-1] == "–"  # whether train repeats itself is not what is asked
    assert "words" not in [column.key for column in splits_table(make_results("zh"), EN).columns]


def test_the_factors_of_a_sentence_end_with_their_product(make_results: Callable[..., Results]) -> None:
    results = make_results()
    models = results.models[:2]
    table = chain_table(results, 0, models, EN)
    steps = models[0].chains[0]
    assert len(table.rows) == len(steps) + 3
    logprob = math.fsum(step.logprob for step in steps)
    assert table.texts()[-2][2] == f"{-logprob / math.log(2):.1f}"
    assert table.texts()[3][1] == "P(on | the cat sat)"
    assert table.texts()[5][1] == "P(mat | … sat on the)"
    assert table.marked == set(range(len(steps), len(steps) + 3))


def test_an_impossible_factor_is_zero_and_so_is_the_product(make_results: Callable[..., Results]) -> None:
    results = make_results(infinite=True)
    texts = chain_table(results, 0, results.models[:1], EN).texts()
    assert texts[3][2] == "0"
    assert [row[2] for row in texts[-3:]] == ["0", "∞", "∞"]


def test_a_factor_shows_three_tokens_of_what_stands_before_it() -> None:
    assert factor(["a"], 0) == "P(a)"
    assert factor(list("abcde"), 4) == "P(e | … b c d)"


def test_white_space_in_a_token_is_made_visible() -> None:
    assert [visible(token) for token in (" the", "\n", "\t", "", "a")] == ["␣the", "⏎", "⇥", "∅", "a"]
