"""Log-linear interpolation: p(w | h) in proportion to the product of what the members say, each to a power.

Exact and slow: each event is normalised over the vocabulary, so every member writes out its whole
distribution for each. Knows of its members only the seam.

Source: Klakow, "Log-linear interpolation of language models" (1998), equation 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

import numpy as np

from lmcompare import files
from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, State, Tokenizer, flops_per_token
from lmcompare.models.mixture.members import member_notes
from lmcompare.models.nested_folder import load_members, save_with_members

AT_ONCE = 2**24
"""Probabilities that are held at once, members together."""
FITTED = 2**26
"""Probabilities that are held while powers are fitted, members together: 256 MB."""
LEAST = -1e4
"""Stands for log 0 while powers are fitted, so that the slopes are numbers."""


@dataclass
class LogLinearState:
    """Each member's own state."""

    members: list[State]

    def rows(self, index: Ids) -> LogLinearState:
        """See `State.rows`."""
        return LogLinearState([state.rows(index) for state in self.members])


class LogLinearMixture(LanguageModel):
    """Members under powers.

    Args:
        tokenizer: the event space, which all members have.
        members: the models.
        names: how people call them.
        powers: `[members]`, none negative.
    """

    kind = "mixture"
    rule = "log-linear"

    def __init__(
        self, tokenizer: Tokenizer, members: Sequence[LanguageModel], names: Sequence[str], powers: Floats
    ) -> None:
        self.tokenizer, self.members, self.names, self.powers = tokenizer, list(members), list(names), powers
        self.notes = member_notes(members, names)
        contexts = [member.context for member in members]
        known = [context for context in contexts if context is not None]
        self.context = max(known) if len(known) == len(contexts) else None
        self.policy = "sentence" if all(m.policy == "sentence" for m in members) else "document"
        self.parameters = sum(member.parameters for member in members) + len(powers)

    def flops(self, context: float) -> float:
        """What the members take together; weighing them is little beside it."""
        return sum(flops_per_token(member, context) for member in self.members)

    def start(self, batch: int) -> tuple[Floats, State]:
        """See `LanguageModel.start`."""
        begun = [member.start(batch) for member in self.members]
        return product([said for said, _ in begun], self.powers), LogLinearState([own for _, own in begun])

    def step(self, tokens: Ids, state: State) -> tuple[Floats, State]:
        """See `LanguageModel.step`."""
        before = cast(LogLinearState, state).members
        read = [member.step(tokens, own) for member, own in zip(self.members, before, strict=True)]
        return product([said for said, _ in read], self.powers), LogLinearState([own for _, own in read])

    def score(self, documents: Sequence[Ids]) -> list[Floats]:
        """See `LanguageModel.score`: documents side by side, token by token, in bounded memory."""
        scores: list[Floats] = [np.empty(len(document)) for document in documents]
        longest = sorted(
            (n for n in range(len(documents)) if len(documents[n])), key=lambda n: -len(documents[n])
        )
        rows = max(1, AT_ONCE // (self.tokenizer.size * len(self.members)))
        for begin in range(0, len(longest), rows):
            chosen = longest[begin : begin + rows]
            logprobs, state = self.start(len(chosen))
            for place in range(len(documents[chosen[0]])):
                tokens = np.array([documents[n][place] for n in chosen])
                for row, n in enumerate(chosen):
                    scores[n][place] = logprobs[row, tokens[row]]
                going = [row for row, n in enumerate(chosen) if len(documents[n]) > place + 1]
                if not going:
                    break
                if len(going) < len(chosen):
                    state, tokens = state.rows(np.array(going)), tokens[going]
                    chosen = [chosen[row] for row in going]
                logprobs, state = self.step(tokens, state)
        return scores

    def next_logprobs(self, contexts: Sequence[Ids]) -> Floats:
        """See `LanguageModel.next_logprobs`."""
        return product([member.next_logprobs(contexts) for member in self.members], self.powers)

    def save(self, folder: Path) -> None:
        """See `LanguageModel.save`; the members are kept inside."""
        config = {"rule": self.rule, "names": self.names}
        save_with_members(folder, self.kind, config, {"powers": self.powers}, self.tokenizer, self.members)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `LanguageModel.load`."""
        from lmcompare.text.tokenizers import from_json

        saved = files.load_model(folder, cls.kind)
        if saved.config.get("rule") != cls.rule or "powers" not in saved.arrays:
            raise InputError(f"not a {cls.rule} mixture with its powers", where=str(folder))
        members = load_members(folder, saved.config)
        return cls(from_json(saved.tokenizer), members, saved.config["names"], saved.arrays["powers"])


def product(said: Sequence[Floats], powers: Floats) -> Floats:
    """Log of the members' distributions, each to its power, multiplied and normalised, `[rows, size]`.

    A row in which nothing is left possible is `-inf` throughout.
    """
    out = np.zeros(said[0].shape)
    for each, power in zip(said, powers, strict=True):
        if power > 0:  # 0 times the logarithm of 0 is nothing
            out += power * each
    return cast(Floats, out - _total(out))


def fit_powers(members: Sequence[LanguageModel], documents: Sequence[Ids], start: Floats) -> Floats:
    """The powers that make events of a text most likely, none negative: L-BFGS on a concave function.

    The slope by a member's power is its log p of the event less the mean of its log p under the mixture. As
    many events are used, evenly spaced, as can be held with their whole distributions.

    Args:
        members: the models.
        documents: a text that they were not trained on.
        start: where to begin, `[members]`.

    Errors: `InputError` where a member finds one of these events impossible: then the mixture would too.
    """
    from scipy.optimize import minimize

    lengths = np.array([len(document) for document in documents])
    events = int(lengths.sum())
    if not events:
        return start
    number = min(events, max(16, FITTED // (members[0].tokenizer.size * len(members))))
    places = np.arange(number) * events // number
    owners = np.searchsorted(np.cumsum(lengths), places, side="right")
    inside = places - (np.cumsum(lengths) - lengths)[owners]
    contexts = [documents[owner][:place] for owner, place in zip(owners, inside, strict=True)]
    targets = np.array([documents[owner][place] for owner, place in zip(owners, inside, strict=True)])
    said = [np.maximum(member.next_logprobs(contexts), LEAST).astype(np.float32) for member in members]
    own = np.stack([each[np.arange(number), targets] for each in said])
    if (impossible := np.flatnonzero((own == LEAST).any(axis=1))).size:
        raise InputError(
            "the member gives probability zero to an event of the validation text, and so would the mixture",
            where=f"members[{impossible[0]}]",
            remedy='Use rule = "linear", or a member that is smoothed',
        )

    def surprisal(powers: Floats) -> tuple[float, Floats]:
        total, slopes = 0.0, -own.sum(axis=1, dtype=np.float64)
        for begin in range(0, number, 64):  # few rows at a time: these are in float64
            part = [each[begin : begin + 64].astype(np.float64) for each in said]
            logprobs = product(part, np.maximum(powers, 1e-12))
            total -= float(logprobs[np.arange(len(logprobs)), targets[begin : begin + 64]].sum())
            probabilities = np.exp(logprobs)
            slopes += [float((probabilities * each).sum()) for each in part]
        return total / number, slopes / number

    found = minimize(surprisal, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(start))
    return cast(Floats, found.x)


def _total(logprobs: Floats) -> Floats:
    """Log of each row's sum, `[rows, 1]`; 0 where nothing is possible."""
    top = logprobs.max(axis=1, keepdims=True)
    top = np.where(np.isneginf(top), 0.0, top)
    with np.errstate(divide="ignore"):
        total = top + np.log(np.exp(logprobs - top).sum(axis=1, keepdims=True))
    return np.where(np.isneginf(total), 0.0, total)
