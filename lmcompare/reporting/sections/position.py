"""The section of the analysis `position`: surprise by place, and what a memory gains along a document.

Computes no statistic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from lmcompare.evaluation.results import (
    LeadPoint,
    Position,
    PositionLead,
    PositionLeads,
    PositionPoint,
    Results,
)
from lmcompare.reporting import numbers
from lmcompare.reporting.drawing import INK, Look, looks, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import leading
from lmcompare.reporting.section import Drawing, Section


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.position
    if found is None:
        return None
    shown = leading(results)
    parts = [Drawing(figure(shown, found, say), say("position.caption"))]
    findings: tuple[str, ...] = ()
    if found.leads is not None:
        names = {model.name for model in shown.models}
        rows = [row for row in found.leads.rows if row.model in names]
        findings = tuple(_finding(row, found.leads, say) for row in rows)
        caption = say(
            "position.lead_caption",
            reference=found.leads.reference,
            documents=f"{found.leads.documents:,}",
            tokens=f"{found.leads.late[1]:,}",
        )
        parts.append(Drawing(lead_figure(shown, found.leads, say), caption))
    return Section("position", say("position.title"), say("position.lead"), findings, tuple(parts))


def _finding(row: PositionLead, leads: PositionLeads, say: Language) -> str:
    low, high = row.ci95
    key = "gain" if low > 0 else "loss" if high < 0 else "even"
    decimals = numbers.decimals_of(low, high, 2)
    change = numbers.signed(row.gain, decimals) if key == "even" else numbers.fixed(abs(row.gain), decimals)
    ends = {name: numbers.signed(end, decimals) for name, end in (("low", low), ("high", high))}
    places = {
        name: f"{first:,}–{last:,}" for name, (first, last) in (("early", leads.early), ("late", leads.late))
    }
    return say(f"position.{key}", model=row.model, reference=leads.reference, bits=change, **places, **ends)


def figure(results: Results, found: Position, say: Language) -> Figure:
    """Bits per token by place: along the sentence at the left, along the document at the right."""
    colours = looks(results)
    with style():
        drawn = Figure(figsize=(7.6, 3.6), label="position")
        panels = drawn.subplots(1, 2, sharey=True)
        for axes, within in zip(panels, ("sentence", "document"), strict=True):
            axes.set_title(say(f"position.{within}"))
            axes.set_xlabel(say(f"position.x_{within}"))
            _places(axes)
            for curve in found.curves:
                if curve.within != within or curve.model not in colours:
                    continue
                look = colours[curve.model]
                _line(axes, curve.points, look, curve.model)
        panels[0].set_ylabel(say("position.y"))
        handles, labels = panels[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=4)
    return drawn


def lead_figure(results: Results, leads: PositionLeads, say: Language) -> Figure:
    """Bits saved against the model that forgets, by place in the document."""
    colours = looks(results)
    with style():
        drawn = Figure(figsize=(7.6, 3.6), label="position-lead")
        axes = drawn.subplots()
        axes.set_title(say("position.lead_figure", reference=leads.reference))
        axes.set(xlabel=say("position.x_document"), ylabel=say("position.lead_y"))
        _places(axes)
        for row in leads.rows:
            if row.model in colours:
                _line(axes, row.points, colours[row.model], row.model)
        axes.axhline(0, color=INK, linewidth=1.2)
        drawn.legend(loc="outside lower center", ncols=3)
    return drawn


def _places(axes: Axes) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(LogLocator(base=4, numticks=6))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _line(axes: Axes, points: Sequence[PositionPoint] | Sequence[LeadPoint], look: Look, label: str) -> None:
    x = np.array([point.last for point in points])
    bounds = np.array([point.ci95 for point in points])
    axes.fill_between(x, bounds[:, 0], bounds[:, 1], color=look.colour, alpha=0.15, linewidth=0)
    shape: Any = {"linestyle": look.dash, "marker": look.marker, "markersize": 4}
    axes.plot(x, [point.bits for point in points], color=look.colour, label=label, **shape)
