"""Compressed files: read by what their first bytes say, written by how their name ends.

Knows nothing of what is inside. gzip, bzip2 and xz, all from the standard library.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from lmcompare.errors import InputError

_MARKS = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ\x00": lzma.decompress}


def read_unpacked(path: Path) -> bytes:
    """The bytes of a file, unpacked where they are packed.

    Errors: `InputError` where the file cannot be read, is damaged or was cut off.
    """
    try:
        content = path.read_bytes()
        unpack = next((unpack for mark, unpack in _MARKS.items() if content.startswith(mark)), bytes)
        return unpack(content)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"the file cannot be read: {reason}", where=str(path)) from None


def packing(file: BinaryIO, suffix: str) -> BinaryIO | None:
    """A file that packs what it is given into `file`, for ".gz", ".bz2" and ".xz"; `None` for other names.

    No name and no time is stored: the same content gives the same bytes. Closing it leaves `file` open.
    """
    if suffix == ".gz":
        return cast(BinaryIO, gzip.GzipFile("", "wb", 6, file, mtime=0))
    if suffix == ".bz2":
        return cast(BinaryIO, bz2.BZ2File(file, "wb"))
    return cast(BinaryIO, lzma.LZMAFile(file, "wb")) if suffix == ".xz" else None
