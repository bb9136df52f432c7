"""A corpus as ids on disk: memory-mapped, at the smallest width, with the size of everything in all units.

Knows nothing of models. Cached by what was encoded and by what: the hash of the text and the
fingerprint of the tokenizer.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.files import check_folder, digest, home, new_folder
from lmcompare.interface import Ids, Tokenizer
from lmcompare.text.corpus import SPLITS, Corpus, Document

FORMAT: Final = 1
_ATTEMPTS: Final = 3
_STALE: Final = 6 * 3600.0  # seconds after which nobody can still be at work on a folder
Counts = NDArray[np.int64]
_ARRAYS: Final = ("ids", "starts", "sentence_starts", "words", "characters", "bytes")


@dataclass(frozen=True)
class EncodedSplit:
    """One split as ids, and the size of each sentence and document in the units of the original text.

    Every line end is one `eos` event, and is counted as one word, one character and one byte: so
    "per word" equals "per token" for words between spaces, and no unit gets its line ends for free.

    Attributes:
        ids: all documents one after the other, `[N]`, unsigned, memory-mapped; `eos` closes each sentence.
        starts: document `d` is `ids[starts[d]:starts[d + 1]]`, `[D + 1]`.
        sentence_starts: the same in sentences instead of ids, `[D + 1]`.
        sentence_words: pieces between white space + 1, `[S]`.
        sentence_characters: code points + 1, `[S]`.
        sentence_bytes: UTF-8 bytes + 1, `[S]`.
    """

    ids: Ids
    starts: Counts
    sentence_starts: Counts
    sentence_words: Counts
    sentence_characters: Counts
    sentence_bytes: Counts

    @property
    def documents(self) -> list[Ids]:
        """One slice of `ids` a document, without copying."""
        return [self.ids[start:end] for start, end in zip(self.starts[:-1], self.starts[1:], strict=True)]

    @property
    def sentences(self) -> int:
        """Number of sentences."""
        return len(self.sentence_words)

    @property
    def words(self) -> Counts:
        """Words and line ends of each document, `[D]`."""
        return self._by_document(self.sentence_words)

    @property
    def characters(self) -> Counts:
        """Characters of each document, line ends included, `[D]`."""
        return self._by_document(self.sentence_characters)

    @property
    def bytes(self) -> Counts:
        """UTF-8 bytes of each document, line ends included, `[D]`."""
        return self._by_document(self.sentence_bytes)

    def _by_document(self, counts: Counts) -> Counts:
        # Differences of running sums, because `np.add.reduceat` is wrong for documents without sentences.
        running = np.concatenate([[0], np.cumsum(counts)])
        sums: Counts = running[self.sentence_starts[1:]] - running[self.sentence_starts[:-1]]
        return sums


@dataclass(frozen=True)
class EncodedCorpus:
    """The three splits of a corpus in one event space."""

    corpus: Corpus
    tokenizer: Tokenizer
    train: EncodedSplit
    valid: EncodedSplit
    test: EncodedSplit


def first_sentences(split: EncodedSplit, number: int, eos: int) -> list[Ids]:
    """The documents that begin a text, to its `number`-th sentence; raises `InputError` for fewer."""
    if number > split.sentences:
        raise InputError(f"there are only {split.sentences:,} sentences to train on, not {number:,}")
    whole = int(np.searchsorted(split.sentence_starts, number, side="right")) - 1
    found = [split.ids[split.starts[d] : split.starts[d + 1]] for d in range(whole)]
    rest = number - int(split.sentence_starts[whole])
    if rest:
        part = split.ids[split.starts[whole] : split.starts[whole + 1]]
        found.append(part[: int(np.flatnonzero(part == eos)[rest - 1]) + 1])
    return found


def encode_corpus(corpus: Corpus, tokenizer: Tokenizer, *, cache: Path | None = None) -> EncodedCorpus:
    """Ids of all splits, read from the cache where the same text was encoded before in the same way.

    Args:
        corpus: the text.
        tokenizer: the event space.
        cache: folder of encoded corpora; `None` is `files.home() / "encoded"`. A damaged entry is
            written anew; two processes that write the same entry at once do not disturb each other.
    """
    key = digest([corpus.hash, tokenizer.fingerprint, FORMAT])
    folder = (cache or home() / "encoded") / key
    if not _whole(folder):
        _write(folder, corpus, tokenizer)
    train, valid, test = (_read(folder, split) for split in SPLITS)
    return EncodedCorpus(corpus, tokenizer, train, valid, test)


def duplicates(corpus: Corpus) -> dict[str, int]:
    """How many sentences of `valid` and of `test` also stand, letter for letter, in `train`.

    Each occurrence counts. Sentences of white space alone do not: they are layout, not memory.
    """
    known = set(corpus.sentences("train"))
    return {
        split: sum(sentence in known for sentence in corpus.sentences(split) if not _blank(sentence))
        for split in SPLITS
        if split != "train"
    }


def _blank(sentence: str) -> bool:
    return not sentence or sentence.isspace()


def _whole(folder: Path) -> bool:
    try:
        check_folder(folder)
    except InputError:
        return False
    return True


def _write(folder: Path, corpus: Corpus, tokenizer: Tokenizer) -> None:
    # Under a name of its own first, so that of two processes the later one finds the work done.
    own = folder.with_name(f"{folder.name}-{os.getpid()}")
    for left in folder.parent.glob(f".tmp-{folder.name}-*"):
        if time.time() - left.stat().st_mtime > _STALE:  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
    with new_folder(own, replace=True) as temporary:
        for split in SPLITS:
            for name, array in _encode(corpus.splits[split], tokenizer).items():
                np.save(temporary / f"{split}.{name}.npy", array, allow_pickle=False)
    for _ in range(_ATTEMPTS):
        try:
            own.rename(folder)
        except OSError:  # Something stands there: the same made by a faster process, or a damaged one.
            if _whole(folder):
                shutil.rmtree(own)
                return
            shutil.rmtree(folder, ignore_errors=True)
        else:
            return
    shutil.rmtree(own)
    raise InputError(
        "what stands there cannot be replaced", where=str(folder), remedy="Remove it and run again"
    )


def _encode(documents: list[Document], tokenizer: Tokenizer) -> dict[str, NDArray[Any]]:
    width = np.min_scalar_type(tokenizer.size - 1)
    parts = [tokenizer.encode_document(document.sentences).astype(width) for document in documents]
    sentences = [sentence for document in documents for sentence in document.sentences]
    return {
        "ids": np.concatenate([np.zeros(0, dtype=width), *parts]),
        "starts": _running(map(len, parts)),
        "sentence_starts": _running(len(document.sentences) for document in documents),
        "words": _sizes(map(len, map(str.split, sentences)), len(sentences)),
        "characters": _sizes(map(len, sentences), len(sentences)),
        "bytes": _sizes(map(len, map(str.encode, sentences)), len(sentences)),
    }


def _running(sizes: Iterable[int]) -> Counts:
    return np.cumsum([0, *sizes], dtype=np.int64)


def _sizes(sizes: Iterable[int], number: int) -> Counts:
    return np.fromiter(sizes, np.int64, number) + 1


def _read(folder: Path, split: str) -> EncodedSplit:
    arrays = {}
    for name in _ARRAYS:
        path = folder / f"{split}.{name}.npy"
        # An empty file cannot be mapped; all but the ids are small.
        mapped = name == "ids" and os.path.getsize(path) > 4096
        arrays[name] = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    return EncodedSplit(*(arrays[name] for name in _ARRAYS))
