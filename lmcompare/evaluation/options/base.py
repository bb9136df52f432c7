"""The base of all options of an evaluation. Knows nothing of what is set."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """A table of an experiment file: every key is known, and nothing changes it afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)
