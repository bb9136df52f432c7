"""Analysis `unit_table`: bits and perplexity per unit of every kind, unknown words in, out and charged.

Computes nothing.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lmcompare.evaluation.results.record import Record, SplitName

UnitName = Literal["event", "token", "word", "character", "han", "byte"]
UNITS: tuple[UnitName, ...] = ("event", "token", "word", "character", "han", "byte")
Treatment = Literal["all", "without", "charged"]


class UnitScore(Record):
    """The same surprisal, spread over one unit."""

    unit: UnitName
    count: int = Field(description="so many are in the text; line ends count, but for tokens and Han")
    bits: float
    ci95: tuple[float, float] = Field(description="95 % interval of the bits, bootstrap over texts")
    perplexity: float = Field(description="2 to the bits")


class UnitScores(Record):
    """One model, with unknown tokens treated in one way."""

    treatment: Treatment = Field(
        description="all: <unk> is a token like any other; without: unknown tokens and the text that they "
        "stand for are left out; charged: p(<unk>) is spread evenly over `spread` unseen types"
    )
    units: list[UnitScore]


class UnitRow(Record):
    """One model; of a text without unknown tokens, one treatment; `charged` only where `spread` is not 0."""

    model: str
    unknown: int = Field(description="events whose target was unknown")
    types: int = Field(description="different strings that were unknown, the sign <unk> not among them")
    signs: int = Field(0, description="unknown events that stand as <unk> in the text, which hides the word")
    spread: int = Field(
        description="unseen types that p(<unk>) is spread over; 0 where nothing is charged: nothing is "
        "unknown, or the text shows only signs and `open_vocabulary` is not stated"
    )
    scores: list[UnitScores]


class UnitTable(Record):
    """Under the native policy."""

    split: SplitName
    stated: int | None = Field(description="`open_vocabulary` of the experiment; null: the types of the text")
    rows: list[UnitRow]
