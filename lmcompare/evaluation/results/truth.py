"""Analysis `truth`: how far each model is from the distribution that the text was drawn from.

Computes nothing.
"""

from __future__ import annotations

from pydantic import Field

from lmcompare.evaluation.results.record import Record, SplitName


class TruthKind(Record):
    """Events of one kind: what is lost by a reader that knows which kind comes next."""

    kind: str
    share: float = Field(description="of all events, expected under the truth")
    bits: float = Field(description="KL(truth || model) within the kind, for each event of it")
    ci95: tuple[float, float] = Field(description="95 % interval, bootstrap over documents or sentences")
    wrong: float = Field(description="share of the kind's probability that the model gives to the impossible")


class TruthCell(Record):
    """One trained model."""

    events: int
    exact: bool = Field(description="the whole distributions were compared; else only what was drawn")
    bits: float = Field(description="KL(truth || model), bits for each event; 0 for the truth itself")
    ci95: tuple[float, float] = Field(description="95 % interval, bootstrap over documents or sentences")
    true_bits: float = Field(description="bits that the truth itself needs for each of these events")
    drawn: float = Field(description="the same from the tokens of the text alone; may fall below 0")
    drawn_ci95: tuple[float, float] | None = Field(None, description="of it, likewise")
    choice: float = Field(description="the part of it that is lost on which kind comes next")
    impossible: float = Field(description="probability that the model gives to what cannot come next")
    impossible_ci95: tuple[float, float] | None = Field(None, description="of it, likewise")
    kinds: list[TruthKind]


class TruthRow(TruthCell):
    """One model; means over its seeds."""

    model: str
    bits_per_character: float
    character_ci95: tuple[float, float] | None = Field(None, description="of it, likewise")


class Truth(Record):
    """What is shown of all models; an event is a symbol of the language or a sentence's end."""

    split: SplitName
    entropy: float = Field(description="bits for each event of any text of the language; NaN: not known")
    entropy_error: float = Field(description="standard error of the entropy; 0 where it is exact")
    rows: list[TruthRow]
