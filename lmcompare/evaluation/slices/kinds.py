"""The kinds of events: each function parts the events of a text by one question.

Knows ids, and what a tokenizer says of them; nothing of scores.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmcompare.evaluation.results.slices import SlicingName
from lmcompare.evaluation.units import sentence_lengths
from lmcompare.interface import Ids, Tokenizer
from lmcompare.text.encoded import EncodedSplit
from lmcompare.text.tokenizers.unknown import SIGNS, unknown_ids

FREQUENCIES = (0, 1, 2, 5, 17, 65, 257, 1025, 4097, 16385)
ORDERS = (1, 2, 3, 4, 5, 6, 7, 9, 17)
SEEN = (0, 1, 2, 3, 4, 5)
PLACES = (1, 2, 5, 17, 65)
LENGTHS = (1, 9, 17, 33, 65)
SCRIPTS = ("han", "latin", "digit", "punctuation", "space", "other", "mixed", "part", "unknown", "eos")
"""All characters of a token are of one script, or `mixed`; `part` of a character; not in the vocabulary."""
_PART = re.compile(r"(<0x[0-9A-F]{2}>)+")


@dataclass(frozen=True, slots=True)
class Kinds:
    """Events by kind.

    Attributes:
        name: the question.
        keys: the answers, in the order in which they are shown.
        labels: the number of the answer for each event, `[events]`.
        source: the model or file that the answers are from, or "".
    """

    name: SlicingName
    keys: tuple[str, ...]
    labels: Ids
    source: str = ""


def ranged(name: SlicingName, values: Ids, firsts: Sequence[int], source: str = "") -> Kinds:
    """Events by a whole number: from each of `firsts` (rising) up to the next, and beyond the last.

    Only ranges up to the largest value are kept, so that "5" is not called "5 and more" for nothing.
    """
    top = int(values.max(initial=firsts[0]))
    kept = [first for first in firsts if first <= top]
    keys = [f"{a}" if b - a == 1 else f"{a}-{b - 1}" for a, b in zip(firsts, firsts[1:], strict=False)]
    last = f"{firsts[-1]}+"
    labels = np.maximum(np.searchsorted(np.array(kept), values, side="right") - 1, 0)
    return Kinds(name, tuple([*keys, last][: len(kept)]), labels, source)


def by_frequency(train: Ids, ids: Ids, tokenizer: Tokenizer) -> Kinds:
    """By how often the event's token stands in the training text; what is unknown counts as never."""
    counts = np.bincount(np.asarray(train), minlength=tokenizer.size)
    counts[unknown_ids(tokenizer)] = 0
    return ranged("frequency", counts[np.asarray(ids)], FREQUENCIES)


def by_place(text: EncodedSplit, eos: int) -> Kinds:
    """By the place of the event in its sentence, from 1."""
    lengths = sentence_lengths(text, eos)
    starts = np.cumsum(lengths) - lengths
    return ranged("place", np.arange(int(lengths.sum())) - np.repeat(starts, lengths) + 1, PLACES)


def by_length(text: EncodedSplit, eos: int) -> Kinds:
    """By how many tokens the event's sentence has, its `eos` not counted."""
    lengths = sentence_lengths(text, eos)
    return ranged("length", np.maximum(np.repeat(lengths - 1, lengths), 1), LENGTHS)


def by_script(ids: Ids, tokenizer: Tokenizer) -> Kinds:
    """By the characters of the event's token."""
    every, places = np.unique(np.asarray(ids), return_inverse=True)
    numbers = np.array([SCRIPTS.index(script(int(index), tokenizer)) for index in every], dtype=np.int64)
    return Kinds("script", SCRIPTS, numbers[places])


