"""A table as Markdown, for a README.

Draws what it is handed; formats no number.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from lmcompare.reporting.comparison import Comparison
from lmcompare.reporting.table import Table

_ESCAPED = str.maketrans(
    {"|": "\\|", "<": "&lt;", ">": "&gt;", "\n": " ", "`": "\\`", "*": "\\*", "_": "\\_"}
)
_README = (
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


def to_markdown(comparison: Comparison, lang: str | None = None, columns: Sequence[str] = _README) -> str:
    """The ranked table with these columns, aligned in the source too, and the verdict below it."""
    return f"{markdown_table(comparison.table(lang).choose(columns))}\n{comparison.verdict(lang)}\n"


def markdown_table(table: Table) -> str:
    """Any table; signs that Markdown would read are escaped."""
    heads = [column.label.translate(_ESCAPED) for column in table.columns]
    rows = [[text.translate(_ESCAPED) for text in texts] for texts in table.texts()]
    widths = [max(3, *map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    rule = [
        "-" * (width - 1) + ":" if column.align == "right" else "-" * width
        for width, column in zip(widths, table.columns, strict=True)
    ]
    lines = []
    for texts in (heads, rule, *rows):
        cells = [
            _padded(text, width, column.align)
            for text, width, column in zip(texts, widths, table.columns, strict=True)
        ]
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def _padded(text: str, width: int, align: str) -> str:
    # Chinese characters are two cells wide in a fixed-width font; len() would not align them.
    space = " " * (width - cell_len(text))
    return space + text if align == "right" else text + space
