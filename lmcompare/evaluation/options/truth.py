"""Options of the analysis `truth`."""

from __future__ import annotations

from pydantic import Field

from lmcompare.evaluation.options.base import Options


class TruthOptions(Options):
    """How far each model is from the distribution that a synthetic corpus was drawn from."""

    enabled: bool = Field(
        default=True, description="where the corpus has a source; costs about one reading token by token"
    )
    events: int = Field(
        default=30_000, ge=50, description="events, from the start of the text, that are looked at, at most"
    )
