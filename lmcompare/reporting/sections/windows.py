"""The section of the analysis `windows`: bits by context, and perplexity by stride.

Computes no statistic.
"""

from __future__ import annotations

import math
from typing import Any

from matplotlib.figure import Figure

from lmcompare.evaluation.results import Results, StridePoint, Windows, WindowsRow
from lmcompare.reporting import numbers
from lmcompare.reporting.drawing import looks, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import leading
from lmcompare.reporting.section import Drawing, Section
from lmcompare.reporting.table import Column, Table, TableCell

NEAR = 0.05
"""Bits within which a model counts as having reached its best."""

STRANGE = (0, 1)
"""So few tokens at the beginning of a document look like no text that a model was trained on."""


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.windows
    if found is None:
        return None
    shown = leading(results)
    names = {model.name for model in shown.models}
    rows = [row for row in found.rows if row.model in names]
    findings = tuple(_finding(row, say) for row in rows if math.isfinite(row.curve[-1].bits))
    parts: list[Drawing | Table] = [Drawing(curves(shown, found, say), say("windows.caption"))]
    swept = [row for row in rows if row.sweep]
    if swept:
        parts.append(Drawing(sweeps(shown, swept, say), say("windows.sweep_caption")))
        parts.append(_table(swept, found, say))
    events, split = f"{rows[0].events:,}" if rows else "0", say(f"split.{found.split}")
    lead = say("windows.lead", events=events, split=split)
    return Section("windows", say("windows.title"), lead, findings, tuple(parts))


def _finding(row: WindowsRow, say: Language) -> str:
    """What all of the context is worth, and none of it where that can be told."""
    best, least = row.curve[-1], row.curve[0]
    values = {"model": row.model, "bits": numbers.with_interval(best.bits, best.ci95, 2)}
    sentence = say("windows.reach", context=_needed(row), **values)
    if row.own_orders is None or least.context != 0:
        return sentence
    none = numbers.with_interval(least.bits, least.ci95, 2)
    return sentence + say("windows.none_own" if row.own_orders else "windows.none_strange", none=none)


def curves(results: Results, found: Windows, say: Language) -> Figure:
    """Bits per token by tokens that may be seen, one line a model, with 95 % intervals."""
    colours = looks(results)
    with style():
        drawn = Figure(figsize=(7.6, 4.0), label="windows")
        axes = drawn.subplots()
        axes.set_title(say("windows.curve"))
        axes.set(xlabel=say("windows.x"), ylabel=say("windows.y"))
        sizes = sorted(
            {point.context for row in found.rows for point in row.curve if point.context is not None}
        )
        place: dict[int | None, int] = {size: index for index, size in enumerate(sizes)}
        place[None] = len(sizes)
        for row in found.rows:
            if row.model not in colours:
                continue
            look = colours[row.model]
            points = [point for point in row.curve if math.isfinite(point.bits)]
            x = [place[point.context] for point in points]
            low, high = [[point.ci95[end] for point in points] for end in (0, 1)]
            axes.fill_between(x, low, high, color=look.colour, alpha=0.12, linewidth=0)
            axes.plot(
                x,
                [point.bits for point in points],
                color=look.colour,
                linestyle=look.dash,
                marker=look.marker,
                markersize=5,
                label=row.model,
            )
            if row.own_orders is False:
                strange = [point for point in points if point.context in STRANGE]
                at = [place[point.context] for point in strange]
                hollow: Any = {"linestyle": "none", "marker": look.marker, "markersize": 5, "zorder": 3}
                shown = [point.bits for point in strange]
                axes.plot(at, shown, color=look.colour, markerfacecolor="white", **hollow)
        axes.set_xticks(range(len(sizes) + 1), [*(f"{size:,}" for size in sizes), say("windows.all")])
        axes.legend()
    return drawn


def sweeps(results: Results, rows: list[WindowsRow], say: Language) -> Figure:
    """Perplexity by tokens read for each event, the stride written at each point."""
    colours = looks(results)
    with style():
        drawn = Figure(figsize=(7.6, 3.4), label="strides")
        axes = drawn.subplots()
        axes.set_title(say("windows.sweep"))
        axes.set(xlabel=say("windows.x_sweep"), ylabel=say("windows.perplexity"))
        for row in rows:
            look = colours[row.model]
            x, y = [point.reads for point in row.sweep], [point.perplexity for point in row.sweep]
            axes.plot(x, y, color=look.colour, linestyle=look.dash, marker=look.marker, label=row.model)
            for point in row.sweep:
                axes.annotate(
                    f"{say('windows.stride')} {point.stride:,}",
                    (point.reads, point.perplexity),
                    xytext=(5, 6),
                    textcoords="offset points",
                    fontsize=8.5,
                )
        axes.margins(x=0.12, y=0.15)
        axes.legend()
    return drawn


def _needed(row: WindowsRow) -> str:
    """From how many tokens on the model is near its best."""
    best = row.curve[-1].bits
    late = [point for point in row.curve if point.context is not None and point.bits - best >= NEAR]
    if not late:
        return "0"
    after = row.curve[row.curve.index(late[-1]) + 1]
    return f"{after.context:,}" if after.context is not None else f"> {late[-1].context:,}"


def _table(rows: list[WindowsRow], found: Windows, say: Language) -> Table:
    keys = ("model", "window", "stride", "perplexity", "saved", "mean_context", "least_context", "reads")
    columns = tuple(Column(key, say(f"windows.{key}"), "left" if key == "model" else "right") for key in keys)
    cells = [
        (
            TableCell(row.model),
            TableCell(f"{point.window:,}", point.window),
            TableCell(f"{point.stride:,}", point.stride),
            TableCell(_perplexity(point), point.perplexity),
            _saved(point, say),
            TableCell(numbers.fixed(point.mean_context, 1), point.mean_context),
            TableCell(f"{point.least_context:,}", point.least_context),
            TableCell(numbers.fixed(point.reads, 1), point.reads),
        )
        for row in rows
        for point in row.sweep
    ]
    note = say("windows.note", split=say(f"split.{found.split}"))
    return Table(say("windows.table"), columns, tuple(cells), (note,))


def _perplexity(point: StridePoint) -> str:
    if point.ci95 is None:
        return numbers.perplexity(point.perplexity)
    return numbers.with_interval(point.perplexity, point.ci95)


def _saved(point: StridePoint, say: Language) -> TableCell:
    if point.saved is None or point.saved_ci95 is None:
        return TableCell(numbers.MISSING)
    low, high = point.saved_ci95
    text = numbers.with_interval(100 * point.saved, (100 * low, 100 * high))
    return TableCell(say("windows.percent", share=text), point.saved)
