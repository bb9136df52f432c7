"""Words as tokens: what stands between white space.

Knows nothing of punctuation, case or languages without spaces. White space is what `str.split`
takes for it. A literal "<unk>", "<s>" or "</s>" in the text is an ordinary word.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lmcompare.errors import InputError
from lmcompare.interface import Encoding, Ids
from lmcompare.text.tokenizers.lines import closed_lines, one_line
from lmcompare.text.tokenizers.options import TokenizerOptions
from lmcompare.text.tokenizers.vocabulary import UNK, ClosedVocabulary, by_frequency, stored_strings

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
        counts = Counter(itertools.chain.from_iterable(map(str.split, sentences)))
        if not counts:
            raise InputError("the training text has no word", where="tokenizer")
        return cls(by_frequency(counts, options.min_count, options.max_size))

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
        closed_lines(sentences)
        words = list(map(str.split, sentences))
        counts = np.fromiter(map(len, words), np.int64, len(words))
        flat = itertools.chain.from_iterable(words)
        ids = np.full(int(counts.sum()) + len(words), self.eos, dtype=np.int32)
        ends = np.cumsum(counts + 1) - 1
        inside = np.ones(len(ids), dtype=np.bool_)
        inside[ends] = False
        ids[inside] = np.fromiter(map(self.ids.get, flat, itertools.repeat(UNK)), np.int32, int(counts.sum()))
        return ids

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """See `Tokenizer.decode`: words joined by one space."""
        shown = ("", "\n", "<unk>", *self.entries)
        pieces = [shown[index] for index in np.asarray(ids, dtype=np.int64).tolist() if index != self.bos]
        return re.sub(" ?\n ?", "\n", " ".join(pieces))
