"""What is resampled: the documents of a split, or its sentences, and how much each of them holds.

Tokens of one text depend on each other, so a confidence interval that took them for independent
would be too narrow. Documents are the units where a corpus has enough of them, else sentences.
Knows nothing of models: it cuts events into pieces and adds up what belongs to a piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from lmcompare.evaluation.results import SplitName
from lmcompare.interface import Floats, Ids
from lmcompare.text.encoded import EncodedCorpus, EncodedSplit

FEWEST_DOCUMENTS = 20
"""With fewer documents than this the sentences are resampled: an interval from a handful is no interval."""


@dataclass(frozen=True, slots=True)
class Units:
    """The pieces of a split that are resampled.

    Attributes:
        name: what they are.
        count: how many there are.
        of_event: the piece that each event belongs to, `[events]`.
        events: events in each piece, `[count]`.
        bytes: UTF-8 bytes of each piece's original text, line ends included, `[count]`.
    """

    name: Literal["documents", "sentences"]
    count: int
    of_event: Ids
    events: Ids
    bytes: Ids

    def sums(self, values: Floats) -> Floats:
        """What the events of each piece add up to: `[events]` in, `[count]` out, float64."""
        sums: Floats = np.bincount(self.of_event, weights=values, minlength=self.count).astype(np.float64)
        return sums


def split_of(encoded: EncodedCorpus, split: SplitName) -> EncodedSplit:
    """The encoded split of a name."""
    return encoded.valid if split == "valid" else encoded.test


def units_of(split: EncodedSplit, eos: int, *, by_document: bool) -> Units:
    """The documents of a split, or its sentences where documents are few or no real units.

    Args:
        split: the encoded text.
        eos: the id that ends each sentence.
        by_document: whether the corpus has real documents (`Corpus.by_document`).
    """
    if by_document and len(split.starts) - 1 >= FEWEST_DOCUMENTS:
        starts = np.asarray(split.starts, dtype=np.int64)
        return _units("documents", starts[1:] - starts[:-1], split.bytes)
    return _units("sentences", sentence_lengths(split, eos), split.sentence_bytes)


def sentence_lengths(split: EncodedSplit, eos: int) -> Ids:
    """Events of each sentence, its `eos` included, `[sentences]`."""
    ends = np.flatnonzero(np.asarray(split.ids) == eos)
    lengths: Ids = ends - np.concatenate([[-1], ends[:-1]])
    return lengths


def _units(name: Literal["documents", "sentences"], events: Ids, size: Ids) -> Units:
    index = np.repeat(np.arange(len(events)), events)
    return Units(name, len(events), index, events, np.asarray(size, dtype=np.int64))
