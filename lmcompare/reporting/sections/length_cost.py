"""The section of the analysis `length_cost`: milliseconds per token by the length of the context.

Computes no statistic.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from lmcompare.evaluation.results import Results
from lmcompare.evaluation.results.limits import LengthCostRow
from lmcompare.reporting import numbers
from lmcompare.reporting.drawing import looks, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import leading
from lmcompare.reporting.section import Drawing, Folded, Section
from lmcompare.reporting.table import Column, Table, TableCell


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.length_cost
    if found is None:
        return None
    shown = leading(results)
    names = {model.name for model in shown.models}
    rows = [row for row in found.rows if row.model in names]
    if not rows:
        return None
    findings = tuple(_finding(row, say) for row in rows)
    drawing = Drawing(figure(shown, rows, say), say("length_cost.caption"))
    return Section(
        "length_cost",
        say("length_cost.title"),
        say("length_cost.lead"),
        findings,
        (drawing, Folded(say("length_cost.table"), (_table(rows, say),))),
    )


def figure(results: Results, rows: Sequence[LengthCostRow], say: Language) -> Figure:
    """Milliseconds per token, both axes logarithmic: solid with what is kept, dotted from scratch."""
    colours = looks(results)
    with style():
        drawn = Figure(figsize=(7.6, 4.4), label="length_cost")
        axes = drawn.subplots()
        axes.set_title(say("length_cost.figure"))
        axes.set(xlabel=say("length_cost.x"), ylabel=say("length_cost.y"), xscale="log", yscale="log")
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        for row in rows:
            look = colours[row.model]
            x = [point.context for point in row.cell.points]
            for key, dash in (("step", "-"), ("scratch", (0, (1.5, 1.5)))):
                axes.plot(
                    x,
                    [getattr(point, f"milliseconds_{key}") for point in row.cell.points],
                    color=look.colour,
                    linestyle=dash,
                    marker=look.marker,
                    markersize=5,
                    label=f"{row.model}, {say(f'length_cost.{key}')}",
                )
        drawn.legend(loc="outside lower center", ncols=2)
    return drawn


def _finding(row: LengthCostRow, say: Language) -> str:
    first, last = row.cell.points[0], row.cell.points[-1]
    return say(
        "length_cost.finding",
        model=row.model,
        first=f"{first.context:,}",
        last=f"{last.context:,}",
        step_first=numbers.duration(first.milliseconds_step / 1000),
        step_last=numbers.duration(last.milliseconds_step / 1000),
        scratch_first=numbers.duration(first.milliseconds_scratch / 1000),
        scratch_last=numbers.duration(last.milliseconds_scratch / 1000),
    )


def _table(rows: Sequence[LengthCostRow], say: Language) -> Table:
    keys = ("model", "window", "context", "step", "scratch", "ratio")
    columns = tuple(
        Column(key, say(f"length_cost.column_{key}"), "left" if key == "model" else "right") for key in keys
    )
    cells = []
    for row in rows:
        window = row.cell.window
        for point in row.cell.points:
            step, scratch = point.milliseconds_step, point.milliseconds_scratch
            ratio = scratch / max(step, 1e-9)
            cells.append(
                (
                    TableCell(row.model),
                    TableCell(say("length_cost.all") if window is None else f"{window:,}", window or 0),
                    TableCell(f"{point.context:,}", point.context),
                    TableCell(numbers.duration(step / 1000), step),
                    TableCell(numbers.duration(scratch / 1000), scratch),
                    TableCell(numbers.fixed(ratio, 1), ratio),
                )
            )
    return Table(say("length_cost.table"), columns, tuple(cells), (say("length_cost.note"),))
