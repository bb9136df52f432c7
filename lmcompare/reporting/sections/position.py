"""The section of the analysis `position`: two figures, and what each model gains along a document.

Computes no statistic.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from lmcompare.evaluation.results import Position, Results
from lmcompare.reporting import numbers
from lmcompare.reporting.drawing import looks, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import leading
from lmcompare.reporting.section import Drawing, Section

SETTLED = 16
"""Places before this one are not compared with later ones."""


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.position
    if found is None:
        return None
    shown = leading(results)
    names = {model.name for model in shown.models}
    findings = []
    for curve in found.curves:
        # A document's first words are also the first of a sentence, which says nothing of its length.
        late = [point for point in curve.points if point.first >= SETTLED]
        if curve.within == "document" and curve.model in names and len(late) > 1:
            first, last = (numbers.fixed(point.bits, 2) for point in (late[0], late[-1]))
            between = {"from_": f"{late[0].first:,}", "to": f"{late[0].last:,}"}
            findings.append(say("position.gain", model=curve.model, first=first, last=last, **between))
    drawing = Drawing(figure(shown, found, say), say("position.caption"))
    return Section("position", say("position.title"), say("position.lead"), tuple(findings), (drawing,))


def figure(results: Results, found: Position, say: Language) -> Figure:
    """Bits per token by place: along the sentence at the left, along the document at the right."""
    colours = looks(results)
    with style():
        drawn = Figure(figsize=(7.6, 3.6), label="position")
        panels = drawn.subplots(1, 2, sharey=True)
        for axes, within in zip(panels, ("sentence", "document"), strict=True):
            axes.set_title(say(f"position.{within}"))
            axes.set_xlabel(say(f"position.x_{within}"))
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_locator(LogLocator(base=4, numticks=6))
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
            for curve in found.curves:
                if curve.within != within or curve.model not in colours:
                    continue
                look = colours[curve.model]
                x = np.array([point.last for point in curve.points])
                bounds = np.array([point.ci95 for point in curve.points])
                axes.fill_between(x, bounds[:, 0], bounds[:, 1], color=look.colour, alpha=0.15, linewidth=0)
                axes.plot(
                    x,
                    [point.bits for point in curve.points],
                    color=look.colour,
                    linestyle=look.dash,
                    marker=look.marker,
                    markersize=4,
                    label=curve.model,
                )
        panels[0].set_ylabel(say("position.y"))
        handles, labels = panels[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=4)
    return drawn
