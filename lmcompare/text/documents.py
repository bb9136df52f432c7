"""Lines to documents, and documents to splits.

Knows nothing of files: it is given lines and a name for them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from lmcompare.errors import InputError
from lmcompare.text.corpus import SPLITS, Document
from lmcompare.text.options import BLOCKS, TextOptions

SHARES: Final = (80.0, 10.0, 10.0)


def make_documents(name: str, lines: Sequence[str], options: TextOptions, mode: str) -> list[Document]:
    """Documents of one file's lines; those without any sentence are left out.

    Args:
        name: of the file; a document is called `name` or `name:line` (its first line, from 1).
        lines: without line ends.
        options: `wrap` and `keep_blank` are read.
        mode: see `TextOptions.documents`.
    """
    if options.wrap:
        lines = [part for line in lines for part in wrap(line, options.wrap)]
    documents = []
    for start, end in _bounds(lines, mode, bool(options.keep_blank)):
        sentences = tuple(lines[start:end])
        if not options.keep_blank:
            sentences = tuple(sentence for sentence in sentences if sentence.strip())
        if sentences:
            documents.append(Document(name if mode == "file" else f"{name}:{start + 1}", sentences))
    return documents


def wrap(line: str, width: int) -> Iterator[str]:
    """Cut a long line at spaces: each cut replaces one space by the line end, so no character is lost.

    Each part is as long as it can be up to `width` characters; a word longer than that stays whole.
    """
    start = 0
    while len(line) - start > width:
        space = line.rfind(" ", start + 1, start + width + 1)
        if space < 0:
            space = line.find(" ", start + width)
        if space < 0:
            break
        yield line[start:space]
        start = space + 1
    yield line[start:]


def default_mode(lines: int) -> str:
    """Blocks of at most 50 lines, and smaller ones where that would leave fewer than 100 documents."""
    return f"lines:{min(50, max(1, lines // 100))}"


def _bounds(lines: Sequence[str], mode: str, keep_blank: bool) -> list[tuple[int, int]]:
    """First line and line after the last of each document, in order; together they are all lines."""
    blocks = BLOCKS.fullmatch(mode)
    if mode == "file":
        starts = [0]
    elif mode == "line":
        starts = list(range(len(lines)))
    elif mode == "blank-line":
        blank = [not line.strip() for line in lines]
        starts = [i for i in range(len(lines)) if not blank[i] and (i == 0 or blank[i - 1])]
    elif blocks:
        counted = [i for i, line in enumerate(lines) if keep_blank or line.strip()]
        starts = counted[:: int(blocks[1])]
    else:
        starts = _matches(lines, mode)
    if not starts or starts[0] != 0:
        # What stands before the first opening is a document, but blank lines alone belong to the next.
        leading = any(line.strip() for line in lines[: starts[0] if starts else None])
        starts = [0, *(starts if leading else starts[1:])]
    return list(zip(starts, [*starts[1:], len(lines)], strict=True))


def _matches(lines: Sequence[str], pattern: str) -> list[int]:
    ends = np.cumsum([len(line) + 1 for line in lines])
    places = [match.start() for match in re.finditer(pattern, "\n".join(lines), re.MULTILINE)]
    return sorted(set(np.searchsorted(ends, places, side="right").tolist()))


def split_by_hash(
    documents: Sequence[Document], options: TextOptions, *, by_name: bool, prefix: str = ""
) -> dict[str, list[Document]]:
    """Each document goes where its hash says, so it stays there whatever else is added or removed.

    By content, equal documents land in the same split and cannot leak; by name, a document stays in
    its split when its text is edited. Where that leaves a split empty (few documents), the documents in
    the order of their hashes are cut at the shares instead.

    Args:
        documents: of the whole corpus.
        options: `shares` is read.
        by_name: hash the name; otherwise the sentences.
        prefix: stands before each name when it is hashed.

    Raises:
        InputError: fewer than three documents.
    """
    if len(documents) < 3:
        what = f"{len(documents)} document(s) cannot be split into train, valid and test"
        raise InputError(
            what, where="corpus.documents", remedy="Set `documents` to something smaller, such as lines:10"
        )
    limits = np.cumsum(options.shares or SHARES)
    limits = limits / limits[-1]
    places = np.array([_place(document, by_name, prefix) for document in documents])
    where = np.searchsorted(limits[:2], places, side="right")
    if len(set(where.tolist())) < 3:
        ranks = np.argsort(np.argsort(places, kind="stable"), kind="stable")
        first, second = np.round(limits[:2] * len(documents)).tolist()
        first = min(max(first, 1), len(documents) - 2)
        second = min(max(second, first + 1), len(documents) - 1)
        where = np.searchsorted([first, second], ranks, side="right")
    return {
        split: [document for document, index in zip(documents, where, strict=True) if index == number]
        for number, split in enumerate(SPLITS)
    }


def _place(document: Document, by_name: bool, prefix: str) -> float:
    text = prefix + document.name if by_name else "\n".join(document.sentences)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def split_stream(lines: Sequence[str], options: TextOptions) -> dict[str, list[str]]:
    """One stream cut in its order into train, valid and test, at the permitted places nearest to the shares.

    The shares are of UTF-8 bytes, line ends included.
    """
    if options.wrap:
        lines = [part for line in lines for part in wrap(line, options.wrap)]
    ends = np.cumsum([len(line.encode()) + 1 for line in lines])
    permitted = np.arange(1, len(lines))
    if options.stream_at == "blank-line":
        permitted = np.array([i for i in range(1, len(lines)) if not lines[i - 1].strip()], dtype=np.int64)
    if len(permitted) < 2:
        raise InputError("the text is too short to be split", where="corpus.split", remedy="Give more text")
    limits = np.cumsum(options.shares or SHARES)
    targets = limits[:2] / limits[2] * ends[-1]
    first, second = (int(np.argmin(np.abs(ends[permitted - 1] - target))) for target in targets)
    first = min(first, len(permitted) - 2)
    second = max(second, first + 1)
    cuts = [0, int(permitted[first]), int(permitted[second]), len(lines)]
    return {split: list(lines[cuts[n] : cuts[n + 1]]) for n, split in enumerate(SPLITS)}
