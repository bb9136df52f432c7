"""How far back a model could look, on average: the number that explains native against matched.

Counts tokens of the text, `bos` not among them. Knows of a model only its policy, its context and,
where it slides windows, its own account of them.
"""

from __future__ import annotations

import numpy as np

from lmcompare.evaluation.results import PolicyName
from lmcompare.evaluation.units import sentence_lengths
from lmcompare.interface import Ids, LanguageModel
from lmcompare.text.encoded import EncodedSplit


def mean_context(model: LanguageModel, split: EncodedSplit, policy: PolicyName) -> float:
    """Mean number of tokens before an event that the model could see, over all events of a split.

    A model with a method `context_lengths(length) -> [length]` tells it for a document of that length;
    of any other, event i of a document (or sentence, as the policy says) sees min(i, context) tokens.
    """
    starts = np.asarray(split.starts, dtype=np.int64)
    forgets = policy == "matched" or model.policy == "sentence"
    pieces = sentence_lengths(split, model.tokenizer.eos) if forgets else starts[1:] - starts[:-1]
    lengths, counts = np.unique(pieces, return_counts=True)
    events = int((lengths * counts).sum())
    return float((_visible(model, lengths) * counts).sum() / max(1, events))


def _visible(model: LanguageModel, lengths: Ids) -> Ids:
    """Tokens seen by all events of one piece together, for each length."""
    told = getattr(model, "context_lengths", None)
    if told is not None:
        return np.array([int(np.sum(told(int(length)))) for length in lengths], dtype=np.int64)
    reach = lengths if model.context is None else np.minimum(lengths, model.context)
    # 0 + 1 + ... + (reach - 1), then `reach` for each event that is left.
    seen: Ids = reach * (reach - 1) // 2 + (lengths - reach) * reach
    return seen
