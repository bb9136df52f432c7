"""The section of the analysis `orders`: what each reading order costs, as points with intervals and a table.

Computes no statistic.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from lmcompare.evaluation.results import Results
from lmcompare.evaluation.results.limits import OrderGroup, OrderRow, Orders
from lmcompare.reporting import numbers
from lmcompare.reporting.drawing import FAINT, INK, looks, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.section import Drawing, Section
from lmcompare.reporting.table import Column, Table, TableCell

NEAR = 10
"""Percent up to which the axis is linear; beyond, it is logarithmic."""


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.orders
    if found is None:
        return None
    findings = tuple(
        _finding(row, group.rows[0], say)
        for group in found.groups
        for row in group.rows
        if row.ci95 is not None
    )
    parts: list[Drawing | Table] = [_table(found, say)]
    if findings:
        parts.insert(0, Drawing(figure(results, found, say), say("orders.caption")))
    return Section("orders", say("orders.title"), say("orders.lead"), findings, tuple(parts))


def figure(results: Results, found: Orders, say: Language) -> Figure:
    """Percent of bits more than the group's first order, one line a model, with 95 % intervals."""
    colours = looks(results)
    rows = [(group, row) for group in found.groups for row in group.rows if row.ci95 is not None]
    with style():
        drawn = Figure(figsize=(7.6, 1.5 + 0.38 * len(rows)), label="orders")
        axes = drawn.subplots()
        axes.set_title(say("orders.figure"))
        axes.set_xlabel(say("orders.x"))
        axes.axvline(0, color=INK, linewidth=1)
        axes.set_xscale("symlog", linthresh=NEAR)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
        for place, (_, row) in enumerate(rows):
            assert row.ci95 is not None and row.percent is not None
            look = colours[row.model]
            axes.plot(row.ci95, (place, place), color=look.colour, linewidth=2, solid_capstyle="butt")
            axes.plot(row.percent, place, color=look.colour, marker=look.marker, markersize=7)
        for place in range(1, len(rows)):
            if rows[place][0] is not rows[place - 1][0]:
                axes.axhline(place - 0.5, color=FAINT, linewidth=0.6)
        labels = [f"{group.rows[0].model}: {say(f'orders.{row.order}')}" for group, row in rows]
        axes.set_yticks(range(len(rows)), labels)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
    return drawn


def _finding(row: OrderRow, base: OrderRow, say: Language) -> str:
    assert row.ci95 is not None and row.percent is not None
    low, high = row.ci95
    key = "more" if low > 0 else "less" if high < 0 else "same"
    ends = sorted((abs(low), abs(high))) if key != "same" else (low, high)
    once = say("orders.once") if row.drawn and len(row.by_seed) == 1 else ""
    seeds = say("text.comma").join(numbers.signed(each, 2) for each in row.by_seed)
    seeds = say("orders.seeds", values=seeds) if row.drawn and len(row.by_seed) > 1 else ""
    digits = 1 if abs(row.percent) >= 10 else 2
    return say(
        f"orders.{key}",
        model=row.model,
        base=base.model,
        percent=numbers.signed(row.percent, digits)
        if key == "same"
        else numbers.fixed(abs(row.percent), digits),
        low=numbers.fixed(ends[0], digits),
        high=numbers.fixed(ends[1], digits),
        seeds=once or seeds,
    )


def _table(found: Orders, say: Language) -> Table:
    keys = ("model", "order", "bits_per_byte", "bits_per_sentence", "percent")
    columns = tuple(
        Column(key, say(f"orders.column_{key}"), "left" if key in ("model", "order") else "right")
        for key in keys
    )
    rows = tuple(_row(row, group, say) for group in found.groups for row in group.rows)
    note = say("orders.note", unit=say(f"text.{found.unit}"))
    return Table(say("orders.table"), columns, rows, (note,))


def _row(row: OrderRow, group: OrderGroup, say: Language) -> tuple[TableCell, ...]:
    percent = numbers.MISSING
    if row.percent is not None and row.ci95 is not None:
        low, high = (numbers.signed(end, 2) for end in row.ci95)
        percent = f"{numbers.signed(row.percent, 2)} [{low}, {high}]"
    return (
        TableCell(row.model),
        TableCell(say(f"orders.{row.order}")),
        TableCell(numbers.fixed(row.bits_per_byte, 4), row.bits_per_byte),
        TableCell(numbers.fixed(row.bits_per_sentence, 2), row.bits_per_sentence),
        TableCell(percent, row.percent or 0.0),
    )
