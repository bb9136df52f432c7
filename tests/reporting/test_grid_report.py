"""A grid of 2 methods x 3 orders, static and with a cache, whose perplexities are made up."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest

from lmcompare.evaluation.results import Results
from lmcompare.reporting import Comparison
from lmcompare.reporting.grid import grid_findings, grid_tables, panels
from lmcompare.reporting.grid_figure import grid
from lmcompare.reporting.html import to_html
from lmcompare.reporting.language import language
from lmcompare.reporting.markdown import to_markdown
from lmcompare.reporting.notebook import make_notebook
from lmcompare.reporting.ordering import LEADING, MANY, all_compared, differences, leading

Make = Callable[..., Results]
PERPLEXITIES = {
    "katz": [900.0, 300.0, 280.0],
    "absolute": [880.0, 310.0, 250.0],
    "mle": [870.0, math.inf, math.inf],
}


def gridded(make_results: Make, *, dynamic: bool = True, copies: int = 1, lang: str = "en") -> Results:
    results = make_results(lang)
    template = results.models[0]
    models, tables = [], []
    for copy in range(copies):
        for row, values in PERPLEXITIES.items():
            for sort in ("static", "dynamic") if dynamic else ("static",):
                for order, value in enumerate(values, 1):
                    label = f"{row} {copy}" if copies > 1 else row
                    label += " + cache" if sort == "dynamic" else ""
                    name = f"{label}, {order}"
                    value_here = (value + copy) / (2 if sort == "dynamic" else 1)
                    scores = template.splits["test"]["native"].model_copy(
                        update={
                            "perplexity": value_here,
                            "bits_per_token": math.log2(value_here),
                            "ci95": (value_here * 0.98, value_here * 1.02),
                            "zero_probability_events": 5 if math.isinf(value_here) else 0,
                        }
                    )
                    cost = template.cost.model_copy(
                        update={"bytes": 1000 * order, "train_seconds": 2.0 * order}
                    )
                    changes = {
                        "name": name,
                        "kind": "mixture" if sort == "dynamic" else "ngram",
                        "policy": "document" if sort == "dynamic" else "sentence",
                        "splits": {"test": {"native": scores, "matched": scores}},
                        "cost": cost,
                    }
                    models.append(template.model_copy(update=changes))
                    tables.append({"name": name, "grid": {"row": label, "axis": "order", "value": order}})
    order_ = sorted(models, key=lambda model: model.splits["test"]["native"].perplexity)
    names = [model.name for model in order_]
    best, pair = names[0], results.comparisons[0]
    compared = [
        pair.model_copy(
            update={
                "a": best,
                "b": other,
                "policy": "native",
                "delta_bits_per_token": -0.5,
                "ci95": (-0.6, -0.4),
                "p": 0.0001,
                "p_holm": 0.0003,
            }
        )
        for other in names[1:]
    ]
    return results.model_copy(
        update={
            "models": models,
            "experiment": {"models": tables},
            "comparisons": compared,
            "ranking": results.ranking.model_copy(update={"order": names}),
        }
    )


def test_methods_are_rows_orders_are_columns_and_the_best_of_a_column_is_marked(make_results: Make) -> None:
    static, *_ = grid_tables(gridded(make_results), language("en"))
    assert [column.label for column in static.columns] == ["Method", "order 1", "order 2", "order 3"]
    assert static.texts() == [
        ["katz", "900.0", "* 300.0", "280.0"],
        ["absolute", "880.0", "310.0", "* 250.0"],
        ["mle", "* 870.0", "∞", "∞"],
    ]


def test_static_and_dynamic_stand_apart_with_perplexity_size_and_seconds(make_results: Make) -> None:
    tables = grid_tables(gridded(make_results), language("en"))
    assert [table.title for table in tables] == [
        "Perplexity on test text: static models by order",
        "Size on disk: static models by order",
        "Training time: static models by order",
        "Perplexity on test text: dynamic models by order",
        "Size on disk: dynamic models by order",
        "Training time: dynamic models by order",
    ]
    assert tables[1].texts()[0] == ["katz", "1.00 kB", "2.00 kB", "3.00 kB"]
    assert tables[5].texts()[1] == ["absolute + cache", "2.0 s", "4.0 s", "6.0 s"]
    assert len(tables[5].notes) == len(tables[2].notes) + 1  # the time of the model inside is not in it


def test_a_mixture_that_forgets_at_line_ends_is_static(make_results: Make) -> None:
    results = gridded(make_results)
    forgetful = [model.model_copy(update={"policy": "sentence"}) for model in results.models]
    assert {panel.sort for panel in panels(results.model_copy(update={"models": forgetful}))} == {"static"}


def test_what_is_best_and_by_how_much_is_said_once_a_panel(make_results: Make) -> None:
    found = grid_findings(gridded(make_results), language("en"))
    assert found == [
        "Best static model: absolute, 3, perplexity 250.0; that is 10.7 % below the best of another method, "
        "katz, 3 with 280.0 (this pair was not tested).",
        "Best dynamic model: absolute + cache, 3, perplexity 125.0; that is 10.7 % below the best of another "
        "method, katz + cache, 3 with 140.0 (p < 0.001 after Holm's correction).",
        "Learning from what was read takes the best perplexity from 250.0 to 125.0, 50.0 % lower.",
    ]


def test_a_combination_that_no_grid_has_is_a_gap(make_results: Make) -> None:
    results = gridded(make_results, dynamic=False)
    fewer = results.model_copy(update={"models": [m for m in results.models if m.name != "absolute, 3"]})
    assert grid_tables(fewer, language("en"))[0].texts()[1] == ["absolute", "880.0", "310.0", "–"]


def test_grids_over_event_spaces_are_compared_per_byte(make_results: Make) -> None:
    results = gridded(make_results, dynamic=False)
    other = results.models[0].tokenizer.model_copy(update={"fingerprint": "other"})
    models = [results.models[0].model_copy(update={"tokenizer": other}), *results.models[1:]]
    table, *_ = grid_tables(results.model_copy(update={"models": models}), language("en"))
    assert table.title == "Bits per byte on test text: static models by order"


def test_without_a_grid_there_is_no_section(variant: tuple[str, str, Results]) -> None:
    lang, _, results = variant
    assert grid_tables(results, language(lang)) == [] == grid_findings(results, language(lang))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_page_and_markdown_hold_every_table_of_the_grid(make_results: Make, lang: str) -> None:
    results = gridded(make_results, lang=lang)
    comparison = Comparison(results, lang)
    page, text = to_html(comparison), to_markdown(comparison)
    assert 'id="grid"' in page and 'href="#grid"' in page
    for table in comparison.grid():
        assert f"<caption>{table.title}</caption>" in page
        assert table.title in text
    assert text.count("absolute + cache |") == 3
    assert ("Learning from what was read" in text) == (lang == "en")
    assert 'id="grid"' not in to_html(Comparison(make_results(lang), lang))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_figure_has_a_line_a_method_that_keeps_its_look_with_a_cache(
    make_results: Make, lang: str
) -> None:
    figure = grid(gridded(make_results), lang)
    static, dynamic = figure.axes
    looks = {line.get_label(): (line.get_color(), line.get_marker()) for line in static.get_lines()}
    assert looks.keys() == {"katz", "absolute", "mle"}
    for line in dynamic.get_lines():
        assert (line.get_color(), line.get_marker()) == looks[str(line.get_label()).removesuffix(" + cache")]
    assert list(dynamic.get_lines()[1].get_ydata()) == [440.0, 155.0, 125.0]
    assert static.get_ylim()[0] < 125 < 280 < static.get_ylim()[1] < 900


def test_a_figure_without_a_grid_says_so(make_results: Make) -> None:
    assert [text.get_text() for text in grid(make_results()).axes[0].texts] == ["nothing to show"]


def test_of_many_models_a_page_shows_some_at_once_and_loses_none(make_results: Make) -> None:
    results = gridded(make_results, copies=3)
    page = to_html(Comparison(results))
    number = len(results.models)
    assert number == 54 > MANY
    main = page[page.index('<section id="results">') : page.index('<section id="grid">')]
    rows = re.findall(r'<th class="left" scope="row"', main)
    assert len(rows) == number
    assert f"<summary>{number - MANY} more</summary>" in main
    assert main.index("<summary>") > [m.start() for m in re.finditer('scope="row"', main)][MANY - 1]
    assert f"show the first {LEADING} of {number} models" in page


def test_figures_of_many_models_show_the_first_of_the_ranking(make_results: Make) -> None:
    results = gridded(make_results, copies=3)
    fewer = leading(results)
    assert {model.name for model in fewer.models} == set(results.ranking.order[:LEADING])
    assert fewer.ranking.order == results.ranking.order[:LEADING]
    assert len(fewer.comparisons) == LEADING - 1
    assert leading(gridded(make_results)).models == gridded(make_results).models


def test_a_report_says_where_not_all_pairs_were_tested(make_results: Make) -> None:
    usual, many = make_results(), gridded(make_results, copies=3)
    assert (all_compared(usual), all_compared(many)) == (True, False)
    assert [one.a for one in differences(many)] == [many.ranking.order[0]] * 53
    assert "not all pairs are tested" in to_html(Comparison(many))
    assert "not all pairs are tested" not in to_html(Comparison(usual))


def test_markdown_of_many_models_lists_the_first_and_says_so(make_results: Make) -> None:
    text = to_markdown(Comparison(gridded(make_results, copies=3)))
    assert text.split("\n\n")[0].count("\n") == MANY + 1
    assert f"The first {MANY} of 54 models." in text


def test_many_impossible_models_are_one_caution(make_results: Make) -> None:
    results = gridded(make_results)
    found = [text for text in Comparison(results).cautions() if "probability zero" in text]
    assert [text.split(" gave")[0] for text in found] == ["mle, 2", "3 more models"]


def test_the_notebook_draws_the_grid_and_then_the_first_of_many_models(make_results: Make) -> None:
    sources = [cell["source"] for cell in make_notebook(Comparison(gridded(make_results, copies=3))).cells]
    drawn = next(at for at, text in enumerate(sources) if "grid(results, lang)" in text)
    fewer = next(at for at, text in enumerate(sources) if "leading(results)" in text)
    others = [at for at, text in enumerate(sources) if "figures.perplexities" in text]
    assert drawn < fewer < others[0]
    usual = [cell["source"] for cell in make_notebook(Comparison(make_results())).cells]
    assert not [text for text in usual if "leading" in text or "grid" in text]


def test_figures_and_tables_of_a_page_with_a_grid_escape_its_names(make_results: Make) -> None:
    results = gridded(make_results, dynamic=False)
    tables = [{**one, "grid": {**one["grid"], "row": "<b>x"}} for one in results.experiment["models"]]
    page = to_html(Comparison(results.model_copy(update={"experiment": {"models": tables}})))
    assert "&lt;b&gt;x" in page and "<b>x" not in page
