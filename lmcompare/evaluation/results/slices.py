"""Analysis `slices`: what each kind of event costs each model.

Computes nothing.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lmcompare.evaluation.results.record import Record, SplitName

SlicingName = Literal["order", "frequency", "seen", "place", "length", "script", "tags"]


class SliceScore(Record):
    """One model on the events of one slice; means over its seeds."""

    model: str
    events: int
    share_events: float = Field(description="of all events")
    share_events_ci95: tuple[float, float]
    bits: float = Field(description="mean bits per token, or per byte of the slice's text")
    ci95: tuple[float, float] = Field(description="95 % interval, bootstrap over documents or sentences")
    share_bits: float = Field(description="of all bits that the model needs")
    share_bits_ci95: tuple[float, float]
    gain: float | None = Field(description="bits that it needs less than the reference; null: there is none")
    gain_ci95: tuple[float, float] | None = Field(description="of the paired difference")


class Slice(Record):
    """The events of one kind; models with other tokens have other events here."""

    key: str = Field(description='a range of numbers such as "2-4", or a name')
    scores: list[SliceScore]


class Slicing(Record):
    """All events, parted by one question."""

    name: SlicingName
    source: str = Field(description="the n-gram model or the file that the answers are from, or empty")
    slices: list[Slice]


class Slices(Record):
    """What is shown of the leading models."""

    split: SplitName
    unit: Literal["token", "byte"] = Field(description="byte where models have different tokens")
    resampled: Literal["documents", "sentences"]
    references: dict[str, str] = Field(description="by model, the best n-gram model of the same event space")
    left_out: dict[str, int] = Field(description="by model, events that a model of its space held impossible")
    fewest: int = Field(description="slices with fewer events are left out")
    slicings: list[Slicing]
