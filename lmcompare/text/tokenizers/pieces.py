r"""The pieces of a text between white space, many at a time, without a Python string for each.

Knows nothing of vocabularies. A piece is compared by its bytes, as two 64-bit numbers filled up with 0xFF,
which UTF-8 does not use; for one of more than sixteen bytes a dictionary knows a number in their place. So
equal numbers are equal pieces: a hash only says where to look first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lmcompare.text.tokenizers.lines import closed_bytes

Numbers = NDArray[np.int32]
Bits = NDArray[np.uint64]

BLOCK: Final = 1 << 19
"""Bytes that are cut at a time: what is made of them fits in a processor's cache, or nearly."""
_IN, _BLANK, _END = 0, 1, 2
_KIND: Final = bytes(
    _END if byte == 0x0A else _BLANK if chr(byte).isspace() and byte < 0x80 else _IN for byte in range(256)
)
_WIDE: Final = np.array(  # white space beyond ASCII, as three bytes: what is shorter ends in any byte
    [int.from_bytes(blank.encode()) for blank in "\u1680\u2028\u2029\u202f\u205f\u3000"]
    + [int.from_bytes(chr(blank).encode()) for blank in range(0x2000, 0x200B)]
)
_FILLS: Final = np.array([2**64 - 2 ** (8 * used) for used in range(9)], dtype=np.uint64)
_LONG: Final = np.uint64(2**64 - 2)  # 0xFE stands in no text either
_MIX: Final = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], dtype=np.uint64)


def blocks(sentences: Iterable[str]) -> Iterator[bytes]:
    """The sentences, each closed by a line end, joined to texts of `BLOCK` bytes or some more, in UTF-8.

    Errors: `InputError` for a sentence that holds a line end or half a character.
    """
    held, size = list[str](), 0
    for sentence in sentences:
        held.append(sentence)
        size += len(sentence) + 1
        if size >= BLOCK:
            yield closed_bytes(held)
            held, size = [], 0
    yield closed_bytes(held)


def cut(data: bytes) -> tuple[Numbers, list[str]]:
    r"""Cut a text in UTF-8 at white space, as `str.split` does; a line end is a piece of its own.

    Returns:
        a number for each piece `[n]`, and what each number stands for ("\n" for a line end), in the order of
        first occurrence.
    """
    starts, ends = _edges(data)
    first = _first_equals(*_keys(data, starts, ends - starts))
    new = first == np.arange(len(first))
    numbers = (np.cumsum(new, dtype=np.int32) - np.int32(1)).take(first)
    found = [data[start:end] for start, end in zip(starts[new].tolist(), ends[new].tolist(), strict=True)]
    return numbers, b" ".join(found).decode().split(" ") if found else []


def _edges(data: bytes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each piece starts, and where it ends."""
    kind = np.frombuffer(bytearray(data.translate(_KIND)), dtype=np.uint8)
    if not data.isascii():
        _mark_wide(np.frombuffer(data, dtype=np.uint8), kind)
    inside = np.zeros(len(kind) + 2, dtype=bool)
    np.equal(kind, _IN, out=inside[1:-1])
    line = kind == _END
    starts = np.flatnonzero((inside[1:-1] > inside[:-2]) | line)
    ends = np.flatnonzero((inside[1:-1] > inside[2:]) | line)
    return starts, ends + 1


def _mark_wide(data: NDArray[np.uint8], kind: NDArray[np.uint8]) -> None:
    """Mark the bytes of white space beyond ASCII as blank."""
    leads = np.flatnonzero(data >= 0xC2)
    first, second, third = (data.take(leads + k, mode="clip").astype(np.int64) for k in range(3))
    two = leads[(first == 0xC2) & ((second == 0x85) | (second == 0xA0))]
    three = leads[np.isin(first << 16 | second << 8 | third, _WIDE)]
    for place in (two, two + 1, three, three + 1, three + 2):
        kind[place] = _BLANK


def _keys(data: bytes, starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> tuple[Bits, Bits]:
    """Two numbers for each piece, both equal where the pieces are."""
    padded = data + bytes(16)
    eight = np.ndarray((len(data) + 8,), dtype="<u8", buffer=padded, strides=(1,))  # from each byte on
    low = eight[starts] | _FILLS.take(lengths, mode="clip")
    high = np.full(len(starts), _FILLS[0])
    long = np.flatnonzero(lengths > 8)
    high[long] = eight[starts[long] + 8] | _FILLS.take(lengths[long] - 8, mode="clip")
    longer = long[lengths[long] > 16]
    known: dict[bytes, int] = {}
    for place, start, length in zip(
        longer.tolist(), starts[longer].tolist(), lengths[longer].tolist(), strict=True
    ):
        low[place] = known.setdefault(data[start : start + length], len(known))
    high[longer] = _LONG
    return low, high


def _first_equals(low: Bits, high: Bits) -> NDArray[np.intp]:
    """For each piece, the first with equal keys."""
    first, pending = np.arange(len(low)), np.arange(len(low))
    bits = min(max(len(low).bit_length() + 1, 8), 20)
    table, mix = np.zeros(1 << bits, dtype=np.int32), _MIX
    one, two = low, high
    while len(pending):
        # Of those that want one slot the first gets it. Others that are not its equals try another slot.
        hashes = one * mix[0]
        hashes ^= two * mix[1]
        hashes >>= np.uint64(64 - bits)
        slots = hashes.view(np.int64)
        table[slots[::-1]] = pending[::-1]
        found = table.take(slots)
        equal = (low.take(found) == one) & (high.take(found) == two)
        first[pending] = np.where(equal, found, pending)
        other = np.flatnonzero(~equal)
        pending, one, two, mix = pending[other], one[other], two[other], mix * mix
    return first
