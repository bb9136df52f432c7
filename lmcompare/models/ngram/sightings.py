"""Where the end of what was read was seen in the training text: how often, where first, and in what words.

Knows a suffix array (`suffix_array`), nothing of probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmcompare.errors import InputError
from lmcompare.interface import Ids
from lmcompare.models.ngram.suffix_array import SuffixArray

LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Sighting:
    """The last tokens of a text, as they were seen in training.

    Attributes:
        tokens: the ids, `bos` first where they open a sentence.
        times: how often they occur.
        document: number of the document in which they stand first, from 0.
        sentence: number of the sentence there, from 0.
        before: the ids in front of them in that document.
        after: the ids behind them.
    """

    tokens: tuple[int, ...]
    times: int
    document: int
    sentence: int
    before: tuple[int, ...]
    after: tuple[int, ...]


def sightings(index: SuffixArray, read: Ids, most: int = 8, around: int = 6) -> list[Sighting]:
    """The ends of a text that were seen in training, the longest first; none where its last token is new.

    Of ends that occur at the same places only the longest is listed.

    Args:
        index: of the training text.
        read: the text, from a document's start on.
        most: at most so many ends; the shortest are left out.
        around: at most so many tokens before and after.

    Errors: `InputError` for an empty text.
    """
    if not len(read):
        raise InputError("the text is empty", remedy="Give the words whose last ones are looked for")
    piece = np.concatenate([[index.bos], _piece(index, np.asarray(read))])
    longest = min(int(index.matches([read])[0][-1]), LONGEST)
    ends = [piece[len(piece) - length :] for length in range(longest, 0, -1)]
    times = index.count(ends) if ends else np.zeros(0, dtype=np.int64)
    rarest = np.flatnonzero(np.diff(times, prepend=0))[:most]  # shorter ends occur as often or more often
    return [_first(index, ends[place], int(times[place]), around) for place in rarest.tolist()]


def _piece(index: SuffixArray, read: Ids) -> Ids:
    """The sentence that the last token is of; with policy "document" the whole text."""
    ended = np.flatnonzero(read[:-1] == index.eos)
    return read[ended[-1] + 1 :] if index.policy == "sentence" and len(ended) else read


def _first(index: SuffixArray, end: Ids, times: int, around: int) -> Sighting:
    documents, places = index.locate(end, 1)
    document, place = int(documents[0]), int(places[0])
    stop = place + len(end) - int(end[0] == index.bos)
    earlier = index.around(document, place, place, 0)
    return Sighting(
        tokens=_plain(end),
        times=times,
        document=document,
        sentence=int(np.count_nonzero(earlier == index.eos)),
        before=_plain(earlier[max(0, len(earlier) - around) :]),
        after=_plain(index.around(document, stop, 0, around)),
    )


def _plain(ids: Ids) -> tuple[int, ...]:
    return tuple(np.asarray(ids).tolist())
