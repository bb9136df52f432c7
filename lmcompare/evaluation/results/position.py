"""Analysis `position`: how surprise changes along a sentence and along a document.

Computes nothing.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lmcompare.evaluation.results.record import Record, SplitName


class PositionPoint(Record):
    """The events at positions `first` to `last` (from 1), and what they cost."""

    first: int
    last: int
    events: int
    bits: float = Field(description="mean bits per token, over the seeds too")
    ci95: tuple[float, float] = Field(description="95 % interval, bootstrap over documents or sentences")


class PositionCurve(Record):
    """One model: mean surprisal by the event's place in its sentence, or in its document."""

    model: str
    within: Literal["sentence", "document"]
    points: list[PositionPoint]


class Position(Record):
    """What is shown of all models; positions are counted in each model's own tokens."""

    split: SplitName
    curves: list[PositionCurve]
