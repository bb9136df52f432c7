"""Analysis `cloze`: whether the model would have written the last word of a text.

The test is LAMBADA's (Paperno et al. 2016). A word of several tokens is right when each of them is the most
probable one after the text and the tokens before it. Knows nothing of how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lmcompare.evaluation.analysis import Contender, Subject
from lmcompare.evaluation.averages import mean_with_interval
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.perplexity import exp
from lmcompare.evaluation.results import Cloze, ClozeCell, ClozeRow
from lmcompare.evaluation.targeted.pairs import wilson
from lmcompare.evaluation.targeted.reading import apart, read_cloze
from lmcompare.interface import Ids, LanguageModel
from lmcompare.registry import Progress
from lmcompare.text.corpus import Corpus
from lmcompare.text.tokenizers.ordered import order_of
from lmcompare.text.tokenizers.unknown import unknown_ids

AT_ONCE = 64
"""Contexts whose next token is predicted together."""


class ClozeAnalysis:
    """See `analysis.Analysis`."""

    name = "cloze"

    def measure(self, subject: Subject) -> ClozeCell | None:
        """Ask for the last word of each text of the files that the options name."""
        options = subject.options.cloze
        if not options.files or order_of(subject.model.tokenizer) != "forward":
            return None  # in another order the last word is not what comes last
        texts = read_cloze(options.files, options.most)
        texts = [apart(text) for text in texts] if options.spacing == "signs apart" else texts
        asked = [split_last(subject.model, text) for text in texts]
        right = np.ones(len(asked), dtype=bool)
        first = np.zeros(len(asked), dtype=bool)
        nats = np.zeros(len(asked))
        steps = [(item, place) for item, (_, word) in enumerate(asked) for place in range(len(word))]
        for begin in range(0, len(steps), AT_ONCE):
            subject.tell(Progress("cloze", begin, len(steps)))
            batch = steps[begin : begin + AT_ONCE]
            contexts = [np.concatenate([asked[item][0], asked[item][1][:place]]) for item, place in batch]
            for (item, place), logprobs in zip(batch, subject.model.next_logprobs(contexts), strict=True):
                target = int(asked[item][1][place])
                best = int(np.argmax(logprobs)) == target
                right[item] &= best
                first[item] |= best and place == 0
                nats[item] -= logprobs[target]
        strange = unknown_ids(subject.model.tokenizer)
        unknown = np.array([bool(np.isin(word, strange).any()) for _, word in asked])
        bits, bits_ci95 = mean_with_interval(
            nats / math.log(2), subject.options.resamples, subject.options.seed
        )
        return ClozeCell(
            texts=len(asked),
            right=int(np.sum(right & ~unknown)),
            first=int(np.sum(first & ~unknown)),
            bits=bits,
            bits_ci95=bits_ci95,
            unknown=int(unknown.sum()),
        )

    def check(self, options: EvaluationOptions, corpus: Corpus) -> None:
        """Every line of every file holds a text."""
        if options.cloze.files:
            read_cloze(options.cloze.files)

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Cloze | None:
        """Means over the seeds."""
        rows = []
        for contender in contenders:
            found = [cell.analyses.cloze for cell in contender.cells if cell.analyses.cloze is not None]
            if found:
                texts = found[0].texts
                share = float(np.mean([cell.right for cell in found])) / texts
                first = float(np.mean([cell.first for cell in found])) / texts
                ends = [cell.bits_ci95 for cell in found if cell.bits_ci95 is not None]
                rows.append(
                    ClozeRow(
                        model=contender.result.name,
                        texts=texts,
                        accuracy=share,
                        ci95=wilson(share, texts),
                        accuracy_first=first,
                        ci95_first=wilson(first, texts),
                        perplexity=_perplexity([cell.bits for cell in found]),
                        perplexity_ci95=(
                            (_perplexity([low for low, _ in ends]), _perplexity([high for _, high in ends]))
                            if len(ends) == len(found)
                            else None
                        ),
                        unknown=found[0].unknown / texts,
                    )
                )
        return Cloze(rows=rows) if rows else None


CLOZE = ClozeAnalysis()


def split_last(model: LanguageModel, text: str) -> tuple[Ids, Ids]:
    """A text as the ids before its last word, and the ids of that word.

    Where a token reaches over the space before the word, the word's own begin with that token.
    """
    encoding = model.tokenizer.encode(text)
    begin = len(text[: text.rindex(" ") + 1].encode())
    ids, ends = np.asarray(encoding.ids), np.asarray(encoding.offsets)[1:]
    # A token that ends in the space alone stands before the word.
    cut = int(np.searchsorted(ends, begin, side="right"))
    return ids[:cut], ids[cut:]


def _perplexity(bits: Sequence[float]) -> float:
    return exp(float(np.mean(bits)) * math.log(2))
