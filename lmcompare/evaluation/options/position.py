"""Options of the analysis `position`."""

from __future__ import annotations

from pydantic import Field

from lmcompare.evaluation.options.base import Options


class PositionOptions(Options):
    """Mean surprisal by place in the sentence and in the document."""

    enabled: bool = Field(default=True, description="costs nothing: the scores are there")
