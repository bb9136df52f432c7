"""The section of the analysis `truth`: how far each model is from the truth, where, and with how much text.

Computes no statistic.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmcompare.evaluation.results import Results, Truth, TruthKind, TruthRow
from lmcompare.reporting import numbers
from lmcompare.reporting.axes import count_ticks
from lmcompare.reporting.drawing import FAINT, INK, Look, look, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.section import Drawing, Section
from lmcompare.reporting.table import Column, Table, TableCell

KINDS = ("chain-word", "hidden-word", "verb-near", "verb-far", "noun-near", "noun-far", "opening",
         "closing-near", "closing-far", "new", "sign", "copied", "name", "thing", "asked", "recalled",
         "other", "end")  # fmt: skip
"""The kinds that have names in both languages; a language of the reader's own brings its own words."""
WHY: dict[str, tuple[str, ...]] = {
    "chain-word": ("ngram", "kenlm"),
    "hidden-word": ("rnn", "gru", "lstm", "transformer"),
    "verb-far": ("rnn", "gru", "lstm", "transformer"),
    "noun-far": ("rnn", "gru", "lstm", "transformer"),
    "closing-far": ("rnn", "gru", "lstm", "transformer"),
    "copied": ("transformer",),
    "recalled": ("transformer",),
}
"""The kinds of events that families of models are told apart by, and the families that should win there."""
SILENT = ("end", "sign")
"""Of these there is one only, so that nothing is lost once the kind is known."""


@dataclass(frozen=True, slots=True)
class Family:
    """Models that differ in nothing but how much text they were trained on, the most of it last."""

    label: str
    kind: str
    look: Look
    rows: tuple[tuple[int, TruthRow], ...]

    @property
    def last(self) -> TruthRow:
        """The model that was trained on the most text."""
        return self.rows[-1][1]


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.truth
    if found is None:
        return None
    groups = families(results, found)
    kinds = shown_kinds(groups)
    parts: list[Drawing | Table] = [Drawing(bars(groups, kinds, say), say("truth.caption"))]
    if any(len(group.rows) > 1 for group in groups):
        parts.append(Drawing(growth(groups, kinds, say), say("truth.growth_caption")))
    parts.append(_totals(groups, found, say))
    if kinds:
        parts.append(_by_kind(groups, kinds, say))
    findings = [_floor(found, say), *_winners(groups, kinds, say), *_learning(groups, say)]
    return Section("truth", say("truth.title"), say("truth.lead"), tuple(findings), tuple(parts))


def families(results: Results, found: Truth) -> list[Family]:
    """The models, those together that differ in the amount of training text alone."""
    total = results.corpus.splits["train"].sentences
    rows = {row.model: row for row in found.rows}
    groups: dict[str, list[tuple[int, TruthRow, dict[str, Any]]]] = {}
    for model in results.experiment.get("models", []):
        row = rows.get(str(model.get("name")))
        if row is not None:
            rest = {k: v for k, v in model.items() if k not in ("name", "grid", "train_sentences", "seeds")}
            size = int(model.get("train_sentences") or total)
            groups.setdefault(json.dumps(rest, sort_keys=True), []).append((size, row, model))
    made = []
    for number, group in enumerate(groups.values()):
        group.sort(key=lambda entry: entry[0])
        last = group[-1][2]
        label = str(last["grid"]["row"]) if len(group) > 1 and "grid" in last else str(last["name"])
        sized = tuple((size, row) for size, row, _ in group)
        made.append(Family(label, str(last["kind"]), look(number), sized))
    return made


def shown_kinds(groups: list[Family]) -> list[str]:
    """The kinds of events that say something, in the order of the language."""
    every = dict.fromkeys(kind.kind for group in groups for kind in group.last.kinds)
    kinds = [kind for kind in every if kind not in SILENT]
    return kinds if len(kinds) > 1 else []


