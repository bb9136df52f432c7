"""Analysis `overlap`: perplexity on clean lines and on those that the training text gives away.

A line is dirty when it stands in the training text letter for letter, or when so many of its units in a
row stand in one training line (13 words: Brown et al. 2020, appendix C). Models that remember exactly
gain from such lines. Knows nothing of how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.perplexity import exp
from lmcompare.evaluation.resampling import bootstrap_sums, interval
from lmcompare.evaluation.results import Overlap, OverlapRow, OverlapScore, SplitName
from lmcompare.evaluation.seen import SeenIndex
from lmcompare.evaluation.textunits import unit_name
from lmcompare.evaluation.units import sentence_lengths, split_of, units_of

Flags = NDArray[np.bool_]


class OverlapAnalysis:
    """See `analysis.Analysis`."""

    name = "overlap"

    def measure(self, subject: Subject) -> None:
        """Nothing: the scores are enough."""

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Overlap | None:
        """Every model on all lines, on the clean ones, and on the dirty ones."""
        if not options.overlap.enabled or not contenders:
            return None
        split = headline_split(options)
        corpus = contenders[0].encoded.corpus
        lines = list(corpus.sentences(split))
        known = set(corpus.sentences("train"))
        repeated = np.array([bool(line.strip()) and line in known for line in lines])
        index = SeenIndex(corpus.sentences("train"), unit_name(corpus.words))
        overlapping = (index.longest_of_lines(lines) >= options.overlap.length) & ~repeated
        rows = [score(each, split, repeated | overlapping, options) for each in contenders]
        return Overlap(
            split=split,
            length=options.overlap.length,
            unit=index.unit,
            lines=len(lines),
            repeated=int(repeated.sum()),
            overlapping=int(overlapping.sum()),
            rows=rows,
        )


OVERLAP = OverlapAnalysis()


def score(contender: Contender, split: SplitName, dirty: Flags, options: EvaluationOptions) -> OverlapRow:
    """One model on all lines, the clean ones and the dirty ones.

    Args:
        contender: the model.
        split: which text.
        dirty: marks lines, `[lines]`.
        options: of the bootstrap.
    """
    text, eos = split_of(contender.encoded, split), contender.encoded.tokenizer.eos
    units = units_of(text, eos, by_document=contender.encoded.corpus.by_document)
    lengths = sentence_lengths(text, eos)
    of_event, size = np.repeat(dirty, lengths), np.zeros(int(lengths.sum()))
    size[np.cumsum(lengths) - 1] = text.sentence_bytes  # a line's bytes stand at its end
    nats = -np.mean([each.logprobs[split, "native"] for each in contender.scores], axis=0)
    parts: dict[str, Flags] = {"all": np.ones(len(nats), dtype=bool), "clean": ~of_event, "dirty": of_event}
    columns = []
    for part in parts.values():
        chosen = np.where(part & np.isfinite(nats), nats, 0.0)
        columns += [units.sums(each) for each in (chosen, part.astype(np.float64), np.where(part, size, 0.0))]
    drawn = bootstrap_sums(np.stack(columns, axis=1), options.resamples, options.seed)
    scores = []
    for place, (name, part) in enumerate(parts.items()):
        events = int(part.sum())
        if not events:
            continue
        whole = float(nats[part].sum())
        sums, counts, weights = drawn[drawn[:, 3 * place + 1] > 0, 3 * place : 3 * place + 3].T
        (low, high), (least, most) = interval(sums / counts), interval(sums / weights / math.log(2))
        possible = math.isfinite(whole)
        never = (math.inf, math.inf)
        scores.append(
            OverlapScore.model_validate(
                {
                    "part": name,
                    "events": events,
                    "perplexity": exp(whole / events) if possible else math.inf,
                    "ci95": (exp(low), exp(high)) if possible else never,
                    "bits_per_byte": whole / math.log(2) / float(size[part].sum()),
                    "bytes_ci95": (least, most) if possible else never,
                }
            )
        )
    return OverlapRow(model=contender.result.name, scores=scores)
