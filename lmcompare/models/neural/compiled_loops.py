"""The compiled loops: a few rows times a matrix, and all blocks of a transformer for one token of each row.

Knows flat arrays only. Imported when a model is first asked to write text this way; each loop is compiled
at its first call and kept on disk.
"""

# ruff: noqa: D103

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

GELU, GELU_TANH, RELU2, SWIGLU = range(4)


@njit(cache=True, nogil=True, fastmath=True)
def few_rows(x: Any, values: Any, scale: Any, out: Any) -> None:
    # out[i, j] is row i of x times row j of values, times scale[j]. Each row of the matrix, float32 or int8,
    # is read from memory once for all rows of x, and turned into floats once for each four of them.
    fours = len(x) - len(x) % 4
    for row in range(len(values)):
        for place in range(0, fours, 4):
            a, b, c, d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for column in range(x.shape[1]):
                value = np.float32(values[row, column])
                a += x[place, column] * value
                b += x[place + 1, column] * value
                c += x[place + 2, column] * value
                d += x[place + 3, column] * value
            out[place, row], out[place + 1, row] = a * scale[row], b * scale[row]
            out[place + 2, row], out[place + 3, row] = c * scale[row], d * scale[row]
        for place in range(fours, len(x)):
            total = np.float32(0)
            for column in range(x.shape[1]):
                total += x[place, column] * np.float32(values[row, column])
            out[place, row] = total * scale[row]


@njit(cache=True, nogil=True, fastmath=True)
def linear(x: Any, values: Any, scale: Any, bias: Any) -> Any:
    out = np.empty((len(x), len(values)), dtype=np.float32)
    few_rows(x, values, scale, out)
    return out + bias


@njit(cache=True, nogil=True, fastmath=True)
def norm(x: Any, gain: Any, bias: Any, rms: bool, epsilon: float) -> Any:
    # `x` has any two dimensions and is normalised along the last.
    out = np.empty_like(x)
    for row in range(len(x)):
        middle = np.float32(0) if rms else x[row].sum() / np.float32(x.shape[1])
        square = np.float32(0)
        for column in range(x.shape[1]):
            square += (x[row, column] - middle) ** 2
        scale = np.float32(1 / math.sqrt(square / x.shape[1] + epsilon))
        for column in range(x.shape[1]):
            out[row, column] = (x[row, column] - middle) * scale * gain[column] + bias[column]
    return out


@njit(cache=True, nogil=True, fastmath=True)
def activate(x: Any, activation: int) -> Any:
    if activation == SWIGLU:
        half = x.shape[1] // 2
        gate = x[:, :half]
        return gate / (np.float32(1) + np.exp(-gate)) * x[:, half:]
    out = np.empty_like(x)
    for row in range(len(x)):
        for column in range(x.shape[1]):
            v = x[row, column]
            if activation == RELU2:
                out[row, column] = max(v, np.float32(0)) ** 2
            elif activation == GELU:
                out[row, column] = 0.5 * v * (1 + math.erf(v * math.sqrt(0.5)))
            else:
                out[row, column] = 0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3)))
    return out


@njit(cache=True, nogil=True, fastmath=True)
def rotate(x: Any, cos: Any, sin: Any) -> None:
    # Every head of one row, [heads, head], in place.
    half = len(cos)
    for number in range(len(x)):
        for i in range(half):
            a, b = x[number, i], x[number, i + half]
            x[number, i] = a * cos[i] - b * sin[i]
            x[number, i + half] = b * cos[i] + a * sin[i]


@njit(cache=True, nogil=True, fastmath=True)
def attend(q: Any, keys: Any, values: Any, first: int, end: int, slopes: Any, out: Any) -> None:
    # One row: queries [heads, head], keys and values [key heads, room, head], of which first to end are seen.
    group = len(q) // len(keys)
    size = np.float32(q.shape[1] ** -0.5)
    weights = np.empty(end - first, dtype=np.float32)
    for number in range(len(q)):
        key, value = keys[number // group], values[number // group]
        highest = np.float32(-np.inf)
        for place in range(first, end):
            similarity = np.float32(0)
            for i in range(q.shape[1]):
                similarity += q[number, i] * key[place, i]
            similarity = similarity * size - slopes[number] * np.float32(end - 1 - place)
            weights[place - first] = similarity
            highest = max(highest, similarity)
        total = np.float32(0)
        for place in range(end - first):
            weights[place] = math.exp(weights[place] - highest)
            total += weights[place]
        for i in range(q.shape[1]):
            out[number, i] = 0
        for place in range(first, end):
            weight = weights[place - first] / total
            for i in range(q.shape[1]):
                out[number, i] += weight * value[place, i]


@njit(cache=True, nogil=True, fastmath=True)
def blocks(
    x: Any,
    maps: Any,
    norms: Any,
    head_norms: Any,
    keys: Any,
    values: Any,
    lengths: Any,
    turn: Any,
    slopes: Any,
    reach: int,
    choices: Any,
    epsilon: float,
) -> Any:
    # All blocks for one token of each row of x, [rows, width]; its keys and values are written to the cache.
    qkv, qkv_scale, qkv_bias, out, out_scale, out_bias = maps[:6]
    up, up_scale, up_bias, down, down_scale, down_bias = maps[6:]
    rms, pre, rotary, normed_heads, activation = choices
    rows, heads, key_heads, head = len(x), len(slopes), keys.shape[2], keys.shape[4]
    gathered = np.empty((rows, heads, head), dtype=np.float32)
    for layer in range(len(qkv)):
        looked_at = norm(x, norms[0][layer], norms[1][layer], rms, epsilon) if pre else x
        parts = linear(looked_at, qkv[layer], qkv_scale[layer], qkv_bias[layer])
        for row in range(rows):
            place = lengths[row]
            both = parts[row].reshape((-1, head))[: heads + key_heads]
            if normed_heads:
                zeros = np.zeros(head, dtype=np.float32)
                both[:heads] = norm(both[:heads], head_norms[0][layer], zeros, True, epsilon)
                both[heads:] = norm(both[heads:], head_norms[1][layer], zeros, True, epsilon)
            if rotary:
                rotate(both, turn[row, 0], turn[row, 1])
            keys[layer, row, :, place] = both[heads:]
            values[layer, row, :, place] = parts[row].reshape((-1, head))[heads + key_heads :]
            first = max(0, place + 1 - reach)
            attend(
                both[:heads], keys[layer, row], values[layer, row], first, place + 1, slopes, gathered[row]
            )
        flat = gathered.reshape((rows, heads * head))
        x = x + linear(flat, out[layer], out_scale[layer], out_bias[layer])
        if not pre:
            x = norm(x, norms[0][layer], norms[1][layer], rms, epsilon)
        entering = norm(x, norms[2][layer], norms[3][layer], rms, epsilon) if pre else x
        middle = activate(linear(entering, up[layer], up_scale[layer], up_bias[layer]), activation)
        x = x + linear(middle, down[layer], down_scale[layer], down_bias[layer])
        if not pre:
            x = norm(x, norms[2][layer], norms[3][layer], rms, epsilon)
    return x
