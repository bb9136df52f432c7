from __future__ import annotations

import math
from collections.abc import Callable

from lmcompare.evaluation.results import Results
from lmcompare.reporting.language import language
from lmcompare.reporting.ranked import COSTS, cost_table, ranked_table
from lmcompare.reporting.table import Table

EN = language("en")


def column(table: Table, key: str) -> list[str]:
    return [row[0] for row in table.choose([key]).texts()]


def test_every_row_of_every_variant_has_a_cell_for_each_column(variant: tuple[str, str, Results]) -> None:
    lang, _, results = variant
    table = ranked_table(results, language(lang))
    assert len(table.rows) == len(results.models)
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert all(cell.text for row in table.rows for cell in row)
    assert all(each.label and each.meaning for each in table.columns)


def test_the_best_model_stands_first_and_is_marked(make_results: Callable[..., Results]) -> None:
    table = ranked_table(make_results(), EN)
    assert column(table, "model") == ["transformer", "LSTM 2×512", "5-gram KN"]
    assert column(table, "rank") == ["1", "2", "3"]
    assert column(table, "perplexity")[0] == "104.2 [101.7, 106.7]"
    assert column(table, "matched") == ["133.8", "139.2", "214.3"]
    assert table.marked == {0}


def test_a_tie_is_shown_at_the_rank_and_nothing_is_marked(make_results: Callable[..., Results]) -> None:
    table = ranked_table(make_results(tie=True), EN)
    assert column(table, "rank") == ["1", "2 ≈", "3"]
    assert table.marked == frozenset()
    assert any(note.startswith("≈") for note in table.notes)


def test_without_a_ranking_no_model_has_a_rank_or_a_mark(make_results: Callable[..., Results]) -> None:
    table = ranked_table(make_results(spaces=True), EN)
    assert column(table, "rank") == ["–"] * 3
    assert (table.title, table.marked) == (EN("table.unranked"), frozenset())


def test_columns_stand_only_where_they_say_something(make_results: Callable[..., Results]) -> None:
    english = {each.key for each in ranked_table(make_results("en"), EN).columns}
    chinese = {each.key for each in ranked_table(make_results("zh"), EN).columns}
    assert english - chinese == {"bits_per_word", "without_unk"}


def test_letters_stand_beside_the_rank_where_all_pairs_were_tested(
    make_results: Callable[..., Results],
) -> None:
    table = ranked_table(make_results(tie=True), EN)
    assert [each.key for each in table.columns][:3] == ["rank", "letters", "model"]
    assert column(table, "letters") == ["a", "a", "b"]
    bare = ranked_table(make_results(compared=False), EN)
    assert "letters" not in [each.key for each in bare.columns]


def test_every_value_of_every_seed_is_in_the_small_print(make_results: Callable[..., Results]) -> None:
    results = make_results()
    scores = results.models[2].splits["test"]["native"]
    row = ranked_table(results, EN).choose(["perplexity"]).rows[0]
    assert row[0].note == "by seed: " + ", ".join(f"{value:.1f}" for value in scores.perplexity_by_seed)
    assert row[0].sort == scores.perplexity


def test_an_infinite_perplexity_is_shown_and_sorts_last(make_results: Callable[..., Results]) -> None:
    table = ranked_table(make_results(infinite=True), EN)
    assert column(table, "perplexity")[-1] == "∞"
    assert table.choose(["perplexity"]).rows[-1][0].sort == math.inf


def test_what_was_not_measured_is_a_dash_and_not_a_zero(make_results: Callable[..., Results]) -> None:
    results = make_results(models=1)
    results.models[0].cost.peak_memory_bytes = 0
    results.models[0].splits["test"].pop("matched")
    table = ranked_table(results, EN)
    assert column(table, "memory") == column(table, "matched") == ["–"]
    assert table.choose(["memory"]).rows[0][0].sort is None


def test_costs_have_a_table_of_their_own_with_the_same_cells(make_results: Callable[..., Results]) -> None:
    results = make_results()
    table = cost_table(results, EN)
    assert [each.key for each in table.columns] == [key for key in COSTS if key != "tried"]
    assert table.texts() == ranked_table(results, EN).choose(COSTS).texts()
    assert table.texts()[2] == ["5-gram KN", "11.2 M", "6.1 s", "1.90 M", "5.20 k", "900 MB", "180 MB"]
