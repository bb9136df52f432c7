"""The section of the analysis `unit_table`: a text in every unit, and bits and perplexity per each.

Computes no statistic.
"""

from __future__ import annotations

from collections.abc import Callable

from lmcompare.evaluation.results import Results, UnitRow, UnitScore, UnitScores, UnitTable
from lmcompare.evaluation.results.unit_table import UNITS, UnitName
from lmcompare.reporting import numbers
from lmcompare.reporting.details import event_space
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import in_order, leading
from lmcompare.reporting.section import Folded, Section
from lmcompare.reporting.table import Column, Table, TableCell


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.unit_table
    if found is None or not found.rows:
        return None
    by_name = {row.model: row for row in found.rows}
    rows = [by_name[model.name] for model in in_order(leading(results)) if model.name in by_name]
    strange = [row for row in rows if row.unknown]
    findings = tuple(_finding(row, say) for row in strange[:1])
    lead = say("unit_table.lead")
    if strange:
        lead += say("text.gap") + say("unit_table.lead_unknown")
    bits = _table(found, rows, say("unit_table.bits"), _bits, say)
    perplexity = _table(found, rows, say("unit_table.perplexity"), _perplexity, say)
    parts = (_counts(results, found, rows, say), bits, Folded(perplexity.title, (perplexity,)))
    return Section("unit_table", say("unit_table.title"), lead, findings, parts)


def _counts(results: Results, found: UnitTable, rows: list[UnitRow], say: Language) -> Table:
    """A row for each tokenizer: only events, tokens and what is unknown differ between them."""
    spaces = {model.name: (model.tokenizer.fingerprint, event_space(model, say)) for model in results.models}
    first = {spaces[row.model]: row for row in reversed(rows)}
    units = _units(rows)
    columns = (
        Column("tokenizer", say("unit_table.tokenizer"), "left"),
        *(Column(unit, say(f"unit_table.{unit}")) for unit in units),
        Column("unknown", say("unit_table.unknown")),
        Column("types", say("unit_table.types")),
    )
    cells = []
    for (_, name), row in reversed(first.items()):
        counts = {score.unit: score.count for score in row.scores[0].units}
        values = [counts.get(unit, 0) for unit in units]
        numbers_shown = [TableCell(f"{value:,}", value) for value in (*values, row.unknown)]
        types = TableCell(numbers.MISSING if row.signs and not row.types else f"{row.types:,}", row.types)
        cells.append((TableCell(name), *numbers_shown, types))
    title = say("unit_table.counts", split=say(f"split.{found.split}"))
    notes = [say("unit_table.note_counts")]
    if signs := max((row.signs for row in rows), default=0):
        notes.append(say("unit_table.note_signs", signs=f"{signs:,}"))
    return Table(title, columns, tuple(cells), tuple(notes))


def _table(
    found: UnitTable, rows: list[UnitRow], title: str, cell: Callable[[UnitScore], TableCell], say: Language
) -> Table:
    units = _units(rows)
    strange = any(row.unknown for row in rows)
    columns = [Column("model", say("unit_table.model"), "left")]
    if strange:
        columns.append(Column("treatment", say("unit_table.treatment"), "left"))
    columns += [Column(unit, say(f"unit_table.per_{unit}")) for unit in units]
    cells = []
    for row in rows:
        for scores in row.scores:
            treated = (TableCell(say(f"unit_table.{scores.treatment}")),) if strange else ()
            by_unit = {score.unit: score for score in scores.units}
            shown = [cell(by_unit[unit]) if unit in by_unit else TableCell(numbers.MISSING) for unit in units]
            cells.append((TableCell(row.model), *treated, *shown))
    notes = []
    if spread := sorted({row.spread for row in rows if row.spread}):
        key = "unit_table.note_spread" if found.stated is None else "unit_table.note_stated"
        notes.append(say(key, types=say("text.comma").join(f"{types:,}" for types in spread)))
    if any(row.unknown and not row.spread for row in rows):
        notes.append(say("unit_table.note_uncharged"))
    return Table(title, tuple(columns), tuple(cells), tuple(notes))


def _units(rows: list[UnitRow]) -> list[UnitName]:
    """The units that the text has."""
    had = {score.unit for row in rows for score in row.scores[0].units}
    return [unit for unit in UNITS if unit in had]


def _bits(score: UnitScore) -> TableCell:
    decimals = max(3, numbers.decimals_of(*score.ci95, 3))
    low, high = (numbers.fixed(end, decimals) for end in score.ci95)
    return TableCell(numbers.fixed(score.bits, decimals), score.bits, f"[{low}, {high}]")


def _perplexity(score: UnitScore) -> TableCell:
    return TableCell(numbers.perplexity(score.perplexity), score.perplexity)


def _finding(row: UnitRow, say: Language) -> str:
    values = {scores.treatment: _event(scores) for scores in row.scores}
    if not row.spread:
        return say("unit_table.finding_uncharged", model=row.model, **values)
    return say("unit_table.finding", model=row.model, types=f"{row.spread:,}", **values)


def _event(scores: UnitScores) -> str:
    found = next(score for score in scores.units if score.unit == "event")
    return numbers.perplexity(found.perplexity)
