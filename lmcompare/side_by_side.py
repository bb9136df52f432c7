"""Work that is done side by side, and whose results come in order.

Knows nothing of the work. Threads help where it is numpy's or compiled, which lets others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """`work(item)` of each item, in their order.

    As many items as threads are worked on at once, one of them in the thread that reads the results: so there
    is never more in memory than belongs to twice so many.
    """
    if threads < 2:
        yield from map(work, items)
        return
    items = iter(items)
    with ThreadPoolExecutor(threads - 1) as pool:
        group = list(islice(items, threads))
        others = [pool.submit(work, item) for item in group[1:]]
        while group:
            results = [work(group[0]), *(other.result() for other in others)]
            group = list(islice(items, threads))
            others = [pool.submit(work, item) for item in group[1:]]  # begun while the results are read
            yield from results
