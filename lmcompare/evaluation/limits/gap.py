"""Analysis `gap`: which token is missing in a sentence, from one side and from both.

A model that reads in one direction answers at once from what stands before the gap. What stands after it
helps only by a detour: each candidate is put into the gap and the whole sentence is scored, since
p(candidate | the rest) is p(sentence with it), normalised over the candidates. So one direction is enough to
know, and it costs one sentence a candidate. Each sentence is read as a document of its own, in the model's
own order. Knows nothing of how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.averages import mean_with_interval, over_seeds
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.options.limits import GapOptions
from lmcompare.evaluation.results.limits import Gap, GapCell, GapRow, GapScores
from lmcompare.evaluation.windows import spaced
from lmcompare.interface import Floats, Ids, LanguageModel, Tokenizer, split_sentences
from lmcompare.registry import Progress
from lmcompare.text.tokenizers.ordered import order_of, reading_places

EVENTS_AT_ONCE = 200_000
"""Events of the sentences that are scored in one call."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A sentence with a gap.

    Attributes:
        ids: the sentence as it is read, its `eos` included.
        place: of the gap among them.
        candidates: tokens that may stand there, the right one among them.
    """

    ids: Ids
    place: int
    candidates: Ids

    @property
    def right(self) -> int:
        """Where the right token stands among the candidates."""
        return int(np.flatnonzero(self.candidates == self.ids[self.place])[0])


class GapAnalysis:
    """See `analysis.Analysis`."""

    name = "gap"

    def measure(self, subject: Subject) -> GapCell | None:
        """Fill the gaps from what was read before, and from the whole sentence."""
        options = subject.options
        if not options.gap.enabled:
            return None
        text = subject.encoded.valid if headline_split(options) == "valid" else subject.encoded.test
        model, tokenizer = subject.model, subject.model.tokenizer
        chosen = gaps(np.asarray(text.ids), tokenizer, options.gap)
        if not chosen:
            return None
        subject.tell(Progress("gap", 0, 2, f"{len(chosen)} gaps"))
        counts = np.bincount(np.asarray(subject.encoded.train.ids), minlength=tokenizer.size)
        before = model.next_logprobs([ids[:place] for ids, place in chosen])
        holes = [
            Hole(ids, place, candidates(row, counts, int(ids[place]), tokenizer, options.gap.candidates))
            for (ids, place), row in zip(chosen, before, strict=True)
        ]
        subject.tell(Progress("gap", 1, 2, f"{sum(len(hole.candidates) for hole in holes):,} sentences"))
        one = [row[hole.candidates] for row, hole in zip(before, holes, strict=True)]
        both = whole_sentences(model, holes)
        bits = [
            np.array([_bits(s, h.right) for s, h in zip(side, holes, strict=True)]) for side in (one, both)
        ]
        with np.errstate(invalid="ignore"):
            saved = np.nan_to_num(bits[0] - bits[1], nan=0.0, posinf=np.inf, neginf=np.inf)
        mean, ci95 = mean_with_interval(saved, options.resamples, options.seed)
        usable = tokenizer.size - len({tokenizer.bos, tokenizer.eos, tokenizer.unk} - {None})
        return GapCell(
            order=order_of(tokenizer),
            gaps=len(holes),
            candidates=float(np.mean([len(hole.candidates) for hole in holes])),
            whole=all(len(hole.candidates) == usable for hole in holes),
            before=_scores(one, holes, bits[0], options),
            both=_scores(both, holes, bits[1], options),
            saved=mean,
            saved_ci95=ci95,
        )

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Gap | None:
        """Means over the seeds."""
        rows = []
        for contender in contenders:
            found = [cell.analyses.gap for cell in contender.cells if cell.analyses.gap is not None]
            if found:
                rows.append(GapRow(model=contender.result.name, cell=over_seeds(found)))
        return Gap(split=headline_split(options), rows=rows) if rows else None


GAP = GapAnalysis()


def gaps(text: Ids, tokenizer: Tokenizer, options: GapOptions) -> list[tuple[Ids, int]]:
    """Sentences as they are read, `eos` included, and the place of the gap in each.

    The place is chosen in the text: the same words are missing for a model of the same tokens in another
    order. The k-th sentence loses the token at k * 0.618 of its length, wrapped, so that all places occur.
    A token that the tokenizer does not know is no gap.
    """
    sentences = [
        sentence
        for sentence in split_sentences(text, tokenizer.eos)
        if options.shortest < len(sentence) <= options.longest + 1 and sentence[-1] == tokenizer.eos
    ]
    found: list[tuple[Ids, int]] = []
    for number, index in enumerate(spaced(len(sentences), options.gaps)):
        ids = np.asarray(sentences[index], dtype=np.int64)
        length = len(ids) - 1
        written = int(math.modf((number + 1) * (math.sqrt(5) - 1) / 2)[0] * length)
        place = int(np.flatnonzero(reading_places(np.array([length]), order_of(tokenizer)) == written)[0])
        if ids[place] != tokenizer.unk:
            found.append((ids, place))
    return found


def candidates(before: Floats, counts: Ids, right: int, tokenizer: Tokenizer, most: int) -> Ids:
    """The tokens that are tried in a gap, by id; never `bos`, `eos` and what is unknown.

    All of them where there are at most `most`. Else half of them the most probable after what was read
    before (`before`, `[size]`), then the most frequent in train (`counts`, `[size]`), and the right one.
    """
    special = [index for index in (tokenizer.bos, tokenizer.eos, tokenizer.unk) if index is not None]
    allowed = np.setdiff1d(np.arange(tokenizer.size), special)
    if len(allowed) <= most:
        return allowed
    likely = allowed[np.argsort(-before[allowed], kind="stable")][: most // 2]
    frequent = allowed[np.argsort(-counts[allowed], kind="stable")]
    others = frequent[~np.isin(frequent, likely)][: most - len(likely)]
    return np.union1d(np.concatenate([likely, others]), [right])


def whole_sentences(model: LanguageModel, holes: Sequence[Hole]) -> list[Floats]:
    """Log p of each hole's sentence from the gap on, with each candidate in it, `[candidates]` a hole."""
    found: list[Floats] = []
    waiting: list[Hole] = []
    events = 0
    for number, hole in enumerate(holes):
        waiting.append(hole)
        events += len(hole.ids) * len(hole.candidates)
        if events >= EVENTS_AT_ONCE or number + 1 == len(holes):
            found += _scored(model, waiting)
            waiting, events = [], 0
    return found


