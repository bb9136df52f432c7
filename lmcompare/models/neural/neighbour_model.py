"""Nearest neighbours beside a network: what followed the places of the training text most like this one.

Knows of the network its scores and the vectors that predict; how neighbours are found is not its business
(`neighbours`).

Source: Khandelwal, Levy, Jurafsky, Zettlemoyer and Lewis, "Generalization through memorization: nearest
neighbor language models" (2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np

from lmcompare import files
from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, Policy, State
from lmcompare.models.mixture import weights
from lmcompare.models.mixture.memory_options import NeighbourOptions
from lmcompare.models.nested_folder import load_members, save_with_members
from lmcompare.models.neural.memory_member import (
    beside,
    first_tokens,
    groups,
    mixed,
    network_of,
    only_member,
)
from lmcompare.models.neural.neighbours import Found, Search, Store, within
from lmcompare.registry import Progress, Training

TEMPERATURES = (0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28)
"""Tried: the temperature in units of the mean squared distance of the nearest neighbours."""
PLACES = 4096
"""Places of a document whose neighbours are held at once."""


@dataclass
class NeighbourState:
    """What the rows have read, as the network remembers it."""

    inner: State

    def rows(self, index: Ids) -> NeighbourState:
        """See `State.rows`."""
        return NeighbourState(self.inner.rows(index))


class NeighbourModel(LanguageModel):
    """p(w | h) = (1 - weight) p_network(w | h) + weight p_neighbours(w | h).

    With v the vector that predicts, and (v_i, w_i) the k stored pairs whose vectors are the nearest,

        p_neighbours(w | h) = sum of exp(-|v - v_i|^2 / temperature) over w_i = w / the same sum over all i

    (equations 2 and 3). Equal vectors are stored once and count as often as they stood in the text. What the
    network does not see, its vectors do not tell: context and policy are the network's.

    Args:
        member: the network.
        store: what it read of the training text.
        k: see above.
        temperature: see above.
        weight: see above.
        facts: how they were found, and of how much text.
    """

    kind = "knn"

    def __init__(
        self,
        member: LanguageModel,
        store: Store,
        k: int,
        temperature: float,
        weight: float,
        facts: dict[str, Any],
    ) -> None:
        self.member = network_of(member)
        self.tokenizer, self.store, self.facts = member.tokenizer, store, facts
        self.k, self.temperature, self.weight = k, temperature, weight
        self.context: int | None = member.context
        self.policy: Policy = member.policy
        self.parameters = member.parameters + store.keys.size + 2 * len(store.tokens)
        self.search, self.totals = Search(store.keys), store.totals()

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        said, now, inner = self.member.start_with_vectors(batch)
        return beside(said, self._distributions(now), self.weight), NeighbourState(inner)

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`. Takes time in the number of stored vectors."""
        said, now, inner = self.member.step_with_vectors(tokens, cast(NeighbourState, state).inner)
        return beside(said, self._distributions(now), self.weight), NeighbourState(inner)

    def prepare_writing(self, rows: int, steps: int) -> None:
        """See `Writes`."""
        self.member.prepare_writing(rows, steps)

    def flops(self, context: float) -> float:
        """See `CountsFlops`: each stored vector is compared."""
        return self.member.flops(context) + 2.0 * self.store.keys.size

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`."""
        found: list[Floats] = []
        for group in groups(documents):
            for document, said, vectors in zip(group, *self.member.score_with_vectors(group), strict=True):
                tokens, recalled = np.asarray(document), np.empty(len(document))
                for begin in range(0, len(tokens), PLACES):
                    part = slice(begin, begin + PLACES)
                    near = self.search.nearest(vectors[part], self.k)
                    recalled[part] = self.target_scores(near, tokens[part], self.temperature)
                found.append(mixed(said, recalled, self.weight))
        return found

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`."""
        out = np.empty((len(contexts), self.tokenizer.size))
        row = 0
        for group in groups(contexts):
            last = [each[-1] for each in self.member.vectors_after(group)]
            part = slice(row, row + len(group))
            out[part] = beside(
                self.member.next_logprobs(group), self._distributions(np.stack(last)), self.weight
            )
            row += len(group)
        return out

    def target_scores(self, near: Found, tokens: Ids, temperature: float) -> Floats:
        """Log p of one token each under the neighbours alone, `[n]`."""
        shares = self._shares(near, temperature)
        with np.errstate(divide="ignore"):  # log 0 is -inf, and is meant
            hits = (shares * self.store.counts_of(near.keys, tokens)).sum(axis=1)
            return cast(Floats, np.log(hits) - np.log((shares * self.totals[near.keys]).sum(axis=1)))

    def save(self, folder: Path) -> None:
        """See `LanguageModel.save`; the network and the store are kept inside."""
        config = {
            "k": self.k,
            "temperature": self.temperature,
            "weight": self.weight,
            "facts": self.facts,
        }
        store = self.store
        arrays: dict[str, Any] = {
            "keys": store.keys,
            "starts": store.starts,
            "tokens": store.tokens,
            "counts": store.counts,
        }
        save_with_members(folder, self.kind, config, arrays, self.tokenizer, [self.member])

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `LanguageModel.load`."""
        saved = files.load_model(folder, cls.kind)
        missing = [name for name in ("keys", "starts", "tokens", "counts") if name not in saved.arrays]
        if missing:
            remedy = "Train or copy the model again"
            raise InputError(
                f"weights.safetensors lacks {', '.join(missing)}", where=str(folder), remedy=remedy
            )
        config = saved.config
        member = only_member(load_members(folder, config), folder)
        numbers = config["k"], config["temperature"], config["weight"]
        return cls(member, Store(**saved.arrays), *numbers, config["facts"])

    def _shares(self, near: Found, temperature: float) -> Floats:
        """What one stored pair of each neighbour counts, the nearest one's 1, `[n, asked]`."""
        shares: Floats = np.exp((near.distances[:, :1] - near.distances) / temperature)
        return shares

    def _distributions(self, vectors: Floats) -> Floats:
        """The neighbours' probabilities, `[n, size]`."""
        near, store = self.search.nearest(vectors, self.k), self.store
        shares, keys = self._shares(near, self.temperature).ravel(), near.keys.ravel()
        lengths = store.starts[keys + 1] - store.starts[keys]
        begins = np.repeat(store.starts[keys] - np.cumsum(lengths) + lengths, lengths)
        pairs = begins + np.arange(len(begins))
        rows = np.repeat(np.repeat(np.arange(len(vectors)), near.keys.shape[1]), lengths)
        out = np.zeros((len(vectors), self.tokenizer.size))
        np.add.at(out, (rows, store.tokens[pairs]), np.repeat(shares, lengths) * store.counts[pairs])
        return cast(Floats, out / out.sum(axis=1, keepdims=True))


