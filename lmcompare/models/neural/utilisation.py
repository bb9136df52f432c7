"""How much of what a device can do a training uses: its operations a second over those of a large product.

Knows nothing of how a step is made. The product is measured and not looked up: in the number format of the
training, on the threads that it had, at its end. Operations are those of the model alone (Chowdhery et al.
2022, appendix B): dropout, norms, the optimiser and what is computed twice count for nothing, so what is left
of the device is what they, and waiting, have taken.
"""

from __future__ import annotations

import functools
import time
from typing import Any

import torch

from lmcompare.models.neural.placement import is_processor, wait_for

SIDE, GPU_SIDE = 1024, 8192
"""Of the matrices: large enough that a product is all arithmetic, small enough to be over soon."""
PRODUCTS, SECONDS = 3, 0.3
"""Products that are timed, of which the quickest counts; no further one begins after these seconds."""


@functools.cache
def peak(device: torch.device, bfloat16: bool, threads: int) -> float | None:
    """Operations a second in a large product of matrices; `None` where there is no memory for it.

    Measured once in a process for each device and format, without a random number.

    Args:
        device: that multiplies.
        bfloat16: the number format, float32 otherwise.
        threads: that are set now.
    """
    side = SIDE if is_processor(device) else GPU_SIDE
    kind = torch.bfloat16 if bfloat16 else torch.float32
    try:
        with torch.inference_mode():
            row = torch.linspace(-1, 1, side, device=device)
            matrix = (row[:, None] * row.flip(0)).to(kind)
            found, begin = [], time.perf_counter()
            # On a GPU the first ones load what multiplies.
            for _ in range(PRODUCTS if is_processor(device) else 3 * PRODUCTS):
                wait_for(device)
                last = time.perf_counter()
                torch.mm(matrix, matrix)
                wait_for(device)
                found.append(time.perf_counter() - last)
                if time.perf_counter() - begin > SECONDS:
                    break
    except torch.OutOfMemoryError:
        return None
    return 2.0 * side**3 / max(min(found), 1e-9)


def training_speed(
    flops: float, tokens: int, seconds: float, device: torch.device, bfloat16: bool, threads: int
) -> dict[str, Any]:
    """What is kept among a model's facts; `utilisation` is left out where the product could not be made.

    What is measured is text of one width: the same training makes a folder of the same size.

    Args:
        flops: of a step, forward and back, by token of it.
        tokens: that were trained on.
        seconds: that the steps took, validations and checkpoints apart.
        device: of the training.
        bfloat16: whether it multiplied in that format.
        threads: that it had.
    """
    speed = tokens / max(seconds, 1e-9)
    facts: dict[str, Any] = {"tokens_per_second": written(speed), "flops_per_token": flops}
    reached = peak(device, bfloat16, threads)
    if reached is not None:
        facts["product_side"] = SIDE if is_processor(device) else GPU_SIDE
        facts["product_flops_per_second"] = written(reached)
        facts["utilisation"] = written(speed * flops / reached)
    return facts


def written(measured: float) -> str:
    """Five digits and an exponent, as `float` reads them: "2.2045e+04"."""
    return f"{measured:.4e}"
