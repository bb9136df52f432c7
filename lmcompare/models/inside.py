"""What some models let one look at inside: optional methods beside the seam, numbers in numpy.

Knows no model. A model offers what it has; `isinstance(model, HasAttention)` asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lmcompare.interface import Floats, Ids

SATURATED = 0.9
"""A unit of (-1, 1) is saturated beyond it; a gate is open above it, and closed below 1 minus it."""
BINS = 20


@dataclass(frozen=True, slots=True)
class WrittenSample:
    """A text that a model wrote while it learnt, after so many steps and tokens of training text."""

    step: int
    tokens: int
    text: str


@dataclass(frozen=True, slots=True)
class TrainingSpeed:
    """How fast a network was trained, and how much of the device that used.

    Attributes:
        tokens_per_second: of training text, validations and checkpoints apart.
        flops_per_token: floating-point operations of a step, forward and back, by token of it.
        utilisation: share of the operations a second that the device reaches in a large product of matrices;
            `None` where that was not measured.
        product_flops_per_second: what it reaches there.
        product_side: of these square matrices.
        precision: number format of both, "float32" or "bfloat16".
        device: name of the GPU; empty: the processor.
        threads: of the processor.
    """

    tokens_per_second: float
    flops_per_token: float
    utilisation: float | None
    product_flops_per_second: float | None
    product_side: int | None
    precision: str
    device: str
    threads: int


@dataclass(frozen=True, slots=True)
class GateActivity:
    """One gate of a recurrent layer over all places of some text (Karpathy et al. 2015, figure 2).

    Attributes:
        name: "input", "forget", "output"; "reset", "update".
        closed: share of places at which each unit's gate is below 0.1, `[units]`.
        open: share of places at which it is above 0.9, `[units]`.
    """

    name: str
    closed: Floats
    open: Floats


@dataclass(frozen=True, slots=True)
class LayerActivity:
    """One recurrent layer over all places of some text.

    Attributes:
        saturated: share of places at which each unit's output h has |h| > 0.9, `[units]`.
        histogram: share of all h in each of `BINS` equal ranges from -1 to 1, `[BINS]`.
        gates: in the order of the papers; none in Elman's cell.
    """

    saturated: Floats
    histogram: Floats
    gates: tuple[GateActivity, ...]


@runtime_checkable
class HasSamples(Protocol):
    """A model that wrote texts while it learnt."""

    def training_samples(self) -> list[WrittenSample]:
        """The texts in the order of training; none where none were asked for."""
        ...


@runtime_checkable
class HasTrainingSpeed(Protocol):
    """A model whose training was timed."""

    def training_speed(self) -> TrainingSpeed | None:
        """How fast it went; `None` for one that was trained before this was kept."""
        ...


@runtime_checkable
class HasNeighbours(Protocol):
    """A model that reads tokens as vectors."""

    def neighbours(self, token: int, k: int) -> list[tuple[int, float]]:
        """The `k` tokens whose vectors have the largest cosine with that of `token`, best first, and it.

        `token` itself and `bos` are left out; of equals, the lowest id first.
        """
        ...


@runtime_checkable
class HasAttention(Protocol):
    """A model that looks back at what it has read."""

    def attention(self, sentence: Ids) -> Floats:
        """How much of its attention each place gives to each other, `[layers, heads, places, places]`.

        Args:
            sentence: ids as `encode_document` gives them; places are `bos` and all ids but the last, so that
                place i is where event i is predicted. At most as many as the model reads at once.
        """
        ...


@runtime_checkable
class HasActivity(Protocol):
    """A recurrent model."""

    def activity(self, documents: Sequence[Ids]) -> list[LayerActivity]:
        """What its units do over all places of the documents, one record a layer; at least one event."""
        ...
