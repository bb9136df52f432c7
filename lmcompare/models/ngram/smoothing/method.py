"""What a method of smoothing is: from the counts of one order to what each n-gram keeps and a context frees.

Knows nothing of any one method, of back-off weights, or of pruning.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.models.ngram.counts import Level, Stream
from lmcompare.models.ngram.smoothing.held_out import HeldOut, locate

Counts = NDArray[np.integer[Any]] | NDArray[np.float64]
Floats = NDArray[np.float64]
_PART = 1 << 16


@dataclass(frozen=True, slots=True)
class Smoothing:
    """How counts become probabilities. What a method does not use, it does not look at.

    Attributes:
        method: a name in `estimation.METHODS`.
        composition: "interpolated" or "back-off", for the methods in `estimation.COMPOSED`.
        prune: for each order, n-grams that occur so often or less are left out; the first is 0, none falls.
        interpolate_unigrams: mix single words with the uniform distribution; otherwise that mass is the
            unknown word's alone.
        discounts: "textbook", "lmplz" (with its issue 405), or "tuned" on held-out text.
        discount_levels: how many discounts an order has where they are tuned: D1, D2, ... for counts 1, 2,
            ..., the last for all counts above too.
        fallback: go on with a note where the counts are too few for an estimate; otherwise refuse.
        k: what add-k adds; `None` fits it on held-out text.
        alpha: the weight of each step of stupid back-off.
    """

    method: str = "modified-kneser-ney"
    composition: str = "interpolated"
    prune: tuple[int, ...] = ()
    interpolate_unigrams: bool = True
    discounts: str = "textbook"
    discount_levels: int = 3
    fallback: bool = True
    k: float | None = None
    alpha: float = 0.4

    def threshold(self, order: int) -> int:
        """The pruning threshold of an order; the last one given stands for all orders above."""
        return self.prune[min(order, len(self.prune)) - 1] if self.prune else 0


@dataclass(frozen=True)
class Evidence:
    """All that a method may learn from.

    Attributes:
        levels: the n-grams of each order.
        stream: the text that they were counted in; `None` where only the counts are known.
        held_out: text to fit parameters on, if there is any.
        keep: which n-grams are not pruned, one array an order.
        below: the distribution that stands below the single words, `[size]`.
        bos: id that opens each sentence.
        eos: id that ends it.
    """

    levels: Sequence[Level]
    stream: Stream | None
    held_out: Stream | None
    keep: Sequence[NDArray[np.bool_]]
    below: Floats
    bos: int
    eos: int

    @cached_property
    def events(self) -> HeldOut | None:
        """The events of the held-out text, if there are any."""
        found = None if self.held_out is None else locate(self.levels, self.held_out, self.below)
        return found if found and len(found.lowest) else None

    def orders(self, counts: Sequence[Counts]) -> list[OrderCounts]:
        """The counts of each order, with what a method needs to know of their contexts."""
        found = []
        for order, (level, numbers) in enumerate(zip(self.levels, counts, strict=True), 1):
            shorter = self.levels[order - 2] if order > 1 else None
            complete = np.full(len(shorter.words) if shorter else 1, order == len(self.levels))
            if order == 2:
                complete[self.bos] = True
            elif shorter:
                complete |= shorter.opens
            found.append(OrderCounts(order, level.prefixes, numbers, complete))
        return found


@dataclass(frozen=True)
class OrderCounts:
    """The counts of the n-grams of one order, which stand in the order of their contexts.

    Attributes:
        order: their length.
        prefixes: the context of each, a number, `[n]`.
        counts: how often each occurs, in the sense of the method, `[n]`; may be 0 for single words.
        complete: whether no longer context could be known: of the highest order, or `bos` opens it,
            `[contexts]`.
        grams: which of all n-grams of the order these are.
        contexts: which of all contexts these are; `prefixes` counts from the first of them.
    """

    order: int
    prefixes: NDArray[np.integer[Any]]
    counts: Counts
    complete: NDArray[np.bool_]
    grams: slice = field(default_factory=partial(slice, None))
    contexts: slice = field(default_factory=partial(slice, None))

    def parts(self) -> Iterator[OrderCounts]:
        """All n-grams in parts of whole contexts, small enough for what is made of one to stay in cache."""
        gram, context = 0, 0
        while context < len(self.complete):
            last = min(gram + _PART, len(self.prefixes))
            # The context that reaches over the end is the next part's, unless it is this part's only one.
            end = len(self.complete)
            if last < len(self.prefixes):
                end = max(int(self.prefixes[last]), context + 1)
                last = int(np.searchsorted(self.prefixes, np.int32(end)))
            grams, contexts = slice(gram, last), slice(context, end)
            yield OrderCounts(
                self.order,
                self.prefixes[grams].astype(np.intp) - context,
                self.counts[grams],
                self.complete[contexts],
                grams,
                contexts,
            )
            gram, context = last, end

    def per_context(self, values: NDArray[Any] | None = None) -> Floats:
        """Sums of values `[n]` over the n-grams of each context; without values, how many there are."""
        if values is not None and values.dtype == np.bool_:
            values = values.astype(np.float64)
        sums = np.bincount(self.prefixes, weights=values, minlength=len(self.complete))
        return sums.astype(np.float64, copy=False)

    def pruned(self, keep: NDArray[np.bool_]) -> Floats:
        """The sum of the counts of each context's n-grams that are not kept, `[contexts]`."""
        if keep.all():
            return np.zeros(len(self.complete))
        return self.per_context(np.where(keep, 0, self.counts))

    @cached_property
    def totals(self) -> Floats:
        """How often each context occurs as one, `[contexts]`."""
        return self.per_context(self.counts)

    @cached_property
    def types(self) -> Floats:
        """How many different words follow each context, `[contexts]`."""
        return self.per_context(self.counts > 0 if self.order == 1 else None)


@dataclass(frozen=True, slots=True)
class Shares:
    """How the mass of each context is split, in units of counts; the frame divides by the sum.

    So p(w | h) is `kept / total` plus what comes from the shorter context, where `total` is all that is
    kept after h and what h frees. A context whose total is 0 leaves everything to the shorter one.

    Attributes:
        kept: what each n-gram keeps of its count, `[n]`.
        freed: what each context frees for the shorter context's distribution, `[contexts]`.
    """

    kept: Floats
    freed: Floats


class Method(ABC):
    """A way to smooth, fitted to its evidence when it is made.

    Attributes:
        orders: the counts of each order; they are spent when probabilities are made of them.
        notes: what a user should be told.
        parameters: what was estimated, for people: plain numbers and lists.
    """

    orders: list[OrderCounts]
    notes: list[str]
    parameters: dict[str, Any]

    def __init__(self, evidence: Evidence, smoothing: Smoothing) -> None:
        self.notes, self.parameters = [], {}
        self.orders = evidence.orders([level.counts for level in evidence.levels])

    def fitted_on(self, evidence: Evidence, what: str, remedy: str) -> HeldOut:
        """The events to fit `what` on, which is noted; `InputError` with the remedy where there are none."""
        if evidence.events is None:
            raise InputError(f"{what} is fitted on validation text, and there is none", remedy=remedy)
        self.notes.append(f"{what} is fitted on the validation text, whose own perplexity is too low thereby")
        return evidence.events

    @abstractmethod
    def shares(self, counts: OrderCounts) -> Shares:
        """What the n-grams of one order, or of a part of it, keep, and what their contexts free."""
