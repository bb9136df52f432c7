"""The learning-rate finder: the rate is raised step by step, and the loss says when it is too high.

Knows nothing of files: the training is a throw-away one. Smith (2017, section 3.3): a short run in which the
rate grows; a good highest rate stands somewhat below the one from which on the loss no longer falls.
"""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lmcompare.models.neural import device
from lmcompare.models.neural.learner import NotFiniteError
from lmcompare.models.neural.model import NeuralModel
from lmcompare.models.neural.options import TrainingOptions
from lmcompare.models.neural.training import Trainer, restored_randomness
from lmcompare.registry import Progress, Training

LOWEST, HIGHEST = 1e-3, 1e3
"""Where the sweep begins and ends, as multiples of the rate that is set."""
STEPS = 150
MEMORY = 0.9
"""Share of the past in the smoothed loss."""
BROKEN = 2.0
"""A smoothed loss that is so many times its smallest value ends the sweep."""
BELOW = 10.0
"""The suggestion is so many times below the rate of the smallest smoothed loss."""


@dataclass(frozen=True)
class Sweep:
    """What the finder saw.

    Attributes:
        rates: learning rates, rising.
        losses: of each step, nats an event.
        smooth: the same, smoothed.
        lr: a suggestion.
        embedding_lr: the same for the tables, in the proportion that is set.
        set_lr: the rate that is set.
    """

    rates: list[float]
    losses: list[float]
    smooth: list[float]
    lr: float
    embedding_lr: float | None
    set_lr: float


def find_lr(job: Training, family: type[NeuralModel[Any, Any]]) -> Sweep:
    """Sweep the rates of a training that is thrown away; nothing is written to the job's folder.

    Args:
        job: whose rate is wanted.
        family: its model class.
    """
    options = job.options
    assert isinstance(options, TrainingOptions)
    threads = torch.get_num_threads()
    rates, losses = [], []
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            device.on(device.resolve(job.device)),
            restored_randomness(),
        ):
            trainer = Trainer(dataclasses.replace(job, folder=Path(folder)), family)
            for step in range(STEPS):
                scale = LOWEST * (HIGHEST / LOWEST) ** (step / (STEPS - 1))
                try:
                    loss = trainer.learner.learn(step, scale).loss
                except NotFiniteError:
                    break
                rates.append(scale * options.lr)
                losses.append(loss)
                job.progress(Progress("find the learning rate", step + 1, STEPS, f"loss {loss:.2f}"))
                smooth = smoothed(losses)
                if smooth[-1] > BROKEN * min(smooth):
                    break
    finally:
        torch.set_num_threads(threads)
    smooth = smoothed(losses)
    lr = suggest(rates, smooth)
    tables = None if options.embedding_lr is None else rounded(lr * options.embedding_lr / options.lr)
    return Sweep(rates, losses, smooth, lr, tables, options.lr)


def smoothed(losses: Sequence[float]) -> list[float]:
    """A moving average that forgets, each value the mean of all before at first."""
    found, value = [], 0.0
    for number, loss in enumerate(losses):
        value = MEMORY * value + (1 - MEMORY) * loss
        found.append(value / (1 - MEMORY ** (number + 1)))
    return found


def suggest(rates: Sequence[float], smooth: Sequence[float]) -> float:
    """A rate somewhat below that of the smallest smoothed loss, in two digits; 0 where there is none."""
    if not rates:
        return 0.0
    best = min(range(len(rates)), key=lambda place: smooth[place])
    return rounded(rates[best] / BELOW)


def rounded(rate: float) -> float:
    """Two digits are more than the method can tell."""
    return round(rate, 1 - math.floor(math.log10(rate))) if rate > 0 else 0.0