def bars(groups: list[Family], kinds: list[str], say: Language) -> Figure:
    """Bits lost from the line of the truth on: for each token, then for each event of a kind."""
    learned = [group for group in groups if group.kind != "source"]
    rows: list[str | None] = [None, *kinds]
    width = 0.84 / max(1, len(learned))
    with style():
        drawn = Figure(figsize=(7.6, min(1.3 + (0.12 + 0.13 * len(learned)) * len(rows), 12)), label="truth")
        axes = drawn.subplots()
        for number, group in enumerate(learned):
            for place, kind in enumerate(rows):
                own = group.last if kind is None else kind_of(group.last, kind)
                if own is not None:
                    at = place + (number - (len(learned) - 1) / 2) * width
                    label = group.label if place == 0 else None
                    _bar(axes, at, own.bits, own.ci95, group.look, width * 0.9, label)
        axes.axvline(0, color=INK, linewidth=2.4, label=say("truth.zero"))
        axes.axhline(0.5, color=FAINT, linewidth=0.8)
        axes.set_xlim(left=0)
        names = [say("truth.all_kinds") if kind is None else kind_name(kind, say) for kind in rows]
        axes.set_yticks(range(len(rows)), names)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_title(say("truth.bars"))
        axes.set_xlabel(say("truth.x_bars"))
        axes.grid(axis="y", visible=False)
        handles, labels = axes.get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=4)
    return drawn


def growth(groups: list[Family], kinds: list[str], say: Language) -> Figure:
    """Bits lost by the number of training sentences: all, then the kinds that tell families apart."""
    told = [kind for kind in kinds if kind in WHY] or kinds[:5]
    number = 1 + len(told)
    rows = math.ceil(number / 3)
    with style():
        drawn = Figure(figsize=(7.6, 0.8 + 2.1 * rows), label="truth-growth")
        panels = drawn.subplots(rows, min(3, number), sharex=True, squeeze=False).ravel()
        for place, (axes, kind) in enumerate(zip(panels, [None, *told], strict=False)):
            _curves(axes, groups, kind)
            axes.set_title(say("truth.all_kinds") if kind is None else kind_name(kind, say), fontsize=10)
            if place + 3 >= number:
                axes.tick_params(labelbottom=True)
                axes.set_xlabel(say("truth.x_growth"))
            if place % 3 == 0:
                axes.set_ylabel(say("truth.y_growth"))
        for axes in panels[number:]:
            axes.set_visible(False)
        handles, labels = panels[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=4)
    return drawn


def _curves(axes: Axes, groups: list[Family], kind: str | None) -> None:
    for group in groups:
        values = [(size, row if kind is None else kind_of(row, kind)) for size, row in group.rows]
        points = [(size, one.bits, one.ci95) for size, one in values if one is not None]
        if len(points) > 1:
            x, y = [size for size, _, _ in points], [bits for _, bits, _ in points]
            low, high = ([ends[end] for _, _, ends in points] for end in (0, 1))
            axes.fill_between(x, low, high, color=group.look.colour, alpha=0.15, linewidth=0)
            shape: Any = {"linestyle": group.look.dash, "marker": group.look.marker, "markersize": 4}
            axes.plot(x, y, color=group.look.colour, label=group.label, **shape)
    axes.axhline(0, color=INK, linewidth=1.2)
    count_ticks(axes)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))


def kind_of(row: TruthRow, kind: str) -> TruthKind | None:
    """What was found of one kind of events."""
    return next((own for own in row.kinds if own.kind == kind), None)


def kind_name(kind: str, say: Language) -> str:
    """The kind in the reader's language."""
    return say(f"truth.kind_{kind}") if kind in KINDS else kind


def _bar(
    axes: Axes, place: float, bits: float, ci95: tuple[float, float], own: Look, height: float,
    label: str | None = None,
) -> None:  # fmt: skip
    if math.isfinite(bits):
        error = np.maximum(0.0, [[bits - ci95[0]], [ci95[1] - bits]])
        ticks: Any = {"elinewidth": 0.9, "ecolor": INK}
        shape: Any = {"color": own.colour, "alpha": 0.85, "error_kw": ticks, "capsize": 2}
        axes.barh(place, bits, height, xerr=error, label=label, **shape)


def _floor(found: Truth, say: Language) -> str:
    bits = numbers.fixed(found.rows[0].true_bits, 3)
    if math.isnan(found.entropy):
        return say("truth.floor_text", bits=bits)
    values = {"bits": bits, "entropy": numbers.fixed(found.entropy, 3)}
    if found.entropy_error:
        return say("truth.floor_estimated", error=numbers.fixed(1.96 * found.entropy_error, 3), **values)
    return say("truth.floor", **values)


