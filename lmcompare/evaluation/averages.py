"""Means with their intervals over units, and means of whole records over seeds.

Knows nothing of what is averaged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from lmcompare.evaluation.resampling import bootstrap_sums, interval
from lmcompare.evaluation.results import Record
from lmcompare.interface import Floats

AnyRecord = TypeVar("AnyRecord", bound=Record)


def mean_with_interval(
    values: Floats, resamples: int, seed: int, counts: Floats | None = None
) -> tuple[float, tuple[float, float]]:
    """A mean and its 95 % interval, percentile bootstrap over the units; infinite where one value is.

    Args:
        values: of each unit, `[units]`; with `counts` its sum over so many items.
        resamples: samples of the bootstrap.
        seed: of the bootstrap.
        counts: items of each unit, `[units]`; the mean is then one of items.
    """
    weights = np.ones(len(values)) if counts is None else np.asarray(counts, dtype=np.float64)
    held = weights > 0
    values, weights = np.asarray(values, dtype=np.float64)[held], weights[held]
    if not len(values):
        return math.nan, (math.nan, math.nan)
    if not np.isfinite(values).all():
        return math.inf, (math.inf, math.inf)
    drawn = bootstrap_sums(np.stack([values, weights], axis=1), resamples, seed)
    return float(values.sum() / weights.sum()), interval(drawn[:, 0] / drawn[:, 1])


def over_seeds(records: Sequence[AnyRecord]) -> AnyRecord:
    """Numbers become their mean over the seeds, in lists and inner records too; all else is the first's.

    What some seeds lack, such as the length of an optimum that was not proven, is a mean over the others.
    """
    first = records[0]
    values = {name: _mean([getattr(each, name) for each in records]) for name in type(first).model_fields}
    return type(first)(**values)


def _mean(column: list[Any]) -> Any:
    column = [value for value in column if value is not None] or column
    first = column[0]
    if isinstance(first, Record):
        return over_seeds(column)
    if isinstance(first, list) and all(len(each) == len(first) for each in column):
        return [_mean(list(each)) for each in zip(*column, strict=True)]
    if isinstance(first, tuple):
        return tuple(_mean(list(each)) for each in zip(*column, strict=True))
    if isinstance(first, float):
        return float(np.mean(column))
    if isinstance(first, int) and not isinstance(first, bool):
        return round(float(np.mean(column)))
    return first
