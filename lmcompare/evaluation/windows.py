"""Analysis `windows`: how surprised a model is by how much it may see, and by how its windows move.

The same events are predicted from their last 0, 1, 2, 4, ... tokens. An n-gram then answers with its own
lower orders; any other model reads `bos` and these tokens as if a document began with them. Models that
have windows are also scored with several strides: a small one sees more and reads more. Knows nothing of
how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.averages import mean_with_interval, over_seeds
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.perplexity import exp
from lmcompare.evaluation.results import ContextPoint, StridePoint, Windows, WindowsCell, WindowsRow
from lmcompare.evaluation.units import FEWEST_DOCUMENTS, Units, split_of, units_of
from lmcompare.interface import Floats, Ids, LanguageModel, split_sentences
from lmcompare.models.windowed import HasOrders, HasWindows, windowed
from lmcompare.registry import Progress
from lmcompare.text.encoded import EncodedSplit

PARTS = (1, 2, 4, 8)
"""The strides of the sweep are the window divided by these."""


class WindowsAnalysis:
    """See `analysis.Analysis`."""

    name = "windows"

    def measure(self, subject: Subject) -> WindowsCell | None:
        """Predict some events again from less, and score the start of the text with several strides."""
        options, split = subject.options.windows, headline_split(subject.options)
        if not options.enabled:
            return None
        model, text = subject.model, split_of(subject.encoded, split)
        events = spaced(len(text.ids), options.events)
        units = units_of(text, model.tokenizer.eos, by_document=subject.encoded.corpus.by_document)
        full = subject.scores.logprobs[split, "native"][events]
        sizes = [size for size in sorted(set(options.contexts)) if size <= _longest(model, text)]
        curve = []
        for done, size in enumerate(sizes):
            subject.tell(Progress("context", done, len(sizes), f"{size} tokens"))
            found = truncated(model, text, events, size)
            curve.append(_point(size, found, units, events, subject.options))
        curve.append(_point(None, full, units, events, subject.options))
        sweep = []
        if options.sweep_events:
            sweep = strides(model, text, options.sweep_events, units, subject.options)
        own_orders = isinstance(model, HasOrders)
        return WindowsCell(events=len(events), own_orders=own_orders, curve=curve, sweep=sweep)

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Windows | None:
        """Means over the seeds."""
        rows = []
        for contender in contenders:
            found = [cell.analyses.windows for cell in contender.cells if cell.analyses.windows is not None]
            if found:
                curve = [over_seeds(points) for points in zip(*(each.curve for each in found), strict=True)]
                sweep = [over_seeds(points) for points in zip(*(each.sweep for each in found), strict=True)]
                rows.append(
                    WindowsRow(
                        model=contender.result.name,
                        events=found[0].events,
                        own_orders=found[0].own_orders,
                        curve=curve,
                        sweep=sweep,
                    )
                )
        return Windows(split=headline_split(options), rows=rows) if rows else None


WINDOWS = WindowsAnalysis()


def spaced(available: int, number: int) -> Ids:
    """At most `number` places of `available`, evenly spaced, in order, each once."""
    number = min(available, number)
    found: Ids = (2 * np.arange(number) + 1) * available // (2 * max(1, number))
    return found


def truncated(model: LanguageModel, text: EncodedSplit, events: Ids, context: int) -> Floats:
    """Log p of some events given only the last `context` tokens, `[events]`; none beyond its document."""
    if isinstance(model, HasOrders):  # its lower orders know that no sentence begins there
        every = model.limited(context).score(text.documents)
        scores: Floats = np.concatenate([np.zeros(0), *every])[events]
        return scores
    ids, starts = np.asarray(text.ids), np.asarray(text.starts, dtype=np.int64)
    begins = starts[np.searchsorted(starts, events, side="right") - 1]
    if model.policy == "sentence":  # what stands before its sentence it could not see anyway
        begins = np.maximum(begins, _sentence_starts(ids, model.tokenizer.eos)[events])
    pieces = [
        ids[max(begin, event - context) : event + 1] for begin, event in zip(begins, events, strict=True)
    ]
    return np.array([part[-1] for part in model.score(pieces)], dtype=np.float64)


def strides(
    model: LanguageModel, text: EncodedSplit, events: int, units: Units, options: EvaluationOptions
) -> list[StridePoint]:
    """The first `events` events scored with each stride; nothing for a model that has no windows.

    A perplexity is as uncertain as the text is mixed; what a stride saves against the next longer one is
    paired by documents, or by sentences where few documents are read, and is known much better.
    """
    if not isinstance(model, HasWindows) or model.context is None:
        return []
    window = model.context
    documents: list[Ids] = []
    for document in text.documents:
        documents.append(np.asarray(document)[: events - sum(map(len, documents))])
        if sum(map(len, documents)) >= events:
            break
    owners = units.of_event[: sum(map(len, documents))]
    if owners[-1] + 1 < FEWEST_DOCUMENTS:
        starts = _sentence_starts(np.concatenate(documents), model.tokenizer.eos)
        owners = np.unique(starts, return_inverse=True)[1]
    counts: Floats = np.bincount(owners).astype(np.float64)

    def mean(nats: Floats) -> tuple[float, tuple[float, float]]:
        sums: Floats = np.bincount(owners, weights=nats).astype(np.float64)
        return mean_with_interval(sums, options.resamples, options.seed, counts)

    found: list[StridePoint] = []
    longer: Floats | None = None
    for stride in sorted({max(1, window // part) for part in PARTS}, reverse=True):
        moved: Any = windowed(model, window, stride)
        scores = np.concatenate(moved.score(documents))
        seen = [np.asarray(moved.context_lengths(len(document))) for document in documents]
        later = [lengths[window:] for lengths in seen if len(lengths) > window]
        every = np.concatenate(seen)
        nats, (low, high) = mean(-scores)
        saved, saved_ci95 = None, None
        if longer is not None and np.isfinite(scores).all() and np.isfinite(longer).all():
            change, ends = mean(scores - longer)
            saved, saved_ci95 = -math.expm1(-change), (-math.expm1(-ends[0]), -math.expm1(-ends[1]))
        longer = scores
        beyond = sum(-(-max(0, len(document) - window) // stride) for document in documents)
        found.append(
            StridePoint(
                window=window,
                stride=stride,
                perplexity=exp(nats),
                ci95=(exp(low), exp(high)),
                saved=saved,
                saved_ci95=saved_ci95,
                mean_context=float(every.mean()),
                least_context=int(min((part.min() for part in later), default=every.max())),
                reads=1 + beyond * (window - stride) / len(every),
            )
        )
    return found


def _longest(model: LanguageModel, text: EncodedSplit) -> int:
    """The most tokens that any event can see: beyond it a curve is flat."""
    if model.policy == "sentence":
        pieces = (split_sentences(np.asarray(part), model.tokenizer.eos) for part in text.documents)
        most = max((len(piece) for part in pieces for piece in part), default=0)
    else:
        most = max((len(part) for part in text.documents), default=0)
    return most if model.context is None else min(most, model.context)


def _sentence_starts(ids: Ids, eos: int) -> Ids:
    """Where the sentence of each event begins, `[events]`."""
    opens = np.concatenate([[True], ids[:-1] == eos])
    starts: Ids = np.maximum.accumulate(np.where(opens, np.arange(len(ids)), 0))
    return starts


def _point(
    context: int | None, logprobs: Floats, units: Units, events: Ids, options: EvaluationOptions
) -> ContextPoint:
    """Mean bits with its interval: units are redrawn with the events that they hold."""
    owners = units.of_event[events]
    bits: Floats = np.bincount(owners, weights=-logprobs / math.log(2), minlength=units.count).astype(
        np.float64
    )
    counts: Floats = np.bincount(owners, minlength=units.count).astype(np.float64)
    mean, ci95 = mean_with_interval(bits, options.resamples, options.seed, counts)
    return ContextPoint(context=context, bits=mean, ci95=ci95)
