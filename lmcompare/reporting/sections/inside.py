"""The section of the analysis `inside`: curves by seconds, texts on the way, neighbours, attention, gates.

Computes no statistic.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmcompare.evaluation.results import Attention, InsideRow, LayerUnits, Results
from lmcompare.reporting import numbers
from lmcompare.reporting.axes import Mark, names_at_right, time_ticks
from lmcompare.reporting.details import visible
from lmcompare.reporting.drawing import FAINT, INK, look, looks, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import leading
from lmcompare.reporting.section import Drawing, Folded, Passage, Section
from lmcompare.reporting.table import Column, Table, TableCell

LAYERS_SHOWN = 3
"""Recurrent layers that are drawn, the last ones."""
LETTERS = 10
"""Letters of a token that fit beside a map of attention."""
CLEAR = 0.5
"""A head is said to look at the place before when it gives it more than this on average."""


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.inside
    if found is None:
        return None
    shown = leading(results)
    names = {model.name for model in shown.models}
    rows = [row for row in found.rows if row.model in names]
    parts = (
        *_curves(shown, say),
        *_speeds(rows, say),
        *_texts(rows, say),
        *_neighbours(rows, say),
        *_figures(shown, rows, say),
    )
    findings = tuple(_findings(rows, say))
    return Section("inside", say("inside.title"), say("inside.lead"), findings, parts) if parts else None


def _findings(rows: list[InsideRow], say: Language) -> Iterator[str]:
    for row in rows:
        attention, layers = row.seen.attention, row.seen.layers
        if attention is not None and attention.shown:
            best = max(attention.shown, key=lambda head: head.previous)
            key = "inside.previous" if best.previous > CLEAR else "inside.no_previous"
            share = numbers.percent(best.previous)
            yield say(key, model=row.model, layer=best.layer, head=best.head, share=share)
        if layers:
            share = numbers.percent(layers[-1].saturated)
            yield say("inside.saturated", model=row.model, layer=layers[-1].layer, share=share)


def _curves(results: Results, say: Language) -> Iterator[Drawing]:
    if any(len(model.curve) > 1 for model in results.models):
        yield Drawing(seconds_curve(results, say), say("inside.seconds_caption"))


def _speeds(rows: list[InsideRow], say: Language) -> Iterator[Table]:
    timed = [(row.model, row.seen.speed) for row in rows if row.seen.speed is not None]
    if not timed:
        return
    columns = (
        Column("model", say("column.model.label"), "left"),
        Column("device", say("inside.device"), "left"),
        Column("speed", say("inside.speed")),
        Column("operations", say("inside.operations"), meaning=say("inside.operations_meaning")),
        Column("reached", say("inside.reached")),
        Column("product", say("inside.product")),
        Column("utilisation", say("inside.utilisation"), meaning=say("inside.utilisation_meaning")),
    )
    cells, sides = [], set()
    for name, speed in timed:
        key = "inside.on_gpu" if speed.device else "inside.on_processor"
        where = say(key, device=speed.device, threads=speed.threads, precision=speed.precision)
        made = speed.tokens_per_second * speed.flops_per_token
        product = share = TableCell(numbers.MISSING)
        if speed.utilisation is not None and speed.product_flops_per_second is not None:
            product = TableCell(_billions(speed.product_flops_per_second), speed.product_flops_per_second)
            share = TableCell(
                say("inside.of_it", share=numbers.percent(speed.utilisation)), speed.utilisation
            )
            sides.add(speed.product_side)
        cells.append(
            (
                TableCell(name),
                TableCell(where),
                TableCell(f"{speed.tokens_per_second:,.0f}", speed.tokens_per_second),
                TableCell(numbers.count(speed.flops_per_token), speed.flops_per_token),
                TableCell(_billions(made), made),
                product,
                share,
            )
        )
    sizes = say("text.comma").join(f"{side:,} × {side:,}" for side in sorted(filter(None, sides)))
    note = (say("inside.speeds_note", sizes=sizes),) if sizes else ()
    yield Table(say("inside.speeds"), columns, tuple(cells), note)


def _billions(operations: float) -> str:
    return numbers.fixed(operations / 1e9, 0 if operations >= 1e11 else 1)


def _texts(rows: list[InsideRow], say: Language) -> Iterator[Passage | Folded]:
    told = [row for row in rows if row.seen.samples]
    if told:
        yield Passage(say("inside.texts"), "heading")
        yield Passage(say("inside.texts_lead"))
    columns = (
        Column("tokens", say("inside.tokens"), meaning=say("inside.tokens_meaning")),
        Column("text", say("inside.text"), "left"),
    )
    for row in told:
        cells = tuple(
            (TableCell(f"{one.tokens:,}", one.tokens), TableCell(" ⏎ ".join(one.text.splitlines())))
            for one in row.seen.samples
        )
        yield Folded(row.model, (Table(say("inside.texts_of", model=row.model), columns, cells),))


def _neighbours(rows: list[InsideRow], say: Language) -> Iterator[Passage | Folded]:
    told = [row for row in rows if row.seen.neighbours]
    if told:
        yield Passage(say("inside.neighbours"), "heading")
        yield Passage(say("inside.neighbours_lead"))
    columns = (
        Column("token", say("inside.token"), "left"),
        Column("count", say("inside.count")),
        Column("nearest", say("inside.nearest"), "left", say("inside.nearest_meaning")),
    )
    for row in told:
        cells = tuple(
            (
                TableCell(visible(one.token)),
                TableCell(f"{one.count:,}", one.count),
                TableCell("  ".join(f"{visible(n.token)} {numbers.fixed(n.cosine, 2)}" for n in one.nearest)),
            )
            for one in row.seen.neighbours
        )
        yield Folded(row.model, (Table(say("inside.neighbours_of", model=row.model), columns, cells),))


def _figures(results: Results, rows: list[InsideRow], say: Language) -> Iterator[Passage | Drawing]:
    attending = [(row.model, row.seen.attention) for row in rows if row.seen.attention is not None]
    if attending:
        yield Passage(say("inside.attention"), "heading")
    for model, attention in attending:
        drawn = attention_maps(model, attention, say)
        yield Drawing(drawn, say("inside.attention_caption", model=model))
    recurrent = [row for row in rows if row.seen.layers]
    if recurrent:
        yield Passage(say("inside.units"), "heading")
    for row in recurrent:
        drawn = recurrent_units(row.model, row.seen.layers, say)
        gated = any(layer.gates for layer in row.seen.layers)
        yield Drawing(drawn, say("inside.units_caption" if gated else "inside.outputs_caption"))


def seconds_curve(results: Results, say: Language) -> Figure:
    """Validation bits per token over seconds of training (log scale), one line a model."""
    colours = looks(results)
    with style():
        drawn = Figure(figsize=(7.6, 3.9), label="curve by seconds")
        axes = drawn.subplots()
        drawn.suptitle(say("inside.seconds_title"), x=0.01, ha="left", fontsize=11, fontweight="bold")
        axes.set(xlabel=say("inside.seconds"), ylabel=say("figure.curve.y"))
        curves = {
            model.name: [(p.seconds, p.valid_bits_per_token) for p in model.curve] for model in results.models
        }
        curves = {
            name: [(x, y) for x, y in points if x > 0 and math.isfinite(y)] for name, points in curves.items()
        }
        right = max((x for points in curves.values() for x, _ in points), default=1.0) * 1.2
        marks = []
        for name, points in curves.items():
            if not points:
                continue
            x, y = zip(*sorted(points), strict=True)
            end = points[-1]
            colour, line = colours[name].colour, colours[name].dash
            axes.plot(x, y, color=colour, linestyle=line, marker=colours[name].marker, markersize=5)
            axes.plot([end[0], right], [end[1], end[1]], color=colour, linestyle=":", linewidth=1.2)
            marks.append(Mark(right, end[1], f"{name}  {numbers.fixed(end[1], 2)}", colour))
        axes.set_xscale("log")
        axes.set_xlim(right=right)
        time_ticks(axes)
        names_at_right(axes, marks)
    return drawn


def attention_maps(model: str, found: Attention, say: Language) -> Figure:
    """A map for each head: a row is a place that looks, a column a place that is looked at."""
    layers = sorted({head.layer for head in found.shown})
    heads = sorted({head.head for head in found.shown})
    tokens = [_short(token) for token in found.tokens]
    places = len(tokens)
    # Few heads are drawn larger; a token needs a tenth of an inch to be read.
    side = max(1.55, min(3.0, 6.4 / len(heads)))
    size = max(5.0, min(9.0, 72 * side / places * 0.85))
    with style():
        drawn = Figure(
            figsize=(1.2 + side * len(heads), 1.3 + side * len(layers)), label=f"attention {model}"
        )
        title = say("inside.attention_title", model=model)
        drawn.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        panels = drawn.subplots(len(layers), len(heads), squeeze=False)
        image = None
        for head in found.shown:
            axes = panels[layers.index(head.layer), heads.index(head.head)]
            full = [row + [math.nan] * (places - len(row)) for row in head.weights]
            image = axes.imshow(full, cmap="Blues", vmin=0, vmax=1, aspect="equal")
            axes.set_title(say("inside.head", layer=head.layer, head=head.head), fontsize=9)
            axes.grid(visible=False)
            first, last = head.head == heads[0], head.layer == layers[-1]
            axes.set_yticks(range(places), tokens if first else [], fontsize=size)
            axes.set_xticks(range(places), tokens if last else [], fontsize=size)
            for text in axes.get_xticklabels():
                text.set_rotation(0 if len(text.get_text()) == 1 else 90)
            axes.tick_params(length=0, pad=2)
        panels[0, 0].set_ylabel(say("inside.looks"), fontsize=9)
        panels[-1, 0].set_xlabel(say("inside.looked_at"), fontsize=9)
        if image is not None:
            bar = drawn.colorbar(image, ax=panels, shrink=0.6, aspect=30, pad=0.02)
            bar.set_label(say("inside.weight"), fontsize=9)
            bar.outline.set_edgecolor(FAINT)
    return drawn


def recurrent_units(model: str, layers: list[LayerUnits], say: Language) -> Figure:
    """A line of panels for each layer: the outputs' histogram, then the gates' units as points."""
    shown = layers[-LAYERS_SHOWN:]
    gates = len(shown[0].gates)
    with style():
        height = 1.0 + 2.1 * len(shown)
        drawn = Figure(figsize=(7.6 if gates else 4.2, height), label=f"units {model}")
        title = say("inside.units_title" if gates else "inside.outputs_title", model=model)
        drawn.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        panels = drawn.subplots(len(shown), 1 + gates, squeeze=False)
        for line, layer in zip(panels, shown, strict=True):
            _outputs(line[0], layer, say)
            for number, gate in enumerate(layer.gates):
                axes = line[1 + number]
                kind = look(number)
                axes.plot(
                    gate.closed,
                    gate.open,
                    linestyle="none",
                    marker=kind.marker,
                    markersize=4,
                    markerfacecolor="none",
                    color=kind.colour,
                    alpha=0.7,
                )
                # A unit is at most always the one or the other: no point stands beyond this line.
                axes.plot([0, 1], [1, 0], color=FAINT, linewidth=0.8, linestyle=":")
                axes.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), aspect="equal")
                axes.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])
                axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"] if number == 0 else [])
                axes.set_title(say(f"inside.gate_{gate.name}"), fontsize=9)
                if layer is shown[-1]:
                    axes.set_xlabel(say("inside.closed"), fontsize=9)
                if number == 0:
                    axes.set_ylabel(say("inside.open"), fontsize=9)
        panels[-1, 0].set_xlabel(say("inside.output"), fontsize=9)
    return drawn


def _outputs(axes: Axes, layer: LayerUnits, say: Language) -> None:
    width = 2 / len(layer.histogram)
    middles = [-1 + width * (place + 0.5) for place in range(len(layer.histogram))]
    axes.bar(middles, [100 * share for share in layer.histogram], width * 0.9, color=INK, alpha=0.6)
    for end in (-0.9, 0.9):
        axes.axvline(end, color=FAINT, linewidth=1, linestyle=":")
    axes.set_title(say("inside.layer", layer=layer.layer, units=f"{layer.units:,}"), fontsize=9)
    axes.set_ylabel(say("inside.share"), fontsize=9)
    axes.set_xlim(-1, 1)
    axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["−1", "−0.5", "0", "0.5", "1"])


def _short(token: str) -> str:
    text = visible(token)
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"
