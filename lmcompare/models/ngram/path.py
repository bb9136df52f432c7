"""The back-off path of one prediction: what each order, from the longest down, puts into one probability.

Knows a model's tables and settings, and counts where it is given the text; nothing of how they are shown.
An interpolated model mixes: p(w|h) = own(hw) + weight(h) p(w|h'), so each order has a share in the sum, its
own part times the weights of all longer contexts. Any other model (back-off, one read from a file, a pruned
or a quantised one) takes the longest n-gram that it lists, and all is that order's share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lmcompare.interface import Ids
from lmcompare.models.ngram.counts import Stream
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.smoothing import COMPOSED
from lmcompare.models.ngram.smoothing.katz import HALF
from lmcompare.models.ngram.tables import BackoffTables

_MIXED = ("mle", "add-k", "jelinek-mercer", "pitman-yor")
_KINDS = ("kneser-ney", "modified-kneser-ney")
_DISCOUNTED = ("absolute", *_KINDS)


@dataclass(frozen=True, slots=True)
class Seen:
    """Counts of one order's n-gram hw and of its context h.

    Attributes:
        gram: how often the text has hw.
        context: how often something follows h.
        kinds: before how many different words (or starts of a sentence) hw stands.
        context_kinds: the same summed over all words that follow h.
    """

    gram: int
    context: int
    kinds: int
    context_kinds: int


@dataclass(frozen=True, slots=True)
class Step:
    """What one order has to say.

    Attributes:
        order: length of the n-gram; 0 for the distribution in which all words are alike.
        context: ids of h, `bos` among them.
        seen: its counts, where the text is known.
        counted: what the method counts of hw, and of h; `None` where that is not known.
        discount: what is taken from the count; `None` for a method without discounts.
        ratio: the part of the count that is kept, for a method that discounts by multiplying (d_c of Katz).
        own: the part of p(w|h) that is this order's own; `None` where the model does not ask this order.
        weight: the weight that h gives to the shorter context; `None` where that is not known.
        share: this order's part of the final probability.
        orders: for how many orders, this one the longest, the step stands.
    """

    order: int
    context: tuple[int, ...]
    seen: Seen | None
    counted: tuple[int, int] | None
    discount: float | None
    ratio: float | None
    own: float | None
    weight: float | None
    share: float
    orders: int = 1


@dataclass(frozen=True, slots=True)
class BackoffPath:
    """One prediction: p(token | context), which is the sum of the steps' shares; the longest order first."""

    token: int
    interpolated: bool
    steps: list[Step]
    probability: float


def backoff_path(model: NgramModel, context: Ids, token: int, text: Stream | None = None) -> BackoffPath:
    """How a model arrives at the probability of a token.

    Args:
        model: any n-gram model.
        context: what was read since the document's start, as in `LanguageModel.next_logprobs`.
        token: the one that comes next.
        text: that the model was trained on, for the counts.
    """
    tables, interpolated = model.tables, is_interpolated(model.settings)
    contexts = _contexts(model, context)
    nodes = [_node(tables, ids) for ids in contexts]
    grams = [None if node is None else _child(tables, node, token) for node in nodes]
    weights = [1.0 if node is None else _exp(tables.backoffs[node]) for node in nodes]
    listed = [None if gram is None else _exp(tables.logprobs[gram]) for gram in grams]
    own, probability = _own_parts(listed, weights, interpolated)
    steps, reached = list[Step](), 1.0
    for ids, part, weight in zip(contexts, own, weights, strict=True):
        seen = None if text is None else count_of(text, ids, token)
        counted = _counted(model, ids, seen)
        taken = _discount(model.settings, len(ids), counted) if part else (None, None)
        share = 0.0 if part is None else reached * part
        steps.append(Step(len(ids) + 1, ids, seen, counted, *taken, part, weight if ids else None, share))
        reached *= weight
    return BackoffPath(token, interpolated, _with_uniform(model, steps), probability)


def is_interpolated(settings: Mapping[str, Any]) -> bool:
    """Whether a model of these settings mixes all orders, and its numbers are as they were estimated."""
    if settings.get("entropy_prune") is not None or settings.get("quantise") is not None:
        return False
    method = settings.get("smoothing")
    return method in _MIXED or (method in COMPOSED and settings.get("composition") != "back-off")


