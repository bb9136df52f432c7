"""Analysis `minimal_pairs`: whether the right sentence of a pair has the higher probability.

A sentence is scored as a document of its own, its end included (Marvin and Linzen 2018; Warstadt et al.
2020). A pair that a model cannot tell apart, since it sees the same tokens, counts as half. Knows
nothing of how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from lmcompare.evaluation.analysis import Contender, Subject
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.resampling import bootstrap_sums, interval
from lmcompare.evaluation.results import Accuracy, MinimalPairs, MinimalPairsCell, PairsOfParadigm
from lmcompare.evaluation.targeted.reading import Pair, apart, read_pairs
from lmcompare.interface import Floats, LanguageModel
from lmcompare.registry import Progress
from lmcompare.text.corpus import Corpus
from lmcompare.text.tokenizers.unknown import unknown_ids

AT_ONCE = 512
"""Pairs that are scored together."""


class MinimalPairsAnalysis:
    """See `analysis.Analysis`."""

    name = "minimal_pairs"

    def measure(self, subject: Subject) -> MinimalPairsCell | None:
        """Judge every pair of the files that the options name."""
        options = subject.options.minimal_pairs
        if not options.files:
            return None
        pairs = read_pairs(options.files, options.each)
        if options.spacing == "signs apart":
            pairs = [Pair(apart(p.good), apart(p.bad), p.phenomenon, p.paradigm) for p in pairs]
        found: list[tuple[float, float, bool, bool]] = []
        for first in range(0, len(pairs), AT_ONCE):
            subject.tell(Progress("minimal pairs", first, len(pairs)))
            found += judge(subject.model, pairs[first : first + AT_ONCE])
        return MinimalPairsCell(paradigms=_paradigms(pairs, found))

    def check(self, options: EvaluationOptions, corpus: Corpus) -> None:
        """Every line of every file holds a pair."""
        if options.minimal_pairs.files:
            read_pairs(options.minimal_pairs.files)

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> MinimalPairs | None:
        """Accuracy of each model by phenomenon, and over all."""
        rows = []
        for contender in contenders:
            cells = [cell.analyses.minimal_pairs for cell in contender.cells]
            found = [cell.paradigms for cell in cells if cell is not None]
            if found:
                phenomena = list(dict.fromkeys(one.phenomenon for one in found[0]))
                for phenomenon in ["", *phenomena]:
                    rows.append(accuracy(contender.result.name, phenomenon, found, options))
        return MinimalPairs(rows=rows) if rows else None


MINIMAL_PAIRS = MinimalPairsAnalysis()


def judge(model: LanguageModel, pairs: Sequence[Pair]) -> list[tuple[float, float, bool, bool]]:
    """Of each pair: points (1, 0.5 or 0), points by mean log probability, whether a tie, whether unknown."""
    tokenizer = model.tokenizer
    documents = [tokenizer.encode_document([text]) for pair in pairs for text in (pair.good, pair.bad)]
    sums = np.array([float(np.sum(scores)) for scores in model.score(documents)])
    means = sums / np.array([len(document) for document in documents])
    unknown, found = unknown_ids(tokenizer), []
    for place in range(len(pairs)):
        good, bad = 2 * place, 2 * place + 1
        same = np.array_equal(documents[good], documents[bad])
        strange = bool(np.isin(np.concatenate(documents[good : bad + 1]), unknown).any())
        points = 0.5 if same else _points(sums[good], sums[bad])
        found.append((points, 0.5 if same else _points(means[good], means[bad]), points == 0.5, strange))
    return found


def accuracy(
    model: str, phenomenon: str, seeds: Sequence[Sequence[PairsOfParadigm]], options: EvaluationOptions
) -> Accuracy:
    """Over the paradigms of a phenomenon ("": of all), mean over the seeds."""
    chosen = [[one for one in seed if phenomenon in ("", one.phenomenon)] for seed in seeds]
    pairs = np.array([one.pairs for one in chosen[0]], dtype=np.float64)
    known = np.array([one.pairs - one.unknown for one in chosen[0]], dtype=np.float64)

    def over_seeds(key: str) -> Floats:
        points = np.array([[getattr(one, key) for one in seed] for seed in chosen], dtype=np.float64)
        mean: Floats = points.mean(axis=0)
        return mean

    total = int(pairs.sum())
    share, ci95 = share_of(over_seeds("right"), pairs, options)
    share_per_token, ci95_per_token = share_of(over_seeds("right_per_token"), pairs, options)
    share_known, ci95_known, right_known = None, None, over_seeds("right_known")
    if known.any() and np.isfinite(right_known).all():
        share_known, ci95_known = share_of(right_known, known, options)
    return Accuracy(
        model=model,
        phenomenon=phenomenon,
        pairs=total,
        paradigms=len(pairs),
        accuracy=share,
        ci95=ci95,
        accuracy_per_token=share_per_token,
        ci95_per_token=ci95_per_token,
        ties=float(np.mean([sum(one.ties for one in seed) / total for seed in chosen])),
        unknown=float(np.mean([sum(one.unknown for one in seed) / total for seed in chosen])),
        known_pairs=int(known.sum()),
        accuracy_known=share_known,
        ci95_known=ci95_known,
    )


def share_of(right: Floats, pairs: Floats, options: EvaluationOptions) -> tuple[float, tuple[float, float]]:
    """Share of the pairs that are right, and its 95 % interval.

    Pairs of one paradigm follow one template, so that paradigms are drawn, and then the pairs of each of
    them (a normal sum of as many draws as it has pairs). Of few paradigms the interval is too narrow, as of
    any bootstrap; of a single one it is Wilson's, and tells of that paradigm alone.

    Args:
        right: points of each paradigm, `[paradigms]`.
        pairs: of each paradigm, `[paradigms]`; those without pairs do not count.
        options: number and seed of the resamples.
    """
    held = pairs > 0
    right, pairs = right[held], pairs[held]
    share = float(right.sum() / pairs.sum())
    if len(pairs) == 1:
        return share, wilson(share, int(pairs[0]))
    variance = right * (1 - right / pairs)
    drawn = bootstrap_sums(np.stack([right, pairs, variance], axis=1), options.resamples, options.seed)
    within = np.random.default_rng([options.seed, 2]).normal(size=options.resamples)
    sums = drawn[:, 0] + np.sqrt(np.maximum(drawn[:, 2], 0.0)) * within
    return share, interval(np.clip(sums / drawn[:, 1], 0.0, 1.0))


def wilson(share: float, number: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's (1927) score interval of a proportion; stays between 0 and 1 and has a width at both ends."""
    z = float(ndtri(0.5 + level / 2))
    centre = share + z * z / (2 * number)
    half = z * math.sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    scale = 1 + z * z / number
    return (centre - half) / scale, (centre + half) / scale


def _points(good: float, bad: float) -> float:
    if good == bad:  # both may be impossible
        return 0.5
    return 1.0 if good > bad else 0.0


def _paradigms(
    pairs: Sequence[Pair], found: Sequence[tuple[float, float, bool, bool]]
) -> list[PairsOfParadigm]:
    groups: dict[tuple[str, str], list[tuple[float, float, bool, bool]]] = {}
    for pair, one in zip(pairs, found, strict=True):
        groups.setdefault((pair.phenomenon, pair.paradigm), []).append(one)
    return [
        PairsOfParadigm(
            phenomenon=phenomenon,
            paradigm=paradigm,
            pairs=len(judged),
            right=sum(one[0] for one in judged),
            right_per_token=sum(one[1] for one in judged),
            ties=sum(one[2] for one in judged),
            unknown=sum(one[3] for one in judged),
            right_known=sum(one[0] for one in judged if not one[3]),
        )
        for (phenomenon, paradigm), judged in groups.items()
    ]
