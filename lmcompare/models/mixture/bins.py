"""Kinds of context: numbers that are known before an event, by which a mixture's weights may differ.

Knows of models only their `matched_order(documents)`: the length of the n-gram that an event matched, one
array a document. A number never depends on the event itself, or the mixture would not sum to one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.interface import Ids, LanguageModel, Policy
from lmcompare.models.mixture.cache import CacheModel
from lmcompare.models.mixture.history import join

LONGEST = 8
STEPS = 10
"""Numbers that may grow without end are halved so often at most, and again: 1, 4, 16, ..."""
Numbers = NDArray[np.int64]


class Feature(ABC):
    """One number of each context, 0 to `count - 1`.

    Attributes:
        count: how many values there are.
        context: how many tokens back it sees; `None`: all of the document.
        policy: what it remembers at `eos`.
    """

    count: int
    context: int | None
    policy: Policy

    @abstractmethod
    def events(self, documents: Sequence[Ids]) -> Numbers:
        """The number of each event's context, all documents in one array."""

    @abstractmethod
    def following(self, read: Ids) -> Numbers:
        """The number of each row's context, `[batch]`, given all that it read, `[batch, n]`."""


class Matched(Feature):
    """How long an n-gram a member knew at the token before: how well it knows the context."""

    def __init__(self, model: LanguageModel, eos: int) -> None:
        self.model, self.eos = model, eos
        self.longest = min(int(getattr(model, "order", LONGEST)), LONGEST)
        self.count = 1 + self.longest
        self.context = None if model.context is None else model.context + 1
        self.policy = model.policy

    def events(self, documents: Sequence[Ids]) -> Numbers:
        """See `Feature.events`."""
        tokens, bounds = join(documents)
        matched = np.concatenate([np.zeros(0, np.int64), *self.model.matched_order(documents)])  # type: ignore[attr-defined]
        out = np.zeros(len(tokens), dtype=np.int64)
        out[1:] = np.minimum(matched[:-1], self.longest)
        out[bounds[:-1][bounds[:-1] < len(out)]] = 0
        if self.policy == "sentence":
            out[1:][tokens[:-1] == self.eos] = 0
        return out

    def following(self, read: Ids) -> Numbers:
        """See `Feature.following`."""
        if not read.shape[1]:
            return np.zeros(len(read), dtype=np.int64)
        near = read if self.context is None else read[:, max(0, read.shape[1] - self.context) :]
        matched = self.model.matched_order(list(near))  # type: ignore[attr-defined]
        out = np.array([min(int(row[-1]), self.longest) for row in matched], dtype=np.int64)
        return np.where(near[:, -1] == self.eos, 0, out) if self.policy == "sentence" else out


@dataclass(frozen=True)
class Frequency(Feature):
    """How often the token before occurs in the training text: 0, then by powers of four.

    Attributes:
        classes: of each id, `[size]`, uint8.
        bos: id that stands before a document.
    """

    classes: NDArray[np.uint8]
    bos: int
    count = STEPS
    context = 1
    policy: Policy = "sentence"

    @classmethod
    def of_text(cls, documents: Sequence[Ids], size: int, bos: int) -> Frequency:
        """Count a text."""
        counts = np.bincount(join(documents)[0], minlength=size)
        return cls(_halvings(counts).astype(np.uint8), bos)

    def events(self, documents: Sequence[Ids]) -> Numbers:
        """See `Feature.events`."""
        tokens, bounds = join(documents)
        before = np.concatenate([[self.bos], tokens])[: len(tokens)]
        before[bounds[:-1][bounds[:-1] < len(tokens)]] = self.bos
        return np.asarray(self.classes[before], dtype=np.int64)

    def following(self, read: Ids) -> Numbers:
        """See `Feature.following`."""
        before = read[:, -1] if read.shape[1] else np.full(len(read), self.bos)
        return np.asarray(self.classes[before], dtype=np.int64)


class Position(Feature):
    """How many tokens of the document were read: 0, then by powers of four."""

    count = STEPS
    context = None
    policy = "document"

    def events(self, documents: Sequence[Ids]) -> Numbers:
        """See `Feature.events`."""
        places = [np.arange(len(document)) for document in documents]
        return _halvings(np.concatenate([np.zeros(0, np.int64), *places]))

    def following(self, read: Ids) -> Numbers:
        """See `Feature.following`."""
        return _halvings(np.full(len(read), read.shape[1]))


class Bins:
    """Several features at once: a bin for each combination of their numbers.

    Args:
        features: none at all is one bin for everything.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = tuple(features)
        self.count = int(np.prod([feature.count for feature in features], dtype=np.int64))

    def events(self, documents: Sequence[Ids]) -> Numbers:
        """The bin of each event, all documents in one array."""
        number = np.zeros(sum(map(len, documents)), dtype=np.int64)
        for feature in self.features:
            number = number * feature.count + feature.events(documents)
        return number

    def following(self, read: Ids) -> Numbers:
        """The bin that each row stands in, `[batch]`, given all that it read, `[batch, n]`."""
        number = np.zeros(len(read), dtype=np.int64)
        for feature in self.features:
            number = number * feature.count + feature.following(read)
        return number


def feature(name: str, members: Sequence[LanguageModel], frequency: Frequency | None, eos: int) -> Feature:
    """The feature of a name of `options.Feature`.

    Errors: `InputError` where no member can tell it.
    """
    if name == "position":
        return Position()
    if name == "frequency":
        if frequency is None:
            raise InputError("the classes of frequency are missing", where="bins")
        return frequency
    caches = [member for member in members if isinstance(member, CacheModel)]
    others = [member for member in members if member not in caches and hasattr(member, "matched_order")]
    told: list[Any] = caches if name == "cache" else others
    if not told:
        what = "is a cache" if name == "cache" else "tells how long an n-gram it matched"
        raise InputError(f'no member {what}, as "{name}" needs', where="bins", remedy=f'Leave out "{name}"')
    return Matched(told[0], eos)


def _halvings(numbers: NDArray[Any]) -> Numbers:
    """0 for 0, 1 for 1 to 3, 2 for 4 to 15, ...; at most `STEPS - 1`."""
    exponents = np.frexp(np.asarray(numbers, dtype=np.float64))[1]  # bits of each whole number
    return np.asarray(np.minimum((exponents + 1) // 2, STEPS - 1), dtype=np.int64)
