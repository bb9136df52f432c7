"""The compiled loop that spells the n-grams of an ARPA file, as bytes in a buffer.

Knows flat arrays only (see `tables.BackoffTables`) and how each id is spelled. Numbers have nine digits:
enough for any float32 to be read back as it was. Bytes are written eight at a time: what is too much is
written over by what follows.
"""

# ruff: noqa: D103

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

_LN10 = math.log(10)
_POWERS = 10.0 ** np.arange(64)
_TAB, _NEWLINE, _MINUS, _PLUS, _POINT, _ZERO, _E = (np.uint8(ord(sign)) for sign in "\t\n-+.0e")
# The digits of 0 to 9999 as four bytes, the first in the lowest.
_FOURS = sum((48 + np.arange(10_000, dtype=np.uint64) // 10**k % 10) << (24 - 8 * k) for k in range(4))
# Places are unsigned, which spares each the question if it is negative; so is what is added to them.
_0, _1, _2, _8, _9, _10, _32 = (np.uint64(number) for number in (0, 1, 2, 8, 9, 10, 32))
_TEN_THOUSAND, _HUNDRED_MILLION = np.uint64(10**4), np.uint64(10**8)
MOST = 18
"""Bytes that a number takes at most, and the tab or line end after it."""
OVER = 8
"""Bytes that may be written beyond the last."""


@njit(cache=True, nogil=True)
def spell(
    first: int,
    last: int,
    order: int,
    weighted: bool,
    hidden: int,
    bos: int,
    words: Any,
    logprobs: Any,
    backoffs: Any,
    starts: Any,
    letters: Any,
    bounds: Any,
    lengths: Any,
    out: Any,
) -> Any:
    # The lines of nodes `first` to `last - 1`, all of one order, written to `out`; returns how many bytes.
    # Id i is spelled by the first `lengths[i]` bytes of letters[bounds[i]:bounds[i + 1]], of which the last
    # is a space. `hidden` is left out; `bos` has log10 p -99.
    chain = np.zeros(order + 1, dtype=np.int64)  # the node and its beginnings, down to the root
    chain[order] = first
    for n in range(order - 1, 0, -1):
        chain[n] = np.searchsorted(starts, chain[n + 1], side="right") - 1
    place = _0
    for node in range(first, last):
        chain[order] = node
        for n in range(order - 1, 0, -1):  # nodes stand in the order of their beginnings, so these only rise
            if starts[chain[n] + 1] > chain[n + 1]:
                break
            while starts[chain[n] + 1] <= chain[n + 1]:
                chain[n] += 1
        if node == hidden:
            continue
        place = number(-99.0 if node == bos else np.float64(logprobs[node]) / _LN10, out, place)
        out[place] = _TAB
        place += _1
        for n in range(1, order + 1):
            word = words[chain[n]]
            there = place
            for eight in range(bounds[word], bounds[word + 1]):
                put(letters[eight], out, there)
                there += _8
            place += lengths[word]
        place -= _1  # the last space
        if weighted:
            out[place] = _TAB
            place = number(np.float64(backoffs[node]) / _LN10, out, place + _1)
        out[place] = _NEWLINE
        place += _1
    return place


@njit(cache=True, nogil=True)
def put(eight: Any, out: Any, place: Any) -> None:
    # Eight bytes, the lowest first, which are compiled to one store.
    for k in range(_8):
        out[place + k] = np.uint8(eight >> (_8 * k))


@njit(cache=True, nogil=True)
def number(value: float, out: Any, place: Any) -> Any:
    # Writes a number as C's %.9g does, and returns the place after it.
    if value < 0:
        out[place] = _MINUS
        place += _1
        value = -value
    if value == 0 or value == np.inf:
        for sign in b"0" if value == 0 else b"inf":
            out[place] = sign
            place += _1
        return place
    # The exponent of the first digit, which a logarithm may give a little off.
    exponent = 0 if 1 <= value < 10 else -1 if 0.1 <= value < 1 else int(math.floor(math.log10(value)))
    figures = nine(value, exponent)
    if figures < 100_000_000 or figures >= 1_000_000_000:
        exponent += 1 if figures >= 1_000_000_000 else -1
        figures = nine(value, exponent)
    digit, rest = np.uint64(figures) // _HUNDRED_MILLION, np.uint64(figures) % _HUNDRED_MILLION
    digits = _FOURS[rest // _TEN_THOUSAND] | _FOURS[rest % _TEN_THOUSAND] << _32
    scientific = exponent < -4 or exponent >= 9
    if exponent < 0 and not scientific:
        out[place], out[place + _1] = _ZERO, _POINT
        place += _2
        for _ in range(-1 - exponent):
            out[place] = _ZERO
            place += _1
        out[place] = _ZERO + digit
        put(digits, out, place + _1)
        place += _9
    else:
        out[place] = _ZERO + digit
        put(digits, out, place + _2)
        for _ in range(0 if scientific else exponent):  # digits that stand before the point
            out[place + _1] = out[place + _2]
            place += _1
        out[place + _1] = _POINT
        place += _10 - np.uint64(0 if scientific else exponent)
    while out[place - _1] == _ZERO:
        place -= _1
    if out[place - _1] == _POINT:
        place -= _1
    if scientific:
        power = np.uint64(abs(exponent))
        out[place], out[place + _1] = _E, _PLUS if exponent > 0 else _MINUS
        out[place + _2], out[place + _2 + _1] = _ZERO + power // _10, _ZERO + power % _10
        place += _2 + _2
    return place


@njit(cache=True, nogil=True)
def nine(value: float, exponent: int) -> Any:
    # Nine digits of a value whose first digit has this exponent.
    scaled = value * _POWERS[8 - exponent] if exponent <= 8 else value / _POWERS[exponent - 8]
    return np.int64(scaled + 0.5)
