"""Compressed files: read by what their first bytes say, written by how their name ends.

Knows nothing of what is inside. gzip, bzip2 and xz, all from the standard library.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from lmcompare.errors import InputError
from lmcompare.files import explain_os_errors

PACKED = (".gz", ".bz2", ".xz")
_OTHERS = (".zst", ".zip", ".z", ".7z", ".lz4", ".lzma", ".br", ".tgz", ".tar")
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


def refuse_other_packing(path: Path) -> None:
    """Raise `InputError` for a name that promises a packing that is not written here."""
    if path.suffix.lower() in _OTHERS:
        remedy = f"End the name in {', '.join(PACKED)}, or in none of these"
        raise InputError(f"files of type {path.suffix} are not written", where=str(path), remedy=remedy)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A new file, packed if its name ends in ".gz", ".bz2" or ".xz", that is there whole or not at all."""
    refuse_other_packing(path)
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with contextlib.ExitStack() as stack:
                file: BinaryIO = stack.enter_context(os.fdopen(handle, "wb"))
                packed = packing(file, path.suffix.lower())
                yield stack.enter_context(packed) if packed else file
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def packing(file: BinaryIO, suffix: str) -> BinaryIO | None:
    """A file that packs what it is given into `file`, for ".gz", ".bz2" and ".xz"; `None` for other names.

    No name and no time is stored: the same content gives the same bytes. Closing it leaves `file` open.
    """
    if suffix == ".gz":
        return cast(BinaryIO, gzip.GzipFile("", "wb", 6, file, mtime=0))
    if suffix == ".bz2":
        return cast(BinaryIO, bz2.BZ2File(file, "wb"))
    return cast(BinaryIO, lzma.LZMAFile(file, "wb")) if suffix == ".xz" else None
