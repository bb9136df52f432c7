"""The training loop: steps, validations, checkpoints, early stop; the same bits after any kill.

Knows nothing of how a network is built inside. What makes a resumed training exact: step `n` reads
what `batches` says for `n`, its random numbers are seeded by (seed, n), and all else that a step
needs stands in the checkpoint. When a checkpoint was taken changes nothing.
"""

from __future__ import annotations

import json
import math
import time
import zlib
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lmcompare.errors import InputError
from lmcompare.files import digest, write_text
from lmcompare.interface import Ids
from lmcompare.models.neural.batches import Streams
from lmcompare.models.neural.checkpoint import Checkpoints
from lmcompare.models.neural.history import histories
from lmcompare.models.neural.memory import keep_freed_memory
from lmcompare.models.neural.model import NeuralModel, fill
from lmcompare.models.neural.network import Carried
from lmcompare.models.neural.optimiser import AdamW, clip_gradients, learning_rate
from lmcompare.models.neural.options import TrainingOptions
from lmcompare.models.neural.precision import WorkingCopy, takes_bfloat16
from lmcompare.models.neural.sampling import NegativeSampler
from lmcompare.registry import Progress, Training

SECONDS_BETWEEN_CHECKPOINTS = 20.0
SECONDS_BETWEEN_NOTES = 0.3


@dataclass
class Course:
    """Where a training stands: all numbers that a checkpoint keeps beside the arrays."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0
    loss_events: int = 0
    best_step: int | None = None
    best_bits: float = math.inf
    stale: int = 0
    finished: bool = False
    curve: list[dict[str, float]] = field(default_factory=list)


def train(job: Training, family: type[NeuralModel[Any, Any]]) -> NeuralModel[Any, Any]:
    """Train one cell, or go on with it where it was killed; the model with the best validation score.

    Raises:
        InputError: no text, a loss that is not a number, a folder of another training, a full disk.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(job.threads)
    keep_freed_memory()
    try:
        with torch.random.fork_rng(devices=[]):
            return Trainer(job, family).run()
    finally:
        torch.set_num_threads(threads)


