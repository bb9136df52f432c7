"""Options of the analysis `extremes`."""

from __future__ import annotations

from pydantic import Field

from lmcompare.evaluation.options.base import Options


class ExtremesOptions(Options):
    """Tokens, sentences and documents on which two models differ most."""

    enabled: bool = Field(default=True, description="costs nothing: the scores are there")
    number: int = Field(
        default=5,
        ge=1,
        le=50,
        description="of each kind, for each of the two models; fewer for pairs without the best",
    )
