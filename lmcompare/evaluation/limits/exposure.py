"""Analysis `exposure`: what becomes of a model that reads its own words instead of a person's.

In training a model only ever reads human text; when it writes, it reads what it wrote itself. The bits per
token of its own continuation are set beside those of the human one, by place: as the model itself sees
them, and as a judge does that is the same for all models, an n-gram model of the training text. Drawn from
the model as it is, its own text costs it the entropy of its predictions, whatever that is beside the human
text; to the judge, how much more the own words cost than the human ones must grow from place to place where
slips add up (Bengio et al. 2015; Ranzato et al. 2016). Greedy text whose bits fall towards zero has begun to
turn in a circle. Knows nothing of how it is drawn.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from lmcompare import registry
from lmcompare.evaluation.analysis import Contender, Subject, headline_split
from lmcompare.evaluation.averages import mean_with_interval, over_seeds
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.results.limits import (
    Exposure,
    ExposureCell,
    ExposureCurve,
    ExposureDrift,
    ExposurePoint,
    ExposureRow,
)
from lmcompare.evaluation.units import split_of
from lmcompare.evaluation.windows import spaced
from lmcompare.generation.loop import generate
from lmcompare.generation.rules import parse
from lmcompare.interface import Floats, Ids, LanguageModel
from lmcompare.registry import Progress, Training
from lmcompare.text.encoded import EncodedCorpus, EncodedSplit
from lmcompare.text.tokenizers.ordered import order_of


class ExposureAnalysis:
    """See `analysis.Analysis`."""

    name = "exposure"

    def measure(self, subject: Subject) -> ExposureCell | None:
        """Let the model go on from human prompts, and read both continuations."""
        options, model = subject.options.exposure, subject.model
        if not options.enabled or order_of(model.tokenizer) != "forward":
            return None  # a human continuation goes on in the order of the text
        text = split_of(subject.encoded, headline_split(subject.options))
        passages = cut_passages(
            text, model.tokenizer.eos, options.prompts, options.prompt_tokens + options.tokens
        )
        if not passages:
            return None
        prompts = [passage[: options.prompt_tokens] for passage in passages]
        texts = {"human": passages}
        for done, rule in enumerate(options.rules):
            subject.tell(Progress("exposure", done, len(options.rules), rule))
            drawn = generate(
                model, prompts, parse(rule), max_tokens=options.tokens, seed=1_000_003 * subject.seed
            )
            texts[rule] = [
                np.concatenate([prompt, each.ids]) for prompt, each in zip(prompts, drawn, strict=True)
            ]
        readers: dict[Literal["self", "judge"], LanguageModel] = {"self": model}
        if options.judge:
            readers["judge"] = judge(subject.encoded, options.judge)
        curves, drifts = _read_all(readers, texts, options.prompt_tokens, subject.options)
        return ExposureCell(
            prompts=len(prompts),
            prompt_tokens=options.prompt_tokens,
            tokens=options.tokens,
            judge=options.judge,
            curves=curves,
            drifts=drifts,
        )

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Exposure | None:
        """Means over the seeds."""
        rows = []
        for contender in contenders:
            found = [cell.analyses.exposure for cell in contender.cells if cell.analyses.exposure is not None]
            if found:
                rows.append(ExposureRow(model=contender.result.name, cell=over_seeds(found)))
        return Exposure(split=headline_split(options), rows=rows) if rows else None


EXPOSURE = ExposureAnalysis()


def cut_passages(text: EncodedSplit, eos: int, number: int, length: int) -> list[Ids]:
    """Passages of `length` tokens that begin with a sentence, evenly spaced.

    Within one document where there are enough such places; else the text is read on over document ends.
    """
    ids, starts = np.asarray(text.ids, dtype=np.int64), np.asarray(text.starts, dtype=np.int64)
    begins = np.concatenate([[0], np.flatnonzero(ids == eos) + 1])
    begins = begins[begins + length <= len(ids)]
    ends = starts[np.searchsorted(starts, begins, side="right").clip(max=len(starts) - 1)]
    inside = begins[begins + length <= ends]
    chosen = inside if len(inside) >= number else begins
    return [ids[begin : begin + length] for begin in chosen[spaced(len(chosen), number)]]


def judge(encoded: EncodedCorpus, order: int) -> LanguageModel:
    """An n-gram model of the training text, in the tokens of the model that is judged."""
    family = registry.models.get("ngram")
    with tempfile.TemporaryDirectory() as folder:
        return family.train(
            Training(
                options=family.options.model_validate({"order": order}),
                tokenizer=encoded.tokenizer,
                train=encoded.train.documents,
                valid=encoded.valid.documents,
                seed=1,
                folder=Path(folder),
            )
        )


def _read_all(
    readers: Mapping[Literal["self", "judge"], LanguageModel],
    texts: Mapping[str, Sequence[Ids]],
    before: int,
    options: EvaluationOptions,
) -> tuple[list[ExposureCurve], list[ExposureDrift]]:
    """A curve for each text and reader, and a drift for each text that is not the human one."""
    curves, drifts = [], []
    for reader, model in readers.items():
        bits = {
            name: -np.stack([scores[before:] for scores in model.score(rows)]) / math.log(2)
            for name, rows in texts.items()
        }
        for name, own in bits.items():
            curves.append(ExposureCurve(text=name, reader=reader, points=points(own, options)))
            if name != "human":
                early, late, growth, ci95 = drift(own, bits["human"], options)
                drifts.append(
                    ExposureDrift(text=name, reader=reader, early=early, late=late, growth=growth, ci95=ci95)
                )
    return curves, drifts


def points(bits: Floats, options: EvaluationOptions) -> list[ExposurePoint]:
    """Mean bits at places 1, 2, 3 to 4, 5 to 8, ... of the rows, `[prompts, tokens]`, with intervals."""
    found = []
    last, length = 1, bits.shape[1]
    while True:
        first, end = last // 2 + 1, min(last, length)
        part = bits[:, first - 1 : end]
        counts = np.full(len(part), float(part.shape[1]))
        mean, ci95 = mean_with_interval(part.sum(axis=1), options.resamples, options.seed, counts)
        found.append(ExposurePoint(first=first, last=end, bits=mean, ci95=ci95))
        if end == length:
            return found
        last *= 2


def drift(
    own: Floats, human: Floats, options: EvaluationOptions
) -> tuple[float, float, float, tuple[float, float]]:
    """Bits per token that own words cost more than human ones: early, late, late minus early, its interval.

    Early is the first quarter of the places, late the last one; a passage is paired with its own prompt.

    Args:
        own: bits of the model's tokens, `[prompts, tokens]`.
        human: bits of the human ones after the same prompts, `[prompts, tokens]`.
        options: of the bootstrap over the prompts.
    """
    quarter = max(1, own.shape[1] // 4)
    if not (np.isfinite(own).all() and np.isfinite(human).all()):
        return math.inf, math.inf, math.inf, (math.inf, math.inf)
    more = own - human
    early, late = more[:, :quarter].mean(axis=1), more[:, -quarter:].mean(axis=1)
    growth, ci95 = mean_with_interval(late - early, options.resamples, options.seed)
    return float(early.mean()), float(late.mean()), growth, ci95
