"""Options of the analysis `calibration`."""

from __future__ import annotations

from pydantic import Field

from lmcompare.evaluation.options.base import Options


class CalibrationOptions(Options):
    """Whether a model's probabilities are what happens, from whole distributions of some events."""

    enabled: bool = Field(default=True, description="costs a whole distribution for each event")
    events: int = Field(default=4000, ge=100, description="events, about, in passages spread over the text")
