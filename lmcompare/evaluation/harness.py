"""The path of the data: documents to surprisals, surprisals to statistics, statistics to results.

Read from top to bottom: `evaluate` makes a `Cell` of one trained model, `merge` one row of a table of
its seeds; `ranking.compare` and `ranking.rank` then set rows against each other. Each arrow is one
function call. Knows nothing of files, of training, and of how results are shown.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from lmcompare.errors import InputError
from lmcompare.evaluation.analyses import measure_all
from lmcompare.evaluation.analysis import Subject
from lmcompare.evaluation.averages import over_seeds
from lmcompare.evaluation.chain import chain, predict
from lmcompare.evaluation.context import Context
from lmcompare.evaluation.cost import peak_memory
from lmcompare.evaluation.event_scores import EventScores
from lmcompare.evaluation.explanation import explain, telling
from lmcompare.evaluation.generation_quality import measure
from lmcompare.evaluation.material import Material
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.perplexity import summarise
from lmcompare.evaluation.randomness import is_drawn
from lmcompare.evaluation.results import (
    POLICIES,
    Cell,
    CellSeconds,
    Cost,
    CurvePoint,
    Generation,
    ModelResult,
    PolicyName,
    Prediction,
    Record,
    Sample,
    Scores,
    SplitName,
)
from lmcompare.evaluation.score_cache import ScoreCache
from lmcompare.evaluation.scoring import score_split, summaries, tokenizer_info
from lmcompare.evaluation.telling import notes_of
from lmcompare.evaluation.timing import Stopwatch, asked_for
from lmcompare.evaluation.units import split_of
from lmcompare.evaluation.writing import write
from lmcompare.generation.loop import generate
from lmcompare.generation.rules import temperature
from lmcompare.interface import LanguageModel, flops_per_token
from lmcompare.models.windowed import windowed
from lmcompare.registry import Progress
from lmcompare.text.encoded import EncodedCorpus
from lmcompare.text.tokenizers.ordered import order_of

AnyRecord = TypeVar("AnyRecord", bound=Record)


def evaluate(
    model: LanguageModel,
    encoded: EncodedCorpus,
    options: EvaluationOptions,
    material: Material,
    *,
    name: str,
    seed: int,
    summary: str = "",
    train_seconds: float = 0.0,
    train_processor_seconds: float = 0.0,
    folder_bytes: int = 0,
    curve: Sequence[CurvePoint] = (),
    cache: ScoreCache | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[Cell, EventScores]:
    """Score one trained model, let it write, and say what it costs.

    Args:
        model: the trained model.
        encoded: the corpus in the model's own tokens.
        options: what is evaluated.
        material: what all models of the experiment are shown (`material.prepare`).
        name: of the model in the experiment.
        seed: that it was trained with.
        summary: its options in one line.
        train_seconds: what its training took.
        train_processor_seconds: the same on the processor, over all threads; 0 where nobody knows.
        folder_bytes: size of its saved folder.
        curve: its learning curve.
        cache: where scores of this very model are kept, and found again.
        progress: called at each step, and while it writes.
    """
    tell = progress or (lambda _: None)
    if encoded.tokenizer.fingerprint != model.tokenizer.fingerprint:
        raise InputError(f"the text was not encoded with the tokenizer of {name!r}", remedy="Encode it again")
    notes = notes_of(model)
    if options.window is not None:
        model = windowed(model, options.window, options.stride)
    watch, of_analyses = Stopwatch(), Stopwatch()
    scores = EventScores({}, {})
    splits: dict[SplitName, dict[PolicyName, Scores]] = {}
    speed, peak = 0.0, 0
    for done, split in enumerate(options.splits):
        scores.starts[split] = np.asarray(split_of(encoded, split).starts, dtype=np.int64)
        tell(Progress(f"score {split}", done, len(options.splits), name))
        scored = score_split(model, encoded, split, options, cache)
        speed, peak = scored.tokens_per_second, max(peak, scored.peak_memory)
        scores.logprobs[split, "native"] = scored.native
        scores.logprobs[split, "matched"] = scored.matched
        watch.add("scoring", scored.seconds)
        watch.add("scoring_matched", scored.matched_seconds)
        with watch.time("statistics"):
            splits[split] = summaries(model, encoded, split, scored, options)
    with watch.time("writing"):
        generation, samples, write_speed = _generate(model, encoded, options, material, seed, progress)
    # What stands next is no continuation where a model reads in another order than the text's.
    contexts = material.contexts if order_of(model.tokenizer) == "forward" else []
    explained = [explain(model, telling(line), encoded.train.documents) for line in material.sentences[:1]]
    peak = max(peak, peak_memory())  # of what analyses take, no model is the cause
    subject = Subject(name, seed, model, encoded, scores, material, options, tell)
    analyses = measure_all(subject, of_analyses)
    of_asked = {key: took for key, took in of_analyses.seconds.items() if asked_for(options, key)}
    cell = Cell(
        name=name,
        kind=model.kind,
        seed=seed,
        summary=summary,
        tokenizer=tokenizer_info(model.tokenizer),
        context=model.context,
        policy=model.policy,
        splits=splits,
        cost=Cost(
            parameters=model.parameters,
            bytes=folder_bytes,
            train_seconds=train_seconds,
            train_processor_seconds=train_processor_seconds,
            flops_per_token=flops_per_token(model, splits[options.splits[-1]]["native"].mean_context),
            score_tokens_per_second=speed,
            generate_tokens_per_second=write_speed,
            peak_memory_bytes=peak,
        ),
        curve=list(curve),
        generation=generation,
        chains=[chain(model, sentence) for sentence in material.sentences],
        predictions=[
            Prediction(context=text, candidates=predict(model, text, options.show.candidates))
            for text in contexts
        ],
        samples=samples,
        explanation=explained[0] if explained else None,
        drawn=is_drawn(model),
        notes=notes,
        analyses=analyses,
        seconds=CellSeconds(**watch.seconds, analyses=of_asked),
    )
    return cell, scores


def merge(
    cells: Sequence[Cell], scores: Sequence[EventScores], encoded: EncodedCorpus, options: EvaluationOptions
) -> ModelResult:
    """One row of the table: a model over all its seeds, statistics of the seeds' mean surprisals.

    Costs are means over the seeds, generation statistics too; curve, chains, predictions, samples and
    explanation are the first seed's.
    """
    first = cells[0]
    splits = first.splits
    if len(cells) > 1:
        splits = {split: {} for split in first.splits}
        for split, policy in itertools.product(first.splits, POLICIES):
            splits[split][policy] = summarise(
                split_of(encoded, split),
                [each.logprobs[split, policy] for each in scores],
                encoded.tokenizer,
                words=encoded.corpus.words,
                by_document=encoded.corpus.by_document,
                context=Context.of(first.splits[split][policy]),
                resamples=options.resamples,
                seed=options.seed,
            )
    generations = [cell.generation for cell in cells if cell.generation is not None]
    return ModelResult(
        name=first.name,
        kind=first.kind,
        seeds=[cell.seed for cell in cells],
        summary=first.summary,
        tokenizer=first.tokenizer,
        context=first.context,
        policy=first.policy,
        splits=splits,
        cost=_mean_cost([cell.cost for cell in cells]),
        curve=first.curve,
        generation=over_seeds(generations) if len(generations) == len(cells) else None,
        chains=first.chains,
        predictions=first.predictions,
        samples=first.samples,
        explanation=first.explanation,
        drawn=first.drawn,
        notes=list(dict.fromkeys(note for cell in cells for note in cell.notes)),
    )


def _generate(
    model: LanguageModel,
    encoded: EncodedCorpus,
    options: EvaluationOptions,
    material: Material,
    seed: int,
    progress: Callable[[Progress], None] | None,
) -> tuple[Generation | None, list[Sample], float]:
    """Statistics of the model's texts, those to show, tokens per second.

    There are no statistics where a text fell short, and no texts of a model that reads in another order.
    """
    settings = options.generation
    if material.index is None or order_of(model.tokenizer) != "forward":
        return None, [], _speed(model)
    ratio = len(encoded.test.ids) / max(1, material.test_units)
    written = write(model, material, settings, seed=seed, tokens_per_unit=ratio, progress=progress)
    texts = [each.measured for each in written.continuations if each is not None]
    whole = len(texts) == len(written.continuations)
    samples = [
        Sample(prompt=human.prompt, text=text)
        for human, text in zip(material.human[: settings.shown], written.texts, strict=False)
    ]
    generation = measure(texts, settings.length, material.index) if whole else None
    return generation, samples, written.tokens_per_second


def _speed(model: LanguageModel, rows: int = 8, tokens: int = 32) -> float:
    """Tokens per second where no text is asked for: a few rows from nothing."""
    begin = time.perf_counter()
    empty = np.zeros(0, dtype=np.int64)
    generate(model, [empty] * rows, temperature(1.0), max_tokens=tokens)
    return rows * tokens / max(time.perf_counter() - begin, 1e-9)


def _mean_cost(costs: Sequence[Cost]) -> Cost:
    """Means over the seeds; what nobody measured of one seed is not known of all."""
    mean = over_seeds(costs)
    if not all(cost.train_processor_seconds for cost in costs):
        mean.train_processor_seconds = 0.0
    return mean
