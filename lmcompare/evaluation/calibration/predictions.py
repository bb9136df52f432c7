"""Whole next-token distributions of some passages, told in a few numbers an event.

Passages are read by stepping, many rows at once, so that any model of the seam can be asked. Knows nothing
of what the numbers are for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmcompare.interface import Floats, Ids, LanguageModel
from lmcompare.text.encoded import EncodedSplit

ROWS = 32
"""Passages at least, where the text has as many; as many are read side by side."""
EDGES = 10.0 ** np.arange(-4, 0.1, 0.5)
"""Probabilities of all tokens are counted between these, and below the first."""
_CELLS = 4_000_000
_LEAST = -1e300
_BLOCK = 100_000
"""Numbers of a distribution that are looked at together: what fits a processor's cache."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What was predicted for every event of the passages, in order.

    Attributes:
        passage: of each event, `[events]`.
        logprob: natural log p of what came, `[events]`.
        rank: 1 and how many tokens were more probable, of equals those with a lower id, `[events]`.
        top: log p of the most probable token, `[events]`.
        entropy: of the prediction, in nats, `[events]`.
        counts: of each passage, tokens by their probability (`EDGES`), `[passages, bins]`.
        mass: the sum of their probabilities, `[passages, bins]`.
        hits: events whose token had such a probability, `[passages, bins]`.
    """

    passage: Ids
    logprob: Floats
    rank: Ids
    top: Floats
    entropy: Floats
    counts: Floats
    mass: Floats
    hits: Floats


def passages(text: EncodedSplit, eos: int, events: int) -> list[Ids]:
    """About so many events of a text, as passages that are each read like a document of its own.

    They are the beginnings of documents, evenly spaced, where these are enough; else they begin where a
    sentence does, evenly spaced, and end where the next one begins, or the document ends.
    """
    ids, starts = np.asarray(text.ids), np.asarray(text.starts, dtype=np.int64)
    longest = -(-events // ROWS)
    held = np.minimum(np.diff(starts), longest)
    whole = starts[:-1][held > 0]
    held = held[held > 0]
    if held.sum() >= events:
        number = int(np.ceil(events / held.mean()))
        chosen = (2 * np.arange(number) + 1) * len(whole) // (2 * number)
        return [ids[whole[one] : whole[one] + held[one]] for one in np.unique(chosen)]
    opens = np.flatnonzero(np.concatenate([[True], ids[:-1] == eos])[: len(ids)])
    if not len(opens):
        return []
    number = -(-min(events, len(ids)) // longest)
    wanted = np.arange(number) * len(ids) // number
    spaced = opens[np.minimum(np.searchsorted(opens, wanted), len(opens) - 1)]
    begins = np.union1d(spaced, whole)
    ends = np.minimum(np.append(begins[1:], len(ids)), starts[np.searchsorted(starts, begins, side="right")])
    if len(ids) > events:
        ends = np.minimum(ends, begins + longest)
    return [ids[begin:end] for begin, end in zip(begins, ends, strict=True)]


def predict(
    model: LanguageModel, pieces: Sequence[Ids], tell: Callable[[int, int], None] | None = None
) -> Predictions:
    """Ask the model for the whole distribution of every event.

    Args:
        model: any model.
        pieces: passages, none of them empty.
        tell: called with the passages that are done, and all.
    """
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    out = _empty(int(offsets[-1]), len(pieces), np.repeat(np.arange(len(pieces)), lengths))
    together = max(1, min(2 * ROWS, _CELLS // model.tokenizer.size))
    order = np.argsort(-lengths, kind="stable")
    for first in range(0, len(pieces), together):
        rows = order[first : first + together]
        if tell is not None:
            tell(first, len(pieces))
        logprobs, state = model.start(len(rows))
        for place in range(int(lengths[rows[0]])):
            targets = np.array([pieces[row][place] for row in rows], dtype=np.int64)
            _note(out, np.asarray(logprobs), targets, rows, offsets[rows] + place)
            going = np.flatnonzero(lengths[rows] > place + 1)
            if not len(going):
                break
            if len(going) < len(rows):
                rows, targets, state = rows[going], targets[going], state.rows(going)
            logprobs, state = model.step(targets, state)
    return out


def _empty(events: int, number: int, passage: Ids) -> Predictions:
    bins = len(EDGES)
    floats = [np.zeros(events) for _ in range(3)]
    tables = [np.zeros((number, bins)) for _ in range(3)]
    rank = np.zeros(events, dtype=np.int64)
    return Predictions(passage, floats[0], rank, floats[1], floats[2], *tables)


def _note(out: Predictions, logprobs: Floats, targets: Ids, rows: Ids, events: Ids) -> None:
    """Put down what the distributions `[rows, size]` say of the targets `[rows]`, in blocks of rows."""
    size = logprobs.shape[1]
    step = max(1, _BLOCK // size)
    for first in range(0, len(rows), step):
        part = slice(first, first + step)
        block = logprobs[part].astype(np.float64)
        own, row, event = targets[part], rows[part], events[part]
        number = np.arange(len(own))
        found = block[number, own]
        probabilities = np.exp(block)
        out.logprob[event] = found
        out.rank[event] = 1 + np.count_nonzero(block > found[:, None], axis=1) + _before(block, found, own)
        out.top[event] = block.max(axis=1)
        np.maximum(block, _LEAST, out=block)  # 0 log 0 is 0
        out.entropy[event] = -np.einsum("ij,ij->i", probabilities, block)
        _count(out, probabilities, probabilities[number, own], row)


def _before(block: Floats, found: Floats, own: Ids) -> NDArray[np.int64]:
    """Tokens that are as probable as each row's target and have a lower id, `[rows]`."""
    equal = block == found[:, None]
    equal &= np.arange(block.shape[1]) < own[:, None]
    number: NDArray[np.int64] = np.count_nonzero(equal, axis=1)
    return number


def _count(out: Predictions, probabilities: Floats, own: Floats, rows: Ids) -> None:
    """Tokens, probability and hits by bins; the many small ones are what the others leave."""
    bins, size = len(EDGES), probabilities.shape[1]
    flat = probabilities.ravel()
    large = np.flatnonzero(flat >= EDGES[0])
    values = flat[large]
    cell = large // size * bins + bin_of(values)
    counts = np.bincount(cell, minlength=len(rows) * bins).reshape(len(rows), bins).astype(np.float64)
    mass = np.bincount(cell, weights=values, minlength=len(rows) * bins).reshape(len(rows), bins)
    counts[:, 0] = size - counts.sum(axis=1)
    mass[:, 0] = np.maximum(0.0, probabilities.sum(axis=1) - mass.sum(axis=1))
    # A passage stands once among the rows of a step, so that nothing is lost here.
    out.counts[rows] += counts
    out.mass[rows] += mass
    out.hits[rows, bin_of(own)] += 1


def bin_of(probabilities: Floats) -> Ids:
    """The bin of each probability: 0 below the first edge, and 1 in the last one."""
    found: Ids = np.minimum(np.searchsorted(EDGES, probabilities, side="right"), len(EDGES) - 1)
    return found
