from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lmcompare.errors import InputError
from lmcompare.experiment.grid import GridPlace, expand
from lmcompare.experiment.run import run
from lmcompare.experiment.spec import Experiment, parse_experiment, read_experiment
from lmcompare.registry import Progress

GRID = {
    "name": "{smoothing} {order}",
    "kind": "ngram",
    "curve": False,
    "grid": {"smoothing": ["katz", "absolute"], "order": [1, 2, 3]},
}


def read(*tables: dict[str, Any]) -> Experiment:
    return parse_experiment({"corpus": {"name": "x"}, "models": list(tables)}, Path("experiment.toml"))


def refused(*tables: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        read(*tables)
    return str(caught.value)


def test_a_grid_is_one_model_for_each_combination_in_the_order_of_the_file() -> None:
    models = read(GRID).models
    options = [(model.name, model.options.smoothing, model.options.order) for model in models]  # type: ignore[attr-defined]
    assert options == [
        (f"{smoothing} {order}", smoothing, order)
        for smoothing in ("katz", "absolute")
        for order in (1, 2, 3)
    ]
    assert {model.place for model in models} == {"models[0]"}


def test_the_same_models_written_one_by_one_have_the_same_options() -> None:
    alone = [
        {
            "name": f"{smoothing} {order}",
            "kind": "ngram",
            "curve": False,
            "smoothing": smoothing,
            "order": order,
        }
        for smoothing in ("katz", "absolute")
        for order in (1, 2, 3)
    ]
    assert [model.options for model in read(GRID).models] == [model.options for model in read(*alone).models]


def test_a_key_that_is_named_in_a_member_fills_it_and_is_no_option() -> None:
    twin = {
        "name": "{smoothing} {order} + cache",
        "kind": "mixture",
        "members": ["{smoothing} {order}", {"kind": "cache", "order": "{order}"}],
        "grid": GRID["grid"],
    }
    models = read(GRID, twin).models
    assert len(models) == 12
    last = models[-1]
    assert last.members == {"members[0]": "absolute 3"}
    assert last.options.members[1]["order"] == 3  # type: ignore[attr-defined]
    assert [model.name for model in read(twin, GRID).in_order()][:2] == ["katz 1", "katz 1 + cache"]


def test_a_model_tells_its_row_and_column() -> None:
    found = [model.grid for model in read(GRID).models]
    assert found[0] == GridPlace("katz", "order", 1)
    assert found[5] == GridPlace("absolute", "order", 3)
    told = read(GRID).to_json()["models"][5]
    assert told["grid"] == {"row": "absolute", "axis": "order", "value": 3}
    assert "grid" not in read({"name": "5-gram", "kind": "ngram"}).to_json()["models"][0]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("{order}-gram, {smoothing}", "n-gram, katz"),
        ("{smoothing}, {order}", "katz"),
        ("{order} {smoothing}", "katz"),
        ("{smoothing} {order} + cache", "katz + cache"),
        ("{smoothing}{order}", "katzn"),
    ],
)
def test_a_row_is_the_name_without_its_column(name: str, row: str) -> None:
    faults: list[str] = []
    (_, place), *_ = expand({**GRID, "name": name}, "models[0]", faults)
    assert place is not None and (place.row, faults) == (row, [])


def test_columns_are_the_last_key_where_there_is_no_order() -> None:
    table = {"name": "{smoothing}, k {k}", "kind": "ngram", "grid": {"smoothing": ["add-k"], "k": [0.5, 1]}}
    assert [model.grid for model in read(table).models] == [
        GridPlace("add-k, k", "k", 0.5),
        GridPlace("add-k, k", "k", 1),
    ]


