"""A table whose cells are already text: what every renderer is handed.

Knows nothing of models or of numbers; a renderer chooses columns and draws, and formats nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a key that renderers choose by, what stands at its head, and what that means."""

    key: str
    label: str
    align: Literal["left", "right"] = "right"
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class TableCell:
    """One cell: its text, the number to sort by (`None`: sort by text), and small print."""

    text: str
    sort: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and rows of as many cells; `marked` rows stand apart (the human text, the winner).

    `title` names the table for those who cannot see it; `notes` are sentences to be set below it.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    notes: tuple[str, ...] = ()
    marked: frozenset[int] = field(default_factory=frozenset)

    def choose(self, keys: Sequence[str]) -> Table:
        """The same table with only these columns, in this order; keys that it lacks are left out."""
        place = {column.key: index for index, column in enumerate(self.columns)}
        kept = [place[key] for key in keys if key in place]
        rows = tuple(tuple(row[index] for index in kept) for row in self.rows)
        columns = tuple(self.columns[index] for index in kept)
        return Table(self.title, columns, rows, self.notes, self.marked)

    def first(self, rows: int) -> Table:
        """The same table with its first rows only."""
        marked = frozenset(index for index in self.marked if index < rows)
        return Table(self.title, self.columns, self.rows[:rows], self.notes, marked)

    def texts(self) -> list[list[str]]:
        """The cells' texts, row by row."""
        return [[cell.text for cell in row] for row in self.rows]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and strings: `columns` (key, label), `rows` (key to text) and `notes`."""
        keys = [column.key for column in self.columns]
        return {
            "columns": [{"key": column.key, "label": column.label} for column in self.columns],
            "rows": [dict(zip(keys, texts, strict=True)) for texts in self.texts()],
            "notes": list(self.notes),
        }
