"""Analysis `truth`: KL(truth || model) where the text was drawn from a distribution that we hold.

At each event the model's whole distribution is set against the true one, so that chance in the text's
tokens does not enter: only which contexts came. The divergence is split by the chain rule into the choice
of a kind (a verb, a closing bracket) and, for each kind, the choice within it; no part falls below zero.
Knows nothing of how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lmcompare.errors import InputError
from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.resampling import bootstrap_sums, interval
from lmcompare.evaluation.results import Truth, TruthCell, TruthKind, TruthRow
from lmcompare.evaluation.units import split_of, units_of
from lmcompare.interface import Floats, Ids, LanguageModel
from lmcompare.models.source import SourceModel
from lmcompare.registry import Progress
from lmcompare.text.corpus import Corpus
from lmcompare.text.encoded import EncodedSplit
from lmcompare.text.synthetic.options import process_of
from lmcompare.text.synthetic.parts import Parts
from lmcompare.text.synthetic.process import surprisals

ROWS = 256
"""Documents that are read side by side."""


@dataclass(frozen=True, slots=True)
class Divergences:
    """What was found at each event, in nats.

    Attributes:
        choice: KL of which kind comes next, `[events]`; what is of no kind counts against the model.
        within: for each kind, P(kind) times the KL of what comes, the kind being known, `[events, kinds]`.
        share: P(kind) under the truth, `[events, kinds]`.
        wrong: P(kind) times the share of the model's Q(kind) on the impossible, `[events, kinds]`.
        impossible: Q(what cannot come next), `[events]`.
        true: log p of what came, under the truth, `[events]`.
    """

    choice: Floats
    within: Floats
    share: Floats
    wrong: Floats
    impossible: Floats
    true: Floats

    @property
    def total(self) -> Floats:
        """KL(truth || model), `[events]`."""
        total: Floats = self.choice + self.within.sum(axis=1)
        return total


class TruthAnalysis:
    """See `analysis.Analysis`."""

    name = "truth"

    def measure(self, subject: Subject) -> TruthCell | None:
        """The column `truth` of the scores holds the bits of each event that was looked at, else NaN."""
        options, split = subject.options, headline_split(subject.options)
        corpus, text = subject.encoded.corpus, split_of(subject.encoded, split)
        if not options.truth.enabled or corpus.source is None:
            return None
        scored = subject.scores.logprobs[split, "native"]
        try:
            source = SourceModel(corpus.source, subject.model.tokenizer)
            fits = source.can_say(text.documents)
        except InputError:
            fits = False
        if not fits:  # tokens that are not the language's symbols: only whole texts can be compared
            return _of_text(corpus, text, scored, split, options)
        documents = _first(text.documents, options.truth.events)
        subject.tell(Progress("truth", 0, 1, subject.name))
        found = divergences(subject.model, source, documents)
        events = len(found.choice)
        column = np.full(len(scored), np.nan)
        column[:events] = found.total / math.log(2)
        subject.scores.columns[split, "truth"] = column
        units = units_of(text, source.tokenizer.eos, by_document=corpus.by_document).of_event[:events]
        return summary(found, source.process.kinds, scored[:events], units, options)

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Truth | None:
        """Means over the seeds."""
        split, rows = headline_split(options), []
        for contender in contenders:
            cells = [cell.analyses.truth for cell in contender.cells if cell.analyses.truth is not None]
            if cells:
                text = split_of(contender.encoded, split)
                tokens = int(contender.result.splits[split]["native"].events)
                symbols = tokens if cells[0].exact else _symbols(contender.encoded.corpus, split)
                rows.append(_row(contender.result.name, cells, symbols / int(text.sentence_characters.sum())))
        if not rows:
            return None
        corpus = contenders[0].encoded.corpus
        facts = corpus.facts
        # The entropies of a language whose documents keep their topic are those of single sentences.
        alone = (corpus.source or {}).get("kind") != "topics"
        return Truth(
            split=split,
            entropy=float(facts.get("entropy_bits_per_token", math.nan)) if alone else math.nan,
            entropy_error=float(facts.get("entropy_error_bits_per_token", 0.0)),
            rows=rows,
        )


TRUTH = TruthAnalysis()


def divergences(model: LanguageModel, source: SourceModel, documents: Sequence[Ids]) -> Divergences:
    """The model's distribution against the true one at each event of some documents, in their order."""
    sizes = np.array([len(document) for document in documents], dtype=np.int64)
    starts, number = np.cumsum(sizes) - sizes, len(source.process.kinds)
    events = int(sizes.sum())
    flat, table = np.zeros((3, events)), np.zeros((3, events, number))
    order = np.argsort(-sizes, kind="stable")
    ids = np.concatenate([np.zeros(0, dtype=np.int64), *documents]).astype(np.int64)
    for first in range(0, len(order), ROWS):
        rows = order[first : first + ROWS]
        for at, rows_, true, own, kinds in _side_by_side(model, source, ids, starts, sizes, rows):
            flat[0, at], flat[1, at], table[:, at] = _compared(true, own, kinds, number)
            flat[2, at] = true[np.arange(len(rows_)), ids[at]]
    return Divergences(flat[0], table[0], table[1], table[2], flat[1], flat[2])