def train(job: Training, options: NeighbourOptions, member: LanguageModel) -> NeighbourModel:
    """Store what the network read of the training text; tune k and the temperature, the weight by EM."""
    network = network_of(member)
    order = np.random.default_rng(job.seed).permutation(len(job.train))
    texts = first_tokens([job.train[number] for number in order], options.entries)
    stored, whole = sum(map(len, texts)), sum(map(len, job.train))
    if not stored:
        raise InputError("there is no training text to remember", where="train", remedy="Give some text")
    note = f"{stored:,} of {whole:,} training tokens"
    job.progress(Progress("reading what is remembered", 0, stored, note))
    vectors = [each for group in groups(texts) for each in network.score_with_vectors(group)[1]]
    store = Store.of(np.concatenate(vectors), np.concatenate(texts))
    facts: dict[str, Any] = {
        "entries": stored,
        "training_tokens": whole,
        "different_vectors": len(store.keys),
        "store_bytes": store.bytes,
    }
    note += f", {store.bytes / 2**20:.0f} MiB"
    job.progress(Progress("reading what is remembered", stored, stored, note))
    model = NeighbourModel(
        network, store, options.k, options.temperature or 1.0, options.weight or 0.0, facts
    )
    valid = first_tokens(job.valid, options.valid_tokens)
    if (options.temperature is None or options.weight is None) and any(map(len, valid)):
        _tune(job, options, model, valid)
    elif options.weight is None:
        note = "no validation text: the weight is 0, so the neighbours add nothing"
        job.progress(Progress("tuning the neighbours", 1, 1, note))
    return model


def _tune(job: Training, options: NeighbourOptions, model: NeighbourModel, texts: Sequence[Ids]) -> None:
    job.progress(Progress("tuning the neighbours", 0, 1))
    scores, vectors = model.member.score_with_vectors(texts)
    said, tokens = np.concatenate(scores), np.concatenate(texts)
    near = model.search.nearest(np.concatenate(vectors), options.k)
    unit = float(near.distances[:, : min(options.k, 8)].mean()) or 1.0
    given = options.temperature is not None
    temperatures = [options.temperature or 1.0] if given else [unit * each for each in TEMPERATURES]
    numbers = [options.k] if given else [k for k in (options.k // 16, options.k // 4, options.k) if k]
    tried = []
    for k in numbers:
        fewer = within(near, k, model.search.slack)
        for temperature in temperatures:
            both = np.stack([said, model.target_scores(fewer, tokens, temperature)], axis=1)
            weight = float(weights.fit(both)[1]) if options.weight is None else options.weight
            loss = -float(mixed(both[:, 0], both[:, 1], weight).mean())
            tried.append((loss, k, temperature, weight))
    loss, model.k, model.temperature, model.weight = min(tried)
    model.facts |= {
        "valid_tokens": len(tokens),
        "valid_ppl_alone": float(np.exp(-said.mean())),
        "tried": [
            {"k": k, "temperature": temperature, "weight": weight, "valid_ppl": float(np.exp(each))}
            for each, k, temperature, weight in tried
        ],
    }
    note = f"k {model.k}, temperature {model.temperature:.3g}, weight {model.weight:.3f}"
    job.progress(Progress("tuning the neighbours", 1, 1, f"{note}: valid ppl {np.exp(loss):.1f}"))


def load(folder: Path) -> NeighbourModel:
    """See `LanguageModel.load`."""
    return NeighbourModel.load(folder)
