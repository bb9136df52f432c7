"""Where cells are computed: processes on this machine, or any `concurrent.futures.Executor`.

Knows nothing of what a job is.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from lmcompare.errors import InputError

J = TypeVar("J")


def run_all(
    jobs: Iterable[J],
    work: Callable[[J], None],
    workers: int,
    start: Callable[..., None],
    start_args: tuple[Any, ...],
    heartbeat: Callable[[], None],
    finished: Callable[[J], None],
) -> None:
    """Run `work` on every job, each in a process of its own, `workers` side by side.

    A process serves one job only, so its peak memory is the job's own. The first fault stops the rest.

    Args:
        jobs: what to do, in this order.
        work: an importable function.
        workers: processes at a time.
        start: called once in each new process, with `start_args`.
        start_args: for `start`.
        heartbeat: called several times a second in this process.
        finished: called in this process after each job.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, start, start_args, max_tasks_per_child=1) as pool:
        futures: dict[Future[None], J] = {pool.submit(work, job): job for job in jobs}
        pending = set(futures)
        try:
            while pending:
                done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                heartbeat()
                for future in done:
                    future.result()
                    finished(futures[future])
        except BrokenProcessPool:
            what = "a worker process was killed from outside, most often because memory ran out"
            remedy = "Run again to continue; use fewer workers or smaller models if it happens again"
            raise InputError(what, remedy=remedy) from None
        except BaseException:
            # Cancelled first: else the pool starts a new process for each one that is ended here.
            for future in pending:
                future.cancel()
            for process in list((pool._processes or {}).values()):
                process.terminate()
            raise
