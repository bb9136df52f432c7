"""The same tokens in another reading order: from the end of each sentence, or shuffled.

The chain rule holds in any order, so what a model has to predict stays the same text: a sentence's tokens,
each once, then `eos`. Only the order within a sentence changes, and by a rule that anyone can undo who has
read the sentence to its end. Knows nothing of how the inner tokenizer cuts text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.files import digest
from lmcompare.interface import Encoding, Ids, Tokenizer

Order = Literal["forward", "reversed", "shuffled"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
_STEP, _FIRST, _SECOND = (
    np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)


class OrderedTokenizer:
    """A tokenizer whose sentences are read in another order; ids, vocabulary and kind are those of `inner`.

    Attributes:
        inner: the tokenizer that cuts the text.
        order: "reversed" or "shuffled".
    """

    def __init__(self, inner: Tokenizer, order: Order) -> None:
        self.inner, self.order = inner, order
        self.kind, self.size, self.lossy = inner.kind, inner.size, inner.lossy
        self.bos, self.eos, self.unk = inner.bos, inner.eos, inner.unk
        self.fingerprint: str = digest([inner.fingerprint, order])

    def encode(self, sentence: str) -> Encoding:
        """See `Tokenizer.encode`: ids as they are read, offsets as the text stands."""
        found = self.inner.encode(sentence)
        places = reading_places(np.array([len(found.ids)]), self.order)
        return Encoding(found.ids[places], found.offsets, places)

    def encode_document(self, sentences: Sequence[str]) -> Ids:
        """See `Tokenizer.encode_document`: each sentence in its reading order, `eos` at its end."""
        ids = self.inner.encode_document(sentences)
        found: Ids = ids[reading_places(np.diff(_bounds(ids, self.eos)) - 1, self.order, closed=True)]
        return found

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """See `Tokenizer.decode`: text as it is written; a tail without `eos` is taken for a sentence."""
        read = np.asarray(ids, dtype=np.int64)
        read = read[read != self.bos]
        open_end = bool(len(read)) and read[-1] != self.eos
        closed = np.append(read, self.eos) if open_end else read
        places = reading_places(np.diff(_bounds(closed, self.eos)) - 1, self.order, closed=True)
        written = np.empty_like(closed)
        written[places] = closed
        return self.inner.decode(written[: len(read)])

    def token(self, index: int) -> str:
        """See `Tokenizer.token`."""
        return self.inner.token(index)

    def to_json(self) -> dict[str, Any]:
        """See `Tokenizer.to_json`: that of the inner one, and the order."""
        return {**self.inner.to_json(), "order": self.order}


def in_order(inner: Tokenizer, order: str) -> Tokenizer:
    """The tokenizer with its sentences read in an order; raises `InputError` where there is no such order."""
    if order not in ORDERS:
        where, remedy = "tokenizer.json, order", f"There are {', '.join(ORDERS)}"
        raise InputError(f"there is no reading order {order!r}", where=where, remedy=remedy)
    return inner if order == "forward" else OrderedTokenizer(inner, order)


def order_of(tokenizer: Tokenizer) -> Order:
    """The order in which a tokenizer's sentences are read."""
    return tokenizer.order if isinstance(tokenizer, OrderedTokenizer) else "forward"


def in_text_order(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer of the same tokens that reads them as they stand."""
    return tokenizer.inner if isinstance(tokenizer, OrderedTokenizer) else tokenizer


def stored_order(stored: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """What `to_json` gave, taken apart: the inner tokenizer's part, and the order."""
    return {key: value for key, value in stored.items() if key != "order"}, str(
        stored.get("order", "forward")
    )


def reading_places(lengths: NDArray[np.integer[Any]], order: Order, *, closed: bool = False) -> Ids:
    """Where in the text each token stands that is read next, for many sentences in a row, `[tokens]`.

    "reversed" reads from the last token to the first. "shuffled" reads the tokens by rising
    splitmix64(2^32 * length + place) (Steele, Lea & Flood 2014), places from 0: a fixed permutation for each
    length, the same on every machine. All integers have different values of it, so there are no ties.

    Args:
        lengths: tokens of each sentence, `eos` not counted.
        order: of reading.
        closed: whether each sentence is followed by its `eos`, which stays where it is.
    """
    extra = 1 if closed else 0
    wholes = np.asarray(lengths, dtype=np.int64) + extra
    starts = np.cumsum(wholes) - wholes
    sentence = np.repeat(np.arange(len(wholes)), wholes)
    place = np.arange(len(sentence)) - starts[sentence]
    if order == "forward":
        return np.arange(len(sentence))
    last = closed & (place == wholes[sentence] - 1)
    if order == "reversed":
        key: NDArray[Any] = np.where(last, place, wholes[sentence] - 1 - extra - place)
        found: Ids = np.argsort(starts[sentence] + key, kind="stable")
        return found
    key = _splitmix64((wholes[sentence] - extra).astype(np.uint64) << np.uint64(32) | place.astype(np.uint64))
    shuffled: Ids = np.lexsort((key, last, sentence))
    return shuffled


def _splitmix64(number: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A one-to-one scrambling of 64-bit numbers."""
    z = number + _STEP
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    mixed: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed


def _bounds(ids: Ids, eos: int) -> Ids:
    """Where each sentence of a document begins, and where the last one ends."""
    return np.concatenate([[0], np.flatnonzero(np.asarray(ids) == eos) + 1])
