"""The ranked table and the verdict in a terminal, as wide as the terminal is.

Draws what it is handed and breaks lines; formats no number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from lmcompare.reporting import numbers
from lmcompare.reporting.comparison import Comparison
from lmcompare.reporting.ordering import MANY
from lmcompare.reporting.table import Table

_WIDE = ("rank", "model", "kind", "parameters", "perplexity", "matched", "bits_per_char", "bits_per_byte",
         "train", "score_speed", "memory", "disk")  # fmt: skip
_USUAL = (
    "rank",
    "model",
    "parameters",
    "perplexity",
    "matched",
    "bits_per_char",
    "train",
    "score_speed",
    "memory",
)
_NARROW = ("rank", "model", "perplexity", "matched", "bits_per_char", "train")
_OPENING, _CLOSING, _CHINESE = "“（《", "、。，；：！？）”》%", "\u3007\u4e00-\u9fff"
# One Chinese character, or a word of anything else, with the marks before and behind it; or a space.
_PIECES = re.compile(
    rf"[{_OPENING}]*(?:[{_CHINESE}]|[^ {_CHINESE}{_OPENING}{_CLOSING}]+)[{_CLOSING}]*"
    rf"|[{_OPENING}{_CLOSING}]+| +"
)
_TINY = ("rank", "model", "perplexity")
_LEAST, _CUT = 12, 8
"""Cells that a column of words keeps while anything else can be folded, and that it always keeps."""


def print_comparison(comparison: Comparison, console: Console, lang: str | None = None) -> None:
    """Print the widest set of columns that fits the console, then the verdict and the cautions."""
    whole = comparison.table(lang)
    table = whole.first(MANY)
    for keys in (_WIDE, _USUAL, _NARROW, _TINY):
        chosen = table.choose(keys)
        if sum(_natural(chosen)) + _between(chosen) <= console.width:
            break
    console.print(_drawn(chosen, console.width))
    for note in table.notes:
        console.print(Text(_wrapped(note, console.width), style="dim"))
    if len(table.rows) < len(whole.rows):
        console.print(Text(_wrapped(comparison.left_out(lang), console.width), style="dim"))
    console.print()
    console.print(Text(_wrapped(comparison.verdict(lang), console.width), style="bold"))
    for sentence in comparison.grid_findings(lang):
        console.print(Text(_wrapped(sentence, console.width)))
    for sentence in comparison.cautions(lang):
        console.print(Text(_wrapped(f"! {sentence}", console.width), style="yellow"))


def print_table(table: Table, console: Console) -> None:
    """Print any table with its notes; what is wider than the console is folded, and no number is cut.

    A table without rows has a title and notes only.
    """
    if table.rows:
        console.print(_drawn(table, console.width, small_print=True))
    else:
        console.print(Text(_wrapped(table.title, console.width), style="italic"))
    for note in table.notes:
        console.print(Text(_wrapped(note, console.width), style="dim"))


def _drawn(table: Table, width: int, *, small_print: bool = False) -> RichTable:
    rows = _texts(table, small_print)
    widths = _widths(table, rows, width - _between(table))
    if widths is None:
        return _stacked(table, rows, width)
    drawn = RichTable(
        box=box.SIMPLE_HEAD,
        title=Text(table.title),
        title_justify="left",
        pad_edge=False,
        collapse_padding=True,
    )
    for column, size in zip(table.columns, widths, strict=True):
        label = Text(_wrapped(column.label, size))
        drawn.add_column(label, justify=column.align, width=size, overflow="fold")
    for index, row in enumerate(rows):
        style = "bold" if index in table.marked else ""
        folded = (_folded(text, size) for text, size in zip(row, widths, strict=True))
        drawn.add_row(*(Text(text, style=style) for text in folded))
    return drawn


def _stacked(table: Table, rows: Sequence[Sequence[str]], width: int) -> RichTable:
    """Where not even the numbers fit side by side: each row as a list of its columns, one below the other."""
    drawn = RichTable(
        box=None, title=Text(table.title), title_justify="left", show_header=False, pad_edge=False
    )
    right = [place for place, column in enumerate(table.columns) if column.align == "right"]
    most = max([0, *(_longest_piece(row[place]) for row in rows for place in right)])
    labels = max(cell_len(column.label) for column in table.columns)
    labels = max(min(labels, width - most - 2), min(labels, width // 3))
    drawn.add_column(width=labels, overflow="fold")
    drawn.add_column(overflow="fold")
    for index, row in enumerate(rows):
        style = "bold" if index in table.marked else ""
        for column, text in zip(table.columns, row, strict=True):
            if text:
                folded = (_wrapped(column.label, labels), _folded(text, width - labels - 2))
                drawn.add_row(*(Text(each, style=style) for each in folded))
        drawn.add_row("", "")
    return drawn


def _texts(table: Table, small_print: bool) -> list[list[str]]:
    if not small_print:
        return table.texts()
    return [[f"{cell.text}\n{cell.note}".strip() for cell in row] for row in table.rows]


def _between(table: Table) -> int:
    """Cells of the console's width that no column has: `rich` draws one at each edge and two in between."""
    return 2 * len(table.columns)


