"""The back-off path of one prediction of an unbounded model, from the longest context that was seen down.

Knows the evidence that the compiled loops collect (`unbounded_kernels` says what a row is); nothing of how
it is shown. All orders are mixed, so each has a share: its own part times the weights of all above.
"""

from __future__ import annotations

import numpy as np

from lmcompare.interface import Ids
from lmcompare.models.ngram.path import BackoffPath, Seen, Step
from lmcompare.models.ngram.unbounded import ALWAYS, UnboundedModel


def unbounded_path(model: UnboundedModel, context: Ids, token: int) -> BackoffPath:
    """How an unbounded model arrives at the probability of a token.

    The longest step is that of the longest end of the context which was seen in training: of a context that
    never was, only the single token and the distribution in which all tokens are alike are left.

    Args:
        model: any unbounded model.
        context: what was read since the document's start, as in `LanguageModel.next_logprobs`.
        token: the one that comes next.
    """
    from lmcompare.models.ngram.unbounded_kernels import level

    read = np.append(np.asarray(context, dtype=np.int64), token)
    rows, starts = model.evidence(read)
    rows = rows[starts[-2] :]
    before = _before(model, read[:-1])
    steps, reached = list[Step](), 1 - ALWAYS
    for row in rows[::-1]:
        order, run = int(row[0]), int(row[1])
        longest = order + run - 1
        own, weight = (float(part) for part in level(row.astype(np.int64), model.discounts))
        if order == 1:
            reached += ALWAYS  # the empty context has this share in every other
        those = model.discounts[int(row[4:].sum() == 1)]
        discount = float(those[min(order, len(those) - 1), min(row[2], 3)]) if row[2] and run == 1 else None
        given = before[len(before) - (longest - 1) :]
        steps.append(
            Step(
                order=longest,
                context=tuple(given),
                seen=_seen(model, given, token),
                counted=(int(row[2]), int(row[3])),
                discount=discount,
                ratio=None,
                own=own,
                weight=weight,
                share=reached * own,
                orders=run,
            )
        )
        reached *= weight
    uniform = 1 / (model.tokenizer.size - 1)
    steps.append(Step(0, (), None, None, None, None, uniform, None, reached * uniform))
    return BackoffPath(token, True, steps, float(sum(step.share for step in steps)))


def _before(model: UnboundedModel, context: Ids) -> list[int]:
    """What the model can see of a context, `bos` in front."""
    seen = context.tolist()
    if model.policy == "sentence" and model.tokenizer.eos in seen:
        seen = seen[len(seen) - seen[::-1].index(model.tokenizer.eos) :]
    return [model.tokenizer.bos, *seen]


def _seen(model: UnboundedModel, context: list[int], token: int) -> Seen:
    index = model.index
    times = int(index.count([np.array([*context, token])])[0])
    followed = index.followed(np.array(context)) if context else len(index.ids) - len(index.openings)
    return Seen(times, followed, times, followed)
