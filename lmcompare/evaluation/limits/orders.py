"""Analysis `orders`: the same family trained to read the sentences forwards, backwards and shuffled.

The chain rule holds in any order, so a model that knew the true distribution would need the same bits in
each. What an order costs beyond is what the family cannot learn in it. Models that differ in nothing but
`tokenizer.order` are compared by the bits of the same sentences, on the seeds that they share. Needs the
scores only. Knows nothing of how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.perplexity import surprisals, total
from lmcompare.evaluation.resampling import bootstrap_sums, interval
from lmcompare.evaluation.results import SplitName
from lmcompare.evaluation.results.limits import OrderGroup, OrderRow, Orders
from lmcompare.evaluation.units import Units, split_of, units_of
from lmcompare.interface import Floats
from lmcompare.text.tokenizers.ordered import ORDERS, in_text_order, order_of


class OrdersAnalysis:
    """See `analysis.Analysis`."""

    name = "orders"

    def measure(self, subject: Subject) -> None:
        """Nothing: the scores are enough."""

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Orders | None:
        """One group for each set of models that differ in the order alone."""
        if not options.orders.enabled:
            return None
        split = headline_split(options)
        groups = [_group(each, split, options) for each in alike(contenders)]
        if not groups:
            return None
        return Orders(split=split, unit=_units(contenders[0], split).name, groups=groups)


ORDERS_ANALYSIS = OrdersAnalysis()


def alike(contenders: Sequence[Contender]) -> list[list[Contender]]:
    """Sets of models of one kind, options and tokens that are read in two orders or more, and share a seed.

    Forward stands first where it is there; of several models with the same order the first is taken.
    """
    found: dict[tuple[object, ...], dict[str, Contender]] = {}
    for contender in contenders:
        tokenizer, result = contender.encoded.tokenizer, contender.result
        key = (result.kind, result.summary, in_text_order(tokenizer).fingerprint)
        found.setdefault(key, {}).setdefault(order_of(tokenizer), contender)
    groups = [[group[order] for order in ORDERS if order in group] for group in found.values()]
    return [group for group in groups if len(group) > 1 and shared_seeds(group)]


def shared_seeds(group: Sequence[Contender]) -> list[int]:
    """The seeds that all models of a set were trained with: only these are compared."""
    others = [set(contender.result.seeds) for contender in group]
    return [seed for seed in group[0].result.seeds if all(seed in seeds for seeds in others)]


def percent_more(base: Floats, other: Floats, resamples: int, seed: int) -> tuple[float, tuple[float, float]]:
    """Bits that `other` needs more than `base`, in percent of its bits, with a 95 % interval.

    Args:
        base: surprisal of each unit, `[units]`.
        other: of the same units in another order, `[units]`.
        resamples: samples of the bootstrap, which redraws units with both of their values.
        seed: of the bootstrap.
    """
    drawn = bootstrap_sums(np.stack([base, other], axis=1), resamples, seed)
    low, high = interval(100 * (drawn[:, 1] / drawn[:, 0] - 1))
    return 100 * (float(other.sum() / base.sum()) - 1), (low, high)


def _group(group: Sequence[Contender], split: SplitName, options: EvaluationOptions) -> OrderGroup:
    seeds = shared_seeds(group)
    nats = [_nats(contender, split, seeds) for contender in group]
    rows = []
    for contender, own in zip(group, nats, strict=True):
        text = split_of(contender.encoded, split)
        bits = total(float(own[0].sum()), float(own[1].sum())) / math.log(2)
        percent, ci95, by_seed = None, None, list[float]()
        if own is not nats[0] and not own[1].any() and not nats[0][1].any():
            percent, ci95 = percent_more(nats[0][0], own[0], options.resamples, options.seed)
            pairs = [
                [_nats(each, split, [seed])[0].sum() for each in (group[0], contender)] for seed in seeds
            ]
            by_seed = [100 * (float(one / base) - 1) for base, one in pairs]
        rows.append(
            OrderRow(
                model=contender.result.name,
                order=order_of(contender.encoded.tokenizer),
                bits_per_byte=bits / int(text.bytes.sum()),
                bits_per_sentence=bits / text.sentences,
                percent=percent,
                ci95=ci95,
                by_seed=by_seed,
                drawn=contender.result.drawn,
            )
        )
    return OrderGroup(kind=group[0].result.kind, rows=rows)


def _units(contender: Contender, split: SplitName) -> Units:
    encoded = contender.encoded
    by_document = encoded.corpus.by_document
    return units_of(split_of(encoded, split), encoded.tokenizer.eos, by_document=by_document)


def _nats(contender: Contender, split: SplitName, seeds: Sequence[int]) -> tuple[Floats, Floats]:
    scores = [
        contender.scores[contender.result.seeds.index(seed)].logprobs[split, "native"] for seed in seeds
    ]
    return surprisals(_units(contender, split), scores)
