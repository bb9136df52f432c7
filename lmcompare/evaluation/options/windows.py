"""Options of the analysis `windows`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lmcompare.evaluation.options.base import Options


class WindowsOptions(Options):
    """Mean surprisal by how much each model may see, and by how its windows move."""

    enabled: bool = Field(default=True, description="costs about as much as scoring so many events twice")
    events: int = Field(default=500, ge=50, description="events, evenly spaced, that are predicted again")
    contexts: list[Annotated[int, Field(ge=0)]] = Field(
        default=[0, 1, 2, 4, 8, 16, 32, 64, 128], min_length=1, description="tokens that may be seen"
    )
    sweep_events: int = Field(
        default=3000, ge=0, description="events at the start of the text that are scored with each stride"
    )
