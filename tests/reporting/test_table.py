from __future__ import annotations

from lmcompare.reporting.table import Column, Table, TableCell

TABLE = Table(
    "t",
    (Column("a", "A", "left"), Column("b", "B"), Column("c", "C")),
    ((TableCell("x"), TableCell("1", 1.0), TableCell("2", 2.0, "small")),),
    ("note",),
    frozenset({0}),
)


def test_chosen_columns_come_in_the_order_asked_for_and_others_are_left_out() -> None:
    chosen = TABLE.choose(["c", "nothing", "a"])
    assert [column.key for column in chosen.columns] == ["c", "a"]
    assert chosen.texts() == [["2", "x"]]
    assert chosen.rows[0][0].note == "small"
    assert (chosen.title, chosen.notes, chosen.marked) == (TABLE.title, TABLE.notes, TABLE.marked)


def test_a_table_as_plain_values_holds_every_text() -> None:
    assert TABLE.to_dict() == {
        "columns": [{"key": "a", "label": "A"}, {"key": "b", "label": "B"}, {"key": "c", "label": "C"}],
        "rows": [{"a": "x", "b": "1", "c": "2"}],
        "notes": ["note"],
    }