class Trainer:
    """One training from its job; `run` does it all."""

    def __init__(self, job: Training, family: type[NeuralModel[Any, Any]]) -> None:
        options = job.options
        assert isinstance(options, TrainingOptions)
        self.job, self.options = job, options
        size, bos, eos = job.tokenizer.size, job.tokenizer.bos, job.tokenizer.eos
        torch.manual_seed(_seed(job.seed, 0))
        self.network: Any = family.build(options, size, bos)
        self.streams = Streams(
            job.train,
            bos=bos,
            eos=eos,
            batch=options.batch,
            length=options.length,
            restart=options.restart,
            seed=job.seed,
            lookback=self.network.lookback,
        )
        self.total = options.steps or max(1, round(options.epochs * self.streams.steps_per_epoch))
        wanted = min(options.evaluations, self.total)
        self.validations = {round(self.total * (i + 1) / wanted) for i in range(wanted)}
        self.valid = cut(job.valid, options.valid_tokens)
        self.bfloat16 = takes_bfloat16(options.precision)
        facts: dict[str, Any] = {"seed": job.seed, "threads": job.threads, "steps": self.total}
        facts |= {"precision": "bfloat16" if self.bfloat16 else "float32", "torch": str(torch.__version__)}
        self.model = family(self.network, job.tokenizer, options, facts)
        self.working = WorkingCopy(self.network) if self.bfloat16 else None
        self.carried: Carried = ()
        table_lr = options.lr if options.embedding_lr is None else options.embedding_lr
        self.optimiser = AdamW(self.network, options.lr, table_lr, options.weight_decay)
        negatives = options.sampled_softmax
        self.sampler = NegativeSampler(self.streams.counts(size), negatives, bos) if negatives else None
        self.course = Course()
        self.checkpoints = Checkpoints(job.folder, self._identity())
        self.note = ""

    def run(self) -> NeuralModel[Any, Any]:
        """All steps that are still to do, then the best weights."""
        self._resume()
        course, every = self.course, self.options.checkpoint_every
        before = course.seconds
        began = saved = noted = time.monotonic()
        while not course.finished:
            loss = self._step()
            now = time.monotonic()
            course.seconds = before + now - began
            course.finished = course.step >= self.total
            if course.step in self.validations:
                self._validate(lambda: before + time.monotonic() - began)
            due = course.step % every == 0 or now - saved > SECONDS_BETWEEN_CHECKPOINTS
            if due or course.finished:
                course.seconds = before + time.monotonic() - began
                self._save()
                saved = time.monotonic()
            if now - noted > SECONDS_BETWEEN_NOTES:
                self._report(f"loss {loss:.2f}")
                noted = now
        assert course.best_step is not None
        fill(self.network.state_dict(), self.checkpoints.best(course.best_step), where=str(self.job.folder))
        self.model.facts["best_step"] = course.best_step
        self.network.eval()
        self._report("done", done=self.total)
        return self.model

    def _step(self) -> float:
        """One step of the optimiser; its loss in nats an event, estimated where the softmax is sampled."""
        course, options = self.course, self.options
        chunk = self.streams.chunk(course.step)
        torch.manual_seed(_seed(self.job.seed, course.step + 1))
        self.network.train()
        inputs, targets = torch.from_numpy(chunk.inputs), torch.from_numpy(chunk.targets)
        embedding = self.model.embedding
        begins = inputs == embedding.bos
        if chunk.first:
            self.carried = ()
        read, used, negatives = inputs, None, None
        if self.network.lookback > 1:
            before = torch.from_numpy(chunk.before) if self.network.carries else None
            read = histories(inputs, before, self.network.lookback, embedding.bos)
        if self.sampler is not None:
            negatives = self.sampler.draw()
            used = torch.unique(torch.cat([read.ravel(), targets.ravel(), negatives]))
        rows = embedding.take(read, used)
        vectors = embedding(read, rows)
        network = self.network if self.working is None else self.working.fetch()
        vectors = vectors if self.working is None else vectors.bfloat16()
        hidden, self.carried, penalty = network.read(vectors, begins, self.carried)
        if self.sampler is None or negatives is None:
            loss = embedding.loss(hidden.flatten(0, 1), targets.flatten())
        else:
            events = targets != embedding.bos
            loss = self.sampler.loss(hidden[events], targets[events], negatives, rows, embedding.parts)
        value = float(loss.detach())
        if not math.isfinite(value):
            self._refuse(value)
        torch.autograd.backward(loss if penalty is None else loss + penalty)
        if self.working is not None:
            self.working.return_gradients()
        leaves = [leaf.grad for _, _, leaf in rows.leaves()]
        gradients = [*leaves, *(parameter.grad for parameter in self.network.parameters())]
        norm = clip_gradients((g for g in gradients if g is not None), options.clip)
        if not math.isfinite(norm):
            self._refuse(norm)
        self.optimiser.step(learning_rate(course.step, self.total, options.warmup), rows)
        events_here = int(np.count_nonzero(chunk.targets != embedding.bos))
        course.step += 1
        course.tokens += events_here
        course.loss_sum += value * events_here
        course.loss_events += events_here
        return value

    def _validate(self, clock: Any) -> None:
        """Score validation text exactly; keep the weights if they are the best; stop early if it is time."""
        course = self.course
        self.network.eval()
        scores = self.model.score(self.valid)
        events = sum(len(part) for part in scores)
        train_bits = course.loss_sum / max(1, course.loss_events) / math.log(2)
        bits = -sum(float(part.sum()) for part in scores) / events / math.log(2) if events else train_bits
        if not math.isfinite(bits):
            self._refuse(bits)
        course.loss_sum, course.loss_events = 0.0, 0
        if bits < course.best_bits:
            course.best_bits, course.best_step, course.stale = bits, course.step, 0
            self.checkpoints.save_best(course.step, self._weights())
        else:
            course.stale += 1
            if self.options.patience and course.stale >= self.options.patience:
                course.finished = True
        course.seconds = clock()
        point = {"tokens": course.tokens, "seconds": course.seconds}
        course.curve.append(point | {"valid_bits_per_token": bits, "train_bits_per_token": train_bits})
        self._write_curve()
        self.note = f", valid {bits:.2f} bits"

    def _refuse(self, value: float) -> None:
        """End the training with what is known about a loss that is not a number."""
        last = self.checkpoints.last_name()
        kept = f"the last good checkpoint is {last}" if last else "no checkpoint was taken before"
        what = f"the loss became {value} at step {self.course.step + 1} of {self.total}; {kept}"
        remedy = f"Lower lr (now {self.options.lr:g}) or lengthen warmup (now {self.options.warmup:g})"
        raise InputError(what, where=str(self.job.folder), remedy=f"{remedy}, and train in a new folder")

    def _report(self, note: str, done: float | None = None) -> None:
        note += self.note
        if self.checkpoints.damaged:
            note += f" (damaged and passed over: {', '.join(self.checkpoints.damaged)})"
        done = self.course.step if done is None else done
        self.job.progress(Progress(f"train {self.model.kind}", done, self.total, note))

    def _weights(self) -> dict[str, np.ndarray]:
        return {name: tensor.detach().numpy() for name, tensor in self.network.state_dict().items()}

    def _tensors(self) -> dict[str, Tensor]:
        """Every tensor that the next step needs, by name."""
        tensors = {f"weights.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"optimiser.{name}": tensor for name, tensor in self.optimiser.arrays().items()}
        # bfloat16 values are float32 values too, so nothing is lost.
        tensors |= {f"carried.{number}": part.float() for number, part in enumerate(self.carried)}
        return tensors

    def _save(self) -> None:
        arrays = {name: tensor.detach().numpy() for name, tensor in self._tensors().items()}
        state = asdict(self.course)
        state["best_bits"] = self.course.best_bits if self.course.best_step is not None else None
        self.checkpoints.save(self.course.step, arrays, state)

    def _resume(self) -> None:
        found = self.checkpoints.latest()
        if found is None:
            return
        arrays, state = found
        state.pop("identity")
        state["best_bits"] = math.inf if state["best_bits"] is None else state["best_bits"]
        self.course = Course(**state)
        kind = torch.bfloat16 if self.bfloat16 else torch.float32
        numbers = range(sum(name.startswith("carried.") for name in arrays))
        self.carried = tuple(torch.from_numpy(arrays[f"carried.{number}"]).to(kind) for number in numbers)
        fill(self._tensors(), arrays, where=str(self.job.folder))
        self._write_curve()

    def _write_curve(self) -> None:
        lines = [json.dumps(point) + "\n" for point in self.course.curve]
        write_text(self.job.folder / "curve.jsonl", "".join(lines))

    def _identity(self) -> str:
        texts = [[digest_of(document) for document in split] for split in (self.job.train, self.valid)]
        parts = [self.model.kind, self.options.model_dump(), self.bfloat16, self.job.seed, texts]
        return digest([*parts, self.job.tokenizer.fingerprint])


def cut(documents: Any, tokens: int) -> list[Ids]:
    """The first documents up to `tokens` tokens in all; the last one is cut."""
    kept: list[Ids] = []
    for document in documents:
        if tokens <= 0:
            break
        kept.append(np.asarray(document)[:tokens])
        tokens -= len(kept[-1])
    return kept


def digest_of(document: Ids) -> int:
    """A checksum of one document's ids, whatever their integer width."""
    return zlib.crc32(np.ascontiguousarray(document, dtype=np.int64).tobytes())


def _seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)
