"""What can go wrong in a training, as one sentence with the likely cause and what to do.

Knows nothing of how a step is made; it looks at the loss so far and at the options.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import torch

from lmcompare.errors import InputError
from lmcompare.models.neural.options import TrainingOptions

OUT_OF_MEMORY = (
    "not enough memory",
    "can't allocate memory",
    "out of memory",
    "Cannot allocate memory",
    "Storage size calculation overflowed",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
"""How torch's allocators say it; the processor's raises a plain RuntimeError."""
RISEN = 1.2
"""A loss that is so many times its smallest value has been rising."""


def not_finite(
    options: TrainingOptions,
    losses: Sequence[float],
    rounding: bool,
    *,
    what: str,
    best: str,
    last: str,
    where: str,
) -> InputError:
    """A loss, a gradient or a score that is not a number.

    Args:
        options: of the training.
        losses: of the last steps, oldest first.
        rounding: whether the same step is finite in float32.
        what: what happened at which step.
        best: the name of the best weights that a validation has seen, or "".
        last: the name of the newest checkpoint, from which an unchanged training goes on, or "".
        where: the work folder.
    """
    if best:
        good = f"the last good checkpoint is {best}, the best that was validated"
    else:
        good = "no checkpoint was validated before" if last else "no checkpoint was taken before"
    if last:
        good += f"; run again unchanged, the training goes on from {last} and meets the same step"
    lower = f"Lower lr (now {options.lr:g}) or lengthen warmup (now {options.warmup:g})"
    if rounding:
        cause = "a value was too large for bfloat16: in float32 the same step is a number"
        remedy = 'Set precision = "float32"'
    elif not losses:
        cause = "it was not a number from the first step on, so the learning rate has no part in it"
        remedy = "Set smaller ar and tar, or a smaller width"
    elif losses[-1] > RISEN * min(losses):
        cause = f"the loss had risen from {min(losses):.3g} to {losses[-1]:.3g} nats: lr is too high"
        remedy = lower
    elif not options.clip:
        cause = f"the loss had not been rising ({losses[-1]:.3g} nats): one step was far too large"
        remedy = f"Set clip (now 0, which never clips), or {lower[0].lower()}{lower[1:]}"
    else:
        cause = f"the loss had not been rising ({losses[-1]:.3g} nats): the step before was far too large"
        remedy = lower
    return InputError(
        f"{what}; {good}. Likely cause: {cause}", where=where, remedy=f"{remedy}, and train in a new folder"
    )


@contextlib.contextmanager
def explain_out_of_memory(
    options: TrainingOptions, what: str, where: str, *, building: bool = False
) -> Iterator[None]:
    """Turn a failed allocation into a sentence that suggests a batch size.

    Args:
        options: of the training.
        what: when it was.
        where: the work folder.
        building: whether weights and what the optimiser keeps of them are made, which no batch makes smaller.
    """
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
        plain = isinstance(error, RuntimeError) and not isinstance(error, torch.OutOfMemoryError)
        if plain and not any(words in str(error) for words in OUT_OF_MEMORY):
            raise
        if building:
            remedy = "Set a smaller model: width, layers, or a tokenizer with fewer ids"
            raise InputError(f"memory ran out {what}", where=where, remedy=remedy) from None
        said = f"memory ran out {what} with batch = {options.batch} and length = {options.length}"
        half = max(1, options.batch // 2)
        if options.batch > 1:
            more = 2 * options.accumulate
            remedy = f"Set batch = {half} and accumulate = {more}: the same training in about half the memory"
        else:
            remedy = f"Set length = {max(1, options.length // 2)}, or make the model smaller"
        raise InputError(said, where=where, remedy=remedy) from None
