"""What an evaluation took, in seconds of wall time; no two runs agree in a number of these records.

Computes nothing.
"""

from __future__ import annotations

from pydantic import Field

from lmcompare.evaluation.results.record import Record


class CellSeconds(Record):
    """Of one trained model. Scores that were kept count as long as it took when they were computed."""

    scoring: float = Field(0.0, description="log p of every event, context kept over lines")
    scoring_matched: float = Field(
        0.0, description="the same, each line on its own; 0 for a model that forgets by itself: scored once"
    )
    statistics: float = Field(0.0, description="perplexity in all its units, with intervals")
    writing: float = Field(0.0, description="texts that it continues, and their measures")
    analyses: dict[str, float] = Field(
        default_factory=dict, description="by name, those that were asked for: what needs the model"
    )


class AnalysisSeconds(Record):
    """Of one analysis, over all models."""

    name: str
    default: bool = Field(description="whether it is on where an experiment file does not name it")
    seconds: float


class RunSeconds(Record):
    """Of a whole experiment: sums over its cells, and what is done with all of them together."""

    cells: int
    scoring: float
    scoring_matched: float
    statistics: float = Field(description="perplexities with intervals, differences, tests, ranking")
    writing: float
    analyses: list[AnalysisSeconds]
