"""The section of the analyses `minimal_pairs` and `cloze`: accuracy by phenomenon, and last words.

Computes no statistic.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from lmcompare.evaluation.results import Accuracy, Cloze, MinimalPairs, Results
from lmcompare.reporting import numbers
from lmcompare.reporting.drawing import INK, looks, style
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import leading
from lmcompare.reporting.section import Drawing, Section
from lmcompare.reporting.table import Column, Table, TableCell


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    pairs, cloze = results.analyses.minimal_pairs, results.analyses.cloze
    shown = leading(results)
    parts: list[Drawing | Table] = []
    findings: list[str] = []
    if pairs is not None:
        findings = [_finding(row, say) for row in pairs.rows if not row.phenomenon and _is_shown(row, shown)]
        parts += [Drawing(figure(shown, pairs, say), say("targeted.caption")), table(shown, pairs, say)]
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
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        drawn.legend(loc="outside lower center", ncols=4)
    return drawn


def table(results: Results, found: MinimalPairs, say: Language) -> Table:
    """A row a phenomenon, a column a model."""
    models = [model.name for model in results.models if any(row.model == model.name for row in found.rows)]
    columns = (
        Column("phenomenon", say("targeted.phenomenon"), "left"),
        Column("pairs", say("targeted.pairs")),
        *(Column(f"model_{index}", name) for index, name in enumerate(models)),
    )
    cells: dict[str, dict[str, Accuracy]] = {}
    for row in found.rows:
        cells.setdefault(row.phenomenon, {})[row.model] = row
    rows = []
    for phenomenon, by_model in cells.items():
        some = next(iter(by_model.values()))
        accuracies = [_accuracy(by_model[name].accuracy, by_model[name].ci95, say) for name in models]
        name = phenomenon or say("targeted.all")
        rows.append((TableCell(name), TableCell(f"{some.pairs:,}", some.pairs), *accuracies))
    whole = [cells[""][name] for name in models]
    ties, unknown = (
        say("text.comma").join(
            say("targeted.share", model=row.model, percent=numbers.percent(share))
            for row, share in zip(whole, shares, strict=True)
        )
        for shares in ([row.ties for row in whole], [row.unknown for row in whole])
    )
    note = say("targeted.note", ties=ties, unknown=unknown)
    return Table(say("targeted.table"), columns, tuple(rows), (note,), frozenset({0}))


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
            TableCell(say("targeted.percent", share=numbers.percent(row.accuracy_first)), row.accuracy_first),
            TableCell(numbers.perplexity(row.perplexity), row.perplexity),
            TableCell(say("targeted.percent", share=numbers.percent(row.unknown)), row.unknown),
        )
        for row in found.rows
    )
    return Table(say("targeted.cloze"), columns, rows, (say("targeted.cloze_note"),))


def _accuracy(share: float, ci95: tuple[float, float], say: Language) -> TableCell:
    text = numbers.with_interval(100 * share, (100 * ci95[0], 100 * ci95[1]))
    return TableCell(say("targeted.percent", share=text), share)


def _finding(row: Accuracy, say: Language) -> str:
    low, high = row.ci95
    return say(
        "targeted.overall",
        model=row.model,
        percent=numbers.fixed(100 * row.accuracy, 1),
        pairs=f"{row.pairs:,}",
        low=numbers.fixed(100 * low, 1),
        high=numbers.fixed(100 * high, 1),
        token=numbers.fixed(100 * row.accuracy_per_token, 1),
    )


def _is_shown(row: Accuracy, results: Results) -> bool:
    return any(model.name == row.model for model in results.models)
