"""Analysis `unit_table`: one surprisal, spread over every unit, with unknown words in, out and charged.

A model that may say <unk> is spared naming the word. Charged, each unknown event costs what it takes to
name it among the unseen types as well: p(<unk>) is spread evenly over them (Ueberla 1994, "Analysing a
simple language model: some general conclusions for language models for speech recognition": adjusted
perplexity). How many there are nobody knows: the text's own unseen types are the fewest there can be, so
the default is the least charge; `open_vocabulary` states another number. A text in which unknown words
stand as "<unk>" already hides its types: where it shows none, it is charged only if their number is stated.
Needs the scores only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.perplexity import surprisals
from lmcompare.evaluation.resampling import bootstrap_sums, interval
from lmcompare.evaluation.results import SplitName
from lmcompare.evaluation.results.unit_table import (
    Treatment,
    UnitName,
    UnitRow,
    UnitScore,
    UnitScores,
    UnitTable,
)
from lmcompare.evaluation.unit_sizes import Sizes, by_unit, sizes
from lmcompare.evaluation.units import Units, split_of, units_of
from lmcompare.interface import Floats, Ids, Tokenizer
from lmcompare.text.tokenizers.unknown import is_unknown


class UnitTableAnalysis:
    """See `analysis.Analysis`."""

    name = "unit_table"

    def measure(self, subject: Subject) -> None:
        """Nothing: the scores are enough."""

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> UnitTable | None:
        """A row a model, in every unit."""
        if not options.unit_table.enabled:
            return None
        split = headline_split(options)
        parts = _parts(contenders, split, options.open_vocabulary)
        columns = [column for part in parts.values() for column in part.columns()]
        drawn = bootstrap_sums(np.stack(columns, axis=1).astype(np.float64), options.resamples, options.seed)
        samples = iter(drawn.T)
        rows = []
        for name, part in parts.items():
            resampled = [next(samples) for _ in part.columns()]
            rows.append(
                UnitRow(
                    model=name,
                    unknown=int(part.unknown_events),
                    types=part.types,
                    signs=part.signs,
                    spread=part.spread,
                    scores=part.scores(resampled),
                )
            )
        return UnitTable(split=split, stated=options.open_vocabulary, rows=rows)


UNIT_TABLE = UnitTableAnalysis()


@dataclass(frozen=True, slots=True)
class Spread:
    """One model's surprisal and the sizes that it is spread over, by resampled unit of text.

    Attributes:
        nats: by treatment, `[units]`: of the possible events.
        impossible: by treatment, `[units]`: events of probability zero; left out where there are none.
        counts: by unit of size, `[units]`.
        unknown: the same of what unknown tokens stand for.
        unknown_events: how many there are.
        types: different unknown strings, signs not among them.
        signs: unknown events that stand as "<unk>" in the text.
        spread: over how many types p(<unk>) is spread; 0 where nothing is charged.
    """

    nats: Mapping[Treatment, Floats]
    impossible: Mapping[Treatment, Floats]
    counts: Mapping[UnitName, Floats]
    unknown: Mapping[UnitName, Floats]
    unknown_events: int
    types: int
    signs: int
    spread: int

    def columns(self) -> list[Floats]:
        """All that is resampled, `[units]` each."""
        return [
            *self.nats.values(),
            *self.impossible.values(),
            *self.counts.values(),
            *self.unknown.values(),
        ]

    def scores(self, resampled: Sequence[Floats] | None = None) -> list[UnitScores]:
        """Every treatment in every unit, with intervals from the resampled sums of `columns`."""
        given = iter(self.columns() if resampled is None else resampled)
        nats, zeros = ({key: next(given) for key in part} for part in (self.nats, self.impossible))
        counts, unknown = ({key: next(given) for key in part} for part in (self.counts, self.unknown))
        found = []
        for treatment in self.nats:
            units = []
            for unit, count in self.counts.items():
                out = treatment == "without"
                if out and unit not in self.unknown:
                    continue  # words of a tokenizer of characters: a word is not unknown as a whole
                size = int(count.sum()) - (int(self.unknown[unit].sum()) if out else 0)
                if not size:
                    continue
                impossible = treatment in self.impossible
                bits = math.inf if impossible else float(self.nats[treatment].sum()) / math.log(2) / size
                ends = (bits, bits)
                if resampled is not None:
                    drawn = counts[unit] - unknown[unit] if out else counts[unit]
                    some = drawn > 0
                    samples = nats[treatment][some] / math.log(2) / drawn[some]
                    if impossible:
                        samples = np.where(zeros[treatment][some] > 0, np.inf, samples)
                    ends = interval(samples)
                perplexity = 2**bits if bits < 1023 else math.inf
                units.append(UnitScore(unit=unit, count=size, bits=bits, ci95=ends, perplexity=perplexity))
            found.append(UnitScores(treatment=treatment, units=units))
        return found


def spread_over(
    logprobs: Sequence[Floats],
    ids: Ids,
    units: Units,
    size: Sizes,
    counts: Mapping[UnitName, Floats],
    unknown: Mapping[UnitName, Floats],
    *,
    tokenizer: Tokenizer,
    stated: int | None,
) -> Spread:
    """One model's surprisal in all treatments; one treatment where nothing is unknown.

    There is no charge where nobody can tell over how many types: the text shows none, and nothing is stated.

    Args:
        logprobs: log p of every event, `[events]` a seed.
        ids: the events.
        units: what is resampled.
        size: of the text, sentence by sentence.
        counts: `size.counts` by resampled unit.
        unknown: `size.unknown` by resampled unit.
        tokenizer: that made the ids.
        stated: unseen types to spread p(<unk>) over, at least those of the text; `None`: those of the text.
    """
    strange = is_unknown(ids, tokenizer)
    types = max(size.types, stated or 0)
    treated: dict[Treatment, list[Floats]] = {"all": list(logprobs)}
    if strange.any():
        treated["without"] = [np.where(strange, 0.0, scores) for scores in logprobs]
    if strange.any() and types:
        treated["charged"] = [scores - np.where(strange, math.log(types), 0.0) for scores in logprobs]
    summed = {treatment: surprisals(units, scores) for treatment, scores in treated.items()}
    return Spread(
        {treatment: nats for treatment, (nats, _) in summed.items()},
        {treatment: zeros for treatment, (_, zeros) in summed.items() if zeros.any()},
        counts,
        unknown,
        int(strange.sum()),
        size.types,
        size.signs,
        types if strange.any() else 0,
    )


def _parts(contenders: Sequence[Contender], split: SplitName, stated: int | None) -> dict[str, Spread]:
    """Of each model; a text is counted once a tokenizer."""
    counted: dict[str, Sizes] = {}
    found = {}
    for contender in contenders:
        encoded = contender.encoded
        tokenizer, text, corpus = encoded.tokenizer, split_of(encoded, split), encoded.corpus
        if tokenizer.fingerprint not in counted:
            counted[tokenizer.fingerprint] = sizes(
                corpus.sentences(split), text.ids, tokenizer, words=corpus.words
            )
        size = counted[tokenizer.fingerprint]
        units = units_of(text, tokenizer.eos, by_document=corpus.by_document)
        found[contender.result.name] = spread_over(
            [each.logprobs[split, "native"] for each in contender.scores],
            text.ids,
            units,
            size,
            {unit: by_unit(values, text, units) for unit, values in size.counts.items()},
            {unit: by_unit(values, text, units) for unit, values in size.unknown.items()},
            tokenizer=tokenizer,
            stated=stated,
        )
    return found
