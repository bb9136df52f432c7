"""A cache: n-grams of what the document has said so far, weighted by how long ago, over another model.

Knows nothing of what the model below is, and nothing of other documents: it forgets at a document's end.

Sources: Kuhn and De Mori, "A cache-based natural language model for speech recognition" (1990), for the
cache; Clarkson and Robinson, "Language model adaptation using mixtures and an exponentially decaying cache"
(1997), for the decay; Bell, Cleary and Witten, "Text compression" (1990), for weights by mass and kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from lmcompare import files
from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer
from lmcompare.models.mixture.history import History, apart, join
from lmcompare.models.nested_folder import load_members, save_with_members


@dataclass(frozen=True)
class Recall:
    """How a cache weighs what it remembers, one number an order from 1 on.

    Attributes:
        rates: a token that stands d places back counts exp(-rate d); `[order]`.
        masses: tokens' worth of trust in the shorter context, whatever was seen; `[order]`, above 0.
        shares: the same for each kind of token that followed the context; `[order]`, not negative.
    """

    rates: Floats
    masses: Floats
    shares: Floats

    @classmethod
    def of_order(cls, order: int, *, over: bool) -> Recall:
        """A reasonable beginning; `over`: whether a trained model, and no even distribution, stands below."""
        rates, masses, shares = np.full(order, 5e-4), np.ones(order), np.full(order, 3.0)
        rates[0], masses[0], shares[0] = 1.5e-3, 2000.0 if over else 1.0, 0.5
        return cls(rates, masses, shares)


@dataclass
class CacheState:
    """What each row has read, and the model below's own state."""

    history: History
    below: State | None

    def rows(self, index: Ids) -> CacheState:
        """See `State.rows`."""
        return CacheState(self.history.rows(index), None if self.below is None else self.below.rows(index))


class CacheModel(LanguageModel):
    """An n-gram cache with decay; policy `document`.

    With c(h, w) the decayed count of the n-gram h w in the document so far, c(h) its sum over w, and k(h) how
    many different tokens have followed h,

        p_n(w | h) = l c(h, w) / c(h) + (1 - l) p_(n-1)(w | h without its first word),
        l = c(h) / (c(h) + mass_n + share_n k(h)),

    where p_0 is the model below, or 1 / (size - 1) for every token but `bos`. So it sums to one, and what was
    never seen keeps a probability.

    Args:
        tokenizer: the event space.
        recall: decay and trust.
        over: the model below.
    """

    kind = "cache"
    policy = "document"
    context = None

    def __init__(self, tokenizer: Tokenizer, recall: Recall, over: LanguageModel | None = None) -> None:
        self.tokenizer, self.recall, self.over = tokenizer, recall, over
        self.order = len(recall.rates)
        self.parameters = 3 * self.order + (over.parameters if over is not None else 0)

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        logprobs, below = (self._even(batch), None) if self.over is None else self.over.start(batch)
        return np.array(logprobs, dtype=np.float64), CacheState(History.empty(batch), below)

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`. Takes time in the number of tokens read."""
        before = cast(CacheState, state)
        history = before.history.append(tokens)
        if self.over is None:
            logprobs, below = self._even(len(tokens)), None
        else:
            assert before.below is not None
            logprobs, below = self.over.step(tokens, before.below)
        return self._remember(history.read, logprobs), CacheState(history, below)

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`."""
        numbers, bounds = self.numbers(documents)
        scores = score(numbers, bounds, self.recall, self.below(documents))
        return apart(scores, bounds)

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`."""
        below = self._even(len(contexts)) if self.over is None else self.over.next_logprobs(contexts)
        rows = [
            self._remember(np.asarray(context)[None], row[None])
            for context, row in zip(contexts, below, strict=True)
        ]
        return np.concatenate([np.zeros((0, self.tokenizer.size)), *rows])

    def matched_order(self, documents: Sequence[Ids]) -> list[NDArray[np.int64]]:
        """Length of the longest n-gram that ends with each event and stood in its document before."""
        from lmcompare.models.mixture import cache_kernels as kernels

        numbers, bounds = self.numbers(documents)
        longest = np.empty(numbers.shape[1], dtype=np.int64)
        kernels.known(numbers, bounds, longest)
        return apart(longest, bounds)

    def numbers(self, documents: Sequence[Ids]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The number of each n-gram within its document, `[order, n]`, and where each document starts."""
        from lmcompare.models.mixture import cache_kernels as kernels

        tokens, bounds = join(documents)
        size = self.tokenizer.size
        if len(tokens) and not 0 <= tokens.min() <= tokens.max() < size:
            raise InputError(f"there is an id outside the model's, 0 to {size - 1}")
        numbers = np.empty((self.order, len(tokens)), dtype=np.int32)
        kernels.number(tokens, bounds, self.order, size, numbers)
        return numbers, bounds

    def below(self, documents: Sequence[Ids]) -> Floats:
        """Log p of every event under the model below, all documents in one array."""
        if self.over is not None:
            return np.concatenate([np.zeros(0), *self.over.score(documents)])
        tokens, _ = join(documents)
        return np.where(tokens == self.tokenizer.bos, -np.inf, -np.log(max(self.tokenizer.size - 1, 1)))

    def save(self, folder: Path) -> None:
        """See `LanguageModel.save`; the model below is kept inside."""
        recall = self.recall
        arrays = {"rates": recall.rates, "masses": recall.masses, "shares": recall.shares}
        below = [] if self.over is None else [self.over]
        save_with_members(folder, self.kind, {}, arrays, self.tokenizer, below)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `LanguageModel.load`."""
        from lmcompare.text.tokenizers import from_json

        saved = files.load_model(folder, cls.kind)
        missing = [name for name in ("rates", "masses", "shares") if name not in saved.arrays]
        if missing:
            raise InputError(f"weights.safetensors lacks {', '.join(missing)}", where=str(folder))
        recall = Recall(saved.arrays["rates"], saved.arrays["masses"], saved.arrays["shares"])
        members = load_members(folder, saved.config)
        return cls(from_json(saved.tokenizer), recall, members[0] if members else None)

    def _even(self, batch: int) -> Floats:
        size, bos = self.tokenizer.size, self.tokenizer.bos
        out = np.full((batch, size), -np.log(max(size - 1, 1)))
        out[:, bos] = -np.inf
        return out

    def _remember(self, history: Ids, below: Floats) -> Floats:
        from lmcompare.models.mixture import cache_kernels as kernels

        out = np.array(below, dtype=np.float64)
        recall = self.recall
        tokens = np.ascontiguousarray(history, dtype=np.int32)
        with np.errstate(divide="ignore"):
            kernels.distributions(tokens, recall.rates, recall.masses, recall.shares, out)
        return out


def score(numbers: Any, bounds: Any, recall: Recall, below: Floats) -> Floats:
    """Log p of every event, given the n-grams' numbers and log p under the model below."""
    from lmcompare.models.mixture import cache_kernels as kernels

    out = np.empty(numbers.shape[1])
    none = np.zeros((0, 0))
    kernels.score(numbers, bounds, recall.rates, recall.masses, recall.shares, below, none, out)
    return out
