"""Linear interpolation: p(w | h) is the weighted mean of what the members say.

Knows of its members only the seam; where the weights come from is not its business (`family`).

Source: Jelinek and Mercer, "Interpolated estimation of Markov source parameters from sparse data" (1980).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np

from lmcompare import files
from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer, flops_per_token
from lmcompare.models.mixture.adaptation import Adaptation
from lmcompare.models.mixture.bins import Bins, Feature, Frequency, feature
from lmcompare.models.mixture.history import History, apart, join
from lmcompare.models.mixture.members import member_notes
from lmcompare.models.nested_folder import load_members, save_with_members


@dataclass
class MixtureState:
    """What the rows have read, and what each member remembers of it.

    Attributes:
        members: each member's own state.
        history: all that was read; kept only where bins need it.
        said: each member's distributions before the next event; kept only where the weights move.
        bins: the bin that each row stands in, `[batch]`.
        weights: each row's weights, `[batch, bins, members]`; likewise.
    """

    members: list[State]
    history: History
    said: list[Floats]
    bins: Any
    weights: Floats

    def rows(self, index: Ids) -> MixtureState:
        """See `State.rows`."""
        return MixtureState(
            [state.rows(index) for state in self.members],
            self.history.rows(index),
            [each[index] for each in self.said],
            self.bins[index],
            self.weights[index],
        )


class LinearMixture(LanguageModel):
    """Members under weights: the same everywhere, by kind of context, or moving along the document.

    Args:
        tokenizer: the event space, which all members have.
        members: the models.
        names: how people call them.
        weights: of each bin, `[bins, members]`, each row summing to one.
        features: names of the bins' features (`options.Feature`).
        adaptation: how weights move; `None`: they do not.
        frequency: for the feature "frequency".
    """

    kind = "mixture"
    rule = "linear"

    def __init__(
        self,
        tokenizer: Tokenizer,
        members: Sequence[LanguageModel],
        names: Sequence[str],
        weights: Floats,
        features: Sequence[str] = (),
        adaptation: Adaptation | None = None,
        frequency: Frequency | None = None,
    ) -> None:
        self.tokenizer, self.members, self.names = tokenizer, list(members), list(names)
        self.weights, self.features, self.adaptation = weights, list(features), adaptation
        self.frequency, self.notes = frequency, member_notes(members, names)
        found = [feature(name, members, frequency, tokenizer.eos) for name in features]
        self.bins = Bins(found)
        self.parameters = sum(member.parameters for member in members) + weights.size
        told: list[LanguageModel | Feature] = [*members, *found]
        contexts = [each.context for each in told]
        known = [context for context in contexts if context is not None]
        whole = adaptation is not None or len(known) < len(contexts)
        self.context = None if whole else max(known)
        sentence = adaptation is None and all(each.policy == "sentence" for each in told)
        self.policy = "sentence" if sentence else "document"

    def flops(self, context: float) -> float:
        """What the members take together; weighing them is little beside it."""
        return sum(flops_per_token(member, context) for member in self.members)

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        begun = [member.start(batch) for member in self.members]
        weights = np.zeros((batch, 0, len(self.members)))
        if self.adaptation is not None:
            weights = np.tile(self.weights, (batch, 1, 1))
        return self._answer([said for said, _ in begun], [s for _, s in begun], History.empty(batch), weights)

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`."""
        before, tokens = cast(MixtureState, state), np.asarray(tokens)
        weights = before.weights
        if self.adaptation is not None:
            event = np.stack([said[np.arange(len(tokens)), tokens] for said in before.said], axis=1)
            self.adaptation.move(event, before.bins, self.weights, weights)
        history = before.history.append(tokens) if self.features else before.history
        read = [member.step(tokens, own) for member, own in zip(self.members, before.members, strict=True)]
        return self._answer([said for said, _ in read], [s for _, s in read], history, weights)

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`: the members' own fast paths, then one pass over the events."""
        from lmcompare.models.mixture import kernels

        logprobs, (_, bounds) = self.member_scores(documents), join(documents)
        bins = self.bins.events(documents)
        if self.adaptation is not None:
            scores, _ = self.adaptation.read(logprobs, bins, bounds, self.weights)
        else:
            scores = np.empty(len(logprobs))
            kernels.mix(logprobs, bins, self.weights, scores)
        return apart(scores, bounds)

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`."""
        said = [member.next_logprobs(contexts) for member in self.members]
        bins = np.array(
            [self.bins.following(np.asarray(context)[None])[0] for context in contexts], dtype=np.int64
        )
        if self.adaptation is None:
            return mean(said, self.weights[bins])
        _, ends = self.adaptation.read(
            self.member_scores(contexts), self.bins.events(contexts), join(contexts)[1], self.weights
        )
        return mean(said, ends[np.arange(len(contexts)), bins])

    def member_scores(self, documents: Sequence[Ids]) -> Floats:
        """Log p of each event under each member, `[n, members]`, all documents in one array."""
        scores = [np.concatenate([np.zeros(0), *member.score(documents)]) for member in self.members]
        return np.ascontiguousarray(np.stack(scores, axis=1), dtype=np.float64)

    def save(self, folder: Path) -> None:
        """See `LanguageModel.save`; the members are kept inside."""
        moving = self.adaptation
        config = {
            "rule": self.rule,
            "names": self.names,
            "features": self.features,
            "adaptation": None if moving is None else {"bayes": moving.bayes, "rate": moving.rate},
        }
        arrays: dict[str, Any] = {"weights": self.weights}
        if self.frequency is not None:
            arrays["frequency"] = self.frequency.classes
        save_with_members(folder, self.kind, config, arrays, self.tokenizer, self.members)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `LanguageModel.load`."""
        from lmcompare.text.tokenizers import from_json

        saved = files.load_model(folder, cls.kind)
        config, tokenizer = saved.config, from_json(saved.tokenizer)
        if config.get("rule") != cls.rule or "weights" not in saved.arrays:
            raise InputError(f"not a {cls.rule} mixture with its weights", where=str(folder))
        moving, classes = config["adaptation"], saved.arrays.get("frequency")
        return cls(
            tokenizer,
            load_members(folder, config),
            config["names"],
            saved.arrays["weights"],
            config["features"],
            None if moving is None else Adaptation(moving["bayes"], moving["rate"]),
            None if classes is None else Frequency(classes, tokenizer.bos),
        )

    def _answer(
        self, said: list[Floats], states: list[State], history: History, weights: Floats
    ) -> tuple[Floats, State]:
        rows = np.arange(len(said[0]))
        bins = self.bins.following(history.read) if self.features else np.zeros(len(rows), dtype=np.int64)
        chosen = self.weights[bins] if self.adaptation is None else weights[rows, bins]
        kept = [] if self.adaptation is None else said
        return mean(said, chosen), MixtureState(states, history, kept, bins, weights)


def mean(said: Sequence[Floats], weights: Floats) -> Floats:
    """Log of the weighted mean of the members' distributions.

    Args:
        said: natural log p, `[rows, size]` each member.
        weights: `[rows, members]`.
    """
    top = said[0].astype(np.float64)
    for each in said[1:]:
        top = np.maximum(top, each)
    top = np.where(np.isneginf(top), 0.0, top)
    total = np.zeros(top.shape)
    for member, each in enumerate(said):
        total += weights[:, member, None] * np.exp(each - top)
    with np.errstate(divide="ignore"):  # log 0 is -inf, and is meant
        return cast(Floats, top + np.log(total))
