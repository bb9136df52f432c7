"""The training loop: steps, validations, checkpoints, early stop; the same bits after any kill.

Knows nothing of how a network is built inside, and not of what a step does (`learner`). What makes a
resumed training exact: a step is a function of its number, the seed and the tensors that a checkpoint
keeps. When a checkpoint was taken changes nothing.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from lmcompare import stopping
from lmcompare.errors import InputError
from lmcompare.files import digest, write_text
from lmcompare.interface import Ids
from lmcompare.models.neural import device
from lmcompare.models.neural.batches import Streams
from lmcompare.models.neural.checkpoint import Checkpoints
from lmcompare.models.neural.duration import Duration
from lmcompare.models.neural.faults import explain_out_of_memory, not_finite
from lmcompare.models.neural.learner import Learner, NotFiniteError, seed_of
from lmcompare.models.neural.memory import keep_freed_memory
from lmcompare.models.neural.model import NeuralModel, fill
from lmcompare.models.neural.options import TrainingOptions
from lmcompare.models.neural.placement import array_of, wait_for
from lmcompare.models.neural.schedule import Schedule
from lmcompare.models.neural.speed import Choice, choose
from lmcompare.models.neural.statistics import Statistics
from lmcompare.models.neural.utilisation import training_speed
from lmcompare.registry import Learning, Progress, Training

SECONDS_BETWEEN_CHECKPOINTS = 20.0
"""Where one takes up to 2 seconds to write; on a slow disk ten times what the last one took."""
SECONDS_BETWEEN_NOTES = 0.3
SAMPLES_KEPT = 40
"""Texts written on the way, at most: where there are more, each second one goes."""
LOSSES_KEPT = 50
"""Losses of the last steps, from which a fault is explained."""


@dataclass
class Course:
    """Where a training stands: all numbers that a checkpoint keeps beside the arrays."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    validation_seconds: float = 0.0
    step_seconds: float = 0.0
    share: float = 0.0
    validated: int = 0
    loss_sum: float = 0.0
    loss_events: int = 0
    best_step: int | None = None
    best_bits: float = math.inf
    stale: int = 0
    averaging: bool = False
    finished: bool = False
    curve: list[dict[str, float]] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)


def train(job: Training, family: type[NeuralModel[Any, Any]]) -> NeuralModel[Any, Any]:
    """Train one cell, or go on with it where it was killed; the model with the best validation score.

    Raises:
        InputError: no text, a loss that is not a number, no memory or disk, a folder of another training.
        Stopped: the process was asked to stop; a checkpoint was written first.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(job.threads)
    keep_freed_memory()
    try:
        with device.on(device.resolve(job.device)), restored_randomness(), stopping.deferred():
            return Trainer(job, family).run()
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def restored_randomness() -> Iterator[None]:
    """After the block torch's generators are as they were, that of the GPU too where networks are there."""
    gpus = [torch.cuda.current_device()] if device.here().type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        yield


