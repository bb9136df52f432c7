"""The section on prices: bits per byte against everything that a model costs, and what is worth it.

Computes no statistic: it sorts what was measured.
"""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lmcompare.evaluation.results import ModelResult, Results
from lmcompare.reporting import numbers
from lmcompare.reporting.drawing import FAINT, looks, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import in_order, leading, scores
from lmcompare.reporting.section import Drawing, Section
from lmcompare.reporting.table import Column, Table, TableCell

PRICES = (
    "parameters",
    "flops_per_token",
    "train_seconds",
    "train_processor_seconds",
    "peak_memory_bytes",
    "bytes",
    "score",
    "generate",
)
_COLUMNS = 2


def section(results: Results, say: Language) -> Section | None:
    """See `sections`; nothing where fewer than two models can be set against each other."""
    shown = leading(results)
    points = {key: measured(shown, key) for key in PRICES}
    points = {key: found for key, found in points.items() if len(found) > 1}
    if not points or results.ranking.refused:
        return None
    drawing = Drawing(figure(shown, points, say), say("pareto.caption"))
    return Section(
        "pareto", say("pareto.title"), say("pareto.lead"), (), (drawing, table(results, points, say))
    )


def price(model: ModelResult, key: str) -> float:
    """What a model costs, less being better; 0 where nobody measured."""
    cost = model.cost
    if key == "score":
        return 1e6 / cost.score_tokens_per_second if cost.score_tokens_per_second else 0.0
    if key == "generate":
        return 1e3 / cost.generate_tokens_per_second if cost.generate_tokens_per_second else 0.0
    return float(getattr(cost, key))


def measured(results: Results, key: str) -> dict[str, tuple[float, float]]:
    """Price and bits per byte of each model that has both."""
    found = {}
    for model in results.models:
        quality = scores(results, model, "native")
        cost = price(model, key)
        if quality is not None and cost > 0 and math.isfinite(quality.bits_per_byte):
            found[model.name] = (cost, quality.bits_per_byte)
    return found


def front(points: dict[str, tuple[float, float]]) -> list[str]:
    """The models that no other beats in price and quality at once (Pareto), cheapest first."""
    kept: list[str] = []
    best = math.inf
    for name, (_, bits) in sorted(points.items(), key=lambda item: item[1]):
        if bits < best:
            kept.append(name)
            best = bits
    return kept


def figure(results: Results, points: dict[str, dict[str, tuple[float, float]]], say: Language) -> Figure:
    """A panel a price: bits per byte over it, and the line of those that are worth it."""
    colours = looks(results)
    rows = -(-len(points) // _COLUMNS)
    with style():
        drawn = Figure(figsize=(7.6, 2.3 * rows + 0.5), label="pareto")
        panels = drawn.subplots(rows, _COLUMNS, sharey=True, squeeze=False)
        for axes, (key, found) in zip(panels.flat, points.items(), strict=False):
            line = [found[name] for name in front(found)]
            axes.plot(*zip(*line, strict=True), color=FAINT, linewidth=2.5, alpha=0.6, zorder=1)
            for name, (cost, bits) in found.items():
                look = colours[name]
                axes.plot([cost], [bits], look.marker, color=look.colour, markersize=7, label=name)
            axes.set_xlabel(say(f"pareto.{key}"))
            _logarithmic(axes)
        for axes in panels.flat[len(points) :]:
            axes.set_visible(False)
        for axes in panels[:, 0]:
            axes.set_ylabel(say("pareto.quality"))
        handles = {
            label: handle
            for axes in panels.flat
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        drawn.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=4)
    return drawn


def _logarithmic(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: numbers.tick(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def table(results: Results, points: dict[str, dict[str, tuple[float, float]]], say: Language) -> Table:
    """Every price of every model, and in how many of them nobody beats it."""
    fronts = {key: front(measured(results, key)) for key in points}
    columns = (
        Column("model", say("pareto.model"), "left"),
        *(Column(key, say(f"pareto.{key}")) for key in points),
        Column("best", say("pareto.best")),
    )
    rows = []
    for model in in_order(results):
        prices = [price(model, key) for key in points]
        count = sum(model.name in names for names in fronts.values())
        cells = [
            TableCell(numbers.count(value), value) if value else TableCell(numbers.MISSING)
            for value in prices
        ]
        told = TableCell(say("pareto.all", count=count, all=len(points)), count)
        rows.append((TableCell(model.name), *cells, told))
    return Table(say("pareto.table"), columns, tuple(rows), (say("pareto.note"),))
