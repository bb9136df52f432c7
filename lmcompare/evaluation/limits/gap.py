"""Analysis `gap`: which token is missing in a sentence, from one side and from both.

A model that reads in one direction answers at once from what stands before the gap. What stands after it
helps only by a detour: each candidate is put into the gap and the whole sentence is scored, since
p(candidate | the rest) is p(sentence with it), normalised over the candidates. So one direction is enough to
know, and it costs one sentence a candidate. Each sentence is read as a document of its own, in the model's
own order. Gaps and candidates are chosen without asking the model, so all models of a tokenizer answer the
same questions. Knows nothing of how it is drawn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.averages import mean_with_interval, over_seeds
from lmcompare.evaluation.limits.sentences import choose
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.options.limits import GapOptions
from lmcompare.evaluation.results.limits import Gap, GapCell, GapRow, GapScores
from lmcompare.evaluation.targeted.pairs import wilson
from lmcompare.evaluation.units import split_of
from lmcompare.evaluation.windows import spaced
from lmcompare.interface import Floats, Ids, LanguageModel, Tokenizer
from lmcompare.registry import Progress
from lmcompare.text.tokenizers.ordered import order_of, reading_places
from lmcompare.text.tokenizers.unknown import SIGNS, unknown_ids

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
        split, corpus = headline_split(options), subject.encoded.corpus
        model, tokenizer = subject.model, subject.model.tokenizer
        text = np.asarray(split_of(subject.encoded, split).ids)
        chosen = gaps(text, corpus.sentences(split), tokenizer, options.gap, words=corpus.words)
        if not chosen:
            return None
        subject.tell(Progress("gap", 0, 2, f"{len(chosen)} gaps"))
        counts = np.bincount(np.asarray(subject.encoded.train.ids), minlength=tokenizer.size)
        before = model.next_logprobs([ids[:place] for ids, place in chosen])
        holes = [
            Hole(ids, place, candidates(counts, int(ids[place]), tokenizer, options.gap.candidates))
            for ids, place in chosen
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
        usable = tokenizer.size - len(_never(tokenizer))
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


def gaps(
    text: Ids, lines: Sequence[str], tokenizer: Tokenizer, options: GapOptions, *, words: bool
) -> list[tuple[Ids, int]]:
    """Sentences as they are read, `eos` included, and the place of the gap in each.

    The place is chosen in the text: the same words are missing for a model of the same tokens in another
    order. The k-th sentence loses one of its tokens that may be missing, the one at k * 0.618 of them,
    wrapped, so that all places occur. Nobody is asked for what is unknown, nor, in sentences of words, for
    punctuation: a full stop at the end shows nothing.

    Args:
        text: all documents of a split one after the other, `[events]`.
        lines: the same as text, `[sentences]`.
        tokenizer: of the model.
        options: how many, and how long.
        words: whether the corpus is one of words.
    """
    chosen = choose(text, lines, tokenizer.eos, options.shortest, options.longest, options.gaps)
    occurring = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *chosen.ids]))
    asked = np.zeros(tokenizer.size, dtype=bool)
    asked[occurring] = [
        not (words and chosen.sentences) or any(map(str.isalnum, tokenizer.token(index)))
        for index in occurring.tolist()
    ]
    asked[_never(tokenizer)] = False
    usable: list[tuple[Ids, Ids]] = []
    for ids, line in zip(chosen.ids, chosen.lines, strict=True):
        may = asked[ids[:-1]]
        if any(sign in line for sign in SIGNS):
            may &= ~_in_sign(line, tokenizer)
        if may.any():
            usable.append((ids, np.flatnonzero(may)))
    found: list[tuple[Ids, int]] = []
    for number, index in enumerate(spaced(len(usable), options.gaps)):
        ids, places = usable[index]
        written = reading_places(np.array([len(ids) - 1]), order_of(tokenizer))[places]
        at = int(math.modf((number + 1) * (math.sqrt(5) - 1) / 2)[0] * len(places))
        found.append((ids, int(places[np.argsort(written)[at]])))
    return found


def candidates(counts: Ids, right: int, tokenizer: Tokenizer, most: int) -> Ids:
    """The tokens that are tried in a gap, by id; never `bos`, `eos` and what is unknown.

    All of them where there are at most `most`. Else `most` of them: half are the most frequent in train
    (`counts`, `[size]`), one is the right one, and the others stand next to it when all are ordered by
    their frequency. A model's own most probable tokens would be harder to tell apart, but each model would
    then answer a question of its own, and their answers could not stand in one table. With the most frequent
    ones alone, a rare token among common words would be known for the right one by its rarity.
    """
    allowed = np.setdiff1d(np.arange(tokenizer.size), _never(tokenizer))
    if len(allowed) <= most:
        return allowed
    by_frequency = allowed[np.argsort(-counts[allowed], kind="stable")]
    distance = np.abs(np.arange(len(allowed)) - np.flatnonzero(by_frequency == right))
    distance[: most // 2] = -1  # the most frequent ones come first; the right one, at 0, is next
    return np.sort(by_frequency[np.argsort(distance, kind="stable")[:most]])


def _never(tokenizer: Tokenizer) -> Ids:
    """Ids that are neither asked for nor tried: `bos`, `eos`, and what stands for unknown words."""
    return np.union1d([tokenizer.bos, tokenizer.eos], unknown_ids(tokenizer))


def _in_sign(line: str, tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """Which tokens of a line, as they are read, are a piece of a sign for unknown words, `[tokens]`."""
    spans, text = tokenizer.encode(line).spans, line.encode()
    inside = np.zeros(len(spans), dtype=bool)
    for sign in re.finditer(b"|".join(map(re.escape, (sign.encode() for sign in SIGNS))), text):
        inside |= (spans[:, 0] < sign.end()) & (spans[:, 1] > sign.start())
    return inside


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
    accuracy = float((ranks == 1).mean())
    mean, ci95 = mean_with_interval(bits, options.resamples, options.seed)
    return GapScores(
        accuracy=accuracy,
        accuracy_ci95=wilson(accuracy, len(ranks)),
        mean_rank=float(ranks.mean()),
        bits=mean,
        bits_ci95=ci95,
    )
