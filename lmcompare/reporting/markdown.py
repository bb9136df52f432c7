"""A table as Markdown, for a README.

Draws what it is handed; formats no number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from lmcompare.reporting.comparison import Comparison
from lmcompare.reporting.ordering import MANY
from lmcompare.reporting.table import Table

# Emphasis, code, cell borders, tags, entities, links; an interval's brackets and "p < 0.001" stay readable.
_SIGNS = re.compile(r"[\\`*_|~]|<(?=[A-Za-z/!?])|&(?=#?\w+;)|(?<=\])[(\[:]")
_STARTS = re.compile(r"^([#>+=-]|\d+(?=[.)](?:\s|$)))")
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
    """The ranked table with these columns (of many models the first), the verdict, and the grid's tables."""
    ranked = comparison.table(lang).choose(columns)
    parts = [markdown_table(ranked.first(MANY)), f"{paragraph(comparison.verdict(lang))}\n"]
    if len(ranked.rows) > MANY:
        parts.append(f"{paragraph(comparison.left_out(lang))}\n")
    parts += [f"{paragraph(sentence)}\n" for sentence in comparison.grid_findings(lang)]
    for table in comparison.grid(lang):
        parts += [f"{paragraph(table.title)}\n", markdown_table(table)]
        parts += [f"{paragraph(note)}\n" for note in table.notes]
    return "\n".join(parts)


def markdown_table(table: Table) -> str:
    """Any table; signs that Markdown would read are escaped."""
    heads = [_escaped(column.label) for column in table.columns]
    rows = [[_escaped(text) for text in texts] for texts in table.texts()]
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


def paragraph(text: str) -> str:
    """A text as one paragraph that Markdown shows letter for letter."""
    return _STARTS.sub(
        lambda start: f"\\{start[1]}" if not start[1].isdigit() else f"{start[1]}\\", _escaped(text)
    )


def _escaped(text: str) -> str:
    return _SIGNS.sub(r"\\\g<0>", " ".join(text.split()))


def _padded(text: str, width: int, align: str) -> str:
    # Chinese characters are two cells wide in a fixed-width font; len() would not align them.
    space = " " * (width - cell_len(text))
    return space + text if align == "right" else text + space
