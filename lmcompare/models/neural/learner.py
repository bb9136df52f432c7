"""One step of learning: what is read, its loss, its gradients, and how the weights move.

Knows nothing of how long a training lasts, of validation or of files. Step `n` reads what `batches` says
for `n`, and its random numbers are seeded by (seed, n), so it is a function of the tensors that
`tensors` names.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lmcompare.models.neural.averaging import Average
from lmcompare.models.neural.batches import Chunk, Streams
from lmcompare.models.neural.embedding import Embedding, Rows
from lmcompare.models.neural.history import histories
from lmcompare.models.neural.muon import Muon
from lmcompare.models.neural.network import Carried
from lmcompare.models.neural.optimiser import AdamW, Descent, Optimiser, clip_gradients
from lmcompare.models.neural.options import TrainingOptions
from lmcompare.models.neural.placement import array_of, placed
from lmcompare.models.neural.precision import WorkingCopy
from lmcompare.models.neural.sampling import NegativeSampler


class NotFiniteError(ArithmeticError):
    """A loss or a gradient is not a number.

    Attributes:
        value: what it is instead.
        of: "loss" or "gradient".
        rounding: whether the same step is finite in float32.
    """

    def __init__(self, value: float, of: str, rounding: bool) -> None:
        super().__init__(f"the {of} is {value}")
        self.value, self.of, self.rounding = value, of, rounding


class Learnt(NamedTuple):
    """What one step gives.

    Attributes:
        loss: mean surprisal in nats an event, estimated where the softmax is sampled.
        events: how many events it is the mean of.
    """

    loss: float
    events: int


class Learner:
    """A network, its text and its optimiser."""

    def __init__(
        self, network: Any, streams: Streams, options: TrainingOptions, seed: int, *, bfloat16: bool
    ) -> None:
        self.network, self.streams, self.options, self.seed = network, streams, options, seed
        self.embedding: Embedding = network.embedding
        self.device = self.embedding.mask.device
        self.working = WorkingCopy(network) if bfloat16 else None
        self.kind = torch.bfloat16 if bfloat16 else torch.float32
        size = options.batch
        self.parts = [slice(begin, begin + size) for begin in range(0, streams.rows, size)]
        self.carried: list[Carried] = [() for _ in self.parts]
        self.optimiser = optimiser_of(network, options, bfloat16)
        number, bos = options.sampled_softmax, self.embedding.bos
        counts = streams.counts(self.embedding.size) if number else None
        self.sampler = None if counts is None else NegativeSampler(counts, number, bos, self.device)
        averaged = options.averaging or options.ema
        self.average = Average(network, options.ema or 1.0) if averaged else None
        self.averaging = bool(options.ema)

    def learn(self, step: int, scale: float, norms: dict[str, float] | None = None) -> Learnt:
        """Step `step` (from 0) at a share `scale` of the highest learning rate.

        Args:
            step: which one.
            scale: from `Schedule`.
            norms: where given, the norms of the gradients after clipping are put here by parameter.

        Raises:
            NotFiniteError: the loss or the gradient is not a number; the weights have not moved.
        """
        chunk = self.streams.chunk(step)
        learnt, rows = self._gradients(chunk, step)
        gradients = self._named_gradients(rows)
        norm = clip_gradients((gradient for _, gradient in gradients), self.options.clip)
        if not math.isfinite(norm):
            raise NotFiniteError(norm, "gradient", self._is_rounding(step))
        if norms is not None:
            norms.update((name, float(gradient.norm())) for name, gradient in gradients)
        self.optimiser.step(scale, rows)
        if self.average is not None and self.averaging:
            self.average.look(step + 1)
        return learnt

    def _named_gradients(self, rows: Rows) -> list[tuple[str, Tensor]]:
        leaves = [(name, leaf.grad) for name, _, leaf in rows.leaves()]
        whole = [(name, parameter.grad) for name, parameter in self.network.named_parameters()]
        return [(name, gradient) for name, gradient in leaves + whole if gradient is not None]

    def _gradients(self, chunk: Chunk, step: int) -> tuple[Learnt, Rows]:
        """Loss of a step, with its gradients left in the parameters and in the rows' leaves."""
        torch.manual_seed(seed_of(self.seed, step + 1))
        self.network.train()
        inputs, targets = placed(chunk.inputs, self.device), placed(chunk.targets, self.device)
        bos = self.embedding.bos
        if chunk.first:
            self.carried = [() for _ in self.parts]
        read = inputs
        if self.network.lookback > 1:
            before = placed(chunk.before, self.device) if self.network.carries else None
            read = histories(inputs, before, self.network.lookback, bos)
        used = negatives = None
        if self.sampler is not None:
            negatives = self.sampler.draw()
            used = torch.unique(torch.cat([read.ravel(), targets.ravel(), negatives]))
        rows = self.embedding.take(read, used)
        network = self.network if self.working is None else self.working.fetch()
        events = int(np.count_nonzero(chunk.targets != bos))
        total = 0.0
        for number, part in enumerate(self.parts):
            mine = rows if len(self.parts) == 1 else rows.of(part)
            vectors = self.embedding(read[part], mine)
            vectors = vectors if self.working is None else vectors.bfloat16()
            hidden, self.carried[number], penalty = network.read(
                vectors, inputs[part] == bos, self.carried[number]
            )
            loss = self._loss(hidden, targets[part], negatives, mine)
            # Each part counts as its events do in the mean over all; a penalty as its streams do.
            share = int(np.count_nonzero(chunk.targets[part] != bos)) / max(1, events)
            value = float(loss.detach())
            if not math.isfinite(value):
                self._forget_gradients()
                raise NotFiniteError(value, "loss", self._is_rounding(step))
            total += share * value
            whole = loss * share
            if penalty is not None:
                whole = whole + penalty * (len(inputs[part]) / len(inputs))
            torch.autograd.backward(whole)
        if self.working is not None:
            self.working.return_gradients()
        return Learnt(total, events), rows

    def _loss(self, hidden: Tensor, targets: Tensor, negatives: Tensor | None, rows: Rows) -> Tensor:
        events = targets != self.embedding.bos
        if not events.any():
            return hidden.sum() * 0
        if self.sampler is None or negatives is None:
            return self.embedding.loss(hidden.flatten(0, 1), targets.flatten())
        return self.sampler.loss(hidden[events], targets[events], negatives, rows, self.embedding.parts)

    def _is_rounding(self, step: int) -> bool:
        """Whether it is bfloat16's doing that a step is not finite: in float32 it is."""
        self._forget_gradients()
        if self.working is None:
            return False
        self.working = None
        self.carried = [tuple(part.float() for part in parts) for parts in self.carried]
        try:
            _, rows = self._gradients(self.streams.chunk(step), step)
            return all(bool(gradient.isfinite().all()) for _, gradient in self._named_gradients(rows))
        except NotFiniteError:
            return False
        finally:
            self._forget_gradients()

    def _forget_gradients(self) -> None:
        for parameter in self.network.parameters():
            parameter.grad = None

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """In the block the network has the weights that are to be validated and kept."""
        with contextlib.nullcontext() if self.average is None else self.average.shown():
            yield

    def weights(self) -> dict[str, np.ndarray]:
        """The network's tensors as arrays; those on the processor share its memory."""
        return {name: array_of(tensor) for name, tensor in self.network.state_dict().items()}

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor that the next step needs, by name."""
        tensors = {f"weights.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"optimiser.{name}": tensor for name, tensor in self.optimiser.arrays().items()}
        if self.average is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self.average.arrays().items()}
        for number, parts in enumerate(self.carried):
            # bfloat16 values are float32 values too, so nothing is lost.
            tensors |= {f"carried.{number}.{place}": part.float() for place, part in enumerate(parts)}
        return tensors

    def take_carried(self, arrays: dict[str, np.ndarray]) -> None:
        """What was carried on, from the arrays of a checkpoint (their number is not known before)."""
        for number in range(len(self.parts)):
            names = [f"carried.{number}.{place}" for place in range(len(arrays))]
            found = [placed(arrays[name], self.device) for name in names if name in arrays]
            self.carried[number] = tuple(part.to(self.kind) for part in found)

    @contextlib.contextmanager
    def rehearsal(self) -> Iterator[None]:
        """What is learnt in the block is forgotten after it, to the bit."""
        kept = {name: tensor.detach().clone() for name, tensor in self.tensors().items()}
        carried = list(self.carried)
        try:
            yield
        finally:
            self.carried = carried
            with torch.no_grad():
                for name, tensor in self.tensors().items():
                    if not name.startswith("carried."):
                        tensor.copy_(kept[name])


def optimiser_of(network: Any, options: TrainingOptions, bfloat16: bool) -> Optimiser:
    """The optimiser that the options ask for."""
    table_lr = options.lr if options.embedding_lr is None else options.embedding_lr
    rates = (network, options.lr, table_lr, options.weight_decay)
    if options.optimiser == "sgd":
        return Descent(*rates, momentum=options.momentum or 0.0)
    if options.optimiser == "muon":
        momentum = 0.95 if options.momentum is None else options.momentum
        return Muon(*rates, momentum=momentum, bfloat16=bfloat16)
    return AdamW(*rates)


def seed_of(seed: int, step: int) -> int:
    """The seed of torch's generator at one step; 0 is before the first."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)
