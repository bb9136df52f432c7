"""Ticks at round numbers, and names beside points and lines that do not cover each other.

Knows matplotlib and nothing of models or results.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator
from matplotlib.transforms import Bbox

from lmcompare.reporting import numbers

_TIMES = (1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 36_000.0, 360_000.0, 3_600_000.0)
_FINER_TIMES = tuple(sorted(
    [power * one for power in (1e-4, 1e-3, 0.01, 0.1, 1.0) for one in (1, 2, 5)]
    + [unit * one for unit in (1.0, 60.0) for one in (10, 20, 30)]
    + [unit * one for unit in (60.0, 3600.0) for one in (1, 2, 5)]
    + [3600.0 * one for one in (10, 20, 50, 100, 200, 500)]
))  # fmt: skip
_LINE = 0.075  # height of a line of text, as a share of the height of the axes
# Where a name may stand: to the right, to the left, above, below, then the corners (points from the mark).
_PLACES = ((10, 0, "left", "center"), (-10, 0, "right", "center"), (0, 9, "center", "bottom"),
           (0, -9, "center", "top"), (8, 6, "left", "bottom"), (8, -6, "left", "top"),
           (-8, 6, "right", "bottom"), (-8, -6, "right", "top"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in data coordinates with its name and the colour of that name."""

    x: float
    y: float
    name: str
    colour: str


def count_ticks(axes: Axes) -> None:
    """A logarithmic horizontal axis of counts with ticks at `200 k`, `500 k`, `1 M`."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    wide = math.log10(high / low) > 2
    _ticks(axes, LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)), numbers.tick)


def time_ticks(axes: Axes) -> None:
    """A logarithmic horizontal axis of seconds, at least a factor of ten wide, ticks at `10 s`, `1 min`."""
    low, high = _wide(axes)
    ticks = [time for time in _FINER_TIMES if low <= time <= high]
    if len(ticks) > 7:
        ticks = [time for time in _TIMES if low <= time <= high]
    _ticks(axes, FixedLocator(ticks), numbers.tick_of_time)


def size_ticks(axes: Axes) -> None:
    """A logarithmic horizontal axis of bytes, at least a factor of ten wide, ticks at `20 MB`, `1 GB`."""
    low, high = _wide(axes)
    subs = (1.0, 2.0, 5.0) if high / low < 1000 else (1.0,)
    _ticks(axes, LogLocator(subs=subs), numbers.tick_of_size)


def names_at_right(axes: Axes, marks: Sequence[Mark]) -> None:
    """Names at the right edge at the heights of their marks, moved apart where they would overlap."""
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in axes.get_yticks() if low <= tick <= high]))
    marks = sorted(marks, key=lambda mark: mark.y)
    for mark, place in zip(marks, _apart([(mark.y - low) / (high - low) for mark in marks]), strict=True):
        anchor: Any = {"xycoords": "axes fraction", "xytext": (6, 0), "textcoords": "offset points"}
        font: Any = {"color": mark.colour, "fontweight": "bold", "fontsize": 9.5}
        axes.annotate(mark.name, (1, place), va="center", annotation_clip=False, **anchor, **font)
    axes.set_ylim(low, high)


def names_beside(figure: Figure, axes: Axes, marks: Sequence[Mark]) -> None:
    """A name beside each mark, at the first of eight places that covers no mark, no name and no edge."""
    figure.draw_without_rendering()  # fixes the layout, so that texts can be measured
    inside = axes.get_window_extent()
    points = [axes.transData.transform((mark.x, mark.y)) for mark in marks]
    taken = [Bbox.from_bounds(x - 7, y - 7, 14, 14) for x, y in points]
    for index, mark in enumerate(marks):
        others = [box for place, box in enumerate(taken) if place != index]
        best, fewest = None, math.inf
        for right, up, ha, va in _PLACES:
            offset: Any = {"xytext": (right, up), "textcoords": "offset points", "ha": ha, "va": va}
            font: Any = {"color": mark.colour, "fontweight": "bold"}
            text = axes.annotate(mark.name, (mark.x, mark.y), **offset, **font)
            box = text.get_window_extent()
            faults = box.count_overlaps(others)
            faults += sum((box.x0 < inside.x0, box.x1 > inside.x1, box.y0 < inside.y0, box.y1 > inside.y1))
            if faults >= fewest:
                text.remove()
                continue
            if best is not None:
                best[0].remove()
            best, fewest = (text, box), faults
        if best is not None:
            taken.append(best[1])


def _apart(places: list[float]) -> list[float]:
    """Ascending places with a line's height between them, inside 0 to 1 where there is room for all."""
    up: list[float] = []
    for place in places:
        up.append(max(place, up[-1] + _LINE) if up else place)
    ceiling = max(1.0, _LINE * (len(places) - 1))
    down: list[float] = []
    for place in reversed(up):
        down.append(min(place, down[-1] - _LINE) if down else min(place, ceiling))
    return down[::-1]


def _wide(axes: Axes) -> tuple[float, float]:
    """The limits of a horizontal axis that is made logarithmic and at least a factor of ten wide."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    missing = max(0.0, 1 - math.log10(high / low)) / 2
    low, high = low / 10**missing, high * 10**missing
    axes.set_xlim(low, high)
    return low, high


def _ticks(axes: Axes, locator: LogLocator | FixedLocator, shown: Callable[[float], str]) -> None:
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
