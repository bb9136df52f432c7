"""The table of where the end of a text was seen in training: a row an ending, the longest first.

Chooses and formats; looks nothing up.
"""

from __future__ import annotations

from collections.abc import Sequence

from lmcompare.interface import Tokenizer
from lmcompare.models.ngram.sightings import Sighting
from lmcompare.reporting.language import Language
from lmcompare.reporting.table import Column, Table, TableCell


def sightings_table(
    found: Sequence[Sighting], tokenizer: Tokenizer, text: str, say: Language, model: str
) -> Table:
    """How often each end of `text` occurs in the training text, and where it stands first."""
    columns = (
        Column("length", say("sightings.length")),
        Column("times", say("sightings.times")),
        Column("document", say("sightings.document")),
        Column("sentence", say("sightings.sentence")),
        Column("words", say("sightings.words"), "left"),
    )
    rows = tuple(_row(one, tokenizer) for one in found)
    note = say("sightings.note" if found else "sightings.none")
    return Table(say("sightings.title", model=model, text=text.strip()), columns, rows, (note,))


def _row(one: Sighting, tokenizer: Tokenizer) -> tuple[TableCell, ...]:
    return (
        TableCell(str(len(one.tokens)), len(one.tokens)),
        TableCell(f"{one.times:,}", one.times),
        TableCell(f"{one.document + 1:,}", one.document + 1),
        TableCell(f"{one.sentence + 1:,}", one.sentence + 1),
        TableCell(_marked(one, tokenizer)),
    )


def _marked(one: Sighting, tokenizer: Tokenizer) -> str:
    """The ending between ⟦ and ⟧, in its surroundings; the spaces between words stand outside."""
    before = tokenizer.decode(one.before)
    until = tokenizer.decode([*one.before, *one.tokens])
    whole = tokenizer.decode([*one.before, *one.tokens, *one.after])
    end = until[len(before) :].lstrip(" ")
    space = " " * (len(until) - len(before) - len(end))
    return f"{before}{space}⟦{end}⟧{whole[len(until) :]}".replace("\n", "⏎")
