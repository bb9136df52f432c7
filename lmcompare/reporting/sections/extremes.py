"""The section of the analysis `extremes`: for each pair of models, the texts on which they differ most.

Computes no statistic.
"""

from __future__ import annotations

from collections.abc import Sequence

from lmcompare.evaluation.extremes import OPPONENTS
from lmcompare.evaluation.results import Results
from lmcompare.evaluation.results.extremes import ExtremePair, ExtremeText, ExtremeToken
from lmcompare.reporting import numbers
from lmcompare.reporting.language import Language
from lmcompare.reporting.section import Folded, Section
from lmcompare.reporting.table import Column, Table, TableCell

LEFT, RIGHT = "⟦", "⟧"
"""Around the token that is meant; no text of a corpus is likely to have them."""


def section(results: Results, say: Language) -> Section | None:
    """See `sections`."""
    found = results.analyses.extremes
    if found is None:
        return None
    told = [pair for pair in found.pairs if pair.a == found.pairs[0].a][:OPPONENTS]
    both = [_told(pair, for_a, say) for pair in told for for_a in (True, False)]
    findings = [sentence for sentence in both if sentence]
    parts: list[Table | Folded] = []
    for place, pair in enumerate(found.pairs):
        tables = _tables(pair, say)
        if place == 0:
            shown = min(2, len(tables))
            parts += tables[:shown]
            tables = tables[shown:]
        if tables:
            parts.append(Folded(say("extremes.pair", a=pair.a, b=pair.b), tuple(tables)))
    return Section("extremes", say("extremes.title"), say("extremes.lead"), tuple(findings), tuple(parts))


def _tables(pair: ExtremePair, say: Language) -> list[Table]:
    """Tokens, sentences and documents, each in both directions; none that would be empty."""
    tables = []
    for kind in ("tokens", "sentences", "documents"):
        for side, better, worse in ((pair.easier_for_a, pair.a, pair.b), (pair.easier_for_b, pair.b, pair.a)):
            title = say(f"extremes.{kind}", better=better, worse=worse)
            if kind == "tokens" and side.tokens:
                tables.append(_of_tokens(side.tokens, pair, title, say))
            elif kind != "tokens" and (texts := side.sentences if kind == "sentences" else side.documents):
                tables.append(_of_texts(texts, pair, title, say))
    return tables


def _of_tokens(tokens: Sequence[ExtremeToken], pair: ExtremePair, title: str, say: Language) -> Table:
    # Small print is broken into lines, what stands above it is not.
    heads = [TableCell(f"{LEFT}{each.token}{RIGHT}", note=_marked(each)) for each in tokens]
    rows = [(head, *_bits(each.bits_a, each.bits_b)) for head, each in zip(heads, tokens, strict=True)]
    columns = (
        Column("text", say("extremes.text"), "left"),
        Column("bits_a", pair.a, meaning=say("extremes.bits")),
        Column("bits_b", pair.b, meaning=say("extremes.bits")),
        Column("difference", say("extremes.difference")),
    )
    return Table(title, columns, tuple(rows))


def _of_texts(texts: Sequence[ExtremeText], pair: ExtremePair, title: str, say: Language) -> Table:
    unit = say(f"extremes.{pair.unit}")
    size = "extremes.count_tokens" if pair.unit == "token" else "extremes.count_bytes"
    columns = (
        Column("text", say("extremes.text"), "left"),
        Column("bits_a", pair.a, meaning=unit),
        Column("bits_b", pair.b, meaning=unit),
        Column("difference", say("extremes.difference")),
    )
    rows = []
    for each in texts:
        told = say(size, count=f"{each.size:,}")
        head = f"{each.name} · {told}" if each.name else told
        rows.append((TableCell(head, each.size, each.text), *_bits(each.bits_a, each.bits_b)))
    return Table(title, columns, tuple(rows), (unit,))


def _bits(a: float, b: float) -> tuple[TableCell, TableCell, TableCell]:
    difference = a - b
    return (
        TableCell(numbers.fixed(a, 2), a),
        TableCell(numbers.fixed(b, 2), b),
        TableCell(numbers.signed(difference, 2), difference),
    )


def _marked(each: ExtremeToken) -> str:
    return f"{each.before}{LEFT}{each.token}{RIGHT}{each.after}"


def _told(pair: ExtremePair, for_a: bool, say: Language) -> str:
    """The one token that sets the two models apart most; nothing where tokens are not compared."""
    side = pair.easier_for_a if for_a else pair.easier_for_b
    if not side.tokens:
        return ""
    each = side.tokens[0]
    better, worse = (pair.a, pair.b) if for_a else (pair.b, pair.a)
    fewer, more = (each.bits_a, each.bits_b) if for_a else (each.bits_b, each.bits_a)
    return say(
        "extremes.told",
        better=better,
        worse=worse,
        text=f"{'…' * (len(each.before) > 40)}{each.before[-40:]}{LEFT}{each.token}{RIGHT}",
        fewer=numbers.fixed(fewer, 1),
        more=numbers.fixed(more, 1),
    )
