"""One experiment from its file to its `results.json`: read top to bottom.

Corpus -> tokenizers -> ids -> cells (in worker processes) -> rows -> comparisons -> results. Knows
nothing of terminals: what happens is told through `Watcher`.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import queue
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from lmcompare.errors import InputError
from lmcompare.evaluation.analyses import check_all, gather_all
from lmcompare.evaluation.analysis import Contender, by_reading_order
from lmcompare.evaluation.event_scores import EventScores
from lmcompare.evaluation.harness import merge
from lmcompare.evaluation.material import Material, prepare
from lmcompare.evaluation.ranking import compare, rank
from lmcompare.evaluation.results import CorpusInfo, Results, SplitInfo
from lmcompare.evaluation.seen import SeenIndex, overlap
from lmcompare.evaluation.timing import Stopwatch, of_run
from lmcompare.experiment.executors import run_all
from lmcompare.experiment.signing import sign
from lmcompare.experiment.spec import Experiment
from lmcompare.experiment.store import cell_folder, device_of, locked, versions
from lmcompare.experiment.worker import Job, start_worker, work
from lmcompare.files import write_text
from lmcompare.interface import Tokenizer
from lmcompare.models.neural import device
from lmcompare.registry import Progress
from lmcompare.text.corpus import SPLITS, Corpus
from lmcompare.text.encoded import EncodedCorpus, duplicates, encode_corpus
from lmcompare.text.sources import open_corpus
from lmcompare.text.tokenizers import build


class Watcher(Protocol):
    """Who is told how the run goes."""

    def stage(self, what: str) -> None:
        """A new step of the whole run begins."""

    def cells(self, labels: list[str], ready: list[str]) -> None:
        """All cells by label, and those that stand already."""

    def progress(self, label: str, progress: Progress) -> None:
        """A cell goes on."""

    def finished(self, label: str) -> None:
        """A cell stands."""

    def beat(self) -> None:
        """Called several times a second while cells are computed."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The corpus, each model's ids of it, and the texts that some models are trained on instead."""

    corpus: Corpus
    encoded: dict[str, EncodedCorpus]
    material: Material
    texts: dict[str, Corpus]


def run(experiment: Experiment, watcher: Watcher, *, command: str) -> Results:
    """Train what is not trained yet, evaluate it, compare it, and write `results.json`.

    Args:
        experiment: what to do.
        watcher: is told how it goes.
        command: what the report says to type to get this again.

    Raises:
        InputError: for what the user can mend; all that was finished by then is kept.
    """
    device_of(experiment)  # before anything is written
    with locked(experiment.folder / "cells" / ".lock", wait=False):
        prepared = _prepare(experiment, watcher)
        jobs = _jobs(experiment, prepared)
        _compute(experiment, jobs, watcher)
        results = _results(experiment, prepared, jobs, watcher, command)
        write_text(experiment.folder / "results.json", results.model_dump_json(indent=1) + "\n")
        return results


def evaluated_cells(experiment: Experiment) -> Iterator[tuple[str, EncodedCorpus, EventScores]]:
    """Label, text and scores of every cell, in the order of the file; nothing is trained or scored.

    Raises:
        InputError: a cell has not been evaluated.
    """
    prepared = _prepare(experiment, _Silent())
    for name, cells in _jobs(experiment, prepared).items():
        for job in cells:
            if not job.folder.evaluated():
                remedy = f"Run `lmcompare run {experiment.folder}` first"
                raise InputError(
                    f"{job.label!r} has not been evaluated yet", where=str(experiment.path), remedy=remedy
                )
            yield job.label, prepared.encoded[name], job.folder.read()[1]


class _Silent:
    """A watcher whom nothing is shown."""

    def stage(self, what: str) -> None: ...
    def cells(self, labels: list[str], ready: list[str]) -> None: ...
    def progress(self, label: str, progress: Progress) -> None: ...
    def finished(self, label: str) -> None: ...
    def beat(self) -> None: ...


