import threading

import numpy as np

from lmcompare import allocation
from lmcompare.allocation import kept_memory


def churn() -> float:
    return float(sum(np.ones(1 << 19).sum() for _ in range(20)))


def test_work_inside_gives_what_it_gives_outside_from_several_threads_and_after_a_fault() -> None:
    outside, inside = churn(), []

    def work() -> None:
        with kept_memory():
            inside.append(churn())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == [outside] * 4
    try:
        with kept_memory():
            raise KeyError
    except KeyError:
        assert allocation._users == 0


def test_without_glibc_nothing_is_done(monkeypatch) -> None:
    monkeypatch.setattr(allocation, "_glibc", lambda: None)
    with kept_memory():
        assert allocation._users == 0
