"""A section of the report as plain parts, which every renderer draws in its own way.

Knows nothing of what it shows, and of how pages, notebooks and terminals look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure

from lmcompare.reporting.table import Table


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure with the sentence that says what to see."""

    figure: Figure
    caption: str


@dataclass(frozen=True, slots=True)
class Passage:
    """Text: a sentence of its own, a heading within the section, a list's item, or text as it stands."""

    text: str
    kind: Literal["paragraph", "heading", "item", "verbatim"] = "paragraph"


@dataclass(frozen=True, slots=True)
class Folded:
    """Parts that are shown when the reader asks for them."""

    title: str
    parts: tuple[Table | Drawing | Passage, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One analysis in the report.

    Attributes:
        key: its name, and its anchor in the page.
        title: its heading.
        lead: what is measured and why, a paragraph.
        findings: what the numbers say, a sentence each.
        parts: what is shown, in order.
    """

    key: str
    title: str
    lead: str
    findings: tuple[str, ...] = ()
    parts: tuple[Table | Drawing | Passage | Folded, ...] = ()
