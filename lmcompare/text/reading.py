"""Files to lines of text: .txt and .jsonl, plain, .gz or .zst; strict UTF-8 with the place of each fault.

Knows nothing of documents, sentences or splits.
"""

from __future__ import annotations

import codecs
import io
import json
import zlib
from collections.abc import Iterator
from gzip import GzipFile
from pathlib import Path
from typing import Final

import zstandard

from lmcompare.errors import InputError

SUFFIXES: Final = tuple(kind + packing for kind in (".txt", ".jsonl") for packing in ("", ".gz", ".zst"))
RECORDS: Final = tuple(suffix for suffix in SUFFIXES if suffix.startswith(".jsonl"))
_SMALL: Final = 2**30  # bytes that any packed file may unpack to
_RATIO: Final = 200  # above that, a file that unpacks to so many times its size is no text
_CHUNK: Final = 1 << 20
_BITE: Final = 1 << 10  # a step of zstd may give 32,000 times as much


def read_lines(path: Path) -> list[str]:
    r"""The lines of a text file without their ends ("\n" or "\r\n").

    A byte order mark at the start is dropped; all else stays as it is. What follows the last line end
    is a line where it is not empty.

    Raises:
        InputError: the file is missing, empty, damaged, or not UTF-8 text (with line and byte offset).
    """
    return split_lines(decode(read_bytes(path), str(path)))


def read_blocks(path: Path, size: int) -> Iterator[bytes]:
    r"""The lines that `read_lines` gives, as UTF-8 in runs of about `size` bytes, each line closed by "\n".

    A line that was closed by "\r\n" still has its "\r".

    Raises:
        InputError: as `read_lines`.
    """
    data = read_bytes(path)
    decode(data, str(path))  # only to know that it is text
    start = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    while start < len(data):
        end = data.find(b"\n", start + size) + 1 or len(data)
        block = data[start:end]
        yield block if block.endswith(b"\n") else block + b"\n"
        start = end


def read_records(path: Path, field: str) -> list[list[str]]:
    """The lines of one text field of each record of a JSON-lines file; blank lines are passed over."""
    records = []
    for number, line in enumerate(read_lines(path), 1):
        if line.strip():
            records.append(split_lines(_field(line, field, f"{path}, line {number}")))
    return records


def _field(line: str, field: str, where: str) -> str:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", where=where) from None
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, thousands of brackets
        raise InputError(f"not JSON that can be read: {error}", where=where) from None
    if not isinstance(record, dict):
        raise InputError("not a JSON object", where=where)
    if not isinstance(record.get(field), str):
        texts = [key for key, value in record.items() if isinstance(value, str)]
        remedy = f"Set `field` to one of: {', '.join(texts)}" if texts else "Give a file with text in it"
        raise InputError(f"the record has no text in the field {field!r}", where=where, remedy=remedy)
    text = str(record[field])
    try:
        text.encode()
    except UnicodeEncodeError as error:
        what = f"character {error.start + 1:,} of {field!r} is half of a surrogate pair, not text"
        raise InputError(what, where=where, remedy="Write the JSON from well-formed Unicode") from None
    return text


def read_bytes(path: Path) -> bytes:
    """The bytes of a file, unpacked where its name ends in .gz or .zst; never empty."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError("there is no such file", where=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror or error}", where=str(path)) from None
    if path.suffix in (".gz", ".zst"):
        data = _unpacked(data, path)
    if not data:
        raise InputError("the file is empty", where=str(path), remedy="Give a file with text in it")
    return data


def _unpacked(data: bytes, path: Path) -> bytes:
    kind, blocks = ("gzip", _gzip_blocks) if path.suffix == ".gz" else ("Zstandard", _zstd_blocks)
    limit = max(_SMALL, _RATIO * len(data))
    parts, size = [], 0
    try:
        for block in blocks(data):
            parts.append(block)
            size += len(block)
            if size > limit:
                what = f"{len(data):,} bytes unpack to more than {limit:,}: this is no packed text"
                raise InputError(what, where=str(path))
    except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
        raise InputError(f"not a whole {kind} file: {error}", where=str(path)) from None
    return b"".join(parts)


def _gzip_blocks(data: bytes) -> Iterator[bytes]:
    with GzipFile(fileobj=io.BytesIO(data)) as file:
        while block := file.read(_CHUNK):
            yield block


def _zstd_blocks(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):  # one frame after the other
        engine = zstandard.ZstdDecompressor().decompressobj()
        while not engine.eof:
            if place >= len(data):
                raise EOFError("it ends too early")
            piece = data[place : place + _BITE]
            yield engine.decompress(piece)
            place += len(piece)
        place -= len(engine.unused_data)


def decode(data: bytes, where: str) -> str:
    """UTF-8 text of bytes; raises `InputError` with the line and byte offset of the first fault.

    A byte of value 0 is a fault too: it is found in UTF-16 and in files of other kinds, and not in text.
    """
    mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    try:
        text = data[mark:].decode() if mark else data.decode()
        start, what = data.find(0), "is no character of a text"
    except UnicodeDecodeError as error:
        start, what, text = error.start + mark, "is not UTF-8", ""
    if start >= 0:
        place = f"{where}, line {data.count(10, 0, start) + 1:,}"
        fault = f"byte {start:,} (0x{data[start]:02X}) {what}"
        raise InputError(fault, where=place, remedy="Save the text as UTF-8")
    return text


def split_lines(text: str) -> list[str]:
    r"""Lines without "\n" or "\r\n"; no other character ends a line."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines] if "\r" in text else lines
