"""One cell in one process: train, save, evaluate, each step kept as soon as it stands.

A worker that is killed loses the work since the last checkpoint; the next one goes on from there. One
that is asked to stop (SIGTERM) writes a checkpoint first.
Knows nothing of the other cells and of who shows the progress.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing import connection, parent_process
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Literal

from lmcompare import registry, stopping
from lmcompare.errors import InputError
from lmcompare.evaluation.cost import folder_bytes
from lmcompare.evaluation.harness import evaluate
from lmcompare.evaluation.material import Material
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.results import CurvePoint
from lmcompare.evaluation.score_cache import ScoreCache
from lmcompare.experiment.spec import ModelSpec
from lmcompare.experiment.store import CellFolder, locked
from lmcompare.files import model_kind, read_json, write_json
from lmcompare.generation.short_text import short_text
from lmcompare.interface import Ids, LanguageModel
from lmcompare.models.neural import device
from lmcompare.registry import Progress, Training
from lmcompare.text.corpus import Corpus
from lmcompare.text.encoded import EncodedCorpus, encode_corpus, first_sentences
from lmcompare.text.tokenizers import from_json

Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker needs, as plain values: it may run in another process.

    Attributes:
        model: what is trained.
        seed: of this cell.
        threads: of the training.
        corpus: the experiment's text.
        tokenizer: as JSON.
        folder: where the cell is kept.
        evaluation: how it is evaluated.
        material: what all models are shown.
        text: what is trained on in place of the corpus's training split; `None`: that split.
        members: folders of the cells that this one is made of, by the model's name.
        fresh: whether its process does nothing else, so that peak memory can be told.
        device: where its networks are.
    """

    model: ModelSpec
    seed: int
    threads: int
    corpus: Corpus
    tokenizer: dict[str, object]
    folder: CellFolder
    evaluation: EvaluationOptions
    material: Material
    text: Corpus | None = None
    members: Mapping[str, CellFolder] = field(default_factory=dict)
    fresh: bool = True
    device: Literal["cpu", "cuda"] = "cpu"

    @property
    def label(self) -> str:
        """How progress names this cell."""
        return self.model.name if len(self.model.seeds) == 1 else f"{self.model.name}, seed {self.seed}"


def run_cell(job: Job, tell: Tell) -> None:
    """Bring one cell to its end; what stands already is not done again."""
    with locked(job.folder.path / ".lock", wait=True), device.on(job.device):
        if job.folder.evaluated():
            return
        encoded = encode_corpus(job.corpus, from_json(job.tokenizer))
        model = _trained(job, encoded, tell)
        folder = job.folder
        cell, scores = evaluate(
            model,
            encoded,
            job.evaluation,
            job.material,
            name=job.model.name,
            seed=job.seed,
            summary=job.model.summary(),
            train_seconds=train_seconds(folder),
            train_processor_seconds=processor_seconds(folder),
            folder_bytes=folder_bytes(folder.model),
            curve=read_curve(folder.path / "curve.jsonl"),
            cache=ScoreCache.of(folder.path / "scores", folder.model, job.threads),
            progress=tell,
        )
        if not job.fresh:
            cell.cost.peak_memory_bytes = 0  # nobody measured: the process has done other cells before
        folder.write(cell, scores)


def _trained(job: Job, encoded: EncodedCorpus, tell: Tell) -> LanguageModel:
    family, folder = registry.models.get(job.model.kind), job.folder
    if folder.trained():
        return family.load(folder.model)
    shutil.rmtree(folder.model, ignore_errors=True)  # a model without its note: killed in between
    resumed = folder.work.is_dir()
    begin, worked = time.perf_counter(), time.process_time()
    model = train(job, encoded, tell)
    seconds = time.perf_counter() - begin
    # What a process that was killed had worked, nobody knows.
    processor = 0.0 if resumed else time.process_time() - worked
    points = read_curve(folder.work / "curve.jsonl")
    if points:
        # A training that was killed and continued took longer than this process saw.
        seconds = max(seconds, points[-1].seconds)
    for record in folder.work.glob("*.jsonl"):  # the curve, and what else was written line by line
        shutil.copyfile(record, folder.path / record.name)
    # What a model costs includes the models that it is made of.
    seconds += sum(train_seconds(member) for member in job.members.values())
    of_members = [processor_seconds(member) for member in job.members.values()]
    processor = processor + sum(of_members) if processor and all(of_members) else 0.0
    model.save(folder.model)
    write_json(folder.path / "trained.json", {"seconds": seconds, "processor_seconds": processor})
    shutil.rmtree(folder.work, ignore_errors=True)
    # Loaded again, so that what is evaluated is what stands on the disk.
    return family.load(folder.model)


def train(job: Job, encoded: EncodedCorpus, tell: Tell) -> LanguageModel:
    """Train the cell's model in its work folder."""
    work = job.folder.work
    work.mkdir(parents=True, exist_ok=True)
    text = encoded if job.text is None else encode_corpus(job.text, encoded.tokenizer)
    return registry.models.get(job.model.kind).train(
        Training(
            options=job.model.options,
            tokenizer=encoded.tokenizer,
            train=_train_text(job, text),
            valid=encoded.valid.documents,
            seed=job.seed,
            folder=work,
            threads=job.threads,
            progress=tell,
            members={name: _load(folder.model) for name, folder in job.members.items()},
            write=short_text,
            source=(job.text or job.corpus).source,
            device=job.device,
        )
    )


def _train_text(job: Job, text: EncodedCorpus) -> list[Ids]:
    number = job.model.train_sentences
    if number is None:
        return text.train.documents
    try:
        return first_sentences(text.train, number, text.tokenizer.eos)
    except InputError as error:
        where = f"{job.model.place}.train_sentences ({job.model.name})"
        raise InputError(error.what, where=where, remedy="Ask for fewer, or take a larger text") from None


def _load(folder: Path) -> LanguageModel:
    return registry.models.get(model_kind(folder), where=str(folder)).load(folder)


def train_seconds(folder: CellFolder) -> float:
    """What the training of a cell took, and that of the cells that it is made of."""
    return float(read_json(folder.path / "trained.json")["seconds"])


def processor_seconds(folder: CellFolder) -> float:
    """The same on the processor, over all threads; 0 where nobody knows."""
    return float(read_json(folder.path / "trained.json").get("processor_seconds", 0.0))


def read_curve(path: Path) -> list[CurvePoint]:
    """The learning curve that a training wrote, line by line; none where there is no file."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [CurvePoint.model_validate(json.loads(line)) for line in lines if line.strip()]


_outbox: Queue[tuple[str, Progress]] | None = None


def start_worker(outbox: Queue[tuple[str, Progress]], threads: int) -> None:
    """Run once in each worker process: remember where progress goes, and never outlive the parent."""
    global _outbox
    _outbox = outbox
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)  # the parent was killed: leave the folder to the next run at once


def work(job: Job) -> None:
    """What a worker process does with a job: the cell, with its progress sent to the parent."""

    def tell(progress: Progress) -> None:
        if _outbox is not None:
            _outbox.put((job.label, progress))

    with stopping.listening():
        run_cell(job, tell)
