"""How long a training lasts, in steps or in seconds, and when on the way it is validated.

Knows nothing of what a step does. Passes over the text and tokens become steps at the start; seconds stay
seconds: then the learning rate and the validations follow the clock.
"""

from __future__ import annotations

from typing import Protocol

from lmcompare.models.neural.options import TrainingOptions
from lmcompare.models.neural.options.training import EPOCHS


class Position(Protocol):
    """Where a training stands, as far as its length goes by it.

    Attributes:
        step: steps done.
        seconds: time spent, validations and checkpoints included.
        validation_seconds: what the last validation took; 0 before the first.
        share: the part that is done, 0 to 1, as it was told last; it never falls.
        validated: how many of the even shares have been validated.
    """

    step: int
    validated: int
    seconds: float
    validation_seconds: float
    share: float


class Duration:
    """The length of one training.

    Attributes:
        steps: steps in all; `None` where seconds are what counts.
        seconds: seconds in all; `None` where steps are what counts.
    """

    def __init__(self, options: TrainingOptions, steps_per_epoch: int, tokens_per_step: int) -> None:
        self.seconds, self.steps = options.budget, options.steps
        if self.seconds is None and self.steps is None:
            if options.tokens is not None:
                self.steps = max(1, -(-options.tokens // tokens_per_step))
            else:
                epochs = EPOCHS if options.epochs is None else options.epochs
                self.steps = max(1, round(epochs * steps_per_epoch))
        self.validations = options.evaluations if self.steps is None else min(options.evaluations, self.steps)

    @property
    def total(self) -> float:
        """Steps or seconds in all."""
        return float(self.steps if self.steps is not None else self.seconds or 0.0)

    def done(self, position: Position) -> float:
        """Steps or seconds so far."""
        return float(position.step) if self.steps is not None else min(position.seconds, self.total)

    def place(self, position: Position) -> tuple[float, float, float]:
        """What `Schedule.at` takes: how much is done, of how much, and what a step takes.

        The last validation is part of a budget, so the steps end so much earlier. `position.share` follows.
        """
        if self.steps is not None:
            position.share = position.step / self.steps
            return float(position.step), float(self.steps), 1.0
        end = max(self.total - position.validation_seconds, self.total / 2)
        position.share = min(1.0, max(position.share, position.seconds / end))
        one = position.seconds / position.step if position.step else end / 1000
        return position.share * end, end, min(one, end)

    def over(self, position: Position) -> bool:
        """Whether the last step is done."""
        if self.steps is not None:
            return position.step >= self.steps
        done, end, one = self.place(position)
        return done + one / 2 >= end

    def due(self, position: Position) -> bool:
        """Whether a validation stands after the present step."""
        return self.validated(position) > position.validated

    def validated(self, position: Position) -> int:
        """How many even shares of the whole are done: one validation is due for the newest of them."""
        if self.steps is None:
            self.place(position)
            return int(position.share * self.validations)
        ends = [round(self.steps * (i + 1) / self.validations) for i in range(self.validations)]
        return sum(end <= position.step for end in ends)
