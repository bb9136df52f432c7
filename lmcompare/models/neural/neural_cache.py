"""A neural cache: what followed the places of this document that were like this one, beside a network.

Knows of the network its scores and the vectors that predict; nothing is trained, nothing crosses documents.

Source: Grave, Joulin and Usunier, "Improving neural language models with a continuous cache" (2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np

from lmcompare import files
from lmcompare.interface import Floats, Ids, LanguageModel, State
from lmcompare.models.mixture import weights
from lmcompare.models.mixture.memory_options import NeuralCacheOptions
from lmcompare.models.nested_folder import load_members, save_with_members
from lmcompare.models.neural.memory_member import (
    beside,
    first_tokens,
    groups,
    mixed,
    network_of,
    only_member,
)
from lmcompare.registry import Progress, Training

QUERIES = 256
"""Places of one document that are compared with those before them at once."""
SHARPNESS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Tried first: theta times the mean squared length of a vector; then halfway to the best one's neighbours."""


@dataclass
class NeuralCacheState:
    """What the rows have read; all rows equally much.

    Attributes:
        inner: of the network.
        said: log p of the network's next token, `[batch, size]`.
        now: the vector that predicts the next token, `[batch, width]`.
        vectors: those that predicted the last tokens, `[batch, room, width]`; no order.
        tokens: the tokens that came, `[batch, room]`.
        read: how many tokens were read.
    """

    inner: State
    now: Floats
    vectors: Floats
    tokens: Ids
    read: int

    def rows(self, index: Ids) -> NeuralCacheState:
        """See `State.rows`."""
        index = np.asarray(index, dtype=np.int64)
        return NeuralCacheState(
            self.inner.rows(index), self.now[index], self.vectors[index], self.tokens[index], self.read
        )


class NeuralCacheModel(LanguageModel):
    """p(w | h) = (1 - weight) p_network(w | h) + weight p_cache(w | h); policy `document`.

    With v_i the vector that predicted the document's token x_i, and i over the last `window` places,

        p_cache(w | h) = sum of exp(theta v . v_i) over x_i = w / sum of exp(theta v . v_i) over all i

    (equations 2 and 3). A document's first token is the network's alone.

    Args:
        member: the network.
        theta: see above.
        weight: see above.
        window: see above.
        facts: how they were found.
    """

    kind = "neural-cache"
    policy = "document"
    context = None

    def __init__(
        self, member: LanguageModel, theta: float, weight: float, window: int, facts: dict[str, Any]
    ) -> None:
        self.member = network_of(member)
        self.tokenizer, self.theta, self.weight, self.window = member.tokenizer, theta, weight, window
        self.facts = facts
        self.parameters = member.parameters + 2

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        said, now, inner = self.member.start_with_vectors(batch)
        vectors = np.empty((batch, 0, now.shape[1]), dtype=np.float32)
        return said, NeuralCacheState(inner, now, vectors, np.empty((batch, 0), dtype=np.int64), 0)

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`. Takes time in the number of tokens read, up to the window."""
        before, tokens = cast(NeuralCacheState, state), np.asarray(tokens)
        room = before.tokens.shape[1]
        if before.read == room < self.window:
            more = min(max(16, room), self.window - room)
            new = np.zeros((len(tokens), more, before.now.shape[1]), dtype=np.float32)
            before.vectors = np.concatenate([before.vectors, new], axis=1)
            before.tokens = np.concatenate([before.tokens, np.zeros((len(tokens), more), np.int64)], axis=1)
            room += more
        place = before.read % room
        before.vectors[:, place], before.tokens[:, place] = before.now, tokens
        said, now, inner = self.member.step_with_vectors(tokens, before.inner)
        read = before.read + 1
        cached = self._distribution(now, before.vectors[:, :read], before.tokens[:, :read])
        out = beside(said, cached, self.weight)
        return out, NeuralCacheState(inner, now, before.vectors, before.tokens, read)

    def prepare_writing(self, rows: int, steps: int) -> None:
        """See `Writes`."""
        self.member.prepare_writing(rows, steps)

    def flops(self, context: float) -> float:
        """See `CountsFlops`: each remembered vector is compared."""
        return self.member.flops(context) + 2.0 * self.member.embedding.width * min(context, self.window)

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`."""
        found = []
        for group in groups(documents):
            for document, said, vectors in zip(group, *self.member.score_with_vectors(group), strict=True):
                cached = cache_scores(vectors, np.asarray(document), self.theta, self.window)
                cached[:1] = said[:1]
                found.append(mixed(said, cached, self.weight))
        return found

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`."""
        out = np.empty((len(contexts), self.tokenizer.size))
        row = 0
        for group in groups(contexts):
            said = self.member.next_logprobs(group)
            for context, own, vectors in zip(group, said, self.member.vectors_after(group), strict=True):
                out[row] = own
                if len(context):
                    last = slice(max(0, len(context) - self.window), len(context))
                    tokens = np.asarray(context)[None, last]
                    cached = self._distribution(vectors[-1:], vectors[None, last], tokens)
                    out[row] = beside(own[None], cached, self.weight)[0]
                row += 1
        return out

    def save(self, folder: Path) -> None:
        """See `LanguageModel.save`; the network is kept inside."""
        config = {"window": self.window, "theta": self.theta, "weight": self.weight, "facts": self.facts}
        save_with_members(folder, self.kind, config, {}, self.tokenizer, [self.member])

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `LanguageModel.load`."""
        config = files.load_model(folder, cls.kind).config
        member = only_member(load_members(folder, config), folder)
        return cls(member, config["theta"], config["weight"], config["window"], config["facts"])

    def _distribution(self, now: Floats, vectors: Floats, tokens: Ids) -> Floats:
        """The cache's probabilities, `[batch, size]`: now `[batch, width]`, vectors `[batch, n, width]`."""
        alike = self.theta * (vectors @ now[:, :, None])[:, :, 0].astype(np.float64)
        alike = np.exp(alike - alike.max(axis=1, keepdims=True))
        alike /= alike.sum(axis=1, keepdims=True)
        out = np.zeros((len(now), self.tokenizer.size))
        np.add.at(out, (np.arange(len(now))[:, None], tokens), alike)
        return out


