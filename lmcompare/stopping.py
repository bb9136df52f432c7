"""Being asked to stop (SIGTERM): what is under way is brought to a safe place first.

Knows nothing of what is done. By default the request ends the work at once, where it stands. Work that
must not end just anywhere says so with `deferred`, and asks `asked` where it can end.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Stopped(BaseException):
    """The work was asked to stop, and all that is needed to go on with it is kept.

    Not an `Exception`: it is no fault, and nothing that deals with faults may catch it.
    """


class _Request:
    """Whether the process was asked, and how many blocks want to be asked themselves."""

    asked = False
    deferred = 0
    listening = 0


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """In the block, which is in the main thread, SIGTERM raises `Stopped` (or waits: see `deferred`)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _hear)
    _Request.listening += 1
    try:
        if _Request.asked:
            raise Stopped
        yield
    finally:
        _Request.listening -= 1
        if before is not None:
            signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """In the block a request is only remembered; at its end, or where the block asks, it takes effect."""
    _Request.deferred += 1
    try:
        yield
    finally:
        _Request.deferred -= 1
    if _Request.asked and _Request.listening and not _Request.deferred:
        raise Stopped


def asked() -> bool:
    """Whether the process was asked to stop."""
    return _Request.asked


def _hear(number: int, frame: FrameType | None) -> None:
    _Request.asked = True
    if _Request.listening and not _Request.deferred:
        raise Stopped
