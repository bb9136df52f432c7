"""Analysis `length_cost`: milliseconds for one more token by how many were read before.

Twice: with what the model keeps of them (a state, a cache of keys and values), and with everything read
again for each token. A model with a window is given one that holds the longest context where its places
allow it, so that the price of a longer context is seen. All numbers are wall times on this machine. Knows
nothing of how it is drawn.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from lmcompare.errors import InputError
from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.averages import over_seeds
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.results.limits import LengthCost, LengthCostCell, LengthCostRow, LengthPoint
from lmcompare.generation.search import opened
from lmcompare.interface import Ids, LanguageModel, Writes
from lmcompare.models.windowed import HasWindows
from lmcompare.registry import Progress
from lmcompare.text.tokenizers.ordered import order_of


class LengthCostAnalysis:
    """See `analysis.Analysis`."""

    name = "length_cost"

    def measure(self, subject: Subject) -> LengthCostCell | None:
        """Time some steps after each length of context."""
        options = subject.options.length_cost
        if not options.enabled or order_of(subject.model.tokenizer) != "forward":
            return None  # another order costs no other time
        text = subject.encoded.valid if headline_split(subject.options) == "valid" else subject.encoded.test
        longest = max(options.contexts) + options.steps
        model = far_seeing(subject.model, longest + 1)
        ids = np.resize(np.asarray(text.ids, dtype=np.int64), longest)  # a short text is read again
        timed(
            model, ids, min(options.contexts), options.steps
        )  # what is done once is not the price of a token
        points = []
        for done, context in enumerate(sorted(set(options.contexts))):
            subject.tell(Progress("context cost", done, len(options.contexts), f"{context:,} tokens"))
            pairs = [timed(model, ids, context, options.steps) for _ in range(options.repeats)]
            kept, scratch = np.min(np.array(pairs), axis=0)  # whatever else runs here only adds to it
            points.append(
                LengthPoint(
                    context=context, milliseconds_step=float(kept), milliseconds_scratch=float(scratch)
                )
            )
        return LengthCostCell(window=model.context, points=points)

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> LengthCost | None:
        """Means over the seeds."""
        rows = []
        for contender in contenders:
            cells = [cell.analyses.length_cost for cell in contender.cells]
            found = [cell for cell in cells if cell is not None]
            if found:
                rows.append(LengthCostRow(model=contender.result.name, cell=over_seeds(found)))
        return LengthCost(rows=rows) if rows else None


LENGTH_COST = LengthCostAnalysis()


def far_seeing(model: LanguageModel, window: int) -> LanguageModel:
    """The model with a window of so many tokens; as it is where it has none, or can have none so long."""
    if not isinstance(model, HasWindows) or model.context is None or model.context >= window:
        return model
    try:
        return model.windowed(window, max(1, window // 2))
    except InputError:  # its places were learned one by one: there are no more of them
        return model


def timed(model: LanguageModel, ids: Ids, context: int, steps: int) -> tuple[float, float]:
    """Mean milliseconds of a step after `context` tokens of `ids`, and of reading them all again."""
    if isinstance(model, Writes):
        model.prepare_writing(1, len(ids))
    _, state = opened(model, ids[:context])
    begin = time.perf_counter()
    for token in ids[context : context + steps]:
        _, state = model.step(np.array([token]), state)
    kept = (time.perf_counter() - begin) / steps
    begin = time.perf_counter()
    model.next_logprobs([ids[:context]])
    return 1000 * kept, 1000 * (time.perf_counter() - begin)
