"""Rows set against each other: paired differences of all models, and the headline or its refusal.

Knows what may be compared with what, and leaves how to `significance`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

import numpy as np

from lmcompare.evaluation.analysis import Contender
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.perplexity import surprisals
from lmcompare.evaluation.results import (
    POLICIES,
    ModelResult,
    PairedDifference,
    PolicyName,
    Ranking,
    SplitName,
)
from lmcompare.evaluation.significance import Paired, differences, letters
from lmcompare.evaluation.units import split_of, units_of

MANY = 20
"""With more models than this not all pairs are tested, but what a reader of the ranking asks: see `pairs`."""
NEXT = 10
ALPHA = 0.05


def compare(contenders: Sequence[Contender], options: EvaluationOptions) -> list[PairedDifference]:
    """The pairs of models that can be compared, on each split under each policy.

    Models of one event space are compared per token, others per byte of the original text. A pair of
    different event spaces of which one is lossy is left out: see `why_incomparable`.
    """
    found: list[PairedDifference] = []
    for split, policy in itertools.product(options.splits, POLICIES):
        models = {each.result.name: _paired(each, split, policy) for each in contenders}
        chosen = pairs([each.result for each in contenders], split, policy)
        found += differences(
            models, split=split, policy=policy, pairs=chosen, resamples=options.resamples, seed=options.seed
        )
    return found


def pairs(results: Sequence[ModelResult], split: SplitName, policy: PolicyName) -> list[tuple[str, str]]:
    """All pairs that can be compared; of more than `MANY` models the best with each, and each with the next.

    So is the best of those that forget at a line's end with the `NEXT` best of them.

    Among 160 models there are 12,720 pairs: one would have to show p below 0.000004 to survive Holm's
    correction, and nobody reads them all. That the order was found on the same text is not corrected for.
    """
    chosen = list(itertools.combinations(results, 2))
    if len(results) > MANY:
        same = len({result.tokenizer.fingerprint for result in results}) <= 1
        unit = "bits_per_token" if same else "bits_per_byte"
        order = sorted(results, key=lambda result: float(getattr(result.splits[split][policy], unit)))
        forgetful = [result for result in order if result.policy == "sentence"][: NEXT + 1]
        chosen = [(order[0], other) for other in order[1:]] + list(itertools.pairwise(order))
        chosen += [(forgetful[0], other) for other in forgetful[1:]]
    names = [(a.name, b.name) for a, b in chosen if not why_incomparable([a, b])]
    return list(dict.fromkeys(names))


def rank(results: Sequence[ModelResult], comparisons: Sequence[PairedDifference] = ()) -> Ranking:
    """The headline: models by bits on the test text (else valid), each under its native policy.

    With all pairs among the comparisons, letters say which models could not be told apart.
    """
    same = len({result.tokenizer.fingerprint for result in results}) <= 1
    unit: Literal["bits_per_token", "bits_per_byte"] = "bits_per_token" if same else "bits_per_byte"
    split: SplitName = "test" if all("test" in result.splits for result in results) else "valid"
    order = sorted(results, key=lambda result: float(getattr(result.splits[split]["native"], unit)))
    refused = why_incomparable(results)
    names = [result.name for result in (results if refused else order)]
    tested = {
        (each.a, each.b): each for each in comparisons if (each.split, each.policy) == (split, "native")
    }
    shown = {}
    if len(tested) == len(names) * (len(names) - 1) // 2 and tested and not refused:
        shown = letters(names, [pair for pair, each in tested.items() if told_apart(each)])
    return Ranking(unit=unit, policy="native", order=names, refused=refused, letters=shown)


def told_apart(found: PairedDifference) -> bool:
    """Whether the corrected test finds a difference and the intervals exclude zero; it may be infinite.

    The second interval, over training seeds too, counts where it is known.
    """
    known = [each for each in (found.ci95, found.seeds95) if each is not None]
    return found.p_holm < ALPHA and all(low > 0 or high < 0 for low, high in known)


def why_incomparable(results: Sequence[ModelResult]) -> str:
    """Why these models cannot be put in an order; "" where they can.

    Models that predict different tokens can be compared per byte of the original text only if each of
    them has to predict all of it. A lossy tokenizer spares its model what it throws away. The same tokens in
    another reading order are spared the same.
    """
    if len({result.tokenizer.tokens or result.tokenizer.fingerprint for result in results}) <= 1:
        return ""
    lossy = [f"{result.name} ({result.tokenizer.lossy})" for result in results if result.tokenizer.lossy]
    if not lossy:
        return ""
    spared = ", ".join(lossy)
    return f"the models predict different tokens, and not all of the text has to be predicted by {spared}"


def _paired(contender: Contender, split: SplitName, policy: PolicyName) -> Paired:
    encoded = contender.encoded
    by_document = encoded.corpus.by_document
    units = units_of(split_of(encoded, split), encoded.tokenizer.eos, by_document=by_document)
    by_seed = [surprisals(units, [each.logprobs[split, policy]]) for each in contender.scores]
    finite, impossible = (np.stack(column) for column in zip(*by_seed, strict=True))
    result = contender.result
    return Paired(units, finite, impossible, result.tokenizer.fingerprint, result.drawn)