def cache_scores(vectors: Floats, tokens: Ids, theta: float, window: int) -> Floats:
    """Log p of each event of a document under the cache alone, `[n]`; nan for the first one.

    Args:
        vectors: that predicted the events, `[n, width]`.
        tokens: the events, `[n]`.
        theta: see `NeuralCacheModel`.
        window: see `NeuralCacheModel`.
    """
    scores: Floats = sweep(vectors, tokens, [theta], window)[0]
    return scores


def sweep(vectors: Floats, tokens: Ids, thetas: Sequence[float], window: int) -> Floats:
    """As `cache_scores`, for several thetas at once: `[thetas, n]`."""
    out = np.full((len(thetas), len(tokens)), np.nan)
    for begin in range(1, len(tokens), QUERIES):
        places = np.arange(begin, min(begin + QUERIES, len(tokens)))
        first = max(0, begin - window)
        seen = np.arange(first, places[-1])
        alike = vectors[places] @ vectors[seen].T
        hidden = (seen >= places[:, None]) | (seen < places[:, None] - window)
        same = tokens[seen] == tokens[places][:, None]
        for number, theta in enumerate(thetas):
            scaled = np.where(hidden, -np.inf, np.float32(theta) * alike)
            scaled -= scaled.max(axis=1, keepdims=True)
            np.exp(scaled, out=scaled)
            hits = np.where(same, scaled, 0).sum(axis=1, dtype=np.float64)
            with np.errstate(divide="ignore"):  # log 0 is -inf, and is meant
                out[number, places] = np.log(hits) - np.log(scaled.sum(axis=1, dtype=np.float64))
    return out


def train(job: Training, options: NeuralCacheOptions, member: LanguageModel) -> NeuralCacheModel:
    """Tune theta by a grid, and for each theta the weight by EM, on the validation text."""
    network = network_of(member)
    texts = first_tokens(job.valid, options.valid_tokens)
    if (options.theta is not None and options.weight is not None) or not any(len(text) > 1 for text in texts):
        chosen = options.theta or 0.0, options.weight or 0.0
        if options.weight is None:
            note = "no validation text: the weight is 0, so the cache adds nothing"
            job.progress(Progress("tuning the cache", 2, 2, note))
        return NeuralCacheModel(network, *chosen, options.window, {})
    job.progress(Progress("tuning the cache", 0, 2, "the network reads the validation text"))
    scores, vectors = network.score_with_vectors(texts)
    length = float(np.mean([np.square(each).sum(axis=1).mean() for each in vectors if len(each)]))
    said = np.concatenate([each[1:] for each in scores])
    tried: dict[float, tuple[float, float]] = {}

    def attempt(thetas: list[float]) -> None:
        pairs = zip(vectors, texts, strict=True)
        parts = [sweep(own, text, thetas, options.window)[:, 1:] for own, text in pairs]
        for theta, cached in zip(thetas, np.concatenate(parts, axis=1), strict=True):
            both = np.stack([said, cached], axis=1)
            weight = float(weights.fit(both)[1]) if options.weight is None else options.weight
            tried[theta] = float(mixed(said, cached, weight).mean()), weight

    attempt([sharp / length for sharp in SHARPNESS] if options.theta is None else [options.theta])
    best = max(tried, key=lambda theta: tried[theta])
    if options.theta is None:
        job.progress(Progress("tuning the cache", 1, 2))
        attempt([best * 2**-0.5, best * 2**0.5])
        best = max(tried, key=lambda theta: tried[theta])
    weight = tried[best][1]
    facts = {
        "valid_tokens": len(said),
        "valid_ppl_alone": float(np.exp(-said.mean())),
        "tried": [
            {"theta": theta, "weight": own, "valid_ppl": float(np.exp(-mean))}
            for theta, (mean, own) in sorted(tried.items())
        ],
    }
    note = f"theta {best:.3g}, weight {weight:.3f}: valid ppl {np.exp(-tried[best][0]):.1f}"
    job.progress(Progress("tuning the cache", 2, 2, note))
    return NeuralCacheModel(network, best, weight, options.window, facts)


def load(folder: Path) -> NeuralCacheModel:
    """See `LanguageModel.load`."""
    return NeuralCacheModel.load(folder)
