"""A time as people write it ("10min"), as seconds.

Knows nothing of what the time is spent on.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}
WRITTEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|)\s*")


def seconds_of(value: object) -> object:
    """Seconds of "90s", "10min", "2h" or "600"; a number is left as it is."""
    if not isinstance(value, str):
        return value
    found = WRITTEN.fullmatch(value)
    if found is None:
        raise ValueError('a time is written as "90s", "10min" or "2h"')
    return float(found[1]) * UNITS[found[2] or "s"]


def told(seconds: float | None) -> str | None:
    """The same time as it is written, in the largest unit that keeps it whole."""
    if seconds is None:
        return None
    unit = next((name for name in ("h", "min") if seconds % UNITS[name] == 0), "s")
    return f"{seconds / UNITS[unit]:.12g}{unit}"


Budget = Annotated[
    float,
    Field(gt=0, allow_inf_nan=False),
    BeforeValidator(seconds_of, json_schema_input_type=str | float),
    PlainSerializer(told),
]
"""Seconds; written and saved as text ("10min")."""
