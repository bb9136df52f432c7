"""Options of the analysis `overlap`."""

from __future__ import annotations

from pydantic import Field

from lmcompare.evaluation.options.base import Options


class OverlapOptions(Options):
    """Perplexity on the lines of the test text that stand in the training text, and on the others."""

    enabled: bool = Field(default=True, description="costs a few seconds: the scores are there")
    length: int = Field(
        default=13, ge=2, description="words (else characters) in a row that count as taken from training"
    )
