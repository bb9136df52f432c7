"""Analysis `calibration`: whether probabilities are what happens, and where the truth ranks.

Computes nothing.
"""

from __future__ import annotations

from pydantic import Field

from lmcompare.evaluation.results.record import Record, SplitName


class Estimate(Record):
    """A number with its 95 % interval, bootstrap over passages."""

    value: float
    ci95: tuple[float, float]


class ReliabilityBin(Record):
    """Predictions whose probability lies between `low` and `high`, and how often they came true."""

    low: float
    high: float
    number: float = Field(description="predictions; mean over the seeds")
    predicted: float = Field(description="their mean probability")
    came_true: Estimate = Field(description="share of them that came true")


class RankBin(Record):
    """Events whose token was ranked `first` to `last` among all tokens, the most probable first."""

    first: int
    last: int
    share: Estimate


class TopAccuracy(Record):
    """Events whose token was among the `k` most probable ones."""

    k: int
    share: Estimate


class SurpriseBin(Record):
    """Events whose prediction had an entropy between `low` and `high` bits."""

    low: float
    high: float
    number: float
    entropy: float = Field(description="mean, in bits: the surprisal that the model expects")
    surprisal: Estimate = Field(description="mean, in bits: what came")


class CalibrationCell(Record):
    """One trained model; or the mean of several."""

    events: int
    passages: int
    impossible: float = Field(description="events of probability zero, left out of surprisal and entropy")
    confidence: Estimate = Field(description="mean probability of the most probable token")
    accuracy: list[TopAccuracy]
    ece: Estimate = Field(description="expected calibration error of the most probable token, ten bins")
    ece_every: Estimate = Field(description="the same of all tokens: misplaced probability for each event")
    entropy: Estimate = Field(description="mean entropy of the predictions, in bits")
    surprisal: Estimate = Field(description="mean surprisal of the same events, in bits")
    excess: Estimate = Field(description="surprisal minus entropy: above zero the model is too sure")
    first_guess: list[ReliabilityBin]
    every_token: list[ReliabilityBin]
    ranks: list[RankBin]
    surprise: list[SurpriseBin]


class CalibrationRow(Record):
    """One model; means over its seeds."""

    model: str
    found: CalibrationCell


class Calibration(Record):
    """What is shown of all models."""

    split: SplitName
    rows: list[CalibrationRow]