class Trainer:
    """One training from its job; `run` does it all."""

    def __init__(self, job: Training, family: type[NeuralModel[Any, Any]]) -> None:
        self.began = time.monotonic()
        options = job.options
        assert isinstance(options, TrainingOptions)
        self.job, self.family, self.options = job, family, options
        self.device, self.gpu = device.here(), device.gpu(device.here().type)
        self.spent = self.saving = 0.0
        if options.threads is not None and options.threads > job.threads:
            what = f"threads = {options.threads} is more than the experiment's threads ({job.threads})"
            raise InputError(
                what, where=family.kind, remedy="Raise the experiment's threads, or leave it out"
            )
        building = "while the network was built"
        with explain_out_of_memory(options, building, str(job.folder), building=True):
            network = self._build()
        self.streams = Streams(
            job.train,
            bos=job.tokenizer.bos,
            eos=job.tokenizer.eos,
            batch=options.batch * options.accumulate,
            length=options.length,
            restart=options.restart,
            seed=job.seed,
            lookback=network.lookback,
        )
        tokens = self.streams.rows * options.length
        self.duration = Duration(options, self.streams.steps_per_epoch, tokens)
        self.schedule = Schedule(options.schedule, options.warmup, options.cooldown)
        self.valid = cut(job.valid, options.valid_tokens)
        with explain_out_of_memory(options, "at the start", str(job.folder)):
            self.choice = self._choose()
        with explain_out_of_memory(options, building, str(job.folder), building=True):
            self.learner = self._learner(network, self.choice.bfloat16)
        torch.set_num_threads(self.choice.threads)
        facts = {"seed": job.seed, **self.choice.facts(), "torch": str(torch.__version__)}
        facts |= {"device": self.gpu} if self.gpu is not None else {}
        self.model = family(network, job.tokenizer, options, facts)
        self.course = Course()
        self.losses: deque[float] = deque(maxlen=LOSSES_KEPT)
        self.checkpoints = Checkpoints(job.folder, self._identity())
        self.statistics = Statistics(job.folder, self.learner) if options.statistics else None
        self.note, self.told = "", (0, self.began, 0.0)

    def _build(self) -> Any:
        torch.manual_seed(seed_of(self.job.seed, 0))
        # Drawn on the processor: a seed gives the same first weights on every device.
        network = self.family.build(self.options, self.job.tokenizer.size, self.job.tokenizer.bos)
        return network.to(self.device)

    def _learner(self, network: Any, bfloat16: bool) -> Learner:
        return Learner(network, self.streams, self.options, self.job.seed, bfloat16=bfloat16)

    def _choose(self) -> Choice:
        """Threads and precision, measured where that pays; the throw-away trainings leave nothing."""

        def measure(bfloat16: bool) -> Callable[[int], object]:
            learner = self._learner(self._build(), bfloat16)

            def one(step: int) -> None:
                learner.learn(step, 0.01)
                wait_for(self.device)

            return one

        key = [self.family.kind, self.job.tokenizer.size, self.streams.rows, *self._where()]
        steps, folder = self.duration.steps, self.job.folder
        return choose(self.options, self.job.threads, steps, folder, key, measure, self.device)

    def _where(self) -> list[str]:
        """The GPU's name, where it is one: what is the processor's alone goes by the names it always had."""
        return [] if self.gpu is None else [self.gpu]

    def run(self) -> NeuralModel[Any, Any]:
        """All steps that are still to do, then the best weights."""
        self._resume()
        course = self.course
        saved = noted = time.monotonic()
        self.told = (course.tokens, saved, 0.0)
        if self.choice.note():
            self._report(self.choice.note())
        while not course.finished:
            loss = self._step()
            course.seconds = self._seconds()
            over = self.duration.over(course)
            validated = over or self.duration.due(course)
            if validated:
                self._validate()
            every = self.options.sample_every
            if validated if every is None else every and course.step % every == 0:
                self._sample()
            course.finished = course.finished or over
            stop = stopping.asked()
            if stop or course.finished or self._checkpoint_is_due(time.monotonic() - saved):
                begin = time.monotonic()
                self._save()
                saved = time.monotonic()
                self.saving = saved - begin
            if stop and not course.finished:
                raise stopping.Stopped
            if time.monotonic() - noted > SECONDS_BETWEEN_NOTES:
                self._report(f"loss {loss:.2f}")
                noted = time.monotonic()
        return self._finish()

    def _step(self) -> float:
        """One step of the optimiser; its loss in nats an event."""
        course = self.course
        scale = self.schedule.at(*self.duration.place(course))
        where, begin = f"at step {course.step + 1}", time.perf_counter()
        with explain_out_of_memory(self.options, where, str(self.job.folder)):
            try:
                learnt = self.learner.learn(course.step, scale)
            except NotFiniteError as error:
                self._refuse(f"the {error.of} became {error.value} {where}", error.rounding)
        course.step_seconds += time.perf_counter() - begin
        course.step += 1
        course.tokens += learnt.events
        course.loss_sum += learnt.loss * learnt.events
        course.loss_events += learnt.events
        self.losses.append(learnt.loss)
        return learnt.loss

    def _validate(self) -> None:
        """Score validation text exactly; keep the weights if they are the best; stop early if it is time."""
        course, begin = self.course, time.monotonic()
        with self.learner.shown():
            bits, train_bits = self._scores()
            if bits < course.best_bits:
                course.best_bits, course.best_step, course.stale = bits, course.step, 0
                self.checkpoints.save_best(course.step, self.learner.weights())
            else:
                course.stale += 1
        if self.options.patience and course.stale >= self.options.patience:
            course.finished = True
        course.loss_sum, course.loss_events = 0.0, 0
        before = [point["valid_bits_per_token"] for point in course.curve]
        course.validated = self.duration.validated(course)
        if self.statistics is not None:
            self.statistics.write(course.step, self.schedule.at(*self.duration.place(course)))
        course.seconds = self._seconds()
        course.validation_seconds = time.monotonic() - begin
        point = {"tokens": course.tokens, "seconds": course.seconds}
        course.curve.append(point | {"valid_bits_per_token": bits, "train_bits_per_token": train_bits})
        self._write_curve()
        self._begin_averaging([*before, bits])
        self.note = f", valid {bits:.2f} bits"

    def _scores(self) -> tuple[float, float]:
        """Bits a token of the validation text (where there is none, of training) and of training."""
        course = self.course
        self.model.network.eval()
        with explain_out_of_memory(self.options, "in validation", str(self.job.folder)):
            scores = self.model.score(self.valid)
        events = sum(len(part) for part in scores)
        train_bits = course.loss_sum / max(1, course.loss_events) / math.log(2)
        bits = -sum(float(part.sum()) for part in scores) / events / math.log(2) if events else train_bits
        if not math.isfinite(bits):
            self._refuse(f"validation became {bits} bits after step {course.step}", False)
        return bits, train_bits

    def _sample(self) -> None:
        """Let the model write, from nothing; no random number of the training is spent."""
        if self.job.write is None:
            return
        course = self.course
        with self.learner.shown():
            self.model.network.eval()
            text = self.job.write(self.model)
        course.samples.append({"step": course.step, "tokens": course.tokens, "text": text})
        if len(course.samples) > SAMPLES_KEPT:
            course.samples = course.samples[1::2]

    def _begin_averaging(self, bits: list[float]) -> None:
        """NT-ASGD's trigger: the newest validation is worse than the best before the last few."""
        after = self.options.averaging
        if after and not self.course.averaging and len(bits) > after + 1:
            self.course.averaging = bits[-1] > min(bits[: -after - 1])
            self.learner.averaging = self.course.averaging

    def _refuse(self, what: str, rounding: bool) -> None:
        """End the training with what is known about a number that is none."""
        best = "" if self.course.best_step is None else f"best-{self.course.best_step}"
        last, where = self.checkpoints.last_name(), str(self.job.folder)
        raise not_finite(
            self.options, list(self.losses), rounding, what=what, best=best, last=last, where=where
        ) from None

    def _finish(self) -> NeuralModel[Any, Any]:
        """The model with the best weights."""
        course = self.course
        assert course.best_step is not None
        best = self.checkpoints.best(course.best_step)
        fill(self.model.network.state_dict(), best, where=str(self.job.folder))
        self.model.facts |= {"steps": course.step, "best_step": course.best_step, "samples": course.samples}
        self.model.facts["training_speed"] = training_speed(
            self.model.training_flops(),
            course.tokens,
            course.step_seconds,
            self.device,
            self.choice.bfloat16,
            self.choice.threads,
        )
        self.model.network.eval()
        self._report("done", done=self.duration.total)
        return self.model

    def _report(self, note: str, done: float | None = None) -> None:
        note += self.note
        if self.checkpoints.damaged:
            note += f" (damaged and passed over: {', '.join(self.checkpoints.damaged)})"
        done = self.duration.done(self.course) if done is None else done
        stage, total = f"train {self.model.kind}", self.duration.total
        self.job.progress(Progress(stage, done, total, note, self._learning()))

    def _learning(self) -> Learning | None:
        """What the last steps tell; nothing before the first."""
        course, (tokens, moment, speed) = self.course, self.told
        if not self.losses:
            return None
        if course.tokens > tokens:
            now = time.monotonic()
            speed = (course.tokens - tokens) / max(now - moment, 1e-9)
            self.told = (course.tokens, now, speed)
        valid = course.curve[-1]["valid_bits_per_token"] if course.curve else None
        bits = sum(self.losses) / len(self.losses) / math.log(2)
        return Learning(bits, valid, speed, course.samples[-1]["text"] if course.samples else "")

    def _seconds(self) -> float:
        """Time spent, in all processes that this training has had."""
        return self.spent + time.monotonic() - self.began

    def _checkpoint_is_due(self, seconds: float) -> bool:
        every = self.options.checkpoint_every
        pause = SECONDS_BETWEEN_CHECKPOINTS * max(1.0, self.saving / 2)
        return self.course.step % every == 0 or seconds > pause

    def _save(self) -> None:
        self.course.seconds = self._seconds()
        arrays = {name: array_of(tensor) for name, tensor in self.learner.tensors().items()}
        state = asdict(self.course) | {"losses": list(self.losses)}
        state["best_bits"] = self.course.best_bits if self.course.best_step is not None else None
        self.checkpoints.save(self.course.step, arrays, state)

    def _resume(self) -> None:
        found = self.checkpoints.latest()
        if found is None:
            return
        arrays, state = found
        if state.pop("identity").get("device") != self.gpu:
            what = "the folder holds checkpoints of a training on another device"
            raise InputError(what, where=str(self.job.folder), remedy="Remove the folder or name another")
        self.losses.extend(state.pop("losses"))
        state["best_bits"] = math.inf if state["best_bits"] is None else state["best_bits"]
        self.course = Course(**state)
        self.spent = self.course.seconds
        self.learner.averaging = self.course.averaging or self.learner.averaging
        self.learner.take_carried(arrays)
        fill(self.learner.tensors(), arrays, where=str(self.job.folder))
        if self.statistics is not None:
            self.statistics.cut(self.course.step)
        self._write_curve()

    def _write_curve(self) -> None:
        lines = [json.dumps(point) + "\n" for point in self.course.curve]
        write_text(self.job.folder / "curve.jsonl", "".join(lines))

    def _identity(self) -> dict[str, str]:
        """All that decides the result, by what a person calls it."""
        texts = [[digest_of(document) for document in split] for split in (self.job.train, self.valid)]
        return {
            "vocabulary": self.job.tokenizer.fingerprint,
            "text": digest(texts),
            "kind or other options": digest([self.model.kind, self.options.model_dump(mode="json")]),
            "seed": str(self.job.seed),
            "precision": "bfloat16" if self.choice.bfloat16 else "float32",
            **({"device": self.gpu} if self.gpu is not None else {}),
        }


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
