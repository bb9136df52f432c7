"""The compiled loop that spells the n-grams of an ARPA file, as bytes in a buffer.

Knows flat arrays only (see `tables.BackoffTables`) and how each id is spelled. Numbers have nine digits:
enough for any float32 to be read back as it was.
"""

# ruff: noqa: D103

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

_LN10 = math.log(10)
_POWERS = 10.0 ** np.arange(64)
_TAB, _NEWLINE, _SPACE, _MINUS, _PLUS, _POINT, _ZERO, _E = (np.uint8(ord(sign)) for sign in "\t\n -+.0e")
_TRIPLES = np.array([[ord(sign) for sign in f"{number:03d}"] for number in range(1000)], dtype=np.uint8)
MOST = 18
"""Bytes that a number takes at most, and the tab or line end after it."""


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
    out: Any,
) -> int:
    # The lines of nodes `first` to `last - 1`, all of one order, written to `out`; returns how many bytes.
    # Id i is spelled letters[bounds[i]:bounds[i + 1]]. `hidden` is left out; `bos` has log10 p -99.
    chain = np.zeros(order + 1, dtype=np.int64)  # the node and its beginnings, down to the root
    chain[order] = first
    for n in range(order - 1, 0, -1):
        chain[n] = np.searchsorted(starts, chain[n + 1], side="right") - 1
    place, digits = 0, np.empty(9, dtype=np.uint8)
    for node in range(first, last):
        chain[order] = node
        for n in range(order - 1, 0, -1):  # nodes stand in the order of their beginnings, so these only rise
            if starts[chain[n] + 1] > chain[n + 1]:
                break
            while starts[chain[n] + 1] <= chain[n + 1]:
                chain[n] += 1
        if node == hidden:
            continue
        place = number(-99.0 if node == bos else np.float64(logprobs[node]) / _LN10, out, place, digits)
        out[place] = _TAB
        for n in range(1, order + 1):
            word = words[chain[n]]
            for letter in range(bounds[word], bounds[word + 1]):
                place += 1
                out[place] = letters[letter]
            place += 1
            out[place] = _SPACE
        if weighted:
            out[place] = _TAB
            place = number(np.float64(backoffs[node]) / _LN10, out, place + 1, digits)
        out[place] = _NEWLINE
        place += 1
    return place


@njit(cache=True, nogil=True)
def number(value: float, out: Any, place: int, digits: Any) -> int:
    # Writes a number as C's %.9g does, and returns the place after it. `digits`: room for nine.
    if value < 0:
        out[place] = _MINUS
        place += 1
        value = -value
    if value == 0 or value == np.inf:
        for sign in b"0" if value == 0 else b"inf":
            out[place] = sign
            place += 1
        return place
    exponent = int(math.floor(math.log10(value)))  # of the first digit; the logarithm may be a little off
    figures = nine(value, exponent)
    if figures < 100_000_000 or figures >= 1_000_000_000:
        exponent += 1 if figures >= 1_000_000_000 else -1
        figures = nine(value, exponent)
    for third in range(3):
        three = figures % 1000
        figures //= 1000
        for digit in range(3):
            digits[6 - 3 * third + digit] = _TRIPLES[three, digit]
    length = 9
    while digits[length - 1] == _ZERO:
        length -= 1
    scientific = exponent < -4 or exponent >= 9
    before = 1 if scientific else exponent + 1  # digits before the point
    if before <= 0:
        out[place], out[place + 1] = _ZERO, _POINT
        for _ in range(-before):
            out[place + 2] = _ZERO
            place += 1
        place += 2
    for digit in range(length):
        if digit == before and digit > 0:
            out[place + digit] = _POINT
            place += 1
        out[place + digit] = digits[digit]
    for digit in range(length, before):
        out[place + digit] = _ZERO
    place += max(length, before)
    if scientific:
        out[place], out[place + 1] = _E, _PLUS if exponent > 0 else _MINUS
        out[place + 2], out[place + 3] = _ZERO + abs(exponent) // 10, _ZERO + abs(exponent) % 10
        place += 4
    return place


@njit(cache=True, nogil=True)
def nine(value: float, exponent: int) -> Any:
    # Nine digits of a value whose first digit has this exponent.
    scaled = value * _POWERS[8 - exponent] if exponent <= 8 else value / _POWERS[exponent - 8]
    return np.int64(scaled + 0.5)
