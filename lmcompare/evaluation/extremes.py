"""Analysis `extremes`: the tokens, sentences and documents on which two models differ most, with their text.

Of few models all pairs are looked at, of many the best one against the next. Tokens are compared where both
models predict the same ones, sentences and documents else per byte. Of equal tokens and equal sentences only
the first is shown. Needs the scores only; knows nothing of how it is drawn.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.ranking import rank, why_incomparable
from lmcompare.evaluation.results import Extremes, SplitName
from lmcompare.evaluation.results.extremes import ExtremePair, ExtremeSide, ExtremeText, ExtremeToken
from lmcompare.evaluation.units import sentence_lengths, split_of
from lmcompare.interface import Floats, Ids

EVERY = 6
"""Up to so many models all pairs are looked at."""
OPPONENTS = 3
"""Of more models, those that the best one is set against."""
FEWER = 2
"""Of each kind that is shown at most, but for the best model and the next `OPPONENTS`."""
SHORTEST = {"token": 8, "byte": 40}
"""Of shorter sentences one token decides; they are left out where enough are longer."""
BEFORE, AFTER, LONGEST = 70, 30, 240
"""Characters of text that are shown before and after a token, and of a sentence or document."""
CANDIDATES = 50
"""Events that are looked at for each one that is shown, since equal tokens are shown once."""

Shown = TypeVar("Shown")


class ExtremesAnalysis:
    """See `analysis.Analysis`."""

    name = "extremes"

    def measure(self, subject: Subject) -> None:
        """Nothing: the scores are enough."""

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Extremes | None:
        """Every pair of models that can be compared, the best one's first; of many only the best one's."""
        if not options.extremes.enabled or len(contenders) < 2:
            return None
        split, number = headline_split(options), options.extremes.number
        order = _in_order(contenders)
        shown = order if len(order) <= EVERY else order[: 1 + OPPONENTS]
        reads = [_Read.of(each, split) for each in shown]
        pairs = []
        for first, second in itertools.combinations(range(len(reads)), 2):
            leading = first == 0 and second <= OPPONENTS
            if leading or len(order) <= EVERY:
                most = number if leading else min(number, FEWER)
                pairs.append(_pair(reads[first], reads[second], most))
        return Extremes(split=split, pairs=pairs) if pairs else None


EXTREMES = ExtremesAnalysis()


@dataclass(frozen=True, slots=True)
class _Read:
    """One model's surprisal of a text, in bits, mean over its seeds.

    Attributes:
        contender: the model.
        split: of the text.
        events: `[events]`.
        sentences: `[sentences]`.
        lengths: events of each sentence.
        firsts: the first event of each sentence.
    """

    contender: Contender
    split: SplitName
    events: Floats
    sentences: Floats
    lengths: Ids
    firsts: Ids

    @classmethod
    def of(cls, contender: Contender, split: SplitName) -> _Read:
        text, eos = split_of(contender.encoded, split), contender.encoded.tokenizer.eos
        nats = [each.logprobs[split, "native"] for each in contender.scores]
        events = -np.mean(nats, axis=0) / math.log(2) + 0.0
        lengths = sentence_lengths(text, eos)
        firsts = np.cumsum(lengths) - lengths
        owners = np.repeat(np.arange(len(lengths)), lengths)
        sums = np.bincount(owners, weights=events, minlength=len(lengths)).astype(np.float64)
        return cls(contender, split, events, sums, lengths, firsts)

    @property
    def fingerprint(self) -> str:
        return self.contender.encoded.tokenizer.fingerprint


def _in_order(contenders: Sequence[Contender]) -> list[Contender]:
    """The models, best first; where they cannot be put in an order, those of the most common event space."""
    if why_incomparable([each.result for each in contenders]):
        spaces = [each.encoded.tokenizer.fingerprint for each in contenders]
        common = max(spaces, key=spaces.count)
        contenders = [each for each, space in zip(contenders, spaces, strict=True) if space == common]
    by_name = {each.result.name: each for each in contenders}
    return [by_name[name] for name in rank([each.result for each in contenders]).order]


def pair(a: Contender, b: Contender, split: SplitName, number: int) -> ExtremePair:
    """On what two models differ most, in both directions."""
    return _pair(_Read.of(a, split), _Read.of(b, split), number)


def _pair(first: _Read, second: _Read, number: int) -> ExtremePair:
    same = first.fingerprint == second.fingerprint
    sides = [_side(first, second, same, number, turned) for turned in (False, True)]
    return ExtremePair(
        a=first.contender.result.name,
        b=second.contender.result.name,
        unit="token" if same else "byte",
        easier_for_a=sides[0],
        easier_for_b=sides[1],
    )


def _side(a: _Read, b: _Read, same: bool, number: int, turned: bool) -> ExtremeSide:
    return ExtremeSide(
        tokens=_tokens(a, b, number, turned) if same else [],
        sentences=_sentences(a, b, same, number, turned),
        documents=_documents(a, b, same, number, turned),
    )


def largest(
    above: Floats,
    below: Floats,
    number: int,
    make: Callable[[int], Shown],
    key: Callable[[int], Hashable],
) -> list[Shown]:
    """The places where `above` exceeds `below` most, largest first; one for each key, the first of equals.

    Args:
        above: `[places]`, may be infinite.
        below: `[places]`; where both are infinite there is no difference.
        number: how many at most.
        make: what is shown of a place.
        key: places of one key are told once.
    """
    with np.errstate(invalid="ignore"):
        difference = above - below
    difference[np.isnan(difference)] = 0.0
    asked = min(len(difference), number * CANDIDATES)
    some = np.argpartition(-difference, asked - 1)[:asked] if asked else np.zeros(0, dtype=np.int64)
    found: dict[Hashable, Shown] = {}
    for place in some[np.lexsort((some, -difference[some]))].tolist():
        if difference[place] <= 0 or len(found) == number:
            break
        name = key(place)
        if name not in found:
            found[name] = make(place)
    return list(found.values())


def _tokens(a: _Read, b: _Read, number: int, turned: bool) -> list[ExtremeToken]:
    encoded = a.contender.encoded
    ids, sentences = np.asarray(split_of(encoded, a.split).ids), encoded.corpus.sentences(a.split)
    opens = set(split_of(encoded, a.split).sentence_starts.tolist())

    def make(place: int) -> ExtremeToken:
        at = int(np.searchsorted(a.firsts, place, side="right")) - 1
        text, inside = sentences[at].encode(), place - int(a.firsts[at])
        spans = encoded.tokenizer.encode(sentences[at]).spans.tolist()
        ends = inside == len(spans)  # the event is the sentence's end
        low, high = (len(text), len(text)) if ends else spans[inside]
        before = text[:low].decode(errors="replace")
        if at not in opens and len(before) < BEFORE:
            before = f"{sentences[at - 1]} ⏎ {before}"
        after = text[high:].decode(errors="replace")
        return ExtremeToken(
            before=before if len(before) <= BEFORE else "…" + before[-BEFORE:],
            token=encoded.tokenizer.token(int(ids[place])),
            after=_short(after, AFTER),
            bits_a=float(a.events[place]),
            bits_b=float(b.events[place]),
        )

    sides = (a.events, b.events) if turned else (b.events, a.events)
    return largest(*sides, number, make, lambda place: int(ids[place]))


def _sentences(a: _Read, b: _Read, same: bool, number: int, turned: bool) -> list[ExtremeText]:
    encoded = a.contender.encoded
    sentences = encoded.corpus.sentences(a.split)
    sizes = a.lengths if same else np.asarray(split_of(encoded, a.split).sentence_bytes)
    enough = sizes >= SHORTEST["token" if same else "byte"]
    kept = np.flatnonzero(enough if np.count_nonzero(enough) >= number else sizes > 0)
    own, other = a.sentences[kept] / sizes[kept], b.sentences[kept] / sizes[kept]

    def make(place: int) -> ExtremeText:
        return ExtremeText(
            name="",
            text=_short(sentences[kept[place]], LONGEST),
            size=int(sizes[kept[place]]),
            bits_a=float(own[place]),
            bits_b=float(other[place]),
        )

    sides = (own, other) if turned else (other, own)
    return largest(*sides, number, make, lambda place: sentences[kept[place]])


def _documents(a: _Read, b: _Read, same: bool, number: int, turned: bool) -> list[ExtremeText]:
    """Nothing where the corpus has no real documents, or one only."""
    encoded = a.contender.encoded
    documents, text = encoded.corpus.splits[a.split], split_of(encoded, a.split)
    if not encoded.corpus.by_document or len(documents) < 2:
        return []
    sizes = np.diff(text.starts) if same else text.bytes
    kept = np.flatnonzero(sizes > 0)
    bounds = np.asarray(text.sentence_starts)
    of_sentence = np.repeat(np.arange(len(documents)), np.diff(bounds))
    own, other = (
        np.bincount(of_sentence, weights=each.sentences, minlength=len(documents))[kept] / sizes[kept]
        for each in (a, b)
    )

    def make(place: int) -> ExtremeText:
        document = documents[kept[place]]
        return ExtremeText(
            name=document.name,
            text=_short(" ⏎ ".join(line for line in document.sentences[:8] if line.strip()), LONGEST),
            size=int(sizes[kept[place]]),
            bits_a=float(own[place]),
            bits_b=float(other[place]),
        )

    sides = (own, other) if turned else (other, own)
    return largest(*sides, number, make, lambda place: place)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
