"""Options of the analysis `unit_table`."""

from __future__ import annotations

from pydantic import Field

from lmcompare.evaluation.options.base import Options


class UnitTableOptions(Options):
    """Bits and perplexity per unit of every kind; `open_vocabulary` says what unknown words are charged."""

    enabled: bool = Field(default=True, description="costs nothing: the scores are there")
