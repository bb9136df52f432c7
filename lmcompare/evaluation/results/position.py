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


class LeadPoint(Record):
    """Places `first` to `last` of the documents that have them all."""

    first: int
    last: int
    bits: float = Field(description="bits per token that the model needs less than the reference")
    ci95: tuple[float, float] = Field(description="95 % interval, bootstrap over documents, paired")


class PositionLead(Record):
    """One model against the one that forgets: what it gains from early places to late ones."""

    model: str
    points: list[LeadPoint]
    gain: float = Field(description="lead at the late places minus lead at the early ones, bits per token")
    ci95: tuple[float, float] = Field(description="of the gain; 95 %, bootstrap over documents, paired")


class PositionLeads(Record):
    """The same documents and the same places for all: no part of a gain is that later text is another."""

    reference: str = Field(description="the model that sees the least, as much at every place")
    documents: int = Field(description="that are long enough to have all of these places")
    early: tuple[int, int]
    late: tuple[int, int]
    rows: list[PositionLead]


class Position(Record):
    """What is shown of all models; positions are counted in each model's own tokens."""

    split: SplitName
    curves: list[PositionCurve]
    leads: PositionLeads | None = Field(
        None, description="null where no model forgets, or too few documents are long"
    )