def _side_by_side(
    model: LanguageModel, source: SourceModel, ids: Ids, starts: Ids, sizes: Ids, rows: Ids
) -> Iterator[tuple[Ids, Ids, Floats, Floats, Ids]]:
    """Event numbers, rows, both distributions and the kinds of the tokens, place by place."""
    rows = rows[sizes[rows] > 0]
    if not len(rows):
        return
    (true, truth), (own, state) = source.start(len(rows)), model.start(len(rows))
    for place in range(int(sizes[rows[0]])):
        on = np.flatnonzero(sizes[rows] > place)
        if len(on) < len(rows):
            rows, true, own = rows[on], true[on], own[on]
            truth, state = truth.rows(on), state.rows(on)
        at = starts[rows] + place
        yield at, rows, true, np.asarray(own, dtype=np.float64), source.kinds(truth)
        if place + 1 < int(sizes[rows[0]]):
            true, truth = source.step(ids[at], truth)
            own, state = model.step(ids[at], state)


def _compared(true: Floats, own: Floats, kinds: Ids, number: int) -> tuple[Floats, Floats, Floats]:
    """Choice of the kind, `[rows]`; Q(impossible), `[rows]`; within, share and wrong, `[3, rows, number]`."""
    p, q = np.exp(true), np.exp(own)
    with np.errstate(invalid="ignore", divide="ignore"):
        lost = np.where(p > 0, p * (true - own), 0.0)
        impossible = np.where(p > 0, 0.0, q)
        choice, table = np.zeros(len(p)), np.zeros((3, len(p), number))
        for kind in range(number):
            members = kinds == kind
            share, given = np.where(members, p, 0.0).sum(axis=1), np.where(members, q, 0.0).sum(axis=1)
            apart = np.where(share > 0, share * (np.log(share) - np.log(given)), 0.0)
            inside = np.where(members, lost, 0.0).sum(axis=1) - apart
            choice += apart
            # Within a kind no divergence is negative but by rounding; of a kind that the model rules out,
            # all is lost by the choice.
            table[0, :, kind] = np.where((share > 0) & (given > 0), np.maximum(inside, 0.0), 0.0)
            table[1, :, kind] = share
            bad = np.where(members, impossible, 0.0).sum(axis=1)
            table[2, :, kind] = np.where(given > 0, share * bad / given, 0.0)
    return np.maximum(choice, 0.0), impossible.sum(axis=1), table


def summary(
    found: Divergences, kinds: Sequence[str], scored: Floats, units: Ids, options: EvaluationOptions
) -> TruthCell:
    """Means over the events, with intervals from a bootstrap over units.

    Args:
        found: in nats.
        kinds: their names.
        scored: log p of each event under the model.
        units: the document or sentence of each event, `[events]`.
        options: number and seed of the resamples.
    """
    events, number = len(found.choice), len(kinds)
    with np.errstate(invalid="ignore"):
        apart = found.true - scored
    columns = np.column_stack(
        [np.ones(events), found.total, found.share, found.within, found.impossible, apart]
    )
    count = int(units.max(initial=-1)) + 1
    sums = np.column_stack([np.bincount(units, weights=column, minlength=count) for column in columns.T])
    finite = bool(np.isfinite(sums).all())
    never = (math.inf, math.inf)
    drawn = bootstrap_sums(np.where(np.isfinite(sums), sums, 0.0), options.resamples, options.seed)
    totals = sums.sum(axis=0) / math.log(2)
    shares = found.share.sum(axis=0)

    def bounds(above: Floats, below: Floats) -> tuple[float, float]:
        low, high = interval(above[below > 0] / below[below > 0] / math.log(2))
        return low, high

    rows = [
        TruthKind(
            kind=name,
            share=float(shares[kind] / events),
            bits=float(totals[2 + number + kind] / shares[kind]),
            ci95=bounds(drawn[:, 2 + number + kind], drawn[:, 2 + kind]),
            wrong=float(found.wrong[:, kind].sum() / shares[kind]),
        )
        for kind, name in enumerate(kinds)
        if shares[kind] > 0
    ]
    low, high = bounds(drawn[:, -2], drawn[:, 0])
    return TruthCell(
        events=events,
        exact=True,
        bits=float(totals[1] / events),
        ci95=bounds(drawn[:, 1], drawn[:, 0]) if finite else never,
        true_bits=float(-found.true.mean() / math.log(2)),
        drawn=float(apart.mean()) / math.log(2),
        drawn_ci95=bounds(drawn[:, -1], drawn[:, 0]) if finite else never,
        choice=float(found.choice.mean() / math.log(2)),
        impossible=float(found.impossible.mean()),
        impossible_ci95=(low * math.log(2), high * math.log(2)),
        kinds=rows,
    )


