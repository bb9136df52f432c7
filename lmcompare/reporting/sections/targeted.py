"""The section of the analyses `minimal_pairs` and `cloze`: accuracy over all, by phenomenon, and last words.

Computes no statistic.
"""

from __future__ import annotations

from typing import Literal

from matplotlib.figure import Figure

from lmcompare.evaluation.results import Accuracy, Cloze, ClozeRow, MinimalPairs, Results
from lmcompare.reporting import numbers
from lmcompare.reporting.drawing import INK, looks, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import leading
from lmcompare.reporting.section import Drawing, Folded, Section
from lmcompare.reporting.table import Column, Table, TableCell

Measure = Literal["sentence", "token", "known"]
MEASURES: tuple[Measure, ...] = ("sentence", "token", "known")
"""The probability of the whole sentence, its mean for a token, and the first without unknown words."""
Interval = tuple[float, float]


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    pairs, cloze = results.analyses.minimal_pairs, results.analyses.cloze
    shown = leading(results)
    parts: list[Drawing | Table | Folded] = []
    findings: list[str] = []
    if pairs is not None:
        findings = [_finding(row, say) for row in pairs.rows if not row.phenomenon and _is_shown(row, shown)]
        parts += [Drawing(figure(shown, pairs, say), say("targeted.caption")), overall(shown, pairs, say)]
        tables = [by_phenomenon(shown, pairs, measure, say) for measure in MEASURES]
        parts += [tables[0], *(Folded(table.title, (table,)) for table in tables[1:] if table.rows)]
    if cloze is not None:
        parts.append(cloze_table(cloze, say))
    if not parts:
        return None
    return Section("targeted", say("targeted.title"), say("targeted.lead"), tuple(findings), tuple(parts))


def figure(results: Results, found: MinimalPairs, say: Language) -> Figure:
    """Accuracy by phenomenon, a point a model with its interval, and the line of chance."""
    colours = looks(results)
    rows = [row for row in found.rows if row.model in colours]
    phenomena = list(dict.fromkeys(row.phenomenon for row in rows))
    models = list(dict.fromkeys(row.model for row in rows))
    with style():
        drawn = Figure(figsize=(7.6, 1.2 + 0.42 * len(phenomena)), label="targeted")
        axes = drawn.subplots()
        axes.set_title(say("targeted.figure"))
        axes.set_xlabel(say("targeted.x"))
        for row in rows:
            shift = (models.index(row.model) - (len(models) - 1) / 2) * min(0.16, 0.7 / len(models))
            place = len(phenomena) - 1 - phenomena.index(row.phenomenon) - shift
            look = colours[row.model]
            axes.plot(row.ci95, [place, place], color=look.colour, linewidth=2, alpha=0.5)
            label = row.model if not row.phenomenon else None
            axes.plot([row.accuracy], [place], look.marker, color=look.colour, markersize=5.5, label=label)
        axes.axvline(0.5, color=INK, linewidth=1, linestyle=(0, (3, 2)))
        axes.annotate(
            say("targeted.chance"),
            (0.5, len(phenomena) - 0.45),
            xytext=(3, 0),
            textcoords="offset points",
            fontsize=9,
            va="center",
        )
        names = [name or say("targeted.all") for name in phenomena]
        axes.set_yticks(range(len(phenomena) - 1, -1, -1), names)
        axes.set_ylim(-0.6, len(phenomena) - 0.2)
        axes.set_xlim(min(0.35, *(row.ci95[0] for row in rows)) - 0.02, 1.02)
        axes.xaxis.set_major_formatter(lambda value, _: say("targeted.percent", share=f"{100 * value:.0f}"))
        drawn.legend(loc="outside lower center", ncols=4)
    return drawn


def overall(results: Results, found: MinimalPairs, say: Language) -> Table:
    """A row a model: all pairs, by either measure, and those without unknown words."""
    keys = ("model", "pairs", "sentence", "token", "known", "known_pairs", "ties")
    columns = tuple(
        Column(key, say(f"targeted.column_{key}"), "left" if key == "model" else "right") for key in keys
    )
    rows = tuple(
        (
            TableCell(row.model),
            _number(row.pairs),
            *(_measured(row, measure, say) for measure in MEASURES),
            TableCell(
                numbers.MISSING if row.known_pairs is None else f"{row.known_pairs:,}", row.known_pairs
            ),
            TableCell(say("targeted.percent", share=numbers.percent(row.ties)), row.ties),
        )
        for row in found.rows
        if not row.phenomenon and _is_shown(row, results)
    )
    return Table(say("targeted.table_all"), columns, rows, (say("targeted.note"),))


