"""The ranked table and the verdict in a terminal, as wide as the terminal is.

Draws what it is handed; formats no number.
"""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from lmcompare.reporting.comparison import Comparison

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
_TINY = ("rank", "model", "perplexity")


def print_comparison(comparison: Comparison, console: Console, lang: str | None = None) -> None:
    """Print the widest set of columns that fits the console, then the verdict and the cautions."""
    table = comparison.table(lang)
    for keys in (_WIDE, _USUAL, _NARROW, _TINY):
        chosen = table.choose(keys)
        drawn = RichTable(
            box=box.SIMPLE_HEAD,
            title=Text(chosen.title),
            title_justify="left",
            pad_edge=False,
            collapse_padding=True,
        )
        for column in chosen.columns:
            drawn.add_column(Text(column.label), justify=column.align, no_wrap=keys is not _TINY)
        for index, row in enumerate(chosen.rows):
            style = "bold" if index in chosen.marked else ""
            drawn.add_row(*(Text(cell.text, style=style) for cell in row))
        if console.measure(drawn, options=console.options.update(width=10_000)).maximum <= console.width:
            break
    console.print(drawn)
    for note in table.notes:
        console.print(Text(note, style="dim"))
    console.print()
    console.print(Text(comparison.verdict(lang), style="bold"))
    for sentence in comparison.cautions(lang):
        console.print(Text(f"! {sentence}", style="yellow"))
