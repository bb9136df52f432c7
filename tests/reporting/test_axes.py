from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from lmcompare.reporting.axes import (
    Mark,
    _apart,
    count_ticks,
    names_at_right,
    names_beside,
    size_ticks,
    time_ticks,
)
from lmcompare.reporting.drawing import style


@pytest.fixture
def drawn() -> tuple[Figure, Axes]:
    with style():
        figure = Figure(figsize=(7.6, 3.6))
        return figure, figure.add_subplot()


def shown_ticks(figure: Figure, axes: Axes) -> list[str]:
    figure.draw_without_rendering()
    low, high = axes.get_xlim()
    return [tick.label1.get_text() for tick in axes.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (2e5, 9e6, ["200 k", "500 k", "1 M", "2 M", "5 M"]),
        (1e3, 1e6, ["1 k", "10 k", "100 k", "1 M"]),
    ],
)
def test_counts_have_ticks_at_round_numbers(
    drawn: tuple[Figure, Axes], low: float, high: float, ticks: list[str]
) -> None:
    figure, axes = drawn
    axes.set_xlim(low, high)
    count_ticks(axes)
    assert shown_ticks(figure, axes) == ticks


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(5, 700, ["10 s", "1 min", "10 min"]), (0.9, 30, ["1 s", "2 s", "5 s", "10 s", "20 s", "30 s"]),
     (1000, 9000, ["20 min", "30 min", "1 h", "2 h"]), (3, 3.1, ["1 s", "2 s", "5 s"])],
)  # fmt: skip
def test_times_have_ticks_with_their_unit(
    drawn: tuple[Figure, Axes], low: float, high: float, ticks: list[str]
) -> None:
    figure, axes = drawn
    axes.set_xlim(low, high)
    time_ticks(axes)
    assert shown_ticks(figure, axes) == ticks


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(11e6, 130e6, ["20 MB", "50 MB", "100 MB"]), (20e6, 21e6, ["10 MB", "20 MB", "50 MB"]),
     (3e3, 5e9, ["10 kB", "100 kB", "1 MB", "10 MB", "100 MB", "1 GB"])],
)  # fmt: skip
def test_sizes_have_ticks_with_their_unit(
    drawn: tuple[Figure, Axes], low: float, high: float, ticks: list[str]
) -> None:
    figure, axes = drawn
    axes.set_xlim(low, high)
    size_ticks(axes)
    assert shown_ticks(figure, axes) == ticks


@settings(deadline=None)
@given(st.floats(1e-3, 1e6), st.floats(1, 1e5))
def test_every_axis_of_time_has_some_ticks_and_not_too_many(start: float, span: float) -> None:
    with style():
        figure = Figure(figsize=(7.6, 3.6))
        axes = figure.add_subplot()
        axes.set_xlim(start, start * span * 1.01)
        time_ticks(axes)
    low, high = axes.get_xlim()
    assert 1 <= sum(low <= tick <= high for tick in axes.xaxis.get_major_locator()()) <= 10


@given(st.lists(st.floats(0, 1), min_size=1, max_size=13).map(sorted))
def test_names_at_the_edge_are_moved_apart_and_stay_inside(places: list[float]) -> None:
    moved = _apart(places)
    assert all(after - before >= 0.0749 for before, after in itertools.pairwise(moved))
    assert max(moved) <= 1
    if all(after - before >= 0.075 for before, after in itertools.pairwise(places)):
        assert moved == places


def test_names_at_the_edge_keep_the_order_of_their_lines(drawn: tuple[Figure, Axes]) -> None:
    figure, axes = drawn
    with style():
        axes.plot([1, 2], [0, 1])
        places = {"c": 1.0, "a": 0.0, "b": 0.01}
        names_at_right(axes, [Mark(2, y, name, "#000000") for name, y in places.items()])
        figure.draw_without_rendering()
    heights = {text.get_text(): text.get_window_extent().y0 for text in axes.texts}
    assert heights["a"] < heights["b"] < heights["c"]
    assert boxes_apart([text.get_window_extent() for text in axes.texts])


def boxes_apart(boxes: list[Bbox]) -> bool:
    return not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


@pytest.mark.parametrize(
    "points",
    [
        [(17.6, 1.957), (23.1, 2.002), (1.0, 2.294), (1.1, 4.964)],
        [(250, 66.6), (246, 67.1), (1.4, 68.2)],
        [(10, 5.0), (11, 5.0), (12, 5.0)],
    ],
)
def test_names_cover_no_other_name_and_stay_inside(
    drawn: tuple[Figure, Axes], points: list[tuple[float, float]]
) -> None:
    figure, axes = drawn
    with style():
        for x, y in points:
            axes.plot([x], [y], marker="o")
        axes.margins(0.15, 0.2)
        time_ticks(axes)
        marks = [Mark(x, y, f"transformer {i}", "#000000") for i, (x, y) in enumerate(points)]
        names_beside(figure, axes, marks)
        figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert [text.get_text() for text in axes.texts] == [f"transformer {i}" for i in range(len(points))]
    assert boxes_apart(boxes)
    inside = axes.get_window_extent()
    assert all(box.x0 >= inside.x0 - 1 and box.x1 <= inside.x1 + 1 for box in boxes)