def _of_text(
    corpus: Corpus, text: EncodedSplit, scored: Floats, split: str, options: EvaluationOptions
) -> TruthCell | None:
    """The difference in bits on the text itself, for each symbol of the language."""
    process = process_of(corpus.source or {})
    if isinstance(process, Parts) and process.by_document:
        return None
    place = {symbol: index for index, symbol in enumerate(process.symbols)}
    lines = [line.split() if corpus.words else list(line) for line in corpus.sentences(split)]
    numbers = [np.array([place[symbol] for symbol in line], dtype=np.int64) for line in lines]
    true = np.array([bits.sum() for bits in surprisals(process, numbers)])
    symbols = np.array([len(line) + 1.0 for line in lines])
    documents = np.repeat(np.arange(len(text.starts) - 1), np.diff(text.starts))
    of_sentence = np.repeat(np.arange(len(text.starts) - 1), np.diff(text.sentence_starts))
    count = len(text.starts) - 1
    model = np.bincount(documents, weights=-scored / math.log(2), minlength=count)
    sums = np.column_stack(
        [model - np.bincount(of_sentence, true, count), np.bincount(of_sentence, symbols, count)]
    )
    bits = float(sums[:, 0].sum() / symbols.sum())
    ends = (bits, bits)
    if math.isfinite(bits):
        drawn = bootstrap_sums(sums, options.resamples, options.seed)
        ends = interval(drawn[:, 0] / drawn[:, 1])
    return TruthCell(
        events=int(symbols.sum()),
        exact=False,
        bits=bits,
        ci95=ends,
        true_bits=float(true.sum() / symbols.sum()),
        drawn=bits,
        drawn_ci95=ends,
        choice=0.0,
        impossible=math.nan,
        kinds=[],
    )


def _symbols(corpus: Corpus, split: str) -> int:
    return sum((len(line.split()) if corpus.words else len(line)) + 1 for line in corpus.sentences(split))


def _first(documents: Sequence[Ids], events: int) -> list[Ids]:
    """Whole documents from the start, so many events at most, but one at least."""
    reached = np.cumsum([len(document) for document in documents])
    return list(documents[: max(1, int(np.searchsorted(reached, events, side="right")))])


def _row(name: str, cells: Sequence[TruthCell], symbols_per_character: float) -> TruthRow:
    def mean(key: str) -> float:
        return float(np.mean([getattr(cell, key) for cell in cells]))

    def all_ends(key: str) -> tuple[float, float] | None:
        found = [getattr(cell, key) for cell in cells]
        return None if None in found else ends(found)

    def ends(intervals: Sequence[tuple[float, float]]) -> tuple[float, float]:
        low, high = np.mean(intervals, axis=0)
        return float(low), float(high)

    whole = ends([cell.ci95 for cell in cells])
    kinds = [
        TruthKind(
            kind=group[0].kind,
            share=group[0].share,
            bits=float(np.mean([each.bits for each in group])),
            ci95=ends([each.ci95 for each in group]),
            wrong=float(np.mean([each.wrong for each in group])),
        )
        for group in zip(*(cell.kinds for cell in cells), strict=True)
    ]
    return TruthRow(
        model=name,
        events=cells[0].events,
        exact=cells[0].exact,
        bits=mean("bits"),
        bits_per_character=mean("bits") * symbols_per_character,
        character_ci95=(whole[0] * symbols_per_character, whole[1] * symbols_per_character),
        ci95=whole,
        true_bits=cells[0].true_bits,
        drawn=mean("drawn"),
        drawn_ci95=all_ends("drawn_ci95"),
        choice=mean("choice"),
        impossible=mean("impossible"),
        impossible_ci95=all_ends("impossible_ci95"),
        kinds=kinds,
    )