def _prepare(experiment: Experiment, watcher: Watcher) -> _Prepared:
    head = experiment.head
    watcher.stage("reading the corpus")
    corpus = open_corpus(head.corpus, base=experiment.folder)
    if head.evaluation.resample == "sentences":
        corpus = replace(corpus, by_document=False)
    check_all(head.evaluation, corpus)
    encoded: dict[str, EncodedCorpus] = {}
    made: dict[str, EncodedCorpus] = {}
    for model in experiment.models:
        key = model.tokenizer.model_dump_json()
        if key not in made:
            watcher.stage(f"encoding in {model.tokenizer.kind}s")
            tokenizer = build(model.tokenizer, corpus.sentences("train"))
            made[key] = encode_corpus(corpus, tokenizer)
        encoded[model.name] = made[key]
    _check_members(experiment, encoded)
    texts = _texts(experiment)
    watcher.stage("choosing prompts, indexing the training text")
    return _Prepared(corpus, encoded, prepare(corpus, head.evaluation), texts)


def _check_members(experiment: Experiment, encoded: Mapping[str, EncodedCorpus]) -> None:
    """Refuse a member that predicts other events than the model that it is part of."""
    for model in experiment.models:
        own = encoded[model.name].tokenizer
        for place, name in model.members.items():
            other = encoded[name].tokenizer
            if other.fingerprint != own.fingerprint:
                raise InputError(
                    f"{name!r} has another tokenizer ({other.kind}, {other.size:,} ids) than {model.name!r} "
                    f"({own.kind}, {own.size:,} ids), so their events are not the same",
                    where=f"{experiment.path}: {model.place}.{place}",
                    remedy="Give both the same tokenizer",
                )


def _texts(experiment: Experiment) -> dict[str, Corpus]:
    """The text of each model that is not trained on the experiment's."""
    found: dict[str, Corpus] = {}
    for model in experiment.models:
        if model.corpus is not None:
            try:
                found[model.name] = open_corpus(model.corpus, base=experiment.folder)
            except InputError as error:
                where = ", ".join(filter(None, (f"{model.place}.corpus", error.where)))
                raise InputError(error.what, where=where, remedy=error.remedy) from None
    return found


def _jobs(experiment: Experiment, prepared: _Prepared) -> dict[str, list[Job]]:
    head, corpus = experiment.head, prepared.corpus
    jobs: dict[str, list[Job]] = {model.name: [] for model in experiment.models}
    for model in experiment.in_order():
        tokenizer: Tokenizer = prepared.encoded[model.name].tokenizer
        text = prepared.texts.get(model.name)
        for seed in model.seeds:
            members = {name: _of_seed(jobs[name], seed).folder for name in model.members.values()}
            jobs[model.name].append(
                Job(
                    model,
                    seed,
                    head.threads,
                    corpus,
                    tokenizer.to_json(),
                    cell_folder(
                        experiment,
                        model,
                        seed,
                        corpus.hash,
                        tokenizer.fingerprint,
                        None if text is None else text.hash,
                        members,
                    ),
                    head.evaluation,
                    prepared.material,
                    text,
                    members,
                    head.fresh,
                    device_of(experiment),
                )
            )
    return jobs


def _of_seed(cells: Sequence[Job], seed: int) -> Job:
    """A member's cell: of the same seed, else of its first."""
    return next((cell for cell in cells if cell.seed == seed), cells[0])


def _compute(experiment: Experiment, jobs: dict[str, list[Job]], watcher: Watcher) -> None:
    every = {job.folder.path: job for model in experiment.in_order() for job in jobs[model.name]}
    waiting = {path: job for path, job in every.items() if not job.folder.evaluated()}
    ready = [job.label for path, job in every.items() if path not in waiting]
    watcher.cells([job.label for job in every.values()], ready)
    if not waiting:
        return
    outbox = multiprocessing.get_context("spawn").Queue()

    def drain() -> None:
        while True:
            try:
                label, progress = outbox.get_nowait()
            except queue.Empty:
                break
            watcher.progress(label, progress)
        watcher.beat()

    def members(job: Job) -> list[Job]:
        return [waiting[folder.path] for folder in job.members.values() if folder.path in waiting]

    run_all(
        list(waiting.values()),
        members,
        work,
        min(experiment.head.workers, len(waiting)),
        start_worker,
        (outbox, experiment.head.threads),
        drain,
        lambda job: watcher.finished(job.label),
        fresh=experiment.head.fresh,
    )


