"""Freed memory that is kept for what is asked for next, instead of going back to the system.

Work that makes and drops arrays of some megabytes otherwise spends a good part of its time in the system,
which clears every page that it hands out again. Knows nothing of the work.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Of glibc's malloc.h: how much may lie free at the heap's end, and what is so large that it is mapped apart.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST = 32 << 20
"""The greatest threshold of mapping that glibc takes, and where it ends by itself."""
_lock = threading.Lock()
_users = 0


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keep freed memory until the end, then give it back; without glibc nothing is done.

    It holds for the whole process, so that work in other threads keeps its memory as well.
    """
    global _users
    libc = _glibc()
    if libc is None:
        yield
        return
    with _lock:
        _users += 1
        libc.mallopt(_MMAP_THRESHOLD, _LARGEST)
        libc.mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                libc.mallopt(_TRIM_THRESHOLD, 2 * _LARGEST)
                libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL(None)
        return libc if libc.gnu_get_libc_version and libc.mallopt and libc.malloc_trim else None
    except (OSError, AttributeError, TypeError):
        return None
