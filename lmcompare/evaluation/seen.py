"""What of a text stands in the training text, letter for letter: an index that is built once a corpus.

Knows words or characters, nothing of models. The index is a suffix array (`models.ngram.suffix_array`), so
the answers are exact, for n-grams of any length. n-grams do not cross line ends.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lmcompare.evaluation.textunits import UnitName, units
from lmcompare.interface import Ids
from lmcompare.models.ngram.suffix_array import SuffixArray

ORDERS = (2, 4, 8)
_BOS, _LINE_END, _FIRST = 0, 1, 2
_NEW = -1
"""The id of all words and characters that the training text does not have."""
_UNKNOWN_SIGN = "\ud800"
"""One character that no UTF-8 text holds, in place of the five of "<unk>"."""


class SeenIndex:
    """The n-grams of a training text, in words or characters.

    Keeps 12 bytes a unit of text.

    Args:
        sentences: the training text, one line each.
        unit: what an n-gram is made of.
    """

    def __init__(self, sentences: Sequence[str], unit: UnitName) -> None:
        self.unit: UnitName = unit
        self._words: dict[str, int] = {}
        self._characters: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        lines = list(sentences) or [""]
        if unit == "words":
            words: dict[str, int] = defaultdict(itertools.count(_FIRST).__next__, {"\n": _LINE_END})
            ids: Ids = np.fromiter(map(words.__getitem__, _words(lines)), dtype=np.int32)
            self._words = dict(words)
        else:
            points = _points(lines)
            found = np.unique(points[points != ord("\n")])
            self._characters = np.full(int(points.max()) + 1, _NEW, dtype=np.int32)
            self._characters[found] = np.arange(_FIRST, _FIRST + len(found), dtype=np.int32)
            self._characters[ord("\n")] = _LINE_END
            ids = self._characters[points]
        self._index = SuffixArray.build([ids], bos=_BOS, eos=_LINE_END, size=int(ids.max()) + 1)

    def seen(self, texts: Sequence[str], orders: Sequence[int] = ORDERS) -> dict[int, tuple[int, int]]:
        """For each order, of the n-grams in the texts: how many stand in the training text, and all.

        Args:
            texts: one or more lines each.
            orders: any lengths of n-grams.
        """
        matches, places = self._matches(texts)
        return {
            order: (int(np.count_nonzero(matches >= order)), int(np.count_nonzero(places >= order)))
            for order in orders
        }

    def longest_copies(self, texts: Sequence[str]) -> list[int]:
        """How many units the longest piece of each text has that stands in one line of the training text."""
        return [int(self._matches([text])[0].max(initial=0)) for text in texts]

    def longest_of_lines(self, lines: Sequence[str]) -> Ids:
        """The same of many lines at once, `[lines]`; none of them holds a line end."""
        matches, _ = self._matches(lines)
        ends = np.cumsum([0, *(len(units(line, self.unit)) + 1 for line in lines)])[:-1]
        found: Ids = np.maximum.reduceat(matches, ends) if len(ends) else np.zeros(0, dtype=np.int64)
        return found

    def _matches(self, texts: Sequence[str]) -> tuple[Ids, Ids]:
        """Lengths of the longest piece seen that ends at each unit of the texts, and of its line up to there.

        Both are 0 at line ends.
        """
        lines = [line for text in texts for line in text.split("\n")]
        if self.unit == "words":
            ids: Ids = np.fromiter((self._words.get(word, _NEW) for word in _words(lines)), dtype=np.int32)
        else:
            ids = np.append(self._characters, np.int32(_NEW))[
                np.minimum(_points(lines), len(self._characters))
            ]
        ends = np.flatnonzero(ids == _LINE_END)
        places = np.arange(1, len(ids) + 1)
        places -= np.repeat(np.append(0, ends + 1), np.diff(np.concatenate([[0], ends + 1, [len(ids)]])))
        places[ends] = 0
        # A match that begins where a line does has its bos too, which is no unit.
        return np.minimum(self._index.matches([ids])[0], places), places


def overlap(
    test: Sequence[str], train: Sequence[str] | SeenIndex, n: int = 13, unit: UnitName = "words"
) -> float:
    """The share of the n-grams of `test` that stand in `train`, each occurrence counted; 0 of none.

    Thirteen words are what Brown et al., "Language models are few-shot learners" (2020), appendix C, take for
    a sign that a test was in the training text.

    Args:
        test: lines of text.
        train: lines of text, or their index, which then decides about the unit.
        n: length of the n-grams, in units.
        unit: what they are made of.
    """
    index = train if isinstance(train, SeenIndex) else SeenIndex(train, unit)
    seen, every = index.seen(test, [n])[n]
    return seen / every if every else 0.0


def _words(lines: Iterable[str]) -> Iterable[str]:
    """The words of each line and a line end after each: no word holds one."""
    return itertools.chain.from_iterable([*line.split(), "\n"] for line in lines)


def _points(lines: Iterable[str]) -> NDArray[np.uint32]:
    """The code points of each line and a line end after each."""
    text = "\n".join([*lines, ""]).replace("<unk>", _UNKNOWN_SIGN)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