def _results(
    experiment: Experiment,
    prepared: _Prepared,
    jobs: dict[str, list[Job]],
    watcher: Watcher,
    command: str,
) -> Results:
    watcher.stage("comparing")
    options = experiment.head.evaluation
    contenders, watch, gathering = [], Stopwatch(), Stopwatch()
    tried = {model.name: model.tried for model in experiment.models}
    for name, cells in jobs.items():
        found = [job.folder.read() for job in cells]
        scores = [each for _, each in found]
        with watch.time("statistics"):
            row = merge([cell for cell, _ in found], scores, prepared.encoded[name], options)
        row.tried = tried[name]
        contenders.append(Contender(row, scores, prepared.encoded[name], [cell for cell, _ in found]))
    main, reordered = by_reading_order(contenders)
    rows = [contender.result for contender in main]
    environment = describe_environment(experiment)
    tokenizers = [each.tokenizer for each in prepared.encoded.values()]
    signature = sign(
        experiment, prepared.corpus, tokenizers, [job for cells in jobs.values() for job in cells]
    )
    with watch.time("statistics"):
        comparisons = compare(main, options)
        ranking = rank(rows, comparisons)
    analyses = gather_all(contenders, options, gathering)
    took = [cell.seconds for contender in contenders for cell in contender.cells]
    return Results(
        signature=signature.long(),
        signature_short=signature.short(),
        name=experiment.name,
        title=experiment.title,
        command=command,
        experiment=experiment.to_json(),
        environment=environment,
        corpus=describe_corpus(prepared.corpus, prepared.material.index),
        models=rows,
        reordered=[contender.result for contender in reordered],
        human=prepared.material.human_generation(),
        human_samples=prepared.material.human_samples(options.generation.shown),
        chain_sentences=prepared.material.sentences,
        comparisons=comparisons,
        ranking=ranking,
        analyses=analyses,
        seconds=of_run(took, watch.seconds["statistics"], gathering.seconds, options),
    )


def describe_corpus(corpus: Corpus, index: SeenIndex | None = None) -> CorpusInfo:
    """Sizes in all units, licence, hash, exact duplicates, and with an index the overlap in 13-grams."""
    repeated = duplicates(corpus)
    splits = {}
    for split in SPLITS:
        sentences = corpus.sentences(split)
        splits[split] = SplitInfo(
            documents=len(corpus.splits[split]),
            sentences=len(sentences),
            words=sum(len(sentence.split()) for sentence in sentences) if corpus.words else None,
            characters=sum(map(len, sentences)),
            bytes=sum(len(sentence.encode()) for sentence in sentences),
            duplicates=repeated.get(split, 0),
            overlap_13=overlap(sentences, index) if index is not None and split != "train" else None,
        )
    return CorpusInfo(
        name=corpus.name,
        title=corpus.title,
        language=corpus.language,
        licence=corpus.licence,
        hash=corpus.hash,
        splits=splits,
        facts=corpus.facts,
    )


def describe_environment(experiment: Experiment) -> dict[str, str]:
    """Versions, threads and machine: what the bits of a result depend on."""
    gpu = device.gpu(device_of(experiment))
    return {
        **versions(),
        "threads": str(experiment.head.threads),
        "cores": str(os.cpu_count()),
        "machine": f"{platform.system()} {platform.machine()}",
        **({"device": gpu} if gpu is not None else {}),
    }


def read_results(path: Path) -> Results:
    """The results of an experiment (its file, its folder, or `results.json` itself)."""
    path = path / "results.json" if path.is_dir() else path
    path = path.with_name("results.json") if path.name == "experiment.toml" else path
    try:
        return Results.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        remedy = f"Run `lmcompare run {path.parent}` first"
        raise InputError("there are no results yet", where=str(path), remedy=remedy) from None
    except ValueError as error:
        what = f"not results of this version: {str(error).splitlines()[0]}"
        raise InputError(what, where=str(path), remedy="Run the experiment again") from None