def test_a_table_without_a_grid_may_have_braces_in_its_name() -> None:
    assert read({"name": "{order}", "kind": "ngram"}).models[0].name == "{order}"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"grid": {"smothing": ["katz"], "order": [1]}, "name": "{smothing} {order}"},
            "models[0].smothing: there is no such key. Did you mean 'smoothing'?",
        ),
        (
            {"name": "{smoothing}"},
            "models[0].name: must hold {order}, so that each model has a name of its own",
        ),
        (
            {"name": "{smoothing} {order} {ordr}"},
            "models[0]: {ordr} is no key of the grid. Did you mean {order}?",
        ),
        ({"name": 3}, "models[0].name: a grid needs a name with its keys"),
        ({"order": 3}, "models[0].grid.order: order stands in the table too"),
        ({"grid": {}}, "models[0].grid: must be a table of lists, such as {order = [1, 2, 3]}"),
        ({"grid": [1]}, "models[0].grid: must be a table of lists, such as {order = [1, 2, 3]}"),
        (
            {"grid": {"smoothing": [], "order": [1]}},
            "models[0].grid.smoothing: must be a list of one value or more, not []",
        ),
        ({"grid": {"smoothing": ["katz"], "order": [1, 2, 1]}}, "models[0].grid.order: '1' is named twice"),
        (
            {"grid": {"smoothing": ["katz"], "order": [[1]]}},
            "models[0].grid.order: must hold texts and numbers",
        ),
        ({"grid": {"smoothing": ["katz"], "order": [9]}}, "models[0].order: must be from 1 to 8, not 9"),
        ({"grid": {"name": ["a"], "order": [1]}}, "models[0].grid.name: name cannot be varied by a grid"),
        ({"grid": {"smoothing": ["katz"], "order": list(range(2000))}}, "stands for 2,000 models"),
    ],
)
def test_a_fault_in_a_grid_is_told_once_with_its_place(change: dict[str, Any], told: str) -> None:
    message = refused({**GRID, **change})
    assert message.count(told) == 1, message


def test_two_grids_that_make_the_same_name_are_refused() -> None:
    assert "models[1].name: 'katz 2' is the name of another model" in refused(GRID, GRID)


def test_a_fault_in_a_model_after_a_grid_names_its_own_place() -> None:
    message = refused(GRID, {"name": "mix", "kind": "mixture", "members": ["katz 4"]})
    assert "models[1].members[0]: there is no model 'katz 4'. Did you mean 'katz" in message


class Quiet:
    def stage(self, what: str) -> None: ...

    def cells(self, labels: list[str], ready: list[str]) -> None: ...

    def progress(self, label: str, progress: Progress) -> None: ...

    def finished(self, label: str) -> None: ...

    def beat(self) -> None: ...


FILE = """
fresh = false
workers = 1
[corpus]
path = "text.txt"
documents = "blank-line"
language = "en"
[tokenizer]
kind = "char"
[evaluation]
splits = ["test"]
resamples = 100
generation = {prompts = 0}
[[models]]
name = "{smoothing} {order}"
kind = "ngram"
grid = {smoothing = ["witten-bell"], order = [1, 2]}
[[models]]
name = "{smoothing} {order} + cache"
kind = "mixture"
members = ["{smoothing} {order}", {kind = "cache", trust = "full"}]
adapt = "online"
grid = {smoothing = ["witten-bell"], order = [1, 2]}
"""


def test_a_grid_is_run_and_its_processes_tell_no_peak_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMCOMPARE_HOME", str(tmp_path / "home"))
    lines = [
        f"{word} {other}" for word in ("a cat", "the dog", "one bird") for other in ("sat", "ran", "sang")
    ]
    text = "\n\n".join("\n".join(lines[at:] + lines[:at]) for at in range(9))
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    (tmp_path / "experiment.toml").write_text(FILE, encoding="utf-8")
    results = run(read_experiment(tmp_path), Quiet(), command="")
    assert [model.name for model in results.models] == [
        "witten-bell 1",
        "witten-bell 2",
        "witten-bell 1 + cache",
        "witten-bell 2 + cache",
    ]
    assert [model.policy for model in results.models] == ["sentence"] * 2 + ["document"] * 2
    assert {model.cost.peak_memory_bytes for model in results.models} == {0}
    assert results.experiment["models"][3]["grid"]["row"] == "witten-bell + cache"
