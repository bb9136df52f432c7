"""The figure of a grid: perplexity over its columns, a line a row, static and dynamic side by side.

Draws what was found; computes no statistic.
"""

from __future__ import annotations

import math
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from lmcompare.evaluation.results import Results
from lmcompare.reporting.drawing import Look, look, style
from lmcompare.reporting.grid import Panel, panels, quality
from lmcompare.reporting.language import language
from lmcompare.reporting.ordering import headline_split, same_event_space

_WIDTH, _ABREAST = 7.6, 3
_LINE = 0.21  # inches of one line of the legend


def grid(results: Results, lang: str = "en") -> Figure:
    """Perplexity (bits per byte where event spaces differ) over the grid's columns, on one scale.

    A row of the dynamic panel has the look of the static row whose name it begins with. What is infinite or
    far above the rest is not drawn; the table has it.
    """
    say = language(lang)
    found = panels(results)
    with style():
        rows: list[tuple[str, Look]] = []
        for panel in found:
            for row in panel.rows:
                if _look(row, rows) is None:
                    rows.append((row, look(len(rows))))
        height = 3.9 + _LINE * -(-len(rows) // _ABREAST)
        figure = Figure(figsize=(_WIDTH, height), label="grid")
        figure.suptitle(say("figure.grid.title"), x=0.01, ha="left", fontsize=11, fontweight="bold")
        if not found:
            axes = figure.add_subplot()
            axes.set_axis_off()
            axes.text(0.5, 0.5, say("figure.nothing"), ha="center", va="center", transform=axes.transAxes)
            return figure
        grid_of_axes = figure.subplots(1, len(found), squeeze=False, sharey=True)[0]
        for axes, panel in zip(grid_of_axes, found, strict=True):
            for row in panel.rows:
                _draw(axes, results, panel, row, _look(row, rows) or look(0))
            axes.set_title(say(f"grid.{panel.sort}"), fontsize=10)
            axes.set_xlabel(say.get(f"axis.{panel.axis}", panel.axis))
            axes.set_xticks(range(len(panel.values)), [str(value) for value in panel.values])
        first = grid_of_axes[0]
        same = same_event_space(results)
        key = "figure.perplexity.x" if same else "figure.perplexity.x_bytes"
        first.set_ylabel(say(key, split=say(f"split.{headline_split(results)}")))
        first.set_yscale("log")
        first.set_ylim(*_limits(results, found))
        low, high = first.get_ylim()
        subs = (1.0, 2.0, 5.0) if high / low > 20 else (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
        first.yaxis.set_major_locator(LogLocator(subs=subs))
        first.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}"))
        first.yaxis.set_minor_locator(NullLocator())
        first.yaxis.set_minor_formatter(NullFormatter())
        handles = {line.get_label(): line for axes in grid_of_axes for line in axes.get_lines()}
        shown = [handles[row] for row, _ in rows if row in handles]
        below: Any = {"loc": "outside lower left", "ncols": _ABREAST, "fontsize": 8.5}
        figure.legend(shown, [str(line.get_label()) for line in shown], **below)
    return figure


def _limits(results: Results, found: list[Panel]) -> tuple[float, float]:
    """From the lowest value to the best of the worst row, so that one bad setting does not flatten all."""
    rows = [
        [y for model in models.values() if math.isfinite(y := quality(results, model)) and y > 0]
        for panel in found
        for models in panel.rows.values()
    ]
    lines = [row for row in rows if len(row) > 1] or [row for row in rows if row] or [[1.0]]
    return min(map(min, lines)) / 1.04, max(map(min, lines)) * 1.15


def _draw(axes: Any, results: Results, panel: Panel, row: str, drawn: Look) -> None:
    models = panel.rows[row]
    points = [
        (index, quality(results, models[value]))
        for index, value in enumerate(panel.values)
        if value in models
    ]
    points = [(x, y) for x, y in points if math.isfinite(y) and y > 0]
    if points:
        x, y = zip(*points, strict=True)
        kwargs: Any = {"color": drawn.colour, "linestyle": drawn.dash, "marker": drawn.marker}
        axes.plot(x, y, linewidth=1.6, markersize=4.5, label=row, **kwargs)


def _look(row: str, rows: list[tuple[str, Look]]) -> Look | None:
    """The look of the longest name that this row's begins with."""
    fitting = [(len(name), found) for name, found in rows if row == name or row.startswith(f"{name} + ")]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None
