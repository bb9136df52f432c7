"""Analysis `inside`: what networks learnt, seen from inside.

Computes nothing. Numbers are rounded to four digits after the point: they are looked at, not calculated with.
"""

from __future__ import annotations

from pydantic import Field

from lmcompare.evaluation.results.record import Record


class WrittenText(Record):
    """A text from nothing that a model wrote while it learnt."""

    step: int
    tokens: int = Field(description="of training text that were read by then")
    text: str


class Neighbour(Record):
    """A token and the cosine of its vector with another's."""

    token: str
    cosine: float


class Neighbourhood(Record):
    """The tokens whose vectors are nearest to that of one token."""

    token: str
    count: int = Field(description="of the token in the training text")
    nearest: list[Neighbour]


class Head(Record):
    """One head of attention over one sentence."""

    layer: int = Field(description="from 1")
    head: int = Field(description="from 1")
    weights: list[list[float]] = Field(description="of each place on each place before it and on itself")
    previous: float = Field(description="mean weight on the place just before, where there is one")
    first: float = Field(description="mean weight on the first place, of those that see another one too")


class Attention(Record):
    """Where a transformer looks while it reads one sentence."""

    tokens: list[str] = Field(description="what stands at each place; the first is the text's beginning")
    layers: int = Field(description="of the model; heads of some are recorded")
    heads: int = Field(description="of each layer; some are recorded")
    shown: list[Head]


class Gate(Record):
    """One gate of a recurrent layer: for each unit the share of places where it is shut, or wide open."""

    name: str
    closed: list[float] = Field(description="share of places below 0.1")
    open: list[float] = Field(description="share of places above 0.9")


class LayerUnits(Record):
    """The units of one recurrent layer over some text."""

    layer: int = Field(description="from 1")
    units: int
    saturated: float = Field(description="share of all outputs h with |h| > 0.9")
    histogram: list[float] = Field(description="share of all h in equal ranges from -1 to 1")
    gates: list[Gate]


class TrainedAt(Record):
    """How fast a network was trained; times are of the machine that did it."""

    tokens_per_second: float = Field(description="of training text, validations and checkpoints apart")
    flops_per_token: float = Field(description="operations of a step, forward and back, by token of it")
    utilisation: float | None = Field(
        description="operations a second over those that the device reached in a large product of matrices; "
        "null where that was not measured"
    )
    product_flops_per_second: float | None = Field(description="what it reached there")
    product_side: int | None = Field(description="rows, and columns, of these matrices")
    precision: str = Field(description="number format of both")
    device: str = Field(description="name of the GPU; empty: the processor")
    threads: int


class InsideCell(Record):
    """What was seen in one trained model; what it does not have is empty."""

    samples: list[WrittenText]
    neighbours: list[Neighbourhood]
    attention: Attention | None
    layers: list[LayerUnits]
    speed: TrainedAt | None = None


class InsideRow(Record):
    """One model, as its first seed."""

    model: str
    seen: InsideCell


class Inside(Record):
    """What is shown of all models that can be looked into."""

    rows: list[InsideRow]
