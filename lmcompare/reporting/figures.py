"""The figures of a report: each is a function from `Results` to a matplotlib `Figure`.

Every figure has a title that says what to look for, axes with units, the same colour for a model, and
text in the language asked for. Draws what was found; computes no statistic. `to_svg` and `to_png` of
`lmcompare.reporting.drawing` turn a figure into a file and are offered here too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lmcompare.evaluation.results import PolicyName, Results, Scores
from lmcompare.reporting import numbers
from lmcompare.reporting.axes import Mark, count_ticks, names_at_right, names_beside, size_ticks, time_ticks
from lmcompare.reporting.details import visible
from lmcompare.reporting.drawing import FAINT, INK, looks, style, to_png, to_svg
from lmcompare.reporting.language import Language, language
from lmcompare.reporting.ordering import (
    Difference,
    bits,
    differences,
    entropy_floors,
    headline_split,
    in_order,
    same_event_space,
    scores,
)

__all__ = [
    "cost_quality",
    "learning_curve",
    "next_tokens",
    "paired_differences",
    "perplexities",
    "size_quality",
    "surprisals",
    "to_png",
    "to_svg",
]
_WIDTH = 7.6
_PER_LINE = 18
_LETTERS = 95  # of small print that fit across a figure


def learning_curve(results: Results, lang: str = "en") -> Figure:
    """Validation bits per token over training tokens (log scale), one line a model, names at their ends.

    What a model had reached runs on as a dotted line, so that all can be read against each other.
    """
    say = language(lang)
    with style():
        figure, axes = _one("curve", 3.9)
        _title(figure, say("figure.curve.title"))
        axes.set(xlabel=say("figure.curve.x"), ylabel=say("figure.curve.y"))
        curves: dict[str, list[tuple[float, float]]] = {}
        for model in results.models:
            points = [(float(point.tokens), point.valid_bits_per_token) for point in model.curve]
            curves[model.name] = [(x, y) for x, y in points if x > 0 and math.isfinite(y)]
        curves = {name: points for name, points in curves.items() if points}
        if not curves:
            return _nothing(figure, axes, say("figure.nothing"))
        places = [x for points in curves.values() for x, _ in points]
        widen = 3.0 if min(places) == max(places) else (max(places) / min(places)) ** 0.04
        right = max(places) * widen
        marks = []
        for name, points in curves.items():
            look = looks(results)[name]
            x, y = zip(*points, strict=True)
            kwargs: Any = {"color": look.colour, "linestyle": look.dash, "linewidth": 2}
            axes.plot(x, y, marker=look.marker, markersize=5 if len(points) < 30 else 0, **kwargs)
            axes.plot([x[-1], right], [y[-1], y[-1]], color=look.colour, linestyle=":", linewidth=1.2)
            marks.append(Mark(right, y[-1], f"{name}  {numbers.fixed(y[-1], 2)}", look.colour))
        for key, floor in entropy_floors(results):
            axes.axhline(floor, color=INK, linewidth=1.2)
            text = say(f"figure.curve.{key}", bits=numbers.fixed(floor, 3))
            where: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
            axes.annotate(text, (0.01, floor), xytext=(0, 3), fontsize=9, **where)
        axes.set_xlim(min(places) / widen, right)
        count_ticks(axes)
        names_at_right(axes, marks)
    return figure


def paired_differences(results: Results, lang: str = "en", policy: PolicyName | None = None) -> Figure:
    """Differences of all pairs with 95 % intervals around a zero line; one panel a unit."""
    say = language(lang)
    found = [one for one in differences(results, policy) if one.finite]
    units = sorted({one.unit for one in found}, reverse=True)
    with style():
        rows = [[one for one in found if one.unit == unit] for unit in units]
        each = 0.36 if len(found) <= 10 else 0.26
        height = 1.1 + sum(each * len(row) + 0.5 for row in rows)
        figure = Figure(figsize=(_WIDTH, height), label=f"pairs {policy or ''}")
        if not found:
            return _nothing(figure, figure.add_subplot(), say("figure.nothing"))
        panels = figure.subplots(len(rows), 1, squeeze=False, height_ratios=[len(row) + 0.6 for row in rows])
        _title(figure, say("figure.pairs.title"))
        for axes, row, unit in zip(panels[:, 0], rows, units, strict=True):
            places = np.arange(len(row))[::-1]
            for place, one in zip(places, row, strict=True):
                look = looks(results)[one.a if one.value < 0 else one.b]
                colour = look.colour if one.clear else FAINT
                if one.seeds is not None:
                    axes.plot(one.seeds, [place, place], color=colour, linewidth=1, marker="|", markersize=6)
                axes.plot([one.low, one.high], [place, place], color=colour, linewidth=3, alpha=0.7)
                axes.plot([one.value], [place], marker=look.marker, color=colour, markersize=7)
                text = numbers.signed(one.value, max(2, numbers.decimals_of(one.low, one.high, 3)))
                ends = _ends(one)
                end, away, ha = (ends[0], -8, "right") if one.value < 0 else (ends[1], 8, "left")
                offset: Any = {"xytext": (away, 0), "textcoords": "offset points", "fontsize": 8.5}
                axes.annotate(text, (end, place), ha=ha, va="center", **offset)
            axes.axvline(0, color=INK, linewidth=1.2)
            axes.set_yticks(places, [f"{one.a} − {one.b}" for one in row])
            axes.set_ylim(-0.6, len(row) - 0.4)
            _room_for_values(axes, row)
            axes.grid(axis="y", visible=False)
            used = say(f"text.{policy or results.ranking.policy}")
            axes.set_xlabel(say("figure.pairs.x", unit=say(f"text.{unit}"), policy=used))
            axes.xaxis.set_major_formatter(_plain)
    return figure


def perplexities(results: Results, lang: str = "en") -> Figure:
    """Perplexity bars, native (solid) and matched (hatched), with 95 % intervals; bits per byte where the
    models have different event spaces.
    """  # fmt: skip
    say = language(lang)
    same = same_event_space(results)
    models = in_order(results)
    with style():
        figure, axes = _one("perplexity", 0.9 + 0.72 * max(1, len(models)))
        _title(figure, say("figure.perplexity.title" if same else "figure.perplexity.title_bytes"))
        axes.set_xlabel(_quality(results, say))
        policies: tuple[tuple[PolicyName, float], ...] = (("native", 0.19), ("matched", -0.19))
        for index, model in enumerate(models):
            look = looks(results)[model.name]
            for policy, shift in policies:
                found = scores(results, model, policy)
                if found is None:
                    continue
                place = len(models) - 1 - index + shift
                value, low, high = _in_unit(found, per_byte=not same)
                name = say(f"text.{policy}")
                if not math.isfinite(value):
                    axes.text(0, place, f" ∞  {name}", va="center", color=look.colour, fontweight="bold")
                    continue
                solid: Any = (
                    {"color": look.colour} if policy == "native" else {"color": "none", "hatch": "////"}
                )
                axes.barh(place, value, 0.34, edgecolor=look.colour, **solid)
                end = value
                if math.isfinite(low) and math.isfinite(high):
                    axes.plot([low, high], [place, place], color=INK, linewidth=1.4, marker="|", markersize=7)
                    end = max(value, high)
                shown = numbers.perplexity(value) if same else numbers.fixed(value, 3)
                axes.annotate(
                    f"{shown}  {name}",
                    (end, place),
                    xytext=(5, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=8.5,
                )
        axes.set_yticks(range(len(models)), [model.name for model in models][::-1])
        axes.set_ylim(-0.55, len(models) - 0.45)
        axes.grid(axis="y", visible=False)
        axes.set_xlim(left=0)
    return figure


def surprisals(results: Results, sentence: int = 0, lang: str = "en") -> Figure:
    """Bits of surprisal of each token of one sentence, bars grouped by model, long sentences in lines.

    Models whose tokens differ stand in panels of their own; an impossible token is a bar with ∞ on top.
    """
    say = language(lang)
    chains = {
        model.name: model.chains[sentence] for model in in_order(results) if sentence < len(model.chains)
    }
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, chain in chains.items():
        groups.setdefault(tuple(step.token for step in chain), []).append(name)
    panels = [
        (tokens, start, names)
        for tokens, names in groups.items()
        for start in range(0, len(tokens), _PER_LINE)
    ]
    with style():
        figure = Figure(figsize=(_WIDTH, 0.9 + 1.75 * max(1, len(panels))), label=f"surprisal {sentence}")
        if not panels:
            return _nothing(figure, figure.add_subplot(), say("figure.nothing"))
        every = [
            bits(step.logprob) for chain in chains.values() for step in chain if step.logprob > -math.inf
        ]
        top = max(every, default=1.0) * 1.12 or 1.0
        grid = figure.subplots(len(panels), 1, squeeze=False)
        for axes, (tokens, start, names) in zip(grid[:, 0], panels, strict=True):
            here = tokens[start : start + _PER_LINE]
            width = 0.8 / len(names)
            for index, name in enumerate(names):
                places = np.arange(len(here)) + (index - (len(names) - 1) / 2) * width
                heights = [bits(step.logprob) for step in chains[name][start : start + _PER_LINE]]
                colour = looks(results)[name].colour
                drawn = [min(height, top) for height in heights]
                bars = axes.bar(places, drawn, width, color=colour, label=_shown(name))
                for bar, height in zip(bars, heights, strict=True):
                    if math.isinf(height):
                        place = (bar.get_x() + width / 2, top * 0.98)
                        axes.annotate("∞", place, ha="center", va="top", color="white", fontweight="bold")
            axes.set_xticks(range(len(here)), [_short(token) for token in here])
            if max(map(len, here)) > 4 and len(here) > 8:
                axes.tick_params(axis="x", labelrotation=40)
                for text in axes.get_xticklabels():
                    text.set(ha="right", rotation_mode="anchor")
            axes.set_ylim(0, top)
            axes.set_xlim(-0.6, min(len(tokens), _PER_LINE) - 0.4)
            axes.grid(axis="x", visible=False)
            axes.set_ylabel(say("figure.bits"))
        first = grid[0, 0]
        _title(figure, say("figure.surprisal.title"))
        handles = [axes_bars for axes in grid[:, 0] for axes_bars in axes.containers]
        by_name = {str(handle.get_label()): handle for handle in handles}
        above = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "borderaxespad": 0.1}
        columns = max(1, min(4, len(by_name), _LETTERS // (max(map(len, by_name)) + 6)))
        first.legend(by_name.values(), by_name.keys(), ncols=columns, fontsize=9, **above)
    return figure


def next_tokens(results: Results, context: int = 0, lang: str = "en", top: int = 8) -> Figure:
    """The `top` most probable next tokens after one context, a panel a model, probabilities from 0 to 1."""
    say = language(lang)
    models = [model for model in in_order(results) if context < len(model.predictions)]
    with style():
        longest = max((len(model.name) for model in models), default=0)
        abreast = max(1, min(4, len(models), _LETTERS // (longest + 10)))
        lines = -(-len(models) // abreast) or 1
        figure = Figure(figsize=(_WIDTH, 0.3 + lines * (0.6 + 0.27 * top)), label=f"next {context}")
        if not models:
            return _nothing(figure, figure.add_subplot(), say("figure.nothing"))
        after = say("figure.next.after", context=models[0].predictions[context].context)
        _title(figure, f"{say('figure.next.title')}  {after}")
        panels = figure.subplots(lines, abreast, squeeze=False).ravel()
        for axes in panels[len(models) :]:
            axes.set_axis_off()
        for axes, model in zip(panels, models, strict=False):
            found = model.predictions[context].candidates[:top]
            places = np.arange(len(found))[::-1]
            axes.barh(places, [one.probability for one in found], color=looks(results)[model.name].colour)
            for place, one in zip(places, found, strict=True):
                axes.annotate(
                    numbers.probability(one.probability),
                    (one.probability, place),
                    xytext=(3, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=8,
                )
            axes.set_yticks(places, [_short(one.token) for one in found])
            axes.set_xlim(0, max([one.probability for one in found], default=1.0) * 1.35 or 1.0)
            axes.set_title(model.name, fontsize=10)
            axes.set_xlabel(say("figure.probability"))
            axes.grid(axis="y", visible=False)
    return figure


def cost_quality(results: Results, lang: str = "en") -> Figure:
    """Perplexity (bits per byte where event spaces differ) over training time, a named point a model."""
    prices = {model.name: model.cost.train_seconds for model in results.models}
    with style():
        figure, axes = _one("cost", 3.6)
        _title(figure, language(lang)("figure.cost.title"))
        axes.set_xlabel(language(lang)("figure.seconds"))
        return _quality_over(prices, figure, axes, time_ticks, results, language(lang))


def size_quality(results: Results, lang: str = "en") -> Figure:
    """The same over the size of the saved model."""
    prices = {model.name: float(model.cost.bytes) for model in results.models}
    with style():
        figure, axes = _one("size", 3.6)
        _title(figure, language(lang)("figure.size.title"))
        axes.set_xlabel(language(lang)("figure.bytes"))
        return _quality_over(prices, figure, axes, size_ticks, results, language(lang))


def _quality_over(
    prices: dict[str, float],
    figure: Figure,
    axes: Axes,
    ticks: Callable[[Axes], None],
    results: Results,
    say: Language,
) -> Figure:
    same = same_event_space(results)
    points = []
    for model in results.models:
        found = scores(results, model, "native")
        if found is not None and prices[model.name] > 0:
            points.append((model.name, prices[model.name], _in_unit(found, per_byte=not same)))
    points = [point for point in points if math.isfinite(point[2][0])]
    axes.set_ylabel(_quality(results, say))
    if not points:
        return _nothing(figure, axes, say("figure.nothing"))
    marks = []
    for name, price, (value, low, high) in points:
        look = looks(results)[name]
        if math.isfinite(low) and math.isfinite(high):
            axes.plot([price, price], [low, high], color=look.colour, linewidth=2, alpha=0.6)
        axes.plot([price], [value], marker=look.marker, color=look.colour, markersize=9)
        marks.append(Mark(price, value, name, look.colour))
    axes.margins(0.2, 0.2)
    ticks(axes)
    axes.set_ylim(bottom=max(0.0, axes.get_ylim()[0]))
    names_beside(figure, axes, marks)
    return figure


def _one(label: str, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH, height), label=label)
    return figure, figure.add_subplot()


def _title(figure: Figure, text: str) -> None:
    # Above everything and not above the axes: long names at the axes' side would push it out of the page.
    figure.suptitle(text, x=0.01, ha="left", fontsize=11, fontweight="bold")


def _nothing(figure: Figure, axes: Axes, text: str) -> Figure:
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)
    return figure


def _in_unit(found: Scores, *, per_byte: bool) -> tuple[float, float, float]:
    """Perplexity and its interval, or the same three as bits per byte: log2 of each, events over bytes."""
    if not per_byte:
        return found.perplexity, *found.ci95
    if not math.isfinite(found.bits_per_byte) or found.bits_per_token <= 0:
        return found.bits_per_byte, math.nan, math.nan
    share = found.bits_per_byte / found.bits_per_token
    low, high = (share * math.log2(end) if 0 < end < math.inf else math.nan for end in found.ci95)
    return found.bits_per_byte, low, high


def _quality(results: Results, say: Language) -> str:
    """What an axis of quality shows: perplexity, or bits per byte, on the split that the report is about."""
    key = "figure.perplexity.x" if same_event_space(results) else "figure.perplexity.x_bytes"
    return say(key, split=say(f"split.{headline_split(results)}"))


def _room_for_values(axes: Axes, row: list[Difference]) -> None:
    """Wider limits, so that the values beside the intervals stay inside."""
    low, high = min(0.0, *(_ends(one)[0] for one in row)), max(0.0, *(_ends(one)[1] for one in row))
    longest = max(len(one.a) + len(one.b) for one in row) + 3
    room = (high - low) * 48 / max(120.0, _WIDTH * 72 - 6 * longest - 126)  # 48 points for a value
    left = room if any(one.value < 0 for one in row) else room / 3
    right = room if any(one.value >= 0 for one in row) else room / 3
    axes.set_xlim(low - left, high + right)


def _ends(one: Difference) -> tuple[float, float]:
    """How far what is drawn of a difference reaches."""
    low, high = one.seeds or (one.low, one.high)
    return min(one.low, low), max(one.high, high)


@FuncFormatter
def _plain(value: float, _: int | None) -> str:
    return f"{value:g}".replace("-", "−")


def _short(token: str) -> str:
    text = visible(token)
    return text if len(text) <= 14 else text[:13] + "…"


def _shown(name: str) -> str:
    return f" {name}" if name.startswith("_") else name  # matplotlib hides labels that begin with "_"
