"""What a KenLM binary says of itself: how many n-grams of each order it has, and its words.

Knows nothing of how the n-grams are stored: only the kenlm package reads those. The file opens with a mark,
test values, the parameters and the counts, and closes with the words (unless it was built without them),
each ended by NUL: the layout of version 5, on all machines with little-endian numbers.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from lmcompare.errors import InputError

_MARK = b"mmap lm http://kheafield.com/code"
_PARAMETERS = struct.Struct("<88x B3x f I ?3x I")  # order, probing multiplier, type, has words, version
_UNKNOWN = b"<unk>"


def is_binary(path: Path) -> bool:
    """Whether a file is a KenLM binary."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MARK)) == _MARK
    except OSError:
        return False


def binary_counts(path: Path) -> list[int]:
    """The number of n-grams of each order; empty where the header does not hold them."""
    with path.open("rb") as file:
        return _header(file.read(_PARAMETERS.size + 8 * 255))[0]


def binary_words(path: Path) -> list[str]:
    """The words that a binary lists, but for `<s>`, `</s>` and `<unk>`.

    Errors: `InputError` where it lists none.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        counts, listed = _header(content[: _PARAMETERS.size + 8 * 255])
        end = len(content) - 1
        for passed in range(1, counts[0] + 1 if listed and counts else 1):  # from the last word back
            end = content.rfind(b"\0", 0, end)
            if end < 0:
                break
            # <unk> is the first; where the model had none, it is not in the count.
            if passed >= counts[0] - 1 and content[end - len(_UNKNOWN) : end] == _UNKNOWN:
                words = content[end + 1 : -1].split(b"\0")
                return [_decoded(word, path) for word in words if word not in (b"<s>", b"</s>")]
    raise InputError(
        "this KenLM binary does not end with its words: it was built without them, or cut off",
        where=str(path),
        remedy="Name a file with one word a line as its vocabulary",
    )


def _header(head: bytes) -> tuple[list[int], bool]:
    """Counts, and whether words are listed."""
    if len(head) < _PARAMETERS.size:
        return [], False
    order, _, _, listed, _ = _PARAMETERS.unpack_from(head)
    if len(head) < _PARAMETERS.size + 8 * order:
        return [], False
    return list(struct.unpack_from(f"<{order}Q", head, _PARAMETERS.size)), listed


def _decoded(word: bytes, path: Path) -> str:
    try:
        return word.decode()
    except UnicodeDecodeError:
        raise InputError(f"the word {word!r} is not UTF-8 text", where=str(path)) from None
