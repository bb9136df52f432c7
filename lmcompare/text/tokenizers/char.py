"""Characters as tokens: one id for each code point that the training text has often enough.

Knows nothing of words. Combining marks are code points of their own and nothing is normalised.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.interface import Encoding, Ids
from lmcompare.text.tokenizers.lines import closed_lines, one_line
from lmcompare.text.tokenizers.options import TokenizerOptions
from lmcompare.text.tokenizers.vocabulary import UNK, ClosedVocabulary, by_frequency, stored_strings

_CODE_POINTS = 0x110000
_LINE_END = 10
_BATCH = 20_000  # sentences counted at a time: bounds memory on corpora of any size


class CharTokenizer(ClosedVocabulary):
    """Unicode code points: `bos` 0, `eos` 1, `unk` 2, then by falling frequency.

    Args:
        entries: single characters, all different; character `i` has id `i + 3`.
    """

    kind = "char"
    lossy = "characters outside the vocabulary become <unk>"

    def __init__(self, entries: Sequence[str]) -> None:
        if any(len(entry) != 1 or entry == "\n" for entry in entries):
            raise InputError("an entry is not one character", where="char tokenizer")
        super().__init__(entries)
        points = code_points("".join(self.entries))
        # One cell more than the largest known code point: all that lies beyond is clipped to it.
        self._table = np.full(int(points.max(initial=_LINE_END)) + 2, UNK, dtype=np.int32)
        self._table[points] = np.arange(len(points), dtype=np.int32) + UNK + 1
        self._table[_LINE_END] = self.eos

    @classmethod
    def train(cls, options: TokenizerOptions, sentences: Iterable[str]) -> CharTokenizer:
        """Every character of the text that occurs `min_count` times, the `max_size - 3` most frequent."""
        counts = count_characters(sentences)
        if not counts:
            raise InputError("the training text has no character", where="tokenizer")
        return cls(by_frequency(counts, options.min_count, options.max_size))

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> CharTokenizer:
        """The tokenizer whose `to_json` gave `stored`."""
        return cls(stored_strings(stored, "entries"))

    def encode(self, sentence: str) -> Encoding:
        """See `Tokenizer.encode`."""
        one_line(sentence)
        points = code_points(sentence)
        lengths = 1 + (points >= 0x80).astype(np.int64) + (points >= 0x800) + (points >= 0x10000)
        return Encoding(self._look_up(points), np.concatenate([[0], np.cumsum(lengths)]))

    def encode_document(self, sentences: Sequence[str]) -> Ids:
        """See `Tokenizer.encode_document`."""
        return self._look_up(code_points(closed_lines(sentences)))

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """See `Tokenizer.decode`."""
        shown = ("", "\n", "<unk>", *self.entries)
        return "".join(map(shown.__getitem__, np.asarray(ids, dtype=np.int64).tolist()))

    def _look_up(self, points: NDArray[np.uint32]) -> Ids:
        ids: Ids = self._table[np.minimum(points, len(self._table) - 1)]
        return ids


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points of a text, `[characters]`; half surrogates pass, the caller has refused them."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))


def count_characters(sentences: Iterable[str]) -> dict[str, int]:
    """How often each character occurs, in the order of first occurrence; line ends are not counted."""
    counts = np.zeros(_CODE_POINTS, dtype=np.int64)
    order: list[int] = []
    for batch in _batches(sentences):
        points = code_points("".join(batch))
        found = np.bincount(points, minlength=_CODE_POINTS)
        new = np.flatnonzero((found > 0) & (counts == 0))
        if len(new):
            first = np.empty(_CODE_POINTS, dtype=np.int64)
            first[points[::-1]] = np.arange(len(points))[::-1]  # the last assignment stays: the first place
            order += new[np.argsort(first[new])].tolist()
        counts += found
    return {chr(point): int(counts[point]) for point in order if point != _LINE_END}


def _batches(sentences: Iterable[str]) -> Iterator[list[str]]:
    source = iter(sentences)
    while batch := list(itertools.islice(source, _BATCH)):
        yield batch
