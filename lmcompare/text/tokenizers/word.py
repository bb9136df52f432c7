"""Words as tokens: what stands between white space.

Knows nothing of punctuation, case or languages without spaces. White space is what `str.split`
takes for it. A literal "<unk>", "<s>" or "</s>" in the text is an ordinary word.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.interface import Encoding, Ids
from lmcompare.side_by_side import side_by_side
from lmcompare.text.reading import read_blocks
from lmcompare.text.tokenizers.lines import one_line
from lmcompare.text.tokenizers.options import TokenizerOptions
from lmcompare.text.tokenizers.pieces import BLOCK, blocks, cut
from lmcompare.text.tokenizers.vocabulary import EOS, UNK, ClosedVocabulary, by_frequency, stored_strings

_WORD = re.compile(r"\S+")


class WordTokenizer(ClosedVocabulary):
    """Words between white space: `bos` 0, `eos` 1, `unk` 2, then by falling frequency.

    Args:
        entries: the words, all different; word `i` has id `i + 3`. So a model that brings its own
            vocabulary (an ARPA file) gets its tokenizer.
    """

    kind = "word"
    lossy = "white space becomes one space, and words outside the vocabulary become <unk>"

    @classmethod
    def train(cls, options: TokenizerOptions, sentences: Iterable[str]) -> WordTokenizer:
        """Every word of the text that occurs `min_count` times, the `max_size - 3` most frequent."""
        counts = Counter[str]()
        for block in blocks(sentences):
            numbers, words = cut(block)
            counts.update(dict(zip(words, np.bincount(numbers).tolist(), strict=True)))
        return cls(_vocabulary(counts, options))

    @classmethod
    def learn(
        cls, options: TokenizerOptions, sentences: Iterable[str], threads: int = 2
    ) -> tuple[WordTokenizer, Ids]:
        """The tokenizer of a text, and the text as a document of ids: `train` and `encode_document` in one.

        The text is cut once instead of twice, which is half the time, and by so many threads side by side.
        """
        return cls._learn(options, blocks(sentences), threads)

    @classmethod
    def learn_file(cls, options: TokenizerOptions, path: Path, threads: int = 2) -> tuple[WordTokenizer, Ids]:
        """What `learn` makes of the lines of a text file, of which no Python string is ever made.

        Errors: those of `reading.read_lines`.
        """
        return cls._learn(options, read_blocks(path, BLOCK), threads)

    @classmethod
    def _learn(
        cls, options: TokenizerOptions, texts: Iterable[bytes], threads: int
    ) -> tuple[WordTokenizer, Ids]:
        seen = _Numbers()
        parts = [np.zeros(0, dtype=np.int32)]
        for numbers, words in side_by_side(cut, texts, threads):
            own = np.fromiter(map(seen.__getitem__, words), np.int32, len(words))
            parts.append(own.take(numbers))
        numbers = np.concatenate(parts)
        counts = np.bincount(numbers, minlength=len(seen)).tolist()
        tokenizer = cls(_vocabulary(dict(zip(seen, counts, strict=True)), options))
        return tokenizer, tokenizer._ids_of(list(seen)).take(numbers)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> WordTokenizer:
        """The tokenizer whose `to_json` gave `stored`."""
        return cls(stored_strings(stored, "entries"))

    def encode(self, sentence: str) -> Encoding:
        """See `Tokenizer.encode`. White space belongs to the word after it, at the end to the last word.

        A sentence of white space alone has no token, and its offsets are `[0]`.
        """
        one_line(sentence)
        words = list(_WORD.finditer(sentence))
        ids = np.array([self.ids.get(word.group(), UNK) for word in words], dtype=np.int32)
        ends = [0, *(word.end() for word in words[:-1]), *([len(sentence)] if words else [])]
        lengths = [len(sentence[start:end].encode()) for start, end in itertools.pairwise(ends)]
        return Encoding(ids, np.cumsum([0, *lengths]))

    def encode_document(self, sentences: Sequence[str]) -> Ids:
        """See `Tokenizer.encode_document`."""
        parts = [np.zeros(0, dtype=np.int32)]
        for block in blocks(sentences):
            numbers, words = cut(block)
            parts.append(self._ids_of(words).take(numbers))
        return np.concatenate(parts)

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """See `Tokenizer.decode`: words joined by one space."""
        shown = ("", "\n", "<unk>", *self.entries)
        pieces = [shown[index] for index in np.asarray(ids, dtype=np.int64).tolist() if index != self.bos]
        return re.sub(" ?\n ?", "\n", " ".join(pieces))

    def _ids_of(self, words: Sequence[str]) -> NDArray[np.int32]:
        """The id of each piece: `eos` for a line end."""
        ids = [EOS if word == "\n" else self.ids.get(word, UNK) for word in words]
        return np.array(ids, dtype=np.int32)


class _Numbers(dict[str, int]):
    """Numbers the words by first occurrence."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


def _vocabulary(counts: Mapping[str, int], options: TokenizerOptions) -> list[str]:
    """The words that become entries; `counts` may hold the line end, which is no word."""
    words = {word: count for word, count in counts.items() if word != "\n"}
    if not words:
        raise InputError("the training text has no word", where="tokenizer")
    return by_frequency(words, options.min_count, options.max_size)