def _scored(model: LanguageModel, holes: Sequence[Hole]) -> list[Floats]:
    filled = []
    for hole in holes:
        sentences = np.tile(hole.ids, (len(hole.candidates), 1))
        sentences[:, hole.place] = hole.candidates
        filled.append(sentences)
    scores = iter(model.score([row for sentences in filled for row in sentences]))
    return [
        np.array([next(scores)[hole.place :].sum() for _ in hole.candidates], dtype=np.float64)
        for hole in holes
    ]


def _bits(logprobs: Floats, right: int) -> float:
    """Surprisal of the right candidate when all of them share the whole probability."""
    best = logprobs.max()
    if not np.isfinite(best) or np.isneginf(logprobs[right]):
        return math.inf
    return float(best + np.log(np.exp(logprobs - best).sum()) - logprobs[right]) / math.log(2)


def _scores(
    logprobs: Sequence[Floats], holes: Sequence[Hole], bits: Floats, options: EvaluationOptions
) -> GapScores:
    ranks = np.array(
        [
            1 + (own > own[hole.right]).sum() + ((own == own[hole.right]).sum() - 1) / 2
            for own, hole in zip(logprobs, holes, strict=True)
        ]
    )
    accuracy, accuracy_ci95 = mean_with_interval((ranks == 1).astype(float), options.resamples, options.seed)
    mean, ci95 = mean_with_interval(bits, options.resamples, options.seed)
    return GapScores(
        accuracy=accuracy,
        accuracy_ci95=accuracy_ci95,
        mean_rank=float(ranks.mean()),
        bits=mean,
        bits_ci95=ci95,
    )
