"""Where cells are computed: processes on this machine, or any `concurrent.futures.Executor`.

Knows nothing of what a job is.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from lmcompare import stopping
from lmcompare.errors import InputError

J = TypeVar("J")


def run_all(
    jobs: Sequence[J],
    after: Callable[[J], Sequence[J]],
    work: Callable[[J], None],
    workers: int,
    start: Callable[..., None],
    start_args: tuple[Any, ...],
    heartbeat: Callable[[], None],
    finished: Callable[[J], None],
    *,
    fresh: bool = True,
) -> None:
    """Run `work` on every job, each in a process of its own, `workers` side by side.

    The first fault stops the rest. A request to stop (`stopping`) is handed on to the processes; what they
    have under way is brought to a safe place before this ends with `Stopped`.

    Args:
        jobs: what to do, in this order, each job after those that it needs.
        after: the jobs of `jobs` that must be finished before one begins.
        work: an importable function.
        workers: processes at a time.
        start: called once in each new process, with `start_args`.
        start_args: for `start`.
        heartbeat: called several times a second in this process.
        finished: called in this process after each job.
        fresh: a process serves one job only, so its peak memory is the job's own; else it serves many, and
            what they import and compile is loaded once.
    """
    context = multiprocessing.get_context("spawn")
    limit = 1 if fresh else None
    with (
        stopping.deferred(),
        ProcessPoolExecutor(workers, context, start, start_args, max_tasks_per_child=limit) as pool,
    ):
        waiting, ended = list(range(len(jobs))), set[int]()
        needs = {place: [_place(jobs, other) for other in after(jobs[place])] for place in waiting}
        futures: dict[Future[None], int] = {}
        try:
            while waiting or futures:
                able = [place for place in waiting if ended.issuperset(needs[place])]
                # No more than there are processes: what waits in the pool could not be taken back.
                for place in able[: workers - len(futures)]:
                    futures[pool.submit(work, jobs[place])] = place
                    waiting.remove(place)
                done, _ = wait(futures, timeout=0.2, return_when=FIRST_COMPLETED)
                heartbeat()
                if stopping.asked():
                    raise stopping.Stopped
                for future in done:
                    future.result()
                    ended.add(futures[future])
                    finished(jobs[futures.pop(future)])
        except stopping.Stopped:
            _terminate(pool)
            while wait(futures, timeout=0.2).not_done:
                heartbeat()
            raise
        except BrokenProcessPool:
            what = "a worker process was killed from outside, most often because memory ran out"
            remedy = "Run again to continue; use fewer workers or smaller models if it happens again"
            raise InputError(what, remedy=remedy) from None
        except BaseException:
            # Cancelled first: else the pool starts a new process for each one that is ended here.
            for future in futures:
                future.cancel()
            _terminate(pool)
            raise


def _terminate(pool: ProcessPoolExecutor) -> None:
    """Ask every process to stop; one that trains writes a checkpoint first."""
    for process in list((pool._processes or {}).values()):
        process.terminate()


def _place(jobs: Sequence[J], job: J) -> int:
    """Where a job stands; the very object, since jobs are large and equal ones may be different work."""
    return next(place for place, other in enumerate(jobs) if other is job)
