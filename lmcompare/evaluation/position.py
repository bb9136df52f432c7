"""Analysis `position`: mean surprisal by place in the sentence and by place in the document.

A model that carries context should become less surprised along a document. But late places stand in long
documents only, and a text's later parts may be harder: so what a model gains is told against a model that
forgets, on the same documents and places. Needs the scores only. Knows nothing of how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.averages import mean_with_interval
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.resampling import bootstrap_sums, interval
from lmcompare.evaluation.results import (
    LeadPoint,
    Position,
    PositionCurve,
    PositionLead,
    PositionLeads,
    PositionPoint,
    SplitName,
)
from lmcompare.evaluation.units import FEWEST_DOCUMENTS, sentence_lengths, split_of, units_of
from lmcompare.interface import Floats, Ids

FEWEST_EVENTS = 50
"""A mean of fewer events says more of these events than of their place."""

SETTLED = 16
"""A model that sees no more than so many tokens sees as much at every later place."""
EARLY = 64
"""The early places are those from `SETTLED` to here: enough events for a mean, little context so far."""


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
        if not curves:
            return None
        return Position(split=split, curves=curves, leads=leads(contenders, split, options))


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


def leads(
    contenders: Sequence[Contender], split: SplitName, options: EvaluationOptions
) -> PositionLeads | None:
    """How far each model that remembers is ahead of the one that sees the least, place by place.

    The documents are those that have all places up to the last range which `FEWEST_DOCUMENTS` have.
    Models of other tokens than the reference, and those with impossible events there, have no row.
    """
    forget = [each for each in contenders if _sees_little(each)]
    if not forget or not forget[0].encoded.corpus.by_document:
        return None
    reference = min(forget, key=lambda each: each.result.context or 0)
    starts = np.asarray(split_of(reference.encoded, split).starts, dtype=np.int64)
    sizes = starts[1:] - starts[:-1]
    if len(sizes) < FEWEST_DOCUMENTS:
        return None
    reached = int(np.log2(max(1, np.sort(sizes)[-FEWEST_DOCUMENTS])))
    if 2 ** (reached - 1) < EARLY:  # the late places would be early ones too
        return None
    begins = starts[:-1][sizes >= 2**reached]
    ranges = [(2**size + 1, 2 ** (size + 1)) for size in range(int(np.log2(SETTLED)), reached)]
    rows = []
    for each in contenders:
        if (
            _sees_little(each)
            or each.encoded.tokenizer.fingerprint != reference.encoded.tokenizer.fingerprint
        ):
            continue
        own, other = (
            np.mean([scores.logprobs[split, "native"] for scores in one.scores], axis=0)
            for one in (each, reference)
        )
        table = (own - other)[begins[:, None] + np.arange(2**reached)] / math.log(2)
        if np.isfinite(table).all():
            rows.append(_lead(each.result.name, table, ranges, options))
    if not rows:
        return None
    early, late = (SETTLED + 1, EARLY), ranges[-1]
    return PositionLeads(
        reference=reference.result.name, documents=len(begins), early=early, late=late, rows=rows
    )


def _sees_little(contender: Contender) -> bool:
    context = contender.result.context
    return context is not None and context <= SETTLED


def _lead(
    model: str, table: Floats, ranges: Sequence[tuple[int, int]], options: EvaluationOptions
) -> PositionLead:
    """From the bits saved at each place of each document, `[documents, places]`."""

    def at(first: int, last: int) -> Floats:
        mean: Floats = table[:, first - 1 : last].mean(axis=1)
        return mean

    points = []
    for first, last in ranges:
        bits, ci95 = mean_with_interval(at(first, last), options.resamples, options.seed)
        points.append(LeadPoint(first=first, last=last, bits=bits, ci95=ci95))
    change = at(*ranges[-1]) - at(SETTLED + 1, EARLY)
    gain, ci95 = mean_with_interval(change, options.resamples, options.seed)
    return PositionLead(model=model, points=points, gain=gain, ci95=ci95)


def places(pieces: Ids) -> Ids:
    """The place of each event in its piece, from 1: lengths `[pieces]` in, `[events]` out."""
    starts = np.concatenate([[0], np.cumsum(pieces)[:-1]])
    found: Ids = np.arange(int(pieces.sum())) - np.repeat(starts, pieces) + 1
    return found


def _table(cell: Ids, weights: Floats | None, rows: int, columns: int) -> Floats:
    sums = np.bincount(cell, weights=weights, minlength=rows * columns)
    table: Floats = sums.reshape(rows, columns).astype(np.float64)
    return table