def _winners(groups: list[Family], kinds: list[str], say: Language) -> list[str]:
    """For each kind that tells families apart: who is nearest and who is farthest, and why where it is so."""
    learned = [group for group in groups if group.kind != "source"]
    told = []
    for kind in kinds:
        own = [(found, group) for group in learned if (found := kind_of(group.last, kind)) is not None]
        if kind not in WHY or len(own) < 2:
            continue
        own.sort(key=lambda pair: pair[0].bits)
        (best, first), (worst, last) = own[0], own[-1]
        if best.ci95[1] >= worst.ci95[0]:
            continue
        sentence = say(
            "truth.apart",
            kind=kind_name(kind, say),
            best=first.label,
            bits=numbers.with_interval(best.bits, best.ci95, 2),
            worst=last.label,
            more=numbers.with_interval(worst.bits, worst.ci95, 2),
            wrong=numbers.percent(worst.wrong),
        )
        expected = first.kind in WHY[kind] and last.kind not in WHY[kind]
        told.append(sentence + (say(f"truth.why_{kind}") if expected else ""))
    return told


def _learning(groups: list[Family], say: Language) -> list[str]:
    return [
        say(
            "truth.learning",
            model=group.label,
            fewest=f"{group.rows[0][0]:,}",
            most=f"{group.rows[-1][0]:,}",
            first=numbers.with_interval(group.rows[0][1].bits, group.rows[0][1].ci95, 3),
            last=numbers.with_interval(group.last.bits, group.last.ci95, 3),
        )
        for group in groups
        if len(group.rows) > 1 and group.kind != "source"
    ]


def _totals(groups: list[Family], found: Truth, say: Language) -> Table:
    """One row a model, sorted by what it loses."""
    keys = ("model", "bits", "characters", "drawn", "impossible")
    columns = [Column(key, say(f"truth.column_{key}"), "left" if key == "model" else "right") for key in keys]
    every = [row for group in groups for _, row in group.rows]
    rows = [
        (
            TableCell(row.model),
            TableCell(numbers.with_interval(row.bits, row.ci95, 3), row.bits),
            _cell(row.bits_per_character, row.character_ci95),
            _cell(row.drawn, row.drawn_ci95),
            _impossible(row, say),
        )
        for row in sorted(every, key=lambda row: row.bits)
    ]
    notes = [say("truth.note")]
    if not all(row.exact for row in found.rows):
        notes.append(say("truth.inexact"))
    return Table(say("truth.table"), tuple(columns), tuple(rows), tuple(notes))


def _by_kind(groups: list[Family], kinds: list[str], say: Language) -> Table:
    """One row a kind, a column a family: what it loses, and below how much goes to what cannot be."""
    learned = [group for group in groups if group.kind != "source" and group.last.kinds]
    columns = [Column("kind", say("truth.column_kind"), "left"), Column("share", say("truth.column_share"))]
    columns += [Column(f"family-{number}", group.label) for number, group in enumerate(learned)]
    rows = []
    for kind in kinds:
        found = [kind_of(group.last, kind) for group in learned]
        share = next((own.share for own in found if own is not None), 0.0)
        cells = [
            TableCell(kind_name(kind, say)),
            TableCell(say("truth.percent", share=numbers.percent(share)), share),
        ]
        for own in found:
            shown = _cell(own.bits, own.ci95) if own else TableCell(numbers.MISSING)
            note = ""
            if own and own.wrong >= 0.0005:
                note = say("truth.percent", share=numbers.percent(own.wrong))
            cells.append(TableCell(shown.text, shown.sort, note))
        rows.append(tuple(cells))
    return Table(say("truth.kinds"), tuple(columns), tuple(rows), (say("truth.kinds_note"),))


def _cell(value: float, ci95: tuple[float, float] | None) -> TableCell:
    return TableCell(
        numbers.fixed(value, 3) if ci95 is None else numbers.with_interval(value, ci95, 3), value
    )


def _impossible(row: TruthRow, say: Language) -> TableCell:
    if not row.exact:
        return TableCell(numbers.MISSING)
    share = numbers.percent(row.impossible)
    if row.impossible_ci95 is not None and row.impossible_ci95[1] > 0:
        low, high = row.impossible_ci95
        share = numbers.with_interval(100 * row.impossible, (100 * low, 100 * high), 2)
    return TableCell(say("truth.percent", share=share), row.impossible)
