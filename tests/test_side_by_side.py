import threading
from collections.abc import Iterator

import pytest

from lmcompare.side_by_side import side_by_side


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    assert list(side_by_side(lambda item: item * item, range(20), threads)) == [n * n for n in range(20)]


def test_as_many_items_as_threads_are_worked_on_at_once_and_no_more() -> None:
    gate = threading.Barrier(2)  # holds whoever comes until there are two

    def work(item: int) -> int:
        gate.wait(10)
        return item

    begun = 0

    def items() -> Iterator[int]:
        nonlocal begun
        for item in range(10):
            begun += 1
            yield item

    for read, _ in enumerate(side_by_side(work, items(), 2), 1):
        assert begun <= read + 3  # the next two are begun while these are read


def test_what_goes_wrong_is_raised_in_its_place() -> None:
    results = side_by_side(lambda item: 1 // item, [1, 1, 0, 1], 2)
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
