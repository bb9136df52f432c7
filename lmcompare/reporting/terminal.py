"""The ranked table and the verdict in a terminal, as wide as the terminal is.

Draws what it is handed and breaks lines; formats no number.
"""

from __future__ import annotations

import re

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


def print_comparison(comparison: Comparison, console: Console, lang: str | None = None) -> None:
    """Print the widest set of columns that fits the console, then the verdict and the cautions."""
    whole = comparison.table(lang)
    table = whole.first(MANY)
    for keys in (_WIDE, _USUAL, _NARROW, _TINY):
        drawn = _drawn(table.choose(keys), wrapped=keys is _TINY)
        if console.measure(drawn, options=console.options.update(width=10_000)).maximum <= console.width:
            break
    console.print(drawn)
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
    """Print any table with its notes; long cells are wrapped where it would be wider than the console."""
    console.print(_drawn(table, wrapped=True, small_print=True))
    for note in table.notes:
        console.print(Text(_wrapped(note, console.width), style="dim"))


def _drawn(table: Table, *, wrapped: bool, small_print: bool = False) -> RichTable:
    drawn = RichTable(
        box=box.SIMPLE_HEAD,
        title=Text(table.title),
        title_justify="left",
        pad_edge=False,
        collapse_padding=True,
    )
    for column in table.columns:
        drawn.add_column(Text(column.label), justify=column.align, no_wrap=not wrapped)
    for index, row in enumerate(table.rows):
        style = "bold" if index in table.marked else ""
        texts = [f"{cell.text}\n{cell.note}".strip() if small_print else cell.text for cell in row]
        drawn.add_row(*(Text(text, style=style) for text in texts))
    return drawn


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
