"""Fixtures of the tests of significance: models as surprisals of units of a text that nobody wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lmcompare.evaluation.significance import Paired
from lmcompare.evaluation.units import Units


def make_units(events: Any, size: Any = None, name: Any = "documents") -> Units:
    events = np.asarray(events)
    size = events * 5 if size is None else np.asarray(size)
    return Units(name, len(events), np.repeat(np.arange(len(events)), events), events, size)


@pytest.fixture
def units() -> Callable[..., Units]:
    """`units(events, size, name)`: documents of so many events, five bytes each where no size is given."""
    return make_units


@pytest.fixture
def paired() -> Callable[..., Paired]:
    """`paired(nats, events, zeros, fingerprint)`: nats `[units]` or `[seeds, units]`."""

    def make(nats, events, zeros=None, fingerprint="x", name="documents", **more) -> Paired:
        nats = np.atleast_2d(np.asarray(nats, dtype=float))
        zeros = np.zeros(nats.shape) if zeros is None else np.atleast_2d(np.asarray(zeros, dtype=float))
        return Paired(make_units(events, name=name), nats, zeros, fingerprint, **more)

    return make
