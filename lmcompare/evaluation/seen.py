"""Which n-grams of a text stand in the training text, exactly: an index that is built once a corpus.

An n-gram of order 2n is a pair of n-grams of order n. Each order's pairs are packed into one integer
and sorted; a pair's rank is its name in the next order. So there is no hashing and nothing can
collide, whatever the length of the n-gram. n-grams do not cross line ends. Knows nothing of models.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from lmcompare.evaluation.textunits import UnitName
from lmcompare.interface import Ids

ORDERS = (2, 4, 8)
"""Each is twice the one before it."""

_UNKNOWN_SIGN = "\ud800"
"""One character that no UTF-8 text holds, in place of the five of "<unk>"."""


class SeenIndex:
    """The 2-, 4- and 8-grams of a training text, in words or characters.

    Keeps at most 24 bytes a unit of text; takes the time of three sorts.

    Args:
        sentences: the training text, one line each.
        unit: what an n-gram is made of.
    """

    def __init__(self, sentences: Sequence[str], unit: UnitName) -> None:
        self.unit: UnitName = unit
        self._words: dict[str, int] = {}
        if unit == "words":
            names: dict[str, int] = defaultdict(itertools.count(1).__next__, {"\n": 0})
            ids: Ids = np.fromiter(map(names.__getitem__, _words(sentences)), dtype=np.int64)
            self._words = dict(names)
        else:
            ids = _characters(sentences)
        self._widths: list[int] = []
        self._keys: list[Ids] = []
        for order in ORDERS:
            width = int(ids.max(initial=0)) + 1
            # 0 names what crosses a line end, in each order.
            keys, ranks = np.unique(np.append(_pairs(ids, order // 2, width), 0), return_inverse=True)
            self._widths.append(width)
            self._keys.append(keys)
            ids = ranks[:-1]

    def seen(self, texts: Sequence[str]) -> dict[int, tuple[int, int]]:
        """For each order, of the n-grams in the texts: how many stand in the training text, and all."""
        sentences = [line for text in texts for line in text.split("\n")]
        if self.unit == "words":
            ids: Ids = np.fromiter((self._words.get(word, -1) for word in _words(sentences)), dtype=np.int64)
        else:
            ids = _characters(sentences)
        inside = ids != 0
        known = np.where((ids > 0) & (ids < self._widths[0]), ids, 0)
        counts = {}
        for order, width, keys in zip(ORDERS, self._widths, self._keys, strict=True):
            half = order // 2
            inside = inside[:-half] & inside[half:]
            pairs = _pairs(known, half, width)
            place = np.minimum(np.searchsorted(keys, pairs), len(keys) - 1)
            known = np.where(keys[place] == pairs, place, 0)
            counts[order] = (int(np.count_nonzero(known)), int(np.count_nonzero(inside)))
        return counts


def _words(sentences: Iterable[str]) -> Iterable[str]:
    """The words of each line and a line end after each: no word holds one."""
    return itertools.chain.from_iterable([*sentence.split(), "\n"] for sentence in sentences)


def _characters(sentences: Iterable[str]) -> Ids:
    """Code points, 0 for a line end (and 10, which is then free, for the sign of number 0)."""
    text = "\n".join([*sentences, ""]).replace("<unk>", _UNKNOWN_SIGN)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)
    points[points == 0] = -1
    points[points == 10] = 0
    points[points == -1] = 10
    return points


def _pairs(ids: Ids, half: int, width: int) -> Ids:
    """Each n-gram and the one after it as one integer; 0 where one of the two is none."""
    left, right = ids[:-half], ids[half:]
    packed: Ids = np.where((left > 0) & (right > 0), left * width + right, 0)
    return packed
