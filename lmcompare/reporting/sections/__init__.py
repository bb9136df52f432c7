"""The sections of the analyses, in the order of the report: one module each.

A module holds `section(results, say)`, which gives `None` where there is nothing to show. To add one: a
module, its words in `strings/`, and a line here.
"""

from __future__ import annotations

from collections.abc import Callable

from lmcompare.evaluation.results import Results
from lmcompare.reporting.language import Language, language
from lmcompare.reporting.section import Section
from lmcompare.reporting.sections import (
    calibration,
    exposure,
    extremes,
    gap,
    inside,
    length_cost,
    orders,
    overlap,
    pareto,
    position,
    search,
    slices,
    targeted,
    truth,
    unit_table,
    windows,
)

SECTIONS: tuple[Callable[[Results, Language], Section | None], ...] = (
    truth.section,
    unit_table.section,
    pareto.section,
    position.section,
    overlap.section,
    windows.section,
    targeted.section,
    inside.section,
    slices.section,
    extremes.section,
    calibration.section,
    orders.section,
    gap.section,
    length_cost.section,
    search.section,
    exposure.section,
)


def sections(results: Results, lang: str = "en") -> dict[str, Section]:
    """Every section that has something to show, by its key."""
    say = language(lang)
    found = (make(results, say) for make in SECTIONS)
    return {section.key: section for section in found if section is not None}
