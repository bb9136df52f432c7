"""The network that a memory stands beside: found, checked, read a bounded piece of text at a time.

Knows nothing of any memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel
from lmcompare.models.neural.model import NeuralModel

TOGETHER = 1 << 16
"""Tokens whose vectors are held at once, and a document more."""


def network_of(member: LanguageModel) -> NeuralModel[Any, Any]:
    """The member as a network; `InputError` where it is none."""
    if not isinstance(member, NeuralModel):
        what = f"a {member.kind!r} model has no hidden vectors and no weights to move"
        remedy = "Name a feedforward, rnn, gru, lstm or transformer model"
        raise InputError(what, where="member", remedy=remedy)
    return member


def only_member(members: Sequence[LanguageModel], folder: Path) -> LanguageModel:
    """The one member of a saved folder."""
    if len(members) != 1:
        what = f"the folder holds {len(members)} members, not the one network"
        raise InputError(what, where=str(folder), remedy="Train or copy the model again")
    return members[0]


def first_tokens(documents: Sequence[Ids], number: int) -> list[Ids]:
    """The first documents, up to so many tokens; the last one is cut."""
    found: list[Ids] = []
    for document in documents:
        if number <= 0:
            break
        found.append(np.asarray(document)[:number])
        number -= len(found[-1])
    return found


def groups(documents: Sequence[Ids]) -> Iterator[list[Ids]]:
    """All documents in order, about `TOGETHER` tokens at a time."""
    group: list[Ids] = []
    tokens = 0
    for document in documents:
        if group and tokens + len(document) > TOGETHER:
            yield group
            group, tokens = [], 0
        group.append(document)
        tokens += len(document)
    if group:
        yield group


def mixed(said: Floats, recalled: Floats, weight: float) -> Floats:
    """Log of (1 - weight) exp(said) + weight exp(recalled): log p in, log p out."""
    with np.errstate(divide="ignore"):  # log 0 is -inf, and is meant
        return cast(Floats, np.logaddexp(np.log1p(-weight) + said, np.log(weight) + recalled))


def beside(said: Floats, recalled: Floats, weight: float) -> Floats:
    """The same where the memory gives probabilities, most of them 0, and no logarithms."""
    with np.errstate(divide="ignore"):
        return cast(Floats, np.log((1 - weight) * np.exp(said, dtype=np.float64) + weight * recalled))


def prefixes(contexts: Sequence[Ids]) -> Iterator[tuple[Ids, list[int]]]:
    """The longest contexts, each with the numbers of all contexts that it begins with."""
    left = sorted(range(len(contexts)), key=lambda number: -len(contexts[number]))
    while left:
        longest = np.asarray(contexts[left[0]], dtype=np.int64)
        inside = [n for n in left if np.array_equal(contexts[n], longest[: len(contexts[n])])]
        yield longest, inside
        held = set(inside)
        left = [number for number in left if number not in held]
