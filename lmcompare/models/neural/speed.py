"""Which threads and which precision a training takes: measured on a few real steps, not assumed.

Knows nothing of what a step computes. What was measured is kept in `home()/speed`, so that the same training
chooses the same on the same machine and gives the same bits; the first one to write there is believed.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from lmcompare.files import digest, explain_os_errors, home, read_json, write_json
from lmcompare.models.neural.options import TrainingOptions
from lmcompare.models.neural.options.training import LENGTHS
from lmcompare.models.neural.placement import CPU, is_processor
from lmcompare.models.neural.precision import can_bfloat16

WORTH, WORTH_SECONDS = 300, 30.0
"""Steps, or seconds, from which on measuring pays: below, all threads and bfloat16 where it is are taken."""
STEPS, SECONDS = 5, 2.0
"""Steps that are timed for each choice after one that is not, as far as they fit in these seconds."""
MARGIN = 0.95
"""A choice must take less than so much of the time of a plainer one."""
NAMES = {False: "float32", True: "bfloat16"}


@dataclass(frozen=True)
class Choice:
    """How a training computes.

    Attributes:
        bfloat16: whether it multiplies in bfloat16.
        threads: that it uses.
        step_seconds: what one step took, by choice; empty where nothing was measured.
    """

    bfloat16: bool
    threads: int
    step_seconds: dict[str, float] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """For the model's facts."""
        facts: dict[str, Any] = {"threads": self.threads, "precision": NAMES[self.bfloat16]}
        return facts | ({"measured_step_seconds": self.step_seconds} if self.step_seconds else {})

    def note(self) -> str:
        """For people: what was chosen, and what each choice took."""
        if not self.step_seconds:
            return ""
        times = ", ".join(f"{name} {1000 * each:.0f} ms" for name, each in self.step_seconds.items())
        return f"{named(self.bfloat16, self.threads)} is quickest ({times} a step)"


def named(bfloat16: bool, threads: int) -> str:
    """A choice in words."""
    return f"{NAMES[bfloat16]} on {threads} thread{'s' if threads > 1 else ''}"


def choose(
    options: TrainingOptions,
    allowed: int,
    steps: int | None,
    folder: Path,
    key: Any,
    measure: Callable[[bool], Callable[[int], object]],
    device: torch.device = CPU,
) -> Choice:
    """The choice of one training; one that was begun keeps its own.

    Args:
        options: of the training.
        allowed: threads that may be used.
        steps: how many there will be; `None`: as many as the budget has time for.
        folder: the work folder, which keeps the choice.
        key: JSON of all else that the time of a step depends on.
        measure: for a precision, a function that does step `n` of a throw-away training, to its end.
        device: of the training; on a GPU the processor's threads are not measured.
    """
    own = folder / "choice.json"
    if own.is_file():
        return Choice(**read_json(own))
    precisions = [options.precision == "bfloat16"]
    if options.precision == "auto" and can_bfloat16(device):
        precisions = [False, True]
    threads = [options.threads] if options.threads else sorted({1, allowed})
    threads = threads if is_processor(device) else threads[-1:]
    ways = list(itertools.product(precisions, threads))
    choice = Choice(*ways[-1])
    long = (options.budget or 0.0) >= WORTH_SECONDS if steps is None else steps >= WORTH
    if len(ways) > 1 and long:
        plain = options.model_dump(mode="json", exclude={*LENGTHS, "evaluations", "patience", "valid_tokens"})
        machine = [torch.__version__, os.cpu_count(), torch.backends.cpu.get_cpu_capability(), allowed]
        kept = home() / "speed" / f"{digest([plain, key, machine])}.json"
        if not kept.is_file():
            _keep(kept, fastest({way: _seconds(measure(way[0]), way[1]) for way in ways}))
        choice = Choice(**read_json(kept))
    write_json(own, asdict(choice))
    return choice


def fastest(seconds: dict[tuple[bool, int], float]) -> Choice:
    """The plainest choice (listed first) that no other one beats by more than the margin."""
    ways = list(seconds)
    best = ways[0]
    for way in ways[1:]:
        if seconds[way] < MARGIN * seconds[best]:
            best = way
    return Choice(*best, {named(*way): round(seconds[way], 6) for way in ways})


def _seconds(step: Callable[[int], object], threads: int) -> float:
    """The quickest of a few steps: what else the machine does only ever adds to one."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        step(0)
        found, begin = [], time.perf_counter()
        for number in range(1, STEPS + 1):
            last = time.perf_counter()
            step(number)
            found.append(time.perf_counter() - last)
            if time.perf_counter() - begin > SECONDS:
                break
        return min(found)
    finally:
        torch.set_num_threads(before)


def _keep(path: Path, choice: Choice) -> None:
    """Write what was measured, unless another training did meanwhile."""
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = path.with_name(f".tmp-{os.getpid()}-{path.name}")
        write_json(mine, asdict(choice))
        with contextlib.suppress(FileExistsError):
            os.link(mine, path)
        mine.unlink()
