"""The section of the analysis `slices`: a figure and a table for each slicing, and where models gain.

Computes no statistic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmcompare.evaluation.results import Results, Slice, Slices, SliceScore, Slicing
from lmcompare.reporting import numbers
from lmcompare.reporting.drawing import FAINT, Look, looks, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import in_order, leading
from lmcompare.reporting.section import Drawing, Folded, Section
from lmcompare.reporting.table import Column, Table, TableCell

TOLD = ("order", "frequency")
"""The slicings that have sentences of their own. The first that there is stands open, others are folded."""
MOST = 3
"""Models that sentences are made of, the best ones."""
LEAST = 0.01
"""Bits below which a gain is not told, however sure it is."""
NAMED = ("script", "tags")
NGRAMS = ("ngram", "kenlm", "class", "skip")


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.slices
    if found is None or not found.slicings:
        return None
    shown = leading(results)
    parts: list[Drawing | Table | Folded] = []
    for place, slicing in enumerate(found.slicings):
        title = say(f"slices.title_{slicing.name}", source=slicing.source)
        pair = (
            Drawing(figure(shown, found, slicing, say), _caption(found, slicing, say)),
            _table(results, found, slicing, say),
        )
        parts += pair if place == 0 else [Folded(title, pair)]
    order = {model.name: place for place, model in enumerate(in_order(results))}
    told = sorted(_others(shown, found), key=order.__getitem__)[:MOST]
    findings = [
        sentence
        for slicing in found.slicings
        if slicing.name in TOLD
        for model in told
        for sentence in _told(found, slicing, model, say)
    ]
    lead = say("slices.lead", fewest=found.fewest, unit=say(f"slices.resampled_{found.resampled}"))
    return Section("slices", say("slices.title"), lead, tuple(findings), tuple(parts))


def figure(results: Results, found: Slices, slicing: Slicing, say: Language) -> Figure:
    """Bits by slice at the left; at the right what each model gains over the best n-gram model there."""
    colours = looks(results)
    gains = [model for model in _others(results, found) if _of_model(slicing, model)[1]]
    labels = [_label(slicing, each, say) for each in slicing.slices]
    turned = _turned(slicing)
    with style():
        drawn = Figure(figsize=(7.6, 4.3 if turned else 3.7), label=f"slices-{slicing.name}")
        panels = drawn.subplots(1, 2 if gains else 1, squeeze=False)[0]
        for axes in panels:
            axes.set_xticks(range(len(labels)), labels, rotation=90 if turned else 0)
            axes.tick_params(axis="x", labelsize=8.5)
            axes.set_xlabel(say(f"slices.x_{slicing.name}", source=slicing.source))
        panels[0].set_title(say("slices.bits", unit=say(f"slices.unit_{found.unit}")))
        panels[0].set_ylabel(say(f"slices.y_{found.unit}"))
        for model, look in colours.items():
            x, scores = _of_model(slicing, model)
            if not scores:
                continue
            y, error = _errors([(one.bits, one.ci95) for one in scores])
            line = "none" if slicing.name in NAMED else look.dash
            shape: Any = {"linestyle": line, "marker": look.marker, "markersize": 4.5, "linewidth": 1.3}
            panels[0].errorbar(x, y, error, color=look.colour, capsize=2, label=model, **shape)
        panels[0].set_ylim(bottom=0)
        if gains:
            _gains(panels[1], slicing, gains, colours)
            panels[1].set_title(say("slices.gain"))
        handles, names = panels[0].get_legend_handles_labels()
        drawn.legend(handles, names, loc="outside lower center", ncols=4)
    return drawn


def _others(results: Results, found: Slices) -> list[str]:
    """The models whose gains are told: other n-gram models would only say that they are worse."""
    return [
        model.name for model in results.models if model.name in found.references and model.kind not in NGRAMS
    ]


def _gains(axes: Axes, slicing: Slicing, models: list[str], colours: dict[str, Look]) -> None:
    width = 0.8 / len(models)
    for number, model in enumerate(models):
        x, scores = _of_model(slicing, model)
        told = [(place, one.gain, one.gain_ci95) for place, one in zip(x, scores, strict=True)]
        kept = [(place, gain, ci95) for place, gain, ci95 in told if gain is not None and ci95 is not None]
        if kept:
            y, error = _errors([(gain, ci95) for _, gain, ci95 in kept])
            places = np.array([place for place, *_ in kept]) + (number - (len(models) - 1) / 2) * width
            look: Any = {"color": colours[model].colour, "alpha": 0.85, "error_kw": {"linewidth": 1}}
            axes.bar(places, y, width * 0.92, yerr=error, capsize=2, **look)
    axes.axhline(0, color=FAINT, linewidth=1)


def _of_model(slicing: Slicing, model: str) -> tuple[list[int], list[SliceScore]]:
    """The places of the slices that have events of a model, and its scores there."""
    found = [
        (place, score)
        for place, each in enumerate(slicing.slices)
        for score in each.scores
        if score.model == model
    ]
    return [place for place, _ in found], [score for _, score in found]


def _errors(values: list[tuple[float, tuple[float, float]]]) -> tuple[np.ndarray, np.ndarray]:
    y = np.array([value for value, _ in values])
    bounds = np.array([ci95 for _, ci95 in values])
    return y, np.maximum(0, np.stack([y - bounds[:, 0], bounds[:, 1] - y]))


def _caption(found: Slices, slicing: Slicing, say: Language) -> str:
    told = [say(f"slices.caption_{slicing.name}", source=slicing.source)]
    references = sorted(set(found.references.values()))
    if references:
        told.append(say("slices.against", reference=", ".join(references)))
    return " ".join(told)


def _key(slicing: Slicing, key: str, say: Language) -> str:
    """How a slice is called."""
    if slicing.name == "script" or (slicing.name == "tags" and key in ("eos", "other")):
        return say(f"slices.key_{key}")
    return key if slicing.name == "tags" else key.replace("-", "–")


def _label(slicing: Slicing, each: Slice, say: Language) -> str:
    share = numbers.percent(each.scores[0].share_events)
    name = _key(slicing, each.key, say)
    return f"{name} ({share} %)" if _turned(slicing) else f"{name}\n{share} %"


def _turned(slicing: Slicing) -> bool:
    """Whether the labels of an axis would touch each other, and are turned."""
    return len(slicing.slices) > 5 or sum(len(each.key) for each in slicing.slices) > 32


def _table(results: Results, found: Slices, slicing: Slicing, say: Language) -> Table:
    present = {score.model for each in slicing.slices for score in each.scores}
    models = [model.name for model in results.models if model.name in present]
    columns = [
        Column("slice", say(f"slices.x_{slicing.name}", source=slicing.source), "left"),
        Column("events", say("slices.events")),
        *(Column(f"bits {model}", model, meaning=say(f"slices.y_{found.unit}")) for model in models),
    ]
    rows = []
    for place, each in enumerate(slicing.slices):
        by_model = {score.model: score for score in each.scores}
        first = each.scores[0]
        share = say("slices.of_events", share=numbers.percent(first.share_events))
        cells = [
            TableCell(_key(slicing, each.key, say), place),
            TableCell(f"{first.events:,}", first.events, share),
        ]
        for model in models:
            score = by_model.get(model)
            cells.append(TableCell(numbers.MISSING) if score is None else _cell(score, say))
        rows.append(tuple(cells))
    title = say(f"slices.title_{slicing.name}", source=slicing.source)
    notes = [say("slices.note", unit=say(f"slices.unit_{found.unit}"))]
    if found.unit == "byte" and slicing.name not in NAMED:
        notes.append(say("slices.own_tokens"))
    if found.left_out:
        counts = ", ".join(f"{model}: {count:,}" for model, count in found.left_out.items())
        notes.append(say("slices.left_out", counts=counts))
    return Table(title, tuple(columns), tuple(rows), tuple(notes))


def _cell(score: SliceScore, say: Language) -> TableCell:
    note = [say("slices.of_bits", share=numbers.percent(score.share_bits))]
    if score.gain is not None and score.gain_ci95 is not None:
        decimals = numbers.decimals_of(*score.gain_ci95, 2)
        note.append(say("slices.gains", gain=numbers.signed(score.gain, decimals)))
    return TableCell(numbers.with_interval(score.bits, score.ci95, 2), score.bits, " · ".join(note))


def _told(found: Slices, slicing: Slicing, model: str, say: Language) -> list[str]:
    """Where a model gains most over the best n-gram model, and where it loses most, if it surely does."""
    scores = [
        (each.key, score, score.gain, score.gain_ci95)
        for each in slicing.slices
        for score in each.scores
        if score.model == model
    ]
    known = [
        (key, score, gain, ci95) for key, score, gain, ci95 in scores if gain is not None and ci95 is not None
    ]
    sentences = []
    gaining = max(
        (one for one in known if one[3][0] > 0 and one[2] >= LEAST), key=lambda one: one[2], default=None
    )
    losing = min(
        (one for one in known if one[3][1] < 0 and one[2] <= -LEAST), key=lambda one: one[2], default=None
    )
    for chosen, gains in ((gaining, True), (losing, False)):
        if chosen is None:
            continue
        key, score, gain, (low, high) = chosen
        low, high = (low, high) if gain > 0 else (-high, -low)
        decimals = min(3, numbers.decimals_of(low, high, 2))
        shown = key.replace("-", "–")
        where = say(f"slices.at_{slicing.name}", source=slicing.source, kind=shown)
        sentences.append(
            say(
                "slices.most" if gains else "slices.loses",
                model=model,
                reference=found.references[model],
                where=where,
                gain=numbers.fixed(abs(gain), decimals),
                low=numbers.fixed(low, decimals),
                high=numbers.fixed(high, decimals),
                unit=say(f"slices.unit_{found.unit}"),
                share=numbers.percent(score.share_events),
            )
        )
    return sentences
