"""Files to lines of text: .txt and .jsonl, plain, .gz or .zst; strict UTF-8 with the place of each fault.

Knows nothing of documents, sentences or splits.
"""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from pathlib import Path

import zstandard

from lmcompare.errors import InputError

SUFFIXES = tuple(kind + packing for kind in (".txt", ".jsonl") for packing in ("", ".gz", ".zst"))


def read_lines(path: Path) -> list[str]:
    r"""The lines of a text file without their ends ("\n" or "\r\n").

    A byte order mark at the start is dropped; all else stays as it is. What follows the last line end
    is a line where it is not empty.

    Raises:
        InputError: the file is missing, empty, damaged or not UTF-8 (with line and byte offset).
    """
    return split_lines(decode(read_bytes(path), str(path)))


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
    except RecursionError:
        raise InputError("JSON that is nested too deeply", where=where) from None
    if not isinstance(record, dict):
        raise InputError("not a JSON object", where=where)
    if not isinstance(record.get(field), str):
        texts = [key for key, value in record.items() if isinstance(value, str)]
        remedy = f"Set `field` to one of: {', '.join(texts)}" if texts else "Give a file with text in it"
        raise InputError(f"the record has no text in the field {field!r}", where=where, remedy=remedy)
    return str(record[field])


def read_bytes(path: Path) -> bytes:
    """The bytes of a file, unpacked where its name ends in .gz or .zst; never empty."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError("there is no such file", where=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror or error}", where=str(path)) from None
    if path.suffix == ".gz":
        data = _gunzip(data, path)
    elif path.suffix == ".zst":
        data = _unzstd(data, path)
    if not data:
        raise InputError("the file is empty", where=str(path), remedy="Give a file with text in it")
    return data


def _gunzip(data: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(data)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"not a whole gzip file: {error}", where=str(path)) from None


def _unzstd(data: bytes, path: Path) -> bytes:
    parts = []
    while data:
        engine = zstandard.ZstdDecompressor().decompressobj()
        try:
            parts.append(engine.decompress(data))
        except zstandard.ZstdError as error:
            raise InputError(f"not a whole Zstandard file: {error}", where=str(path)) from None
        if not engine.eof:
            raise InputError("not a whole Zstandard file: it ends too early", where=str(path))
        data = engine.unused_data
    return b"".join(parts)


def decode(data: bytes, where: str) -> str:
    """UTF-8 text of bytes; raises `InputError` with the line and byte offset of the first fault."""
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        start = error.start + (len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0)
        line = data.count(b"\n", 0, start) + 1
        what = f"byte {start:,} (0x{data[start]:02X}) is not UTF-8"
        remedy = "Save the text as UTF-8"
        raise InputError(what, where=f"{where}, line {line}", remedy=remedy) from None


def split_lines(text: str) -> list[str]:
    r"""Lines without "\n" or "\r\n"; no other character ends a line."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines] if "\r" in text else lines
