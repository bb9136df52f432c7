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
from lmcompare.evaluation.results import Accuracy, MinimalPairs, MinimalPairsCell, PairsOfParadigm
from lmcompare.evaluation.targeted.reading import Pair, apart, read_pairs
from lmcompare.interface import LanguageModel
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
                    rows.append(accuracy(contender.result.name, phenomenon, found))
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


def accuracy(model: str, phenomenon: str, seeds: Sequence[Sequence[PairsOfParadigm]]) -> Accuracy:
    """Over the paradigms of a phenomenon ("": of all), mean over the seeds."""
    chosen = [[one for one in seed if phenomenon in ("", one.phenomenon)] for seed in seeds]
    pairs = sum(one.pairs for one in chosen[0])
    share = [sum(one.right for one in seed) / pairs for seed in chosen]
    per_token = [sum(one.right_per_token for one in seed) / pairs for seed in chosen]
    mean = float(np.mean(share))
    return Accuracy(
        model=model,
        phenomenon=phenomenon,
        pairs=pairs,
        accuracy=mean,
        ci95=wilson(mean, pairs),
        accuracy_per_token=float(np.mean(per_token)),
        ties=float(np.mean([sum(one.ties for one in seed) / pairs for seed in chosen])),
        unknown=float(np.mean([sum(one.unknown for one in seed) / pairs for seed in chosen])),
    )


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
        )
        for (phenomenon, paradigm), judged in groups.items()
    ]
