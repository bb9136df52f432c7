"""Dynamic evaluation: a network whose weights go on learning from the document that it reads.

A document is read in segments. All events of a segment are predicted with the same weights; then the weights
move along the gradient of its loss, and what was read is kept as the weights of that time understood it. So
nothing of an event is known when it is predicted, stepping gives what scoring gives, and each document starts
with the trained weights. Knows nothing of how weights move (`moving_weights`) or how that is tuned
(`dynamic_fit`).

Source: Krause, Kahembwe, Murray and Renals, "Dynamic evaluation of neural sequence models" (2018).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

import numpy as np
import torch
from torch import Tensor

from lmcompare import files
from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, State
from lmcompare.models.mixture.history import History
from lmcompare.models.mixture.memory_options import DynamicOptions
from lmcompare.models.nested_folder import load_members, save_with_members
from lmcompare.models.neural.history import histories
from lmcompare.models.neural.memory_member import network_of, only_member, prefixes
from lmcompare.models.neural.moving_weights import Pace, Weights, gradients_of, wear
from lmcompare.models.neural.network import Carried
from lmcompare.models.neural.placement import array_of, placed
from lmcompare.registry import Training


@dataclass
class DynamicState:
    """What the rows have read; all rows equally much.

    Attributes:
        history: all that was read.
        weights: each row's; rows may share them, since they are never changed in place.
        carried: what the network took along to the segment's begin; empty where it takes nothing.
    """

    history: History
    weights: list[Weights]
    carried: Carried

    def rows(self, index: Ids) -> DynamicState:
        """See `State.rows`."""
        index = np.asarray(index, dtype=np.int64)
        carried = tuple(part.index_select(0, placed(index, part.device)) for part in self.carried)
        return DynamicState(self.history.rows(index), [self.weights[row] for row in index], carried)


class Passage(NamedTuple):
    """A segment that was read.

    Attributes:
        hidden: vectors after its inputs, `[rows, inputs, width]`.
        carried: what the network takes along from it.
        ids: what was read, and what stands before it where that is read again: as the embedding takes it.
        vectors: of the ids; where they are a leaf of their own, the table's gradient lacks what goes through
            them, so that no gradient of the whole table's size is made of a few rows.
    """

    hidden: Tensor
    carried: Carried
    ids: Tensor
    vectors: Tensor


class DynamicModel(LanguageModel):
    """A network under dynamic evaluation; policy `document`.

    Args:
        member: the network as it was trained.
        usual: root of the mean squared gradient of each weight that moves, in training text.
        segment: events between two moves. A transformer with a window reads as much of what stands before
            a segment as its window still holds, with the weights of the segment.
        rate: size of a move.
        decay: how far the weights fall back with each move.
        damping: how little the sizes of usual gradients matter for a move; see `Pace.of`.
        facts: how these were found.
    """

    kind = "dynamic"
    policy = "document"
    context = None

    def __init__(
        self,
        member: LanguageModel,
        usual: Weights,
        segment: int,
        rate: float,
        decay: float,
        damping: float,
        facts: dict[str, Any],
    ) -> None:
        self.member = network_of(member)
        self.tokenizer, self.parameters = member.tokenizer, member.parameters
        self.usual, self.facts = usual, facts
        self.rate, self.decay, self.damping = rate, decay, damping
        trained = {name: each.detach() for name, each in self.member.network.named_parameters()}
        self.pace = Pace.of(trained, usual, rate, decay, damping)
        with torch.random.fork_rng(devices=[]):
            self.network = self.member.build(self.member.options, self.tokenizer.size, self.tokenizer.bos)
        self.network.to(self.member.device).eval()
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(name in usual)
        reach = None if self.network.carries else getattr(self.member.options, "window", None)
        self.segment = segment if reach is None else min(segment, reach)
        self.before = 0 if reach is None else reach - self.segment

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        return self._answer(DynamicState(History.empty(batch), [self.pace.trained] * batch, ()))

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`. Reads the segment again; where one ends, each row learns by itself."""
        before, tokens = cast(DynamicState, state), np.asarray(tokens)
        self._check(tokens)
        now = DynamicState(before.history.append(tokens), before.weights, before.carried)
        length = now.history.length
        if length % self.segment == 0:
            rows = [self._learn(now, row) for row in range(len(tokens))]
            now.weights = [weights for weights, _ in rows]
            now.carried = tuple(map(torch.cat, zip(*(carried for _, carried in rows), strict=True)))
        return self._answer(now)

    def flops(self, context: float) -> float:
        """See `CountsFlops`: a gradient takes twice what reading takes, a move six a weight."""
        moved = sum(each.numel() for each in self.usual.values())
        return 3.0 * self.member.flops(context) + 6.0 * moved / self.segment

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`: document by document, segment by segment."""
        found: list[Floats] = []
        for document in documents:
            document = np.asarray(document, dtype=np.int64)
            self._check(document)
            scores = np.empty(len(document))
            for begin, logprobs in self._walk(document, len(document)):
                events = document[begin : begin + len(logprobs)]
                scores[begin : begin + len(events)] = logprobs[np.arange(len(events)), events]
            found.append(scores)
        return found

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`; contexts of which one begins another are read together."""
        out = np.empty((len(contexts), self.tokenizer.size))
        for longest, places in prefixes(contexts):
            self._check(longest)
            lengths = np.array([len(contexts[place]) for place in places])
            for begin, logprobs in self._walk(longest, len(longest) + 1):
                here = np.flatnonzero((lengths >= begin) & (lengths < begin + len(logprobs)))
                out[np.asarray(places)[here]] = logprobs[lengths[here] - begin]
        return out

    def usual_gradients(self, documents: Iterable[Ids], segments: int) -> Weights:
        """Root of the mean squared gradient of each weight in the first segments of texts, nothing moved."""
        squares = {name: torch.zeros_like(each) for name, each in self.usual.items()}
        seen = 0
        wear(self.network, self.pace.trained)
        for document in documents:
            document, carried = np.asarray(document, dtype=np.int64), cast(Carried, ())
            for begin in range(0, len(document) - self.segment + 1, self.segment):
                if seen == segments:
                    return {name: (each / seen).sqrt_() for name, each in squares.items()}
                end = begin + self.segment
                with torch.enable_grad():
                    passage = self._read(document[None, : end - 1], begin, carried)
                    gradients = self._gradients(passage, self._logprobs(passage), document[begin:end])
                carried = passage.carried
                for name, gradient in gradients.items():
                    squares[name].addcmul_(gradient, gradient)
                seen += 1
        return {name: (each / max(seen, 1)).sqrt_() for name, each in squares.items()}

    def save(self, folder: Path) -> None:
        """See `LanguageModel.save`; the network is kept inside."""
        config = {"segment": self.segment, "rate": self.rate, "decay": self.decay, "damping": self.damping}
        config["facts"] = self.facts
        arrays = {name: array_of(each) for name, each in self.usual.items()}
        save_with_members(folder, self.kind, config, arrays, self.tokenizer, [self.member])

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `LanguageModel.load`."""
        saved = files.load_model(folder, cls.kind)
        config = saved.config
        member = network_of(only_member(load_members(folder, config), folder))
        known = {name: tuple(each.shape) for name, each in member.network.named_parameters()}
        for name, array in saved.arrays.items():
            if known.get(name) != array.shape:
                raise InputError(
                    f"the network has no weights {name} of shape {array.shape}", where=str(folder)
                )
        usual = {name: placed(array, member.device) for name, array in saved.arrays.items()}
        if "damping" not in config:
            what, remedy = "the model was saved before damping could be set", "Train it again"
            raise InputError(what, where=str(folder), remedy=remedy)
        pace = config["rate"], config["decay"], config["damping"]
        return cls(member, usual, config["segment"], *pace, config["facts"])

    def _walk(self, document: Ids, places: int) -> Iterator[tuple[int, Floats]]:
        """Of each segment the place where it begins and log p after each of its inputs, `[inputs, size]`.

        Args:
            document: what is read after `bos`.
            places: inputs that are answered, `bos` the first.
        """
        weights, carried, own = self.pace.trained, cast(Carried, ()), False
        for begin in range(0, places, self.segment):
            end = min(begin + self.segment, places)
            events = document[begin:end]
            learns = len(events) == self.segment and end < places
            wear(self.network, weights)
            with torch.set_grad_enabled(learns):
                passage = self._read(document[None, : end - 1], begin, carried)
                logprobs = self._logprobs(passage)
            carried = passage.carried
            if learns:
                gradients = self._gradients(passage, logprobs, events)
                weights, own = self.pace.move(weights, gradients, own=own), True
            yield begin, array_of(logprobs.double())

    def _read(self, tokens: Ids, begin: int, carried: Carried) -> Passage:
        """Read the inputs from place `begin` on.

        Args:
            tokens: all that was read after `bos`, `[rows, n]`: inputs 1 to `n`; input 0 is `bos`.
            begin: where the segment begins.
            carried: what the network took along to there.
        """
        bos, lookback = self.tokenizer.bos, self.network.lookback
        first = begin if self.network.carries else max(0, begin - self.before)
        # Left of bos stands bos; enough of them for a segment at the document's start.
        left = np.full((len(tokens), lookback), bos, dtype=np.int64)
        inputs = np.concatenate([left, tokens], axis=1)[:, first:]
        inputs, older = inputs[:, lookback - 1 :], inputs[:, : lookback - 1]
        begins = torch.zeros(inputs.shape, dtype=torch.bool, device=self.member.device)
        begins[:, 0] = first == 0
        ids = placed(np.ascontiguousarray(inputs), self.member.device)
        if lookback > 1:
            older = np.ascontiguousarray(older)
            ids = histories(ids, placed(older, self.member.device), lookback, bos)
        vectors = self.network.embedding(ids)
        if torch.is_grad_enabled() and "embedding.weight" in self.usual and not self.network.embedding.ngrams:
            vectors = vectors.detach().requires_grad_()
        reading = self.network.read(vectors, begins, carried)
        after = tuple(part.detach() for part in reading.carried)
        return Passage(reading.hidden[:, begin - first :], after, ids, vectors)

    def _logprobs(self, passage: Passage) -> Tensor:
        logprobs: Tensor = self.network.embedding.logprobs(passage.hidden[0])
        return logprobs

    def _gradients(self, passage: Passage, logprobs: Tensor, events: Ids) -> Weights:
        """Of the mean surprisal of a segment's events; a `bos`, which is impossible, is left out."""
        possible = np.flatnonzero(events != self.tokenizer.bos)
        if self.network.embedding.parts > 1:  # where all softmaxes say -inf their sum has no slope
            loss = self.network.embedding.loss(passage.hidden[0], placed(events, self.member.device))
        else:
            device = self.member.device
            chosen = logprobs[placed(possible, device), placed(events[possible], device)]
            loss = -chosen.sum() / max(len(possible), 1)
        if not (passage.vectors.is_leaf and passage.vectors.requires_grad):
            return gradients_of(self.network, list(self.usual), loss)
        found = gradients_of(self.network, list(self.usual), loss, passage.vectors)
        # What the vectors that were read add to a table's gradient is a few rows.
        of_vectors = found.pop("") * self.network.embedding.scale
        found["embedding.weight"].index_add_(0, passage.ids.flatten(), of_vectors.flatten(0, -2))
        return found

    def _learn(self, state: DynamicState, row: int) -> tuple[Weights, Carried]:
        """One row has come to the end of a segment: its weights from now on, and what it takes along."""
        tokens = state.history.read[row : row + 1].astype(np.int64)
        begin = tokens.shape[1] - self.segment
        wear(self.network, state.weights[row])
        with torch.enable_grad():
            mine = tuple(part[row : row + 1] for part in state.carried)
            passage = self._read(tokens[:, :-1], begin, mine)
            gradients = self._gradients(passage, self._logprobs(passage), tokens[0, begin:])
        return self.pace.move(state.weights[row], gradients, own=False), passage.carried

    @torch.no_grad()
    def _answer(self, state: DynamicState) -> tuple[Floats, State]:
        """Log p after all that was read; rows with the same weights are read together."""
        tokens = state.history.read.astype(np.int64)
        begin = tokens.shape[1] // self.segment * self.segment
        out = np.empty((len(tokens), self.tokenizer.size))
        sharing: dict[int, list[int]] = {}
        for row, weights in enumerate(state.weights):
            sharing.setdefault(id(weights), []).append(row)
        for rows in sharing.values():
            wear(self.network, state.weights[rows[0]])
            carried = tuple(part[placed(np.array(rows), part.device)] for part in state.carried)
            passage = self._read(tokens[rows], begin, carried)
            out[rows] = array_of(self.network.embedding.logprobs(passage.hidden[:, -1]).double())
        return out, state

    def _check(self, ids: Ids) -> None:
        self.member._check(ids)


def train(job: Training, options: DynamicOptions, member: LanguageModel) -> DynamicModel:
    """Learn how large gradients are from the training text, and tune what is not given."""
    from lmcompare.models.neural.dynamic_fit import fit

    return fit(job, options, member)


def load(folder: Path) -> DynamicModel:
    """See `LanguageModel.load`."""
    return DynamicModel.load(folder)