def _natural(table: Table) -> list[int]:
    """How wide each column is where nothing is folded."""
    columns = zip(table.columns, *table.texts(), strict=True)
    return [max(cell_len(text) for text in (column.label, *texts)) for column, *texts in columns]


def _widths(table: Table, rows: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Widths of the columns, in all at most `room`; `None` where numbers would have to be cut.

    What costs the reader least is folded first: the heads, then words, then numbers at their spaces
    ("3 of 41"), and at last words inside, to `_CUT` cells.
    """
    columns = list(zip(*rows, strict=True)) or [()] * len(table.columns)
    whole = [max([0, *(cell_len(line) for text in texts for line in text.split("\n"))]) for texts in columns]
    heads = [cell_len(column.label) for column in table.columns]
    head_words = [_longest_piece(column.label) for column in table.columns]
    pieces = [max([0, *map(_longest_piece, texts)]) for texts in columns]
    words = [column.align == "left" for column in table.columns]
    widths = [max(pair) for pair in zip(whole, heads, strict=True)]
    least = [max(piece, min(size, _LEAST)) for piece, size in zip(pieces, whole, strict=True)]
    floors = (
        [max(pair) for pair in zip(whole, head_words, strict=True)],
        [max(head_words[i], least[i] if words[i] else whole[i]) for i in range(len(words))],
        [max(head_words[i], least[i] if words[i] else pieces[i]) for i in range(len(words))],
        [min(widths[i], _CUT) if words[i] else max(pieces[i], head_words[i]) for i in range(len(words))],
        [min(widths[i], _CUT) if words[i] else pieces[i] for i in range(len(words))],
    )
    for floor in floors:
        while sum(widths) > room:
            spare = [size - low for size, low in zip(widths, floor, strict=True)]
            if max(spare) <= 0:
                break
            widest = max(range(len(spare)), key=lambda i: (spare[i] > 0, widths[i]))
            widths[widest] -= 1
    return widths if sum(widths) <= room else None


def _longest_piece(text: str) -> int:
    """The width below which a text must be cut where no line may end."""
    found = _PIECES.findall(numbers.unbroken(text.replace("\n", " ")))
    return max([0, *(cell_len(piece.strip(" ")) for piece in found)])


def _folded(text: str, width: int) -> str:
    """Each line of a text as `_wrapped` breaks it."""
    return "\n".join(_wrapped(line, width) for line in text.split("\n"))


def _wrapped(text: str, width: int) -> str:
    """Lines of at most so many cells: Chinese ends a line between any two characters, as `rich` does not.

    No line begins with a closing mark or ends with an opening one, and no number is parted from its unit.
    """
    lines = [""]
    for piece in _PIECES.findall(numbers.unbroken(text)):
        if lines[-1] and cell_len(lines[-1] + piece.rstrip(" ")) > width:
            lines[-1] = lines[-1].rstrip(" ")
            lines.append("")
        lines[-1] += piece.lstrip(" ") if not lines[-1] else piece
    return "\n".join(lines).replace("\u00a0", " ")