def by_phenomenon(results: Results, found: MinimalPairs, measure: Measure, say: Language) -> Table:
    """A row a phenomenon, a column a model; no row where nothing is known by this measure."""
    models = [model.name for model in results.models if any(row.model == model.name for row in found.rows)]
    columns = (
        Column("phenomenon", say("targeted.phenomenon"), "left"),
        Column("paradigms", say("targeted.paradigms")),
        Column("pairs", say("targeted.pairs")),
        *(Column(f"model_{index}", name) for index, name in enumerate(models)),
    )
    cells: dict[str, dict[str, Accuracy]] = {}
    for row in found.rows:
        if _of(row, measure)[0] is not None:
            cells.setdefault(row.phenomenon, {})[row.model] = row
    rows = []
    for phenomenon, by_model in cells.items():
        some = next(iter(by_model.values()))
        accuracies = [
            _measured(by_model[name], measure, say) if name in by_model else TableCell(numbers.MISSING)
            for name in models
        ]
        name = phenomenon or say("targeted.all")
        rows.append((TableCell(name), _number(some.paradigms), _number(some.pairs), *accuracies))
    note = (say("targeted.note_known"),) if measure == "known" else ()
    return Table(say(f"targeted.table_{measure}"), columns, tuple(rows), note, frozenset({0}))


def cloze_table(found: Cloze, say: Language) -> Table:
    """A row a model: how often it would have written the last word."""
    keys = ("model", "texts", "accuracy", "first", "perplexity", "unknown")
    columns = tuple(
        Column(key, say(f"targeted.{key}"), "left" if key == "model" else "right") for key in keys
    )
    rows = tuple(
        (
            TableCell(row.model),
            TableCell(f"{row.texts:,}", row.texts),
            _accuracy(row.accuracy, row.ci95, say),
            _accuracy(row.accuracy_first, row.ci95_first, say),
            TableCell(_perplexity(row), row.perplexity),
            TableCell(say("targeted.percent", share=numbers.percent(row.unknown)), row.unknown),
        )
        for row in found.rows
    )
    return Table(say("targeted.cloze"), columns, rows, (say("targeted.cloze_note"),))


def _perplexity(row: ClozeRow) -> str:
    if row.perplexity_ci95 is None:
        return numbers.perplexity(row.perplexity)
    return numbers.with_interval(row.perplexity, row.perplexity_ci95)


def _number(count: int | None) -> TableCell:
    return TableCell(numbers.MISSING if count is None else f"{count:,}", count)


def _of(row: Accuracy, measure: Measure) -> tuple[float | None, Interval | None]:
    if measure == "sentence":
        return row.accuracy, row.ci95
    if measure == "token":
        return row.accuracy_per_token, row.ci95_per_token
    return row.accuracy_known, row.ci95_known


def _measured(row: Accuracy, measure: Measure, say: Language) -> TableCell:
    """With how many pairs, where they are not all of the row's."""
    share, ci95 = _of(row, measure)
    if share is None:
        return TableCell(numbers.MISSING)
    cell = _accuracy(share, ci95, say)
    if measure != "known" or not row.phenomenon:
        return cell
    return TableCell(cell.text, cell.sort, say("targeted.of_pairs", pairs=f"{row.known_pairs:,}"))


def _accuracy(share: float, ci95: Interval | None, say: Language) -> TableCell:
    if ci95 is None:
        return TableCell(say("targeted.percent", share=numbers.percent(share)), share)
    text = numbers.with_interval(100 * share, (100 * ci95[0], 100 * ci95[1]))
    return TableCell(say("targeted.percent", share=text), share)


def _finding(row: Accuracy, say: Language) -> str:
    told = [_share(row.accuracy, row.ci95), _share(row.accuracy_per_token, row.ci95_per_token)]
    values = {"model": row.model, "pairs": f"{row.pairs:,}", "percent": told[0], "token": told[1]}
    sentence = say("targeted.overall", **values)
    if row.accuracy_known is None or row.known_pairs == row.pairs:
        return sentence
    known = _share(row.accuracy_known, row.ci95_known)
    return sentence + say("targeted.overall_known", pairs=f"{row.known_pairs:,}", percent=known)


def _share(share: float, ci95: Interval | None) -> str:
    if ci95 is None:
        return numbers.percent(share)
    return numbers.with_interval(100 * share, (100 * ci95[0], 100 * ci95[1]))


def _is_shown(row: Accuracy, results: Results) -> bool:
    return any(model.name == row.model for model in results.models)