def count_of(text: Stream, context: Sequence[int], token: int) -> Seen:
    """Counts of an n-gram and of its context in a text."""
    ids = text.ids
    after = np.flatnonzero(ids != text.bos)  # the places of events
    for back, word in enumerate(reversed(context), 1):
        after = after[ids[after - back] == word]  # a place before the text's start is none of an event's
    here = after[ids[after] == token]
    if context and context[0] == text.bos:
        return Seen(len(here), len(after), len(here), len(after))
    before = len(context) + 1
    pairs = ids[after - before].astype(np.int64) * (int(ids.max()) + 1) + ids[after]
    kinds = (len(np.unique(found)) for found in (ids[here - before], pairs))
    return Seen(len(here), len(after), *kinds)


def _own_parts(
    listed: Sequence[float | None], weights: Sequence[float], interpolated: bool
) -> tuple[list[float | None], float]:
    """Each order's own part, the longest first, and the probability that they make."""
    if not interpolated:
        first = next(place for place, value in enumerate(listed) if value is not None)
        own = [value if place == first else None for place, value in enumerate(listed)]
        return own, float(np.prod(weights[:first])) * float(listed[first] or 0.0)
    parts, below = list[float | None](), 0.0
    for value, weight in zip(listed[::-1], weights[::-1], strict=True):
        mixed = weight * below if parts else 0.0  # the single words are given whole
        parts.append(0.0 if value is None else max(value - mixed, 0.0))
        below = mixed if value is None else value
    return parts[::-1], below


def _counted(model: NgramModel, context: tuple[int, ...], seen: Seen | None) -> tuple[int, int] | None:
    """What the model's method counts of an n-gram and of its context."""
    method = model.settings.get("smoothing")
    lower = len(context) + 1 < model.order and model.tokenizer.bos not in context
    if seen is None or method is None or (method == "pitman-yor" and lower):
        return None
    return (seen.kinds, seen.context_kinds) if method in _KINDS and lower else (seen.gram, seen.context)


def _discount(
    settings: Mapping[str, Any], order_below: int, counted: tuple[int, int] | None
) -> tuple[float | None, float | None]:
    """What is taken from the count, or else what it is multiplied by; nothing of a method without either."""
    method = settings.get("smoothing")
    if counted is None or not counted[0]:
        return None, None
    if method == "katz":
        ratios = settings["estimated"]["ratios"][order_below]
        if ratios is None:
            return HALF, None
        return None, float(ratios[counted[0] - 1]) if counted[0] <= len(ratios) else 1.0
    if method not in _DISCOUNTED:
        return None, None
    own = settings["estimated"]["discounts"][order_below]
    return float(own[min(counted[0], len(own)) - 1]), None


def _with_uniform(model: NgramModel, steps: list[Step]) -> list[Step]:
    """The steps, with what all words alike have of the single word's probability apart, where it is known."""
    single, words, settings = steps[-1], model.tables.size - 1, model.settings
    known = settings.get("smoothing") in _DISCOUNTED and settings.get("interpolate_unigrams")
    if not is_interpolated(settings) or not known or single.counted is None or not single.own:
        return steps
    count, total = single.counted
    own = (count - (single.discount or 0.0)) / total
    rest = max(single.own - own, 0.0)
    mixed = replace(single, own=own, weight=rest * words, share=single.share * own / single.own)
    alike = Step(0, (), None, None, None, None, 1 / words, None, single.share * rest / single.own)
    return [*steps[:-1], mixed, alike]


def _contexts(model: NgramModel, context: Ids) -> list[tuple[int, ...]]:
    """What the model sees of a context, from all of it down to nothing."""
    seen = [model.tokenizer.bos, *np.asarray(context).tolist()]
    if model.tokenizer.eos in seen:
        ended = len(seen) - 1 - seen[::-1].index(model.tokenizer.eos)
        seen = [model.tokenizer.bos, *seen[ended + 1 :]]
    longest = min(model.order - 1, len(seen))
    return [tuple(seen[len(seen) - length :]) for length in range(longest, -1, -1)]


def _node(tables: BackoffTables, gram: Sequence[int]) -> int | None:
    """The node of an n-gram, if it is listed."""
    node: int | None = 0
    for word in gram:
        node = None if node is None else _child(tables, node, word)
    return node


def _child(tables: BackoffTables, node: int, word: int) -> int | None:
    first, end = int(tables.starts[node]), int(tables.starts[node + 1])
    place = first + int(np.searchsorted(tables.words[first:end], word))
    return place if place < end and tables.words[place] == word else None


def _exp(logarithm: np.float32) -> float:
    return float(np.exp(np.float64(logarithm)))
