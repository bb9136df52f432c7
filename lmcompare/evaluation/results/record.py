"""The base of all records of an evaluation, and the names of splits and policies.

Knows nothing of what is recorded.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

SplitName = Literal["valid", "test"]
PolicyName = Literal["native", "matched"]
POLICIES: tuple[PolicyName, PolicyName] = ("native", "matched")


class Record(BaseModel):
    """Base of all records: strict about names, and at ease with infinity."""

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="strings", allow_inf_nan=True)
