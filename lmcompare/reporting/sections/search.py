"""The section of the analysis `search`: bits and length of what each way of looking finds, and its errors.

Computes no statistic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from lmcompare.evaluation.results import Results
from lmcompare.evaluation.results.limits import SearchModel, SearchRow
from lmcompare.reporting import numbers
from lmcompare.reporting.drawing import looks, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import leading
from lmcompare.reporting.section import Drawing, Folded, Section
from lmcompare.reporting.table import Column, Table, TableCell

_PLACES = ("human", "sample", "normalised", "greedy", "beam", "exact")
"""From what people write to what is the most probable."""
BESIDE = 0.09
"""Of a step to the next way: how far the intervals of two models stand apart."""


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.search
    if found is None:
        return None
    shown = leading(results)
    names = {model.name for model in shown.models}
    rows = [row for row in found.rows if row.model in names]
    if not rows:
        return None
    findings = tuple(sentence for row in rows for sentence in _findings(row, found.max_tokens, say))
    lead = say(
        "search.lead",
        split=say(f"split.{found.split}"),
        prompts=rows[0].cell.prompts,
        most=found.max_tokens,
        nodes=f"{found.node_limit:,}",
    )
    texts = tuple(_texts(row, say) for row in rows if row.cell.texts)
    parts: list[Drawing | Table | Folded] = [
        Drawing(figure(shown, rows, say), say("search.caption")),
        _table(shown, rows, say),
    ]
    if texts:
        parts.append(Folded(say("search.texts"), texts))
    return Section("search", say("search.title"), lead, findings, tuple(parts))


def figure(results: Results, rows: Sequence[SearchModel], say: Language) -> Figure:
    """Bits above the optimum, and length of what is found, by the way of looking: one line a model."""
    colours = looks(results)
    order = sorted(rows[0].cell.rows, key=lambda row: (_PLACES.index(row.method), row.size or 0))
    ways = [(row.method, row.size) for row in order]
    with style():
        drawn = Figure(figsize=(7.6, 4.2), label="search")
        panels = drawn.subplots(1, 2)
        for axes, measure in zip(panels, ("excess", "length"), strict=True):
            axes.set_title(say(f"search.{measure}"))
            axes.set_ylabel(say(f"search.y_{measure}"))
            for number, row in enumerate(rows):
                look = colours[row.model]
                by_way = {(each.method, each.size): each for each in row.cell.rows}
                points = [(place, by_way[way]) for place, way in enumerate(ways) if way in by_way]
                points = [(place, each) for place, each in points if _is_finite(getattr(each, measure))]
                aside = BESIDE * (number - (len(rows) - 1) / 2)
                axes.plot(
                    [place + aside for place, _ in points],
                    [getattr(each, measure) for _, each in points],
                    color=look.colour,
                    linestyle=look.dash,
                    marker=look.marker,
                    markersize=5,
                    label=row.model,
                )
                for place, each in points:
                    ends = getattr(each, f"{measure}_ci95")
                    if ends is not None and all(map(math.isfinite, ends)):
                        axes.plot((place + aside,) * 2, ends, color=look.colour, linewidth=1.2, alpha=0.5)
            names = [_way(each, say) for each in order]
            axes.set_xticks(range(len(ways)), names, rotation=50, ha="right", rotation_mode="anchor")
            axes.set_ylim(bottom=0)
        handles, labels = panels[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=4)
    return drawn


def _way(row: SearchRow, say: Language) -> str:
    return say(f"search.{row.method}", size=row.size or 1)


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _findings(row: SearchModel, most: int, say: Language) -> list[str]:
    cell = row.cell
    by_method: dict[str, SearchRow] = {}
    for each in cell.rows:
        by_method[each.method] = each  # of the beams the widest stays
    exact, human = by_method["exact"], by_method["human"]
    sentences = []
    looking = [by_method[name] for name in ("greedy", "beam", "sample") if name in by_method]
    if cell.proven:
        errors = say("search.comma").join(
            say(
                "search.missed",
                way=_way(each, say),
                errors=each.errors or 0,
                percent=_share((each.errors or 0) / cell.proven, each.errors_ci95),
            )
            for each in looking
        )
        sentences.append(say("search.errors", model=row.model, proven=cell.proven, errors=errors))
        sentences.append(
            say(
                "search.bias",
                model=row.model,
                length=_mean(exact.length, exact.length_ci95, 1),
                human=_mean(human.length, human.length_ci95, 1),
                bits=_mean(exact.bits, exact.bits_ci95, 1),
                human_bits=_mean(human.bits, human.bits_ci95, 1),
            )
        )
        if exact.empty:
            empty = _share(exact.empty, exact.empty_ci95)
            sentences.append(say("search.empty", model=row.model, empty=empty))
        if cell.longer:
            counts = {"longer": cell.longer, "proven": cell.proven, "most": most}
            sentences.append(say("search.longer", model=row.model, **counts))
    if cell.proven < cell.prompts:
        open_ends = cell.prompts - cell.proven
        sentences.append(say("search.unproven", model=row.model, open=open_ends, prompts=cell.prompts))
    return sentences


def _mean(value: float | None, ci95: tuple[float, float] | None, decimals: int) -> str:
    if value is None:
        return numbers.MISSING
    return numbers.fixed(value, decimals) if ci95 is None else numbers.with_interval(value, ci95, decimals)


def _share(share: float, ci95: tuple[float, float] | None) -> str:
    """In percent, without the sign."""
    if ci95 is None:
        return numbers.percent(share)
    return numbers.with_interval(100 * share, (100 * ci95[0], 100 * ci95[1]))


def _table(results: Results, rows: Sequence[SearchModel], say: Language) -> Table:
    keys = ("model", "way", "bits", "excess", "length", "empty", "complete", "errors")
    columns = tuple(
        Column(key, say(f"search.column_{key}"), "left" if key in ("model", "way") else "right")
        for key in keys
    )
    cells = []
    for row in rows:
        order = sorted(row.cell.rows, key=lambda each: (_PLACES.index(each.method), each.size or 0))
        for each in order:
            cells.append(
                (
                    TableCell(row.model),
                    TableCell(_way(each, say)),
                    TableCell(_mean(each.bits, each.bits_ci95, 1), each.bits or 0.0),
                    TableCell(_mean(each.excess, each.excess_ci95, 2), each.excess or 0.0),
                    TableCell(_mean(each.length, each.length_ci95, 1), each.length or 0.0),
                    _percent(each.empty, each.empty_ci95),
                    _percent(each.complete, None),
                    _errors(each, row.cell.proven),
                )
            )
    notes = [say("search.note")]
    tokenizers = [model.tokenizer for model in results.models if any(row.model == model.name for row in rows)]
    if len({tokenizer.fingerprint for tokenizer in tokenizers}) > 1:
        notes.append(say("search.other_tokens"))
    return Table(say("search.table"), columns, tuple(cells), tuple(notes))


def _percent(share: float | None, ci95: tuple[float, float] | None) -> TableCell:
    if share is None:
        return TableCell(numbers.MISSING, 0.0)
    return TableCell(f"{_share(share, ci95)} %", share)


def _errors(row: SearchRow, proven: int) -> TableCell:
    if row.errors is None or not proven:
        return TableCell(numbers.MISSING, -1.0)
    percent = _share(row.errors / proven, row.errors_ci95)
    return TableCell(f"{row.errors} / {proven}: {percent} %", row.errors)


def _texts(row: SearchModel, say: Language) -> Table:
    keys = ("prompt", "human", "greedy", "beam", "exact")
    columns = tuple(Column(key, say(f"search.text_{key}"), "left") for key in keys)
    cells = tuple(
        (
            TableCell(each.prompt),
            TableCell(each.human),
            TableCell(each.greedy),
            TableCell(each.beam),
            TableCell(
                each.exact or say("search.nothing"), note="" if each.proven else say("search.not_proven")
            ),
        )
        for each in row.cell.texts
    )
    return Table(row.model, columns, cells)
