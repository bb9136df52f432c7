"""Calibration in numbers: reliability, ranks and surprise, each with an interval over passages.

Expected calibration error: predictions are put in bins by their probability, and the distance between how
probable they were and how often they came true is averaged over the predictions (Naeini et al. 2015; Guo et
al. 2017). It is never below zero, so that of a model that is right it is small and not nothing. Knows nothing
of models.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lmcompare.evaluation.calibration.predictions import EDGES, Predictions
from lmcompare.evaluation.resampling import bootstrap_sums, interval
from lmcompare.evaluation.results.calibration import (
    CalibrationCell,
    Estimate,
    RankBin,
    ReliabilityBin,
    SurpriseBin,
    TopAccuracy,
)
from lmcompare.interface import Floats, Ids

FEWEST = 20
"""A bin with fewer predictions is not shown; the calibration error counts it."""
TENTHS = 10
TOP = (1, 5, 10)
RESAMPLES = 2_000
_BIT = math.log(2)


def summarise(found: Predictions, resamples: int, seed: int) -> CalibrationCell:
    """All that is said of one model.

    Args:
        found: of its predictions.
        resamples: samples of the bootstrap over passages.
        seed: of the bootstrap.
    """
    table = _Table(found, min(resamples, RESAMPLES), seed)
    events, possible = len(found.logprob), np.isfinite(found.logprob)
    first, right = np.exp(found.top), (found.rank == 1).astype(np.float64)
    tenth = np.minimum((first * TENTHS).astype(np.int64), TENTHS - 1)
    entropy, surprisal = found.entropy / _BIT, np.where(possible, -found.logprob, 0.0) / _BIT
    octave = np.ceil(np.log2(found.rank)).astype(np.int64)
    bit = entropy.astype(np.int64)
    every = table.add("every", np.ones(events))
    kept = table.add("kept", possible)
    for name, label, number, weights in (
        ("first n", tenth, TENTHS, None),
        ("first p", tenth, TENTHS, first),
        ("first hit", tenth, TENTHS, right),
        ("rank", octave, int(octave.max(initial=0)) + 1, None),
        ("bit n", bit, int(bit.max(initial=0)) + 1, possible.astype(np.float64)),
        ("bit h", bit, int(bit.max(initial=0)) + 1, entropy * possible),
        ("bit s", bit, int(bit.max(initial=0)) + 1, surprisal),
    ):
        table.spread(name, label, number, weights)
    for name, values in (("every n", found.counts), ("every p", found.mass), ("every hit", found.hits)):
        table.put(name, values)
    for k in TOP:
        table.add(f"top {k}", found.rank <= k)
    for name, column in (("p", first), ("h", entropy * possible), ("s", surprisal)):
        table.add(name, column)
    table.draw()

    def mean(name: str, of: str = "every") -> Estimate:
        return table.estimate(lambda get: get(name)[:, 0] / np.maximum(get(of)[:, 0], 1))

    def error(kind: str) -> Estimate:
        def misplaced(get: Callable[[str], Floats]) -> Floats:
            gap = np.abs(get(f"{kind} p") - get(f"{kind} hit")).sum(axis=1)
            share: Floats = gap / np.maximum(get(every)[:, 0], 1)
            return share

        return table.unshifted(misplaced)

    edges = [0.0, *EDGES.tolist()]
    return CalibrationCell(
        events=events,
        passages=len(found.counts),
        impossible=float(events - np.count_nonzero(possible)),
        confidence=mean("p"),
        accuracy=[TopAccuracy(k=k, share=mean(f"top {k}")) for k in TOP],
        ece=error("first"),
        ece_every=error("every"),
        entropy=mean("h", kept),
        surprisal=mean("s", kept),
        excess=table.estimate(lambda get: (get("s") - get("h"))[:, 0] / np.maximum(get(kept)[:, 0], 1)),
        first_guess=_reliability(table, "first", (np.arange(TENTHS + 1) / TENTHS).tolist()),
        every_token=_reliability(table, "every", edges),
        ranks=[
            RankBin(
                first=2 ** (place - 1) + 1 if place else 1,
                last=2**place,
                share=table.share("rank", every, place),
            )
            for place in range(table.width("rank"))
        ],
        surprise=[
            SurpriseBin(
                low=place,
                high=place + 1,
                number=table.whole("bit n", place),
                entropy=table.whole("bit h", place) / table.whole("bit n", place),
                surprisal=table.ratio("bit s", "bit n", place),
            )
            for place in range(table.width("bit n"))
            if table.whole("bit n", place) >= FEWEST
        ],
    )


class _Table:
    """Columns of sums over each passage, and the same over resampled passages."""

    def __init__(self, found: Predictions, resamples: int, seed: int) -> None:
        self._passage, self._number = found.passage, len(found.counts)
        self._resamples, self._seed = resamples, seed
        self._columns: dict[str, Floats] = {}
        self._drawn: dict[str, Floats] = {}

    def add(self, name: str, values: np.ndarray) -> str:
        """One column of what the events of a passage add up to."""
        return self.spread(name, np.zeros(len(values), dtype=np.int64), 1, values.astype(np.float64))

    def spread(self, name: str, labels: Ids, number: int, weights: Floats | None) -> str:
        """A column for each label."""
        cell = self._passage * number + labels
        sums = np.bincount(cell, weights=weights, minlength=self._number * number)
        return self.put(name, sums.reshape(self._number, number).astype(np.float64))

    def put(self, name: str, columns: Floats) -> str:
        """Columns that are sums already, `[passages, columns]`."""
        self._columns[name] = columns
        return name

    def draw(self) -> None:
        """Resample all columns together."""
        whole = np.concatenate(list(self._columns.values()), axis=1)
        drawn = bootstrap_sums(whole, self._resamples, self._seed)
        every = np.concatenate([whole.sum(axis=0)[None], drawn])
        place = 0
        for name, columns in self._columns.items():
            self._drawn[name] = every[:, place : place + columns.shape[1]]
            place += columns.shape[1]

    def width(self, name: str) -> int:
        return int(self._columns[name].shape[1])

    def whole(self, name: str, place: int) -> float:
        return float(self._drawn[name][0, place])

    def estimate(self, value: Callable[[Callable[[str], Floats]], Floats]) -> Estimate:
        """A number of the text, and the interval of what it is in the resamples."""
        values = value(self._drawn.__getitem__)
        return Estimate(value=float(values[0]), ci95=interval(values[1:]))

    def unshifted(self, value: Callable[[Callable[[str], Floats]], Floats]) -> Estimate:
        """The same of a number that is never below zero.

        Resampling adds noise to each bin, which such a number cannot lose again: the resamples are moved back
        by as much as their mean lies above the number, and not below zero.
        """
        values = value(self._drawn.__getitem__)
        moved = np.maximum(0.0, values[1:] - max(0.0, float(values[1:].mean() - values[0])))
        return Estimate(value=float(values[0]), ci95=interval(moved))

    def share(self, above: str, below: str, place: int) -> Estimate:
        """The same of one column, shared out over a column that stands alone."""
        return self.estimate(lambda get: get(above)[:, place] / np.maximum(get(below)[:, 0], 1))

    def ratio(self, above: str, below: str, place: int) -> Estimate:
        """The same of a ratio of two columns, where there is anything to divide by."""
        top, bottom = self._drawn[above][:, place], self._drawn[below][:, place]
        drawn = bottom[1:] > 0
        ratios = top[1:][drawn] / bottom[1:][drawn]
        return Estimate(value=float(top[0] / bottom[0]), ci95=interval(ratios))


def _reliability(table: _Table, kind: str, edges: list[float]) -> list[ReliabilityBin]:
    return [
        ReliabilityBin(
            low=edges[place],
            high=edges[place + 1],
            number=table.whole(f"{kind} n", place),
            predicted=table.whole(f"{kind} p", place) / table.whole(f"{kind} n", place),
            came_true=table.ratio(f"{kind} hit", f"{kind} n", place),
        )
        for place in range(table.width(f"{kind} n"))
        if table.whole(f"{kind} n", place) >= FEWEST
    ]
