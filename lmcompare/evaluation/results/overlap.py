"""Analysis `overlap`: what is left of each result when the lines that stand in the training text go.

Computes nothing.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lmcompare.evaluation.results.record import Record, SplitName


class OverlapScore(Record):
    """One model on one part of the lines; means over its seeds."""

    part: Literal["all", "clean", "dirty"]
    events: int
    perplexity: float
    ci95: tuple[float, float] = Field(description="95 % interval, bootstrap over documents or sentences")
    bits_per_byte: float
    bytes_ci95: tuple[float, float] | None = Field(None, description="of the bits per byte, likewise")


class OverlapRow(Record):
    """One model; a part without events is left out."""

    model: str
    scores: list[OverlapScore]


class Overlap(Record):
    """What is shown of all models."""

    split: SplitName
    length: int = Field(description="units in a row that count as taken from training")
    unit: Literal["words", "characters"]
    lines: int
    repeated: int = Field(description="lines that stand in train letter for letter")
    overlapping: int = Field(description="other lines with so many units in a row that stand in a train line")
    rows: list[OverlapRow]
