"""Analysis `position`: mean surprisal by place in the sentence and by place in the document.

A model that carries context should become less surprised along a document; one that forgets at `eos`
cannot. Needs the scores only. Knows nothing of how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.resampling import bootstrap_sums, interval
from lmcompare.evaluation.results import Position, PositionCurve, PositionPoint, SplitName
from lmcompare.evaluation.units import sentence_lengths, split_of, units_of
from lmcompare.interface import Floats, Ids

FEWEST_EVENTS = 50
"""A mean of fewer events says more of these events than of their place."""


class PositionAnalysis:
    """See `analysis.Analysis`."""

    name = "position"

    def measure(self, subject: Subject) -> None:
        """Nothing: the scores are enough."""

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Position | None:
        """Two curves a model: along the sentence and along the document."""
        if not options.position.enabled:
            return None
        split = headline_split(options)
        curves = []
        for within in ("sentence", "document"):
            for contender in contenders:
                points = curve(contender, split, within, options.resamples, options.seed)
                if len(points) > 1:
                    curves.append(PositionCurve(model=contender.result.name, within=within, points=points))
        return Position(split=split, curves=curves) if curves else None


POSITION = PositionAnalysis()


def curve(
    contender: Contender,
    split: SplitName,
    within: Literal["sentence", "document"],
    resamples: int,
    seed: int,
) -> list[PositionPoint]:
    """Mean bits per token of the events at places 1, 2, 3 to 4, 5 to 8, ..., with 95 % intervals.

    Impossible events are left out: they would make a whole range of places infinite.
    """
    text = split_of(contender.encoded, split)
    starts = np.asarray(text.starts, dtype=np.int64)
    eos = contender.encoded.tokenizer.eos
    pieces = sentence_lengths(text, eos) if within == "sentence" else starts[1:] - starts[:-1]
    ranges = np.ceil(np.log2(places(pieces))).astype(np.int64)
    scores = np.mean([each.logprobs[split, "native"] for each in contender.scores], axis=0)
    possible = np.isfinite(scores)
    units = units_of(text, eos, by_document=contender.encoded.corpus.by_document)
    number = int(ranges.max(initial=0)) + 1
    cell = (units.of_event * number + ranges)[possible]
    nats = _table(cell, -scores[possible], units.count, number)
    events = _table(cell, None, units.count, number)
    resampled = bootstrap_sums(np.concatenate([nats, events], axis=1), resamples, seed)
    points = []
    for column in range(number):
        count = int(events[:, column].sum())
        if count < FEWEST_EVENTS:
            continue
        drawn = resampled[:, number + column] > 0
        low, high = interval(resampled[drawn, column] / resampled[drawn, number + column])
        points.append(
            PositionPoint(
                first=2 ** (column - 1) + 1 if column else 1,
                last=2**column,
                events=count,
                bits=float(nats[:, column].sum() / count / math.log(2)),
                ci95=(low / math.log(2), high / math.log(2)),
            )
        )
    return points


def places(pieces: Ids) -> Ids:
    """The place of each event in its piece, from 1: lengths `[pieces]` in, `[events]` out."""
    starts = np.concatenate([[0], np.cumsum(pieces)[:-1]])
    found: Ids = np.arange(int(pieces.sum())) - np.repeat(starts, pieces) + 1
    return found


def _table(cell: Ids, weights: Floats | None, rows: int, columns: int) -> Floats:
    sums = np.bincount(cell, weights=weights, minlength=rows * columns)
    table: Floats = sums.reshape(rows, columns).astype(np.float64)
    return table
