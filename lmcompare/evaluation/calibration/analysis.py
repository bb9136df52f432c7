"""Analysis `calibration`: asks each model for whole distributions, and gathers means over seeds.

Knows nothing of how it is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.calibration.predictions import passages, predict
from lmcompare.evaluation.calibration.summary import summarise
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.results import Calibration, CalibrationCell, CalibrationRow
from lmcompare.evaluation.results.calibration import Estimate, RankBin, ReliabilityBin, SurpriseBin
from lmcompare.evaluation.units import split_of
from lmcompare.registry import Progress

SLOW, SPARED = ("kenlm",), 10
"""Models that are asked about fewer events: they know one word at a time, and no distribution at once."""


class CalibrationAnalysis:
    """See `analysis.Analysis`."""

    name = "calibration"

    def measure(self, subject: Subject) -> CalibrationCell | None:
        """Whole distributions of some passages."""
        options = subject.options.calibration
        if not options.enabled:
            return None
        model, text = subject.model, split_of(subject.encoded, headline_split(subject.options))
        events = options.events // SPARED if model.kind in SLOW else options.events
        pieces = passages(text, model.tokenizer.eos, events)
        if not pieces:
            return None

        def tell(done: int, total: int) -> None:
            subject.tell(Progress("calibration", done, total, f"{subject.name}, passages"))

        return summarise(predict(model, pieces, tell), subject.options.resamples, subject.options.seed)

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Calibration | None:
        """Means over the seeds."""
        rows = []
        for contender in contenders:
            cells = [cell.analyses.calibration for cell in contender.cells]
            found = [cell for cell in cells if cell is not None]
            if found:
                rows.append(CalibrationRow(model=contender.result.name, found=mean(found)))
        return Calibration(split=headline_split(options), rows=rows) if rows else None


CALIBRATION = CalibrationAnalysis()


def mean(cells: Sequence[CalibrationCell]) -> CalibrationCell:
    """The mean of several seeds: bins are those of any of them, weighed by what is in them."""
    if len(cells) == 1:
        return cells[0]
    values: dict[str, Any] = {}
    for field in CalibrationCell.model_fields:
        column = [getattr(cell, field) for cell in cells]
        first = column[0]
        if isinstance(first, Estimate):
            values[field] = _estimate(column, [1.0] * len(column))
        elif isinstance(first, list):
            values[field] = _bins(column)
        else:
            values[field] = type(first)(np.mean(column))
    return CalibrationCell(**values)


def _estimate(found: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    low, high, value = (
        float(np.average(numbers, weights=weights))
        for numbers in zip(*((*each.ci95, each.value) for each in found), strict=True)
    )
    return Estimate(value=value, ci95=(low, high))


def _bins(seeds: Sequence[Sequence[Any]]) -> list[Any]:
    """One bin for each that any seed has; a number of events is the mean over all seeds."""
    by_place: dict[float, list[Any]] = {}
    for seed in seeds:
        for each in seed:
            by_place.setdefault(_place(each), []).append(each)
    return [_merged(by_place[place], len(seeds)) for place in sorted(by_place)]


def _place(each: Any) -> float:
    if isinstance(each, RankBin):
        return float(each.first)
    return float(each.low if isinstance(each, ReliabilityBin | SurpriseBin) else each.k)


def _merged(found: list[Any], seeds: int) -> Any:
    first = found[0]
    if not isinstance(first, ReliabilityBin | SurpriseBin):
        # A rank that a seed never had is a share of nothing there.
        nothing = [Estimate(value=0.0, ci95=(0.0, 0.0))] * (seeds - len(found))
        shares = [*(each.share for each in found), *nothing]
        return first.model_copy(update={"share": _estimate(shares, [1.0] * seeds)})
    weights = [each.number for each in found]
    told: dict[str, Any] = {"number": float(sum(weights)) / seeds}
    for field in type(first).model_fields:
        value = getattr(first, field)
        if isinstance(value, Estimate):
            told[field] = _estimate([getattr(each, field) for each in found], weights)
        elif field in ("predicted", "entropy"):
            told[field] = float(np.average([getattr(each, field) for each in found], weights=weights))
    return first.model_copy(update=told)
