"""The section of the analysis `exposure`: bits along a model's own and along human continuations.

Computes no statistic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from lmcompare.evaluation.results import Results
from lmcompare.evaluation.results.limits import ExposureRow
from lmcompare.reporting import numbers
from lmcompare.reporting.drawing import look, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import leading
from lmcompare.reporting.section import Drawing, Section

MOST = 6
"""Models that are drawn, a row each."""


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.exposure
    if found is None:
        return None
    shown = leading(results)
    names = {model.name for model in shown.models}
    rows = [row for row in found.rows if row.model in names]
    if not rows:
        return None
    findings = tuple(sentence for row in rows for sentence in _findings(row, say))
    first = rows[0].cell
    lead = say(
        "exposure.lead" if first.judge else "exposure.lead_alone",
        split=say(f"split.{found.split}"),
        prompts=first.prompts,
        before=first.prompt_tokens,
        tokens=first.tokens,
        order=first.judge,
    )
    drawing = Drawing(figure(rows[:MOST], say), say("exposure.caption"))
    return Section("exposure", say("exposure.title"), lead, findings, (drawing,))


def figure(rows: Sequence[ExposureRow], say: Language) -> Figure:
    """Bits per token by place, one row a model: left it reads itself, right the judge does."""
    readers = [
        reader for reader in ("self", "judge") if any(curve.reader == reader for curve in rows[0].cell.curves)
    ]
    with style():
        drawn = Figure(figsize=(7.6, 1.0 + 2.2 * len(rows)), label="exposure")
        panels = drawn.subplots(len(rows), len(readers), sharex=True, sharey=True, squeeze=False)
        for line, row in zip(panels, rows, strict=True):
            texts = list(dict.fromkeys(curve.text for curve in row.cell.curves))
            for axes, reader in zip(line, readers, strict=True):
                axes.set_title(say(f"exposure.by_{reader}", model=row.model))
                axes.set_xscale("log", base=2)
                axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
                for curve in row.cell.curves:
                    if curve.reader != reader:
                        continue
                    drawn_as = look(texts.index(curve.text))
                    points = [point for point in curve.points if math.isfinite(point.bits)]
                    x = [point.last for point in points]
                    ends = np.array([point.ci95 for point in points]).reshape(-1, 2)
                    axes.fill_between(
                        x, ends[:, 0], ends[:, 1], color=drawn_as.colour, alpha=0.13, linewidth=0
                    )
                    axes.plot(
                        x,
                        [point.bits for point in points],
                        color=drawn_as.colour,
                        linestyle=drawn_as.dash,
                        marker=drawn_as.marker,
                        markersize=4,
                        label=say("exposure.human") if curve.text == "human" else curve.text,
                    )
            line[0].set_ylabel(say("exposure.y"))
        for axes in panels[-1]:
            axes.set_xlabel(say("exposure.x"))
        panels[0][0].set_ylim(bottom=0)
        handles, labels = panels[0][0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=3)
    return drawn


def _findings(row: ExposureRow, say: Language) -> list[str]:
    """What the own words cost more, early and late: to the judge where there is one, else to the model."""
    cell = row.cell
    reader = "judge" if cell.judge else "self"
    found = []
    for drift in cell.drifts:
        if drift.reader != reader or not math.isfinite(drift.growth):
            continue
        low, high = drift.ci95
        key = "grows" if low > 0 else "shrinks" if high < 0 else "stays"
        found.append(
            say(
                f"exposure.{key}",
                reader=say(f"exposure.to_{reader}"),
                model=row.model,
                rule=drift.text,
                early=numbers.signed(drift.early, 2),
                late=numbers.signed(drift.late, 2),
                growth=numbers.signed(drift.growth, 2),
                low=numbers.signed(low, 2),
                high=numbers.signed(high, 2),
            )
        )
    return found
