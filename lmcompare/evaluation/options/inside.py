"""Options of the analysis `inside`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from lmcompare.evaluation.options.base import Options


class InsideOptions(Options):
    """What networks learnt, seen from inside: texts on the way, neighbours, attention, gates."""

    enabled: bool = Field(default=True, description="costs about a second for each neural model")
    words: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=list,
        description="words or characters whose nearest vectors are shown; frequent ones where none is named",
    )
    nearest: int = Field(default=5, ge=1, le=50, description="neighbours shown of each")
    sentence: str = Field(
        default="", description="whose attention is drawn; the first sentence of [evaluation.show] if empty"
    )
    events: int = Field(
        default=2000, ge=1, description="events of test text over which recurrent units are watched"
    )

    @field_validator("sentence")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if "\n" in value:
            raise ValueError("a sentence is one line of text")
        return value
