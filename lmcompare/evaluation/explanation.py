"""How an n-gram model arrives at one probability, as a record: tokens in place of ids.

Knows nothing of how it is drawn; the numbers are `models.ngram.path`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from lmcompare.errors import InputError
from lmcompare.evaluation.results import BackoffStep, Explanation
from lmcompare.generation.loop import encode_prompt
from lmcompare.interface import Ids, LanguageModel, Tokenizer
from lmcompare.models.ngram.counts import lay_out
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.path import BackoffPath, Seen, Step, backoff_path
from lmcompare.models.ngram.unbounded import UnboundedModel
from lmcompare.models.ngram.unbounded_path import unbounded_path

_MARKS = " .?!。？！"


def explain(model: LanguageModel, text: str, training: Sequence[Ids] = ()) -> Explanation | None:
    """The back-off path of a text's last token; `None` for a model that does not back off.

    Args:
        model: any model.
        text: the start of a document; a line end at its end is the `eos` that is then explained.
        training: the documents that the model was trained on, for counts. None are given where it was trained
            on another number of events: these cannot be they. An unbounded model has its text itself.
    """
    if not isinstance(model, NgramModel | UnboundedModel):
        return None
    tokenizer = model.tokenizer
    ids = encode_prompt(tokenizer, text)
    if not len(ids):
        raise InputError("the text is empty", remedy="Give the words before, and the one that they lead to")
    if isinstance(model, UnboundedModel):
        return _told(unbounded_path(model, ids[:-1], int(ids[-1])), tokenizer)
    stream = lay_out(training, tokenizer.bos, tokenizer.eos) if any(map(len, training)) else None
    if stream is not None and stream.events != model.settings.get("events"):
        stream = None
    return _told(backoff_path(model, ids[:-1], int(ids[-1]), stream), tokenizer)


def telling(sentence: str) -> str:
    """A sentence without the marks at its end: its last word is more of a prediction than a full stop is."""
    return sentence.rstrip(_MARKS) or sentence


def _told(path: BackoffPath, tokenizer: Tokenizer) -> Explanation:
    return Explanation(
        token=tokenizer.token(path.token),
        interpolated=path.interpolated,
        steps=[_step(step, tokenizer) for step in path.steps],
        probability=path.probability,
    )


def _step(step: Step, tokenizer: Tokenizer) -> BackoffStep:
    kinds = step.counted is not None and step.seen is not None and step.counted != _occurrences(step.seen)
    return BackoffStep(
        order=step.order,
        context=[tokenizer.token(index) for index in step.context],
        seen=None if step.seen is None else _occurrences(step.seen),
        counted=step.counted,
        kinds=kinds,
        discount=step.discount,
        ratio=step.ratio,
        own=step.own,
        weight=step.weight,
        share=step.share,
        orders=step.orders,
    )


def _occurrences(seen: Seen) -> tuple[int, int]:
    return seen.gram, seen.context
