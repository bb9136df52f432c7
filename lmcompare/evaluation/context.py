"""How far back a model could look, on average and at least: what explains native against matched.

Counts tokens of the text, `bos` not among them. Knows of a model only its policy, its context and,
where it slides windows, its own account of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.evaluation.results import PolicyName, Scores
from lmcompare.interface import Ids, LanguageModel

Whole = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Context:
    """Tokens before an event that the model could see, over all events of a text.

    Attributes:
        mean: over all of them.
        least: of the events that do not see all that stands before them in their document, the fewest; `None`
            where every event does. The first events of a document see little whatever the model is, so
            they are left out: for windows that is the least beyond the first window of a document.
    """

    mean: float
    least: int | None

    @classmethod
    def of(cls, scores: Scores) -> Context:
        """What was found before."""
        return cls(scores.mean_context, scores.least_context)


def context_of(model: LanguageModel, ids: Whole, starts: Whole, policy: PolicyName = "native") -> Context:
    """What a model could see of a text.

    A model with a method `context_lengths(length) -> [length]` tells it for a document of that length;
    of any other, event i of a document (or sentence, as the policy says) sees min(i, context) tokens.

    Args:
        model: that reads.
        ids: all documents one after the other, `[events]`.
        starts: where each document begins, and where the last one ends, `[documents + 1]`.
        policy: under which it reads.
    """
    starts = np.asarray(starts, dtype=np.int64)
    opens = starts
    if policy == "matched" or model.policy == "sentence":
        ends = np.flatnonzero(np.asarray(ids) == model.tokenizer.eos) + 1
        opens = np.unique(np.concatenate([starts, ends]))
    # Many pieces are equally long, and see alike; one that does not open its document lacks what is before.
    keys, counts = np.unique(2 * np.diff(opens) + np.isin(opens[:-1], starts), return_counts=True)
    total, least = 0, []
    for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
        length, first = divmod(key, 2)
        seen = _seen(model, length)
        total += count * int(seen.sum())
        cut = seen[seen < np.arange(length)] if first else seen
        if len(cut):
            least.append(int(cut.min()))
    return Context(total / max(1, int(starts[-1] - starts[0])), min(least, default=None))


def _seen(model: LanguageModel, length: int) -> Ids:
    """Tokens that each event of one piece sees, `[length]`."""
    told = getattr(model, "context_lengths", None)
    if told is not None:
        return np.asarray(told(length), dtype=np.int64)
    places: Ids = np.arange(length)
    return places if model.context is None else np.minimum(places, model.context)
