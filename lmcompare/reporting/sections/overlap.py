"""The section of the analysis `overlap`: perplexity on clean and on dirty lines.

Computes no statistic.
"""

from __future__ import annotations

from lmcompare.evaluation.results import Overlap, OverlapScore, Results
from lmcompare.reporting import numbers
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import in_order
from lmcompare.reporting.section import Section
from lmcompare.reporting.table import Column, Table, TableCell


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.overlap
    if found is None:
        return None
    lead = say(
        "overlap.lead",
        split=say(f"split.{found.split}"),
        lines=f"{found.lines:,}",
        repeated=f"{found.repeated:,}",
        overlapping=f"{found.overlapping:,}",
        length=found.length,
        unit=say(f"text.{found.unit}"),
    )
    return Section(
        "overlap", say("overlap.title"), lead, (_finding(found, say),), _parts(results, found, say)
    )


def _finding(found: Overlap, say: Language) -> str:
    """Whether the models come in the same order without the dirty lines."""
    if not found.repeated + found.overlapping:
        return say("overlap.none")
    by_part = {part: _order(found, part) for part in ("all", "clean")}
    if by_part["all"] == by_part["clean"]:
        return say("overlap.same")
    return say("overlap.other", order=say("text.comma").join(by_part["clean"]))


def _order(found: Overlap, part: str) -> list[str]:
    bits = {
        row.model: score.bits_per_byte for row in found.rows for score in row.scores if score.part == part
    }
    return sorted(bits, key=bits.__getitem__)


def _parts(results: Results, found: Overlap, say: Language) -> tuple[Table, ...]:
    if not found.repeated + found.overlapping:
        return ()
    columns = (
        Column("model", say("overlap.model"), "left"),
        *(Column(part, say(f"overlap.{part}")) for part in ("all", "clean", "dirty")),
        *(Column(f"{part}_bytes", say(f"overlap.{part}_bytes")) for part in ("clean", "dirty")),
        Column("share", say("overlap.share")),
    )
    by_model = {row.model: {score.part: score for score in row.scores} for row in found.rows}
    rows = []
    for model in in_order(results):
        parts = by_model.get(model.name, {})
        dirty = parts["dirty"].events / parts["all"].events if "dirty" in parts else 0.0
        rows.append(
            (
                TableCell(model.name),
                *(_perplexity(parts.get(part)) for part in ("all", "clean", "dirty")),
                *(_bits(parts.get(part)) for part in ("clean", "dirty")),
                TableCell(say("overlap.percent", share=numbers.percent(dirty)), dirty),
            )
        )
    return (Table(say("overlap.table"), columns, tuple(rows), (say("overlap.note"),)),)


def _perplexity(score: OverlapScore | None) -> TableCell:
    if score is None:
        return TableCell(numbers.MISSING)
    return TableCell(numbers.with_interval(score.perplexity, score.ci95), score.perplexity)


def _bits(score: OverlapScore | None) -> TableCell:
    if score is None:
        return TableCell(numbers.MISSING)
    if score.bytes_ci95 is None:
        return TableCell(numbers.fixed(score.bits_per_byte, 3), score.bits_per_byte)
    return TableCell(numbers.with_interval(score.bits_per_byte, score.bytes_ci95, 3), score.bits_per_byte)