def by_name(names: Sequence[str], most: int, source: str) -> Kinds:
    """By a name for each event: the `most` frequent ones, most frequent first, and "other" for the rest."""
    every, places, counts = np.unique(np.array(names), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    kept = [str(every[number]) for number in order[:most]]
    label = np.full(len(every), len(kept), dtype=np.int64)
    label[order[:most]] = np.arange(len(kept))
    keys = (*kept, "other") if len(every) > most else tuple(kept)
    return Kinds("tags", keys, label[places], source)


def script(index: int, tokenizer: Tokenizer) -> str:
    """What an id's text is made of: one of `SCRIPTS`. Spaces beside other characters do not count."""
    if index == tokenizer.eos:
        return "eos"
    text = tokenizer.token(index)
    if index == tokenizer.unk or text in SIGNS:
        return "unknown"
    if _PART.fullmatch(text):
        return "part"
    found = {_script_of(character) for character in "".join(text.split())}
    if not found:
        return "space"
    return found.pop() if len(found) == 1 else "mixed"


def longest_seen(train: Ids, ids: Ids, *, bos: int, eos: int, size: int, most: int = 4) -> Ids:
    """Length of the longest n-gram, at most `most`, that ends with each event and stands in training.

    n-grams do not cross line ends: what stands before a sentence is `bos`, as often as needed. 0 for a token
    that training does not have. Only n-grams of the asked text are kept, so that memory is bounded by it.

    Args:
        train: ids of the training text, each sentence closed by `eos`.
        ids: ids of the text that is asked about.
        bos: id that stands before a sentence.
        eos: id that closes one.
        size: number of ids.
        most: length of the longest n-grams.

    Returns:
        `[events]`, int64.
    """
    train, ids = np.asarray(train), np.asarray(ids)
    # An n-gram is its first token and the rank of the rest among the different endings of the asked text.
    ranks, keys = _ranked(ids.astype(np.int64))
    tables, ranked = [keys], [ranks]
    before = _before(ids, bos, eos, most - 1)
    for n in range(2, most + 1):
        ranks, keys = _ranked(before[n - 2] * np.int64(len(tables[-1])) + ranked[-1])
        tables.append(keys)
        ranked.append(ranks)
    seen = [np.zeros(len(keys), dtype=bool) for keys in tables]
    place = np.full(size, -1, dtype=np.int64)
    place[tables[0]] = np.arange(len(tables[0]))
    for piece in _pieces(train, eos):
        earlier = _before(piece, bos, eos, most - 1)
        number = place[piece]
        here = np.flatnonzero(number >= 0)
        number = number[here]
        seen[0][number] = True
        for n in range(2, most + 1):
            wanted = earlier[n - 2][here] * np.int64(len(tables[n - 2])) + number
            found = np.minimum(np.searchsorted(tables[n - 1], wanted), len(tables[n - 1]) - 1)
            hit = tables[n - 1][found] == wanted
            here, number = here[hit], found[hit]
            seen[n - 1][number] = True
    longest: Ids = np.sum([known[rank] for known, rank in zip(seen, ranked, strict=True)], axis=0)
    return longest


PIECE = 4_000_000
"""Training events that are looked at together."""


def _pieces(train: Ids, eos: int) -> list[Ids]:
    """The training text in pieces that end where a sentence does."""
    if not len(train):
        return []
    ends = np.flatnonzero(train == eos) + 1
    wanted = np.arange(PIECE, len(train), PIECE)
    places = np.minimum(np.searchsorted(ends, wanted), max(0, len(ends) - 1))
    return np.split(train, np.unique(ends[places])) if len(ends) else [train]


def _before(ids: Ids, bos: int, eos: int, most: int) -> list[NDArray[np.int64]]:
    """The token 1, 2, ... `most` places before each event, `bos` where its sentence has not begun."""
    places = np.arange(len(ids))
    opens = np.concatenate([[True], ids[:-1] == eos])[: len(ids)]
    inside = places - np.maximum.accumulate(np.where(opens, places, 0))
    return [
        np.where(inside >= back, ids[np.maximum(places - back, 0)], bos).astype(np.int64)
        for back in range(1, most + 1)
    ]


def _ranked(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rank of each key among the different ones, and these, rising."""
    every, ranks = np.unique(keys, return_inverse=True)
    return ranks, every


def _script_of(character: str) -> str:
    point = ord(character)
    if (
        0x3400 <= point <= 0x9FFF
        or 0xF900 <= point <= 0xFAFF
        or 0x20000 <= point <= 0x3FFFF
        or point == 0x3007
    ):
        return "han"
    category = unicodedata.category(character)
    if category[0] == "N":
        return "digit"
    if category[0] in "PS":
        return "punctuation"
    if category[0] == "L" and unicodedata.name(character, "").startswith(("LATIN", "FULLWIDTH LATIN")):
        return "latin"
    return "other"
