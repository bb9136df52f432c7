"""The section of the analysis `calibration`: reliability, ranks, and surprise against what was expected.

Computes no statistic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from lmcompare.evaluation.results import CalibrationRow, Results
from lmcompare.evaluation.results.calibration import Estimate, ReliabilityBin
from lmcompare.reporting import numbers
from lmcompare.reporting.drawing import FAINT, Look, looks, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import leading
from lmcompare.reporting.section import Drawing, Section
from lmcompare.reporting.table import Column, Table, TableCell

SHOWN = (1, 5, 10)
LOWEST = 5e-5
"""Where the logarithmic axes end."""


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.calibration
    if found is None:
        return None
    shown = leading(results)
    names = {model.name for model in shown.models}
    rows = [row for row in found.rows if row.model in names]
    if not rows:
        return None
    first = rows[0].found
    lead = say("calibration.lead", events=f"{first.events:,}", passages=f"{first.passages:,}")
    findings = tuple(_told(row, say) for row in rows)
    parts = (
        _table(found.rows, say),
        Drawing(reliability(shown, rows, say), say("calibration.caption_reliability")),
        Drawing(ranks(shown, rows, say), say("calibration.caption_ranks")),
    )
    return Section("calibration", say("calibration.title"), lead, findings, parts)


def reliability(results: Results, rows: Sequence[CalibrationRow], say: Language) -> Figure:
    """How often predictions come true by how probable they were: of the first guess, and of every token."""
    colours = looks(results)
    with style():
        drawn = Figure(figsize=(7.6, 4.1), label="calibration")
        left, right = drawn.subplots(1, 2)
        left.set_title(say("calibration.first_guess"))
        right.set_title(say("calibration.every_token"))
        right.set(xscale="log", yscale="log")
        for axis in (right.xaxis, right.yaxis):
            axis.set_major_locator(FixedLocator([1e-4, 1e-3, 0.01, 0.1, 1]))
            axis.set_major_formatter(lambda value, _: numbers.fixed(value, 4).rstrip("0").rstrip("."))
            axis.set_minor_locator(NullLocator())
        for axes, lowest in ((left, 0.0), (right, LOWEST)):
            axes.set(xlabel=say("calibration.x"), ylabel=say("calibration.y"))
            axes.plot([lowest, 1], [lowest, 1], color=FAINT, linewidth=1, zorder=1)
        for row in rows:
            look = colours[row.model]
            _points(left, [_told_bin(each) for each in row.found.first_guess], look, row.model)
            # At zero there is no logarithm.
            several = [each for each in row.found.every_token if each.came_true.value > 0 and each.low > 0]
            _points(right, [_told_bin(each) for each in several], look, row.model)
        right.set_ylim(LOWEST, 1.4)
        handles, labels = left.get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=4)
    return drawn


def ranks(results: Results, rows: Sequence[CalibrationRow], say: Language) -> Figure:
    """How far down the list the token stood, and how surprised a model was against what it expected."""
    colours = looks(results)
    with style():
        drawn = Figure(figsize=(7.6, 4.1), label="ranks")
        left, right = drawn.subplots(1, 2)
        left.set_title(say("calibration.ranks"))
        left.set(xlabel=say("calibration.x_rank"), ylabel=say("calibration.y_rank"))
        right.set_title(say("calibration.surprise"))
        right.set(xlabel=say("calibration.x_entropy"), ylabel=say("calibration.y_surprisal"))
        most = max((len(row.found.ranks) for row in rows), default=1)
        labels = [f"{2**place:,}" for place in range(most)]
        left.set_xticks(range(most), labels, rotation=90 if most > 10 else 0)
        left.tick_params(axis="x", labelsize=8.5)
        top = 0.0
        for row in rows:
            look = colours[row.model]
            shares = [(math.log2(each.last), each.share.value, each.share.ci95) for each in row.found.ranks]
            _points(
                left, [(x, 100 * y, (100 * low, 100 * high)) for x, y, (low, high) in shares], look, row.model
            )
            surprise = [
                (each.entropy, each.surprisal.value, each.surprisal.ci95) for each in row.found.surprise
            ]
            _points(right, surprise, look, row.model)
            top = max(top, *(x for x, *_ in surprise), 0.0)
        right.plot([0, top], [0, top], color=FAINT, linewidth=1, zorder=1)
        left.set_ylim(bottom=0)
        handles, names = left.get_legend_handles_labels()
        drawn.legend(handles, names, loc="outside lower center", ncols=4)
    return drawn


def _told_bin(each: ReliabilityBin) -> tuple[float, float, tuple[float, float]]:
    return each.predicted, each.came_true.value, each.came_true.ci95


def _points(
    axes: Axes, points: Sequence[tuple[float, float, tuple[float, float]]], look: Look, label: str
) -> None:
    """Points with their intervals, joined by a line."""
    y = np.array([value for _, value, _ in points])
    bounds = np.array([ci95 for *_, ci95 in points]).reshape(-1, 2)
    error = np.maximum(0, np.stack([y - bounds[:, 0], bounds[:, 1] - y]))
    shape: Any = {"linestyle": look.dash, "marker": look.marker, "markersize": 4.5, "linewidth": 1.3}
    axes.errorbar([x for x, *_ in points], y, error, color=look.colour, label=label, capsize=2, **shape)


def _table(rows: Sequence[CalibrationRow], say: Language) -> Table:
    keys = ("ece", "ece_every", "confidence", *(f"top_{k}" for k in SHOWN), "entropy", "surprisal", "excess")
    columns = (
        Column("model", say("calibration.model"), "left"),
        *(Column(key, say(f"calibration.{key}"), meaning=say(f"calibration.{key}_meaning")) for key in keys),
    )
    cells = []
    for row in rows:
        found = row.found
        shares = {each.k: each.share for each in found.accuracy}
        percents = [found.ece, found.ece_every, found.confidence, *(shares[k] for k in SHOWN)]
        cells.append(
            (
                TableCell(row.model),
                *(_cell(each, 100.0) for each in percents),
                *(_cell(each, 1.0) for each in (found.entropy, found.surprisal, found.excess)),
            )
        )
    notes = [say("calibration.note")]
    left_out = ", ".join(f"{row.model}: {row.found.impossible:,.0f}" for row in rows if row.found.impossible)
    if left_out:
        notes.append(say("calibration.impossible", counts=left_out))
    return Table(say("calibration.table"), columns, tuple(cells), tuple(notes))


def _cell(each: Estimate, times: float) -> TableCell:
    low, high = (times * end for end in each.ci95)
    value = times * each.value
    decimals = min(3, numbers.decimals_of(low, high, 2))
    note = f"[{numbers.fixed(low, decimals)}, {numbers.fixed(high, decimals)}]"
    return TableCell(numbers.fixed(value, decimals), value, note)


def _told(row: CalibrationRow, say: Language) -> str:
    """Of one model: how sure it is against how right, and whether it is too sure on the whole."""
    found = row.found
    low, high = found.excess.ci95
    right = next(each.share for each in found.accuracy if each.k == 1)
    decimals = min(3, numbers.decimals_of(low, high, 2))
    return say(
        "calibration.told",
        model=row.model,
        right=numbers.percent(right.value),
        confidence=numbers.percent(found.confidence.value),
        verdict=say(
            "calibration.sure" if low > 0 else "calibration.unsure" if high < 0 else "calibration.even",
            excess=numbers.fixed(abs(found.excess.value), decimals),
            low=numbers.fixed(-high if high < 0 else low, decimals),
            high=numbers.fixed(-low if high < 0 else high, decimals),
        ),
    )
