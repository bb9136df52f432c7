"""The section of the analysis `gap`: a missing token guessed from one side and from the whole sentence.

Computes no statistic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from lmcompare.evaluation.results import Results
from lmcompare.evaluation.results.limits import GapRow, GapScores
from lmcompare.reporting import numbers
from lmcompare.reporting.drawing import looks, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import leading
from lmcompare.reporting.section import Drawing, Section
from lmcompare.reporting.table import Column, Table, TableCell


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.gap
    if found is None:
        return None
    shown = leading(results)
    names = {model.name for model in shown.models}
    rows = [row for row in found.rows if row.model in names]
    if not rows:
        return None
    findings = tuple(_finding(row, say) for row in rows)
    first = rows[0].cell
    lead = say(
        "gap.lead_whole" if all(row.cell.whole for row in rows) else "gap.lead_some",
        split=say(f"split.{found.split}"),
        gaps=f"{first.gaps:,}",
        candidates=numbers.fixed(first.candidates, 0),
    )
    drawing = Drawing(figure(shown, rows, say), say("gap.caption"))
    return Section("gap", say("gap.title"), lead, findings, (drawing, _table(shown, rows, say)))


def figure(results: Results, rows: Sequence[GapRow], say: Language) -> Figure:
    """Accuracy and bits of each model: hollow from what was read before, filled from the whole sentence."""
    colours = looks(results)
    with style():
        drawn = Figure(figsize=(7.6, 1.7 + 0.36 * len(rows)), label="gap")
        panels = drawn.subplots(1, 2, sharey=True)
        for axes, measure in zip(panels, ("accuracy", "bits"), strict=True):
            axes.set_title(say(f"gap.{measure}"))
            axes.set_xlabel(say(f"gap.x_{measure}"))
            for place, row in enumerate(rows):
                look = colours[row.model]
                for side, filled, shift in ((row.cell.before, False, -0.13), (row.cell.both, True, 0.13)):
                    value = 100 * side.accuracy if measure == "accuracy" else side.bits
                    ends = side.accuracy_ci95 if measure == "accuracy" else side.bits_ci95
                    if not math.isfinite(value):
                        continue
                    scale = 100 if measure == "accuracy" else 1
                    axes.plot(
                        [scale * end for end in ends], (place + shift,) * 2, color=look.colour, linewidth=1.6
                    )
                    axes.plot(
                        value,
                        place + shift,
                        color=look.colour,
                        marker=look.marker,
                        markersize=7,
                        markerfacecolor=look.colour if filled else "white",
                    )
            axes.set_xlim(left=0)
            axes.grid(axis="y", visible=False)
        panels[0].set_yticks(range(len(rows)), [row.model for row in rows])
        panels[0].set_ylim(len(rows) - 0.4, -0.6)
        for filled, key in ((False, "gap.before"), (True, "gap.both")):
            panels[0].plot(
                [], [], color="grey", marker="o", linestyle="", label=say(key),
                markerfacecolor="grey" if filled else "white",
            )  # fmt: skip
        handles, labels = panels[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=2)
    return drawn


def _finding(row: GapRow, say: Language) -> str:
    cell = row.cell
    return say(
        "gap.finding",
        model=row.model,
        before=_accuracy(cell.before),
        both=_accuracy(cell.both),
        saved=numbers.with_interval(cell.saved, cell.saved_ci95, 2),
    )


def _accuracy(side: GapScores) -> str:
    low, high = side.accuracy_ci95
    return numbers.with_interval(100 * side.accuracy, (100 * low, 100 * high))


def _table(results: Results, rows: Sequence[GapRow], say: Language) -> Table:
    keys = (
        "model",
        "order",
        "accuracy_before",
        "accuracy_both",
        "rank_before",
        "rank_both",
        "bits_before",
        "bits_both",
    )
    columns = tuple(
        Column(key, say(f"gap.column_{key}"), "left" if key in ("model", "order") else "right")
        for key in keys
    )
    cells = []
    for row in rows:
        before, both = row.cell.before, row.cell.both
        cells.append(
            (
                TableCell(row.model),
                TableCell(say(f"orders.{row.cell.order}")),
                TableCell(f"{_accuracy(before)} %", before.accuracy),
                TableCell(f"{_accuracy(both)} %", both.accuracy),
                TableCell(numbers.fixed(before.mean_rank, 1), before.mean_rank),
                TableCell(numbers.fixed(both.mean_rank, 1), both.mean_rank),
                TableCell(numbers.with_interval(before.bits, before.bits_ci95, 2), before.bits),
                TableCell(numbers.with_interval(both.bits, both.bits_ci95, 2), both.bits),
            )
        )
    notes = [say("gap.note")]
    if not all(row.cell.whole for row in rows):
        notes.append(say("gap.note_some"))
    tokenizers = [model.tokenizer for model in results.models if any(row.model == model.name for row in rows)]
    if len({tokenizer.tokens or tokenizer.fingerprint for tokenizer in tokenizers}) > 1:
        notes.append(say("gap.other_tokens"))
    return Table(say("gap.table"), columns, tuple(cells), tuple(notes))
